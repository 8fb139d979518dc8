import { expect } from "chai";
import { createHash, generateKeyPairSync, sign, type KeyObject } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseManifest, runVector, summarise } from "../../../offchain/verifier/conformance.ts";
import { verifyDeviceTokens, type TokenOptions, type TokenResult } from "../../../offchain/verifier/verify-token.ts";
import { describeVectors, readVector, VECTORS } from "../../support/vectors.ts";

const NOW = Date.UTC(2026, 0, 15);
const SECONDS = NOW / 1000;
const NONCE = Buffer.alloc(32, 0xab);
const KID = "test-kid";
const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-384" });
const other = generateKeyPairSync("ec", { namedCurve: "P-384" });

const keySet = (...keys: readonly object[]): Buffer => Buffer.from(JSON.stringify({ keys }));
const jwk = (key: KeyObject = publicKey, changes: object = {}): object => ({
  ...key.export({ format: "jwk" }),
  kid: KID,
  ...changes,
});
const KEYS = keySet(jwk());

const HEADER = { kid: KID, alg: "ES384" };
const DEVICE = {
  iss: "https://nras.attestation.nvidia.com",
  eat_nonce: NONCE.toString("hex"),
  iat: SECONDS - 60,
  nbf: SECONDS - 60,
  exp: SECONDS + 3600,
  measres: "success",
  secboot: true,
  dbgstat: "disabled",
  "x-nvidia-gpu-attestation-report-signature-verified": true,
};

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");

function jwt(payload: object, header: object = HEADER, key: KeyObject = privateKey): Buffer {
  const signed = `${part(header)}.${part(payload)}`;
  const signature = sign("sha384", Buffer.from(signed), { key, dsaEncoding: "ieee-p1363" });
  return Buffer.from(`${signed}.${signature.toString("base64url")}`);
}

const digestOf = (token: Uint8Array): string => createHash("sha256").update(token).digest("hex");

const overall = (devices: Readonly<Record<string, Uint8Array>>, changes: object = {}): Buffer =>
  jwt({
    ...DEVICE,
    "x-nvidia-overall-att-result": true,
    submods: Object.fromEntries(
      Object.entries(devices).map(([name, token]) => [name, ["DIGEST", ["SHA-256", digestOf(token)]]]),
    ),
    ...changes,
  });

const options: TokenOptions = { keys: KEYS, now: NOW, expectedNonce: NONCE };
const verify = (token: Uint8Array, changes: Partial<TokenOptions> = {}): Promise<TokenResult> =>
  verifyDeviceTokens({ token }, { ...options, ...changes });

