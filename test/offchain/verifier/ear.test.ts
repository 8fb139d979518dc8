import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import { expect } from "chai";
import * as fc from "fast-check";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { readFileSync } from "node:fs";
import { CompactSign } from "jose";
import { utf8 } from "../../../offchain/encoding/bytes.ts";
import type { Claims } from "../../../offchain/evidence/scheme.ts";
import { EAR_PROFILE, earOf, partsOf, policyId, type Ear } from "../../../offchain/verifier/ear.ts";
import { looksLikeToken, readEarKey, signEar, verifyEar, type EarKey } from "../../../offchain/verifier/ear-token.ts";
import { combinePolicies } from "../../../offchain/verifier/policy-layers.ts";
import { DEFAULT_POLICY, parsePolicy } from "../../../offchain/verifier/policy.ts";
import { verdictOf, type Failure } from "../../../offchain/verifier/result.ts";
import {
  tierOf,
  TRUSTWORTHINESS_CLAIMS,
  trustworthinessOf,
  type TrustworthinessVector,
} from "../../../offchain/verifier/trustworthiness.ts";
import { expectRefusal } from "../../support/expect-refusal.ts";
import { NOW as PKI_NOW } from "../../support/pki.ts";
import { sampleResults, type SampleResult } from "../../support/results.ts";

const VERIFIER = { developer: "test", build: "cloister 0" };
const NOW = Date.UTC(2027, 0, 15, 12);
const SECONDS = NOW / 1000;

const schemaOf = (name: string): ValidateFunction =>
  new Ajv2020({ strict: true, allowUnionTypes: true }).compile(
    JSON.parse(readFileSync(`docs/schemas/${name}.schema.json`, "utf8")) as object,
  );
const travelled = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

/** The values of a vector in the order of its names. */
const values = (vector: TrustworthinessVector): readonly number[] => TRUSTWORTHINESS_CLAIMS.map((name) => vector[name]);

let results: readonly SampleResult[] = [];
const resultOf = (name: string): SampleResult => results.find((sample) => sample.name === name)!;
const ear = ({ result, policy }: SampleResult, issuedAt = NOW): Ear =>
  earOf(result, { policy, verifier: VERIFIER, issuedAt });

before(async () => {
  if (results.length === 0) results = await sampleResults();
});

describe("the published schemas", () => {
  it("describe every real result, and its claims set", () => {
    const [result, claims] = [schemaOf("attestation-result"), schemaOf("ear")];
    for (const sample of results) {
      result(travelled(sample.result));
      expect([sample.name, result.errors]).to.deep.equal([sample.name, null]);
      claims(travelled(ear(sample)));
      expect([sample.name, claims.errors]).to.deep.equal([sample.name, null]);
    }
    expect(new Set(results.map((sample) => sample.result.verdict))).to.deep.equal(
      new Set(["affirming", "warning", "none", "contraindicated"]),
    );
  });

  it("refuse results that say more or less", () => {
    const validate = schemaOf("attestation-result");
    const { result } = resultOf("intel-tdx as it is");
    const good = travelled(result) as Record<string, unknown>;
    for (const change of [
      { verdict: "fine" },
      { verdict: "warning" },
      { claims: null },
      { checks: [] },
      { failures: [{ id: "a", code: "OTHER", detail: "", tier: "none" }] },
      { further: 1 },
      { simulated: undefined },
    ]) {
      expect([change, validate(travelled({ ...good, ...change }))]).to.deep.equal([change, false]);
    }
  });
});

describe("trustworthinessOf", () => {
  const CLAIMS: Claims = {
    platform: "intel-tdx",
    simulated: false,
    root: { name: "root", spkiSha256: "00".repeat(32) },
    measurements: {},
    workloadId: "",
    reportData: "",
    debug: false,
    tcb: { status: "UpToDate", advisoryIds: [], date: "", evaluationDataNumber: 1 },
    platformId: "00".repeat(32),
    evidenceHash: "",
    validUntil: 0,
    details: {},
  };
  const passed = ["debug", "workload"].map((id) => ({ id, outcome: "pass", detail: "", reference: "" }) as const);
  const failure = (id: string, tier: Failure["tier"], code: Failure["code"] = "POLICY"): Failure => ({
    id,
    tier,
    code,
    detail: "",
  });
  const of = (failures: readonly Failure[], claims: Claims | null = CLAIMS, checks = [...passed]): readonly number[] =>
    values(trustworthinessOf({ claims, checks, failures }));

  it("affirms what the evidence shows, and claims nothing else", () => {
    expect(of([])).to.deep.equal([2, 3, 3, 0, 2, 2, 0, 0]);
    expect(of([], CLAIMS, [])).to.deep.equal([2, 0, 0, 0, 2, 2, 0, 0]);
    const { platformId: _, ...masked } = CLAIMS;
    expect(of([], masked)).to.deep.equal([0, 3, 3, 0, 2, 2, 0, 0]);
    expect(of([], { ...CLAIMS, platform: "aws-nitro" })).to.deep.equal([2, 3, 3, 0, 2, 0, 0, 0]);
    expect(of([], { ...CLAIMS, platform: "nvidia-gpu" })[5]).to.equal(0);
    expect(of([], null)).to.deep.equal([0, 0, 0, 0, 0, 0, 0, 0]);
  });

  it("calls a configuration approved where the policy names it, and a device's code where it was compared", () => {
    const check = (id: string): (typeof passed)[number] =>
      ({ id, outcome: "pass", detail: "", reference: "" }) as never;
    expect(of([], CLAIMS, [...passed, check("claim-td-attributes")])[1]).to.equal(2);
    expect(of([], CLAIMS, [...passed, check("claim-mrtd")])[1]).to.equal(3);
    expect(of([], CLAIMS, [check("reference-measurements")])[2]).to.equal(3);
  });

  it("never gives simulated evidence a standard value that affirms", () => {
    expect(of([], { ...CLAIMS, simulated: true })).to.deep.equal([-2, -2, -2, 0, -2, -2, 0, 0]);
  });

  const same = undefined;
  /** Failures with the values that differ from what is affirmed: identity, configuration, executables, hardware, runtime. */
  const table: readonly (readonly [Failure, readonly (number | undefined)[]])[] = [
    [failure("trust-root", "contraindicated"), [same, same, same, 96]],
    [failure("accepted-root", "contraindicated"), [same, same, same, 97]],
    [failure("platform", "contraindicated"), [same, same, same, 97]],
    [failure("deny-list", "contraindicated"), [96]],
    [failure("deny-list", "none", "NOT_CHECKED"), [0]],
    [failure("evidence-age", "contraindicated", "EVIDENCE_STALE"), [97]],
    [failure("endorsement-age", "none", "ENDORSEMENT_EXPIRED"), [same, same, same, 0]],
    [failure("report-data", "contraindicated", "BINDING_MISMATCH"), [97]],
    [failure("possession", "contraindicated", "SIGNATURE_INVALID"), [97]],
    [failure("debug", "contraindicated"), [same, 96, same, same, 96]],
    [failure("debug", "warning"), [same, 32, same, same, 32]],
    [failure("td-attributes", "contraindicated"), [same, 96]],
    [failure("td-attributes", "warning"), [same, -33]],
    [failure("service-td", "contraindicated"), [same, 96]],
    [failure("service-td", "warning"), [same, 32]],
    [failure("migration-agent", "warning"), [same, 32]],
    [failure("trailing-bytes", "warning"), [same, -33]],
    [failure("gpu", "contraindicated"), [same, 96]],
    [failure("measured", "contraindicated"), [same, same, 96]],
    [failure("workload", "contraindicated"), [same, same, 96]],
    [failure("reference-measurements", "warning", "NOT_CHECKED"), [same, same, -33]],
    [failure("reference-measurements", "none", "NOT_CHECKED"), [same, same, 0]],
    [failure("claim-mrtd", "contraindicated"), [same, same, 96]],
    [failure("claim-driver-version", "contraindicated"), [same, same, 96]],
    [failure("claim-xfam", "contraindicated"), [same, 96]],
    [failure("claim-configid", "contraindicated"), [same, 96]],
    [failure("tcb-status", "contraindicated"), [same, same, same, 96]],
    [failure("tcb-status", "warning"), [same, same, same, 32]],
    [failure("tcb-evaluation", "contraindicated"), [same, same, same, 96]],
    [failure("minimum-tcb", "contraindicated"), [same, same, same, 96]],
    [failure("ark-crl", "warning", "NOT_CHECKED"), [same, same, same, -33]],
    [failure("tcb-info", "none", "ENDORSEMENT_UNAVAILABLE"), [same, same, same, 0]],
    [failure("quote-signature", "contraindicated", "SIGNATURE_INVALID"), [99, 99, 99, 99, 99]],
    [failure("pck-chain", "contraindicated", "CHAIN_UNTRUSTED"), [97, 99, 99, 97, 99]],
    [failure("pck-chain", "contraindicated", "CERTIFICATE_EXPIRED"), [99, 99, 99, 99, 99]],
    [failure("pck-revocation", "contraindicated", "CERTIFICATE_REVOKED"), [96, 99, 99, 96, 99]],
    [failure("evidence-format", "contraindicated", "EVIDENCE_MALFORMED"), [99, 99, 99, 99, 99]],
    [failure("tcb-level", "contraindicated", "EVIDENCE_UNSUPPORTED"), [1, 1, 1, 97, 1]],
  ];
  for (const [found, [identity, configuration, executables, hardware, runtime]] of table) {
    it(`values ${found.id}, ${found.code}, ${found.tier}`, () => {
      const [a, b, c, , d, e] = [2, 3, 3, 0, 2, 2];
      expect(of([found])).to.deep.equal([
        identity ?? a,
        configuration ?? b,
        executables ?? c,
        0,
        hardware ?? d,
        runtime ?? e,
        0,
        0,
      ]);
    });
  }

  it("keeps the worst of several, and a status about configuration for both aspects", () => {
    expect(of([failure("tcb-status", "warning"), failure("ark-crl", "warning", "NOT_CHECKED")])[4]).to.equal(32);
    expect(of([failure("ark-crl", "warning", "NOT_CHECKED"), failure("tcb-status", "warning")])[4]).to.equal(32);
    expect(of([failure("tcb-status", "warning"), failure("tcb-info", "none", "NOT_CHECKED")])[4]).to.equal(0);
    expect(of([failure("platform", "contraindicated"), failure("tcb-status", "contraindicated")])[4]).to.equal(97);
    const needed = { ...CLAIMS, tcb: { ...CLAIMS.tcb!, status: "ConfigurationNeeded" as const } };
    expect(of([failure("tcb-status", "warning")], needed)).to.deep.equal([2, 32, 3, 0, 32, 2, 0, 0]);
  });

  it("has values of no better tier than the verdict's", () => {
    const ids = ["trust-root", "debug", "workload", "report-data", "ark-crl", "claim-xfam", "tcb-status", "other"];
    const codes = ["POLICY", "NOT_CHECKED", "SIGNATURE_INVALID", "CHAIN_UNTRUSTED", "ENDORSEMENT_EXPIRED"] as const;
    const order = ["affirming", "warning", "none", "contraindicated"];
    const failures = fc.array(
      fc.record({
        id: fc.constantFrom(...ids),
        code: fc.constantFrom(...codes),
        tier: fc.constantFrom("warning", "none", "contraindicated"),
        detail: fc.constant(""),
      }),
    );
    fc.assert(
      fc.property(failures, (found) => {
        const tiers = of(found)
          .map(tierOf)
          .filter((tier) => tier !== "none");
        const verdict = order.indexOf(verdictOf(found, CLAIMS));
        for (const tier of tiers) expect(order.indexOf(tier)).to.be.at.most(verdict);
      }),
    );
  });

  const tiers: readonly (readonly [number, string])[] = [
    [-128, "contraindicated"],
    [-97, "contraindicated"],
    [-96, "warning"],
    [-33, "warning"],
    [-32, "affirming"],
    [-2, "affirming"],
    [-1, "none"],
    [0, "none"],
    [1, "none"],
    [2, "affirming"],
    [31, "affirming"],
    [32, "warning"],
    [95, "warning"],
    [96, "contraindicated"],
    [127, "contraindicated"],
  ];
  it("knows the tiers' bounds", () => {
    for (const [value, tier] of tiers) expect([value, tierOf(value)]).to.deep.equal([value, tier]);
  });
});