describe("tokens of NVIDIA's attestation service", () => {
  it("are verified with what they say", async () => {
    const { verdict, claims, failures } = await verify(jwt(DEVICE));
    expect(failures).to.deep.equal([]);
    expect(verdict).to.equal("affirming");
    expect(claims).to.deep.equal({
      kind: "device",
      issuer: DEVICE.iss,
      keyId: KID,
      nonce: DEVICE.eat_nonce,
      validUntil: NOW + 3_600_000,
      devices: {},
    });
  });

  it("name the token of each device by its digest", async () => {
    const devices = { "GPU-0": jwt(DEVICE), "GPU-1": jwt({ ...DEVICE, ueid: "1" }) };
    const token = overall(devices);
    const good = await verifyDeviceTokens({ token, devices }, options);
    expect(good.verdict).to.equal("affirming");
    expect(good.claims?.devices["GPU-1"]).to.equal(digestOf(devices["GPU-1"]));
    const swapped = { "GPU-0": devices["GPU-1"] };
    const bad = await verifyDeviceTokens({ token, devices: swapped }, options);
    expect(bad.failures.map(({ id, code }) => `${id} ${code}`)).to.deep.equal(["token-devices BINDING_MISMATCH"]);
    const nested = { "GPU-0": overall({}) };
    expect((await verifyDeviceTokens({ token: overall(nested), devices: nested }, options)).verdict).to.equal(
      "contraindicated",
    );
  });

  const refusals: readonly [string, string, () => Uint8Array][] = [
    ["of nothing", "EVIDENCE_MALFORMED", () => Buffer.alloc(0)],
    ["of two parts", "EVIDENCE_MALFORMED", () => Buffer.from("e30.e30")],
    ["with padding", "EVIDENCE_MALFORMED", () => Buffer.concat([jwt(DEVICE), Buffer.from("=")])],
    ["too long", "EVIDENCE_MALFORMED", () => Buffer.alloc(70_000, "a")],
    ["without an algorithm", "EVIDENCE_MALFORMED", () => jwt(DEVICE, { kid: KID })],
    ["of no algorithm", "EVIDENCE_UNSUPPORTED", () => jwt(DEVICE, { ...HEADER, alg: "none" })],
    ["of a symmetric algorithm", "EVIDENCE_UNSUPPORTED", () => jwt(DEVICE, { ...HEADER, alg: "HS384" })],
    ["with a key of their own", "EVIDENCE_UNSUPPORTED", () => jwt(DEVICE, { ...HEADER, jwk: jwk() })],
    ["with critical members", "EVIDENCE_UNSUPPORTED", () => jwt(DEVICE, { ...HEADER, crit: ["exp"] })],
    ["signed by another key", "SIGNATURE_INVALID", () => jwt(DEVICE, HEADER, other.privateKey)],
    ["of another issuer", "CHAIN_UNTRUSTED", () => jwt({ ...DEVICE, iss: "https://nras.attestation-stg.nvidia.com" })],
    ["without a nonce", "EVIDENCE_MALFORMED", () => jwt({ ...DEVICE, eat_nonce: undefined })],
    ["with another nonce", "BINDING_MISMATCH", () => jwt({ ...DEVICE, eat_nonce: "00" })],
    ["that have expired", "EVIDENCE_STALE", () => jwt({ ...DEVICE, exp: SECONDS })],
    ["of the future", "EVIDENCE_STALE", () => jwt({ ...DEVICE, nbf: SECONDS + 1 })],
    ["without an end", "EVIDENCE_MALFORMED", () => jwt({ ...DEVICE, exp: undefined })],
    ["of a device in debug mode", "BINDING_MISMATCH", () => jwt({ ...DEVICE, dbgstat: "enabled" })],
    ["of other measurements", "BINDING_MISMATCH", () => jwt({ ...DEVICE, measres: "comparison-fail" })],
    ["with a check that failed", "BINDING_MISMATCH", () => jwt({ ...DEVICE, "x-nvidia-gpu-arch-check": false })],
    ["of devices that are refused", "BINDING_MISMATCH", () => overall({}, { "x-nvidia-overall-att-result": false })],
    [
      "of a device without a digest",
      "EVIDENCE_MALFORMED",
      () => overall({}, { submods: { "GPU-0": ["DIGEST", ["MD5", ""]] } }),
    ],
  ];
  for (const [what, code, make] of refusals) {
    it(`are refused ${what}`, async () => {
      const { verdict, claims, failures } = await verify(make());
      expect(verdict).to.equal("contraindicated");
      expect(claims).to.equal(null);
      expect(failures[0]?.code).to.equal(code);
    });
  }

  const keyless: readonly [string, string, Uint8Array | undefined][] = [
    ["without a key set", "NOT_CHECKED", undefined],
    ["with a key set that lacks theirs", "NOT_CHECKED", keySet(jwk(other.publicKey, { kid: "another" }))],
    ["with a key on another curve", "NOT_CHECKED", keySet({ kty: "EC", crv: "P-256", kid: KID, x: "", y: "" })],
    ["with a key set that is no JSON", "ENDORSEMENT_INVALID", Buffer.from("keys")],
    ["with a key set of 64 KiB and more", "ENDORSEMENT_INVALID", Buffer.concat([KEYS, Buffer.alloc(1 << 16, 0x20)])],
    ["with a key id twice", "ENDORSEMENT_INVALID", keySet(jwk(), jwk(other.publicKey))],
    ["with a short key", "ENDORSEMENT_INVALID", keySet(jwk(publicKey, { x: "AAAA" }))],
    [
      "with a key off its curve",
      "ENDORSEMENT_INVALID",
      keySet(jwk(publicKey, { x: jwk(other.publicKey)["x" as never] })),
    ],
  ];
  for (const [what, code, keys] of keyless) {
    it(`are not judged ${what}`, async () => {
      const { keys: _, ...rest } = options;
      const result = await verifyDeviceTokens({ token: jwt(DEVICE) }, keys === undefined ? rest : { ...rest, keys });
      expect(result.verdict).to.equal("none");
      expect(result.claims).to.equal(null);
      expect(result.failures[0]?.code).to.equal(code);
    });
  }

  it("are refused at every length but the whole, and with any byte changed", async () => {
    const whole = jwt(DEVICE);
    for (let offset = 0; offset < whole.length; offset += 1) {
      expect((await verify(whole.subarray(0, offset))).verdict, `length ${offset}`).to.not.equal("affirming");
      const changed = Buffer.from(whole);
      changed[offset] = (changed[offset] ?? 0) ^ 1;
      expect((await verify(changed)).verdict, `offset ${offset}`).to.not.equal("affirming");
    }
  });
});

describeVectors("vectors of NVIDIA tokens", ["manifest.json"], () => {
  it("are refused for want of a key", async () => {
    const vectors = parseManifest(JSON.parse(readFileSync(join(VECTORS, "manifest.json"), "utf8")), NOW);
    const outcomes = [];
    for (const vector of vectors.filter(({ kind }) => kind === "jwt"))
      outcomes.push(await runVector(vector, readVector));
    const { disagreements, agreed, unsupported } = summarise(outcomes);
    expect(disagreements).to.deep.equal([]);
    expect(agreed).to.be.greaterThan(0);
    expect(unsupported).to.equal(0);
    expect(outcomes.map(({ got }) => got)).to.not.include("contraindicated");
  });
});