describe("earOf", () => {
  it("says of a simulated node what it affirms, by its own values", () => {
    const sample = resultOf("intel-tdx as it is");
    const made = ear(sample);
    expect(made).to.include({ eat_profile: EAR_PROFILE, iat: SECONDS, ear_status: "affirming" });
    expect(made.exp).to.equal(Math.floor(sample.result.claims!.validUntil / 1000));
    const appraisal = made.submods["intel-tdx"]!;
    expect(values(appraisal.ear_trustworthiness_vector)).to.deep.equal([-2, -2, 0, 0, -2, -2, 0, 0]);
    expect(appraisal.eat_nonce).to.equal(Buffer.alloc(64, 9).toString("base64url"));
    expect(appraisal.ear_verifier_claims).to.include({ simulated: true });
    expect(appraisal.ear_attester_claims)
      .to.include({ platform: "intel-tdx", debug: false })
      .and.not.have.property("tcb");
  });

  it("says nothing of the attester's claims where the evidence is not genuine", () => {
    const made = ear(resultOf("intel-tdx damaged"));
    expect(made).to.not.have.property("exp");
    expect(made.ear_status).to.equal("contraindicated");
    expect(made.submods["intel-tdx"]).to.not.have.property("ear_attester_claims");
    expect(Object.keys(ear(resultOf("intel-sgx cut")).submods)).to.deep.equal(["unknown"]);
  });

  it("appraises each device of a node by itself", () => {
    const [accepted, unjudged] = results.filter(({ name }) => name === "a node with a device");
    const made = ear(accepted!);
    expect(Object.keys(made.submods)).to.deep.equal(["intel-tdx", "gpu0"]);
    expect([made.ear_status, made.submods["intel-tdx"]?.ear_status, made.submods["gpu0"]?.ear_status]).to.deep.equal([
      "warning",
      "affirming",
      "warning",
    ]);
    expect(made.submods["gpu0"]?.ear_attester_claims).to.include({ platform: "nvidia-gpu" });
    expect(ear(unjudged!).submods["gpu0"]?.ear_status).to.equal("none");
    const ids = partsOf(accepted!.result).flatMap(({ checks }) => checks.map(({ id }) => id));
    expect(ids.filter((id) => id.includes("/"))).to.deep.equal([]);
    expect(ids).to.have.length(accepted!.result.checks.length);
  });

  it("names the policy of each layer by its hash", () => {
    expect(policyId(DEFAULT_POLICY)).to.equal(policyId(parsePolicy({})));
    expect(policyId(DEFAULT_POLICY)).to.match(/^ni:\/\/\/sha-256;[\w-]{43}$/);
    const [vendor, community] = [parsePolicy({}), parsePolicy({ allowDebug: true })];
    const policy = combinePolicies([
      { layer: "community", policy: community },
      { layer: "vendor", policy: vendor },
    ]);
    const { result } = resultOf("intel-tdx as it is");
    const made = earOf(result, { policy, verifier: VERIFIER, issuedAt: NOW });
    expect(made.submods["intel-tdx"]?.ear_appraisal_policy_ids).to.deep.equal([policyId(vendor), policyId(community)]);
  });

  it("echoes the relying party's nonce of 8 to 64 bytes", () => {
    const { result, policy } = resultOf("intel-tdx as it is");
    const echo = (length: number): Ear =>
      earOf(result, { policy, verifier: VERIFIER, issuedAt: NOW, nonce: new Uint8Array(length) });
    expect(echo(8).eat_nonce).to.equal("AAAAAAAAAAA");
    expect(echo(64).eat_nonce).to.have.length(86);
    for (const length of [7, 65]) expect(() => echo(length)).to.throw(RangeError);
  });
});

describe("EAR tokens", () => {
  const pem = (key: KeyObject): Uint8Array =>
    utf8(key.export({ type: key.type === "private" ? "pkcs8" : "spki", format: "pem" }).toString());
  const jwk = (key: KeyObject): Uint8Array => utf8(JSON.stringify(key.export({ format: "jwk" })));
  const pairs = {
    ES256: generateKeyPairSync("ec", { namedCurve: "P-256" }),
    ES384: generateKeyPairSync("ec", { namedCurve: "P-384" }),
  };
  const other = generateKeyPairSync("ec", { namedCurve: "P-256" });

  const signer = (algorithm: keyof typeof pairs = "ES256"): Promise<EarKey> =>
    readEarKey(pem(pairs[algorithm].privateKey), "sign");
  const verifier = (algorithm: keyof typeof pairs = "ES256"): Promise<EarKey> =>
    readEarKey(pem(pairs[algorithm].publicKey), "verify");
  const verify = async (token: string, changes: object = {}): Promise<Ear> =>
    verifyEar(utf8(token), { key: await verifier(), now: NOW, ...changes });
  /** A token with any payload and header. */
  const signed = async (payload: unknown, header: object = {}): Promise<string> => {
    const { key, algorithm } = await signer();
    const bytes = payload instanceof Uint8Array ? payload : utf8(JSON.stringify(payload));
    return new CompactSign(bytes).setProtectedHeader({ alg: algorithm, ...header }).sign(key);
  };

  for (const algorithm of ["ES256", "ES384"] as const) {
    for (const [form, write] of [
      ["PEM", pem],
      ["a JWK", jwk],
    ] as const) {
      it(`are signed with ${algorithm} and verified, keys in ${form}`, async () => {
        const [privateKey, publicKey] = [pairs[algorithm].privateKey, pairs[algorithm].publicKey].map(write);
        const key = await readEarKey(privateKey!, "sign");
        expect(key).to.include({ algorithm, use: "sign" });
        for (const sample of results) {
          const token = await signEar(ear(sample, PKI_NOW), key);
          expect(looksLikeToken(utf8(`${token}\n`))).to.equal(true);
          const read = await verifyEar(utf8(token), { key: await readEarKey(publicKey!, "verify"), now: PKI_NOW });
          expect(read).to.deep.equal(travelled(ear(sample, PKI_NOW)));
        }
      });
    }
  }

  it("say their algorithm and type in the header", async () => {
    const token = await signEar(ear(resultOf("intel-tdx as it is")), await signer("ES384"));
    const header: unknown = JSON.parse(Buffer.from(token.split(".")[0]!, "base64url").toString());
    expect(header).to.deep.equal({ alg: "ES384", typ: "eat+jwt" });
  });

  const keys: readonly (readonly [string, EarKey["use"], () => Uint8Array])[] = [
    ["nothing", "sign", () => utf8("")],
    ["a public key to sign with", "sign", () => pem(pairs.ES256.publicKey)],
    ["a public JWK to sign with", "sign", () => jwk(pairs.ES256.publicKey)],
    ["a private key to verify with", "verify", () => pem(pairs.ES256.privateKey)],
    ["a private JWK to verify with", "verify", () => jwk(pairs.ES384.privateKey)],
    ["a key on another curve", "sign", () => pem(generateKeyPairSync("ec", { namedCurve: "P-521" }).privateKey)],
    ["a key of Ed25519", "verify", () => pem(generateKeyPairSync("ed25519").publicKey)],
    ["an RSA key", "sign", () => pem(generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey)],
    ["a secret", "verify", () => utf8('{"kty":"oct","k":"c2VjcmV0"}')],
    ["JSON that is no key", "verify", () => utf8("{}")],
    ["broken JSON", "verify", () => utf8("{")],
  ];
  for (const [what, use, file] of keys) {
    it(`take no key from ${what}`, () => expectRefusal("CONFIG_INVALID", () => readEarKey(file(), use)));
  }

  describe("are refused", () => {
    const good = (): Record<string, unknown> =>
      travelled(ear(resultOf("intel-tdx as it is"))) as Record<string, unknown>;
    const appraisal = (): Record<string, unknown> =>
      (good()["submods"] as Record<string, Record<string, unknown>>)["intel-tdx"]!;
    const withAppraisal = (changes: object): unknown => ({ ...good(), submods: { a: { ...appraisal(), ...changes } } });
    const vector = (changes: object): unknown =>
      withAppraisal({
        ear_trustworthiness_vector: { ...(appraisal()["ear_trustworthiness_vector"] as object), ...changes },
      });

    const payloads: readonly (readonly [string, string, () => unknown])[] = [
      ["what is no JSON", "EVIDENCE_MALFORMED", () => utf8("{")],
      ["what is no object", "EVIDENCE_MALFORMED", () => []],
      ["another profile", "EVIDENCE_UNSUPPORTED", () => ({ ...good(), eat_profile: "tag:ietf.org,2026:rats/ear#03" })],
      ["no profile", "EVIDENCE_MALFORMED", () => ({ ...good(), eat_profile: undefined })],
      ["no time", "EVIDENCE_MALFORMED", () => ({ ...good(), iat: undefined })],
      ["a time with a fraction", "EVIDENCE_MALFORMED", () => ({ ...good(), iat: 1.5 })],
      ["a time to come", "EVIDENCE_STALE", () => ({ ...good(), iat: SECONDS + 1 })],
      ["an end that has come", "EVIDENCE_STALE", () => ({ ...good(), exp: SECONDS })],
      ["an end with a fraction", "EVIDENCE_MALFORMED", () => ({ ...good(), exp: SECONDS + 0.5 })],
      ["no verifier", "EVIDENCE_MALFORMED", () => ({ ...good(), ear_verifier_id: {} })],
      ["no attester", "EVIDENCE_MALFORMED", () => ({ ...good(), submods: {} })],
      ["an attester without a status", "EVIDENCE_MALFORMED", () => withAppraisal({ ear_status: undefined })],
      [
        "an attester without a vector",
        "EVIDENCE_MALFORMED",
        () => withAppraisal({ ear_trustworthiness_vector: undefined }),
      ],
      ["an unknown status", "EVIDENCE_MALFORMED", () => ({ ...good(), ear_status: "fine" })],
      ["a status better than a value", "EVIDENCE_MALFORMED", () => vector({ hardware: 32 })],
      ["a status better than a value of its own kind", "EVIDENCE_MALFORMED", () => vector({ configuration: -97 })],
      ["a status better than an attester's", "EVIDENCE_MALFORMED", () => withAppraisal({ ear_status: "warning" })],
      ["a value out of range", "EVIDENCE_MALFORMED", () => vector({ hardware: 128 })],
      ["a value that is no number", "EVIDENCE_MALFORMED", () => vector({ hardware: "2" })],
    ];
    for (const [what, code, payload] of payloads) {
      it(`with ${what}`, async () => expectRefusal(code as never, async () => verify(await signed(payload()))));
    }

    it("by another key, and with one changed character", async () => {
      const token = await signed(good());
      const key = await readEarKey(pem(other.publicKey), "verify");
      await expectRefusal("SIGNATURE_INVALID", () => verifyEar(utf8(token), { key, now: NOW }));
      const [header = "", payload = "", signature = ""] = token.split(".");
      const changed = `${payload.slice(0, 30)}${payload[30] === "A" ? "B" : "A"}${payload.slice(31)}`;
      await expectRefusal("SIGNATURE_INVALID", () => verify([header, changed, signature].join(".")));
    });

    it("with another algorithm than the key's, none at all, or a critical header", async () => {
      const none = `${Buffer.from('{"alg":"none"}').toString("base64url")}.${Buffer.from("{}").toString("base64url")}.`;
      await expectRefusal("EVIDENCE_UNSUPPORTED", () => verify(none));
      const token = await signEar(ear(resultOf("intel-tdx as it is")), await signer("ES384"));
      await expectRefusal("EVIDENCE_UNSUPPORTED", () => verify(token));
      const hmac = await new CompactSign(utf8("{}")).setProtectedHeader({ alg: "HS256" }).sign(new Uint8Array(32));
      await expectRefusal("EVIDENCE_UNSUPPORTED", () => verify(hmac));
      const [, payload = "", signature = ""] = (await signed(good())).split(".");
      const critical = Buffer.from('{"alg":"ES256","crit":["exp"],"exp":1}').toString("base64url");
      await expectRefusal("EVIDENCE_UNSUPPORTED", () => verify([critical, payload, signature].join(".")));
    });

    it("where they are none", async () => {
      for (const text of ["", "a", "a.b", "a.b.c", "a.b.c.d", "\u0000.\u0000.\u0000", "x".repeat((1 << 20) + 1)]) {
        await expectRefusal("EVIDENCE_MALFORMED", () => verify(text));
      }
    });

    it("in another spelling, even of what nobody signs", async () => {
      const token = await signed(good());
      expect(await verify(`${token}\n`)).to.deep.equal(good());
      const last = token.at(-1) ?? "";
      const spare = String.fromCharCode(last.charCodeAt(0) + 1);
      for (const text of [`${token.slice(0, -9)}\n${token.slice(-9)}`, `${token}==`, `${token.slice(0, -1)}${spare}`]) {
        await expectRefusal("EVIDENCE_MALFORMED", () => verify(text));
      }
    });

    it("with another nonce than expected, or none", async () => {
      const echoed = { ...good(), eat_nonce: "AAAAAAAAAAA" };
      expect(await verify(await signed(echoed), { expectedNonce: "AAAAAAAAAAA" })).to.deep.equal(echoed);
      await expectRefusal("BINDING_MISMATCH", async () =>
        verify(await signed(echoed), { expectedNonce: "BBBBBBBBBBB" }),
      );
      await expectRefusal("BINDING_MISMATCH", async () =>
        verify(await signed(good()), { expectedNonce: "AAAAAAAAAAA" }),
      );
    });

    it("never for a claim that is not known", async () => {
      const more = { ...good(), further: { anything: 1 } };
      expect(await verify(await signed(more))).to.deep.equal(more);
    });
  });
});
