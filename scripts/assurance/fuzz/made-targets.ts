/** Targets that no vector has inputs for: OCSP answers, results as tokens, and the files of whoever checks. All of it is made the same each time. */
import { p384 } from "@noble/curves/nist.js";
import { CompactSign } from "jose";
import { createPublicKey } from "node:crypto";
import { parseSettings } from "../../../offchain/cli/files.ts";
import { parseTrustRootFile } from "../../../offchain/cli/trust.ts";
import { deriveP384, p384Key } from "../../../offchain/device/simulated/p384.ts";
import { bytesOf } from "../../../offchain/device/simulated/state.ts";
import { equal, utf8 } from "../../../offchain/encoding/bytes.ts";
import { readEarKey, verifyEar } from "../../../offchain/verifier/ear-token.ts";
import { EAR_PROFILE } from "../../../offchain/verifier/ear.ts";
import { parsePolicyDocument } from "../../../offchain/verifier/policy-layers.ts";
import { DEFAULT_POLICY } from "../../../offchain/verifier/policy.ts";
import { parseCertificate } from "../../../offchain/x509/certificate.ts";
import { bitString, element, generalizedTime, objectIdentifier } from "../../../offchain/x509/der-writer.ts";
import { toPem } from "../../../offchain/x509/issue.ts";
import { certificateIdOf, keyHashOf, writeCertificateId } from "../../../offchain/x509/ocsp-id.ts";
import { nonceExtension } from "../../../offchain/x509/ocsp-request.ts";
import { parseOcspResponse } from "../../../offchain/x509/ocsp-response.ts";
import { verifyOcspResponse } from "../../../offchain/x509/ocsp.ts";
import { isPem } from "../../../offchain/x509/pem.ts";
import { mutateBytes, type Mutator } from "./mutate-bytes.ts";
import { mutateDer, mutateJson, mutatePem, mutateToken } from "./mutate-text.ts";
import { codeOf, outcomeOf, type Target } from "./target.ts";

const NOW = Date.UTC(2026, 0, 15);
const HOUR = 3_600_000;
const SCALAR = deriveP384("0x07", "fuzz");
const PRIVATE_KEY = p384Key(SCALAR);
const PUBLIC_KEY = createPublicKey(PRIVATE_KEY);
const ES384 = element("sequence", objectIdentifier("1.2.840.10045.4.3.3"));

/** Nothing is made where there is no certificate to ask after. */
export function madeTargets(certificates: readonly Uint8Array[]): readonly Target[] {
  const [first] = certificates;
  return first === undefined ? [] : [ocsp(first), earToken(), earClaims(), trustRoots(first), policies()];
}

/** Answers of an issuer whose key is ours, with and without a certificate beside them, which nobody signs. */
function ocsp(der: Uint8Array): Target {
  const certificate = parseCertificate(der);
  const spki = new Uint8Array(PUBLIC_KEY.export({ type: "spki", format: "der" }));
  const issuer = { ...certificate, publicKey: { curve: "P-384" as const, spki } };
  const id = writeCertificateId(certificateIdOf(certificate, issuer, "sha384"));
  const answers = statuses().map((status) => answerData(id, status, keyHashOf(issuer)));
  return {
    name: "ocsp",
    seeds: answers.flatMap((tbs) => [answerOf(tbs), answerOf(tbs, der)]),
    mutate: mutateDer,
    share: 60,
    run: (bytes) =>
      outcomeOf(async () => {
        const response = parseOcspResponse(bytes);
        await verifyOcspResponse(response, { certificate, issuer, now: NOW });
        return answers.some((tbs) => equal(tbs, response.tbs)) ? "accepted" : "FORGED an answer that nobody signed";
      }),
  };
}

const explicit = (context: number, ...parts: readonly Uint8Array[]): Uint8Array =>
  element({ context, constructed: true }, ...parts);

/** Good, unknown, revoked without and with a reason. */
function statuses(): readonly Uint8Array[] {
  const at = generalizedTime(NOW - HOUR);
  return [
    element({ context: 0, constructed: false }),
    element({ context: 2, constructed: false }),
    explicit(1, at),
    explicit(1, at, explicit(0, element("enumerated", Uint8Array.of(1)))),
  ];
}

function answerData(id: Uint8Array, status: Uint8Array, keyHash: Uint8Array): Uint8Array {
  const [start, end] = [generalizedTime(NOW - HOUR), explicit(0, generalizedTime(NOW + HOUR))];
  return element(
    "sequence",
    explicit(2, element("octetString", keyHash)),
    start,
    element("sequence", element("sequence", id, status, start, end)),
    explicit(1, element("sequence", nonceExtension(new Uint8Array(32).fill(7)))),
  );
}

function answerOf(tbs: Uint8Array, ...certificates: readonly Uint8Array[]): Uint8Array {
  const signature = bitString(p384.sign(tbs, bytesOf(SCALAR), { format: "der" }));
  const further = certificates.length === 0 ? [] : [explicit(0, element("sequence", ...certificates))];
  const basic = element("octetString", element("sequence", tbs, ES384, signature, ...further));
  const bytes = element("sequence", objectIdentifier("1.3.6.1.5.5.7.48.1.1"), basic);
  return element("sequence", element("enumerated", Uint8Array.of(0)), explicit(0, bytes));
}

const CLAIMS = JSON.stringify({
  eat_profile: EAR_PROFILE,
  iat: NOW / 1000 - 60,
  exp: NOW / 1000 + 3600,
  eat_nonce: "AAECAwQFBgc",
  ear_verifier_id: { developer: "test", build: "1" },
  ear_status: "warning",
  submods: {
    "intel-tdx": { ear_status: "warning", ear_trustworthiness_vector: { hardware: 32, executables: 2 } },
    gpu0: { ear_status: "affirming", ear_trustworthiness_vector: { "instance-identity": 2 } },
  },
});

const verifyToken = async (token: Uint8Array): Promise<void> => {
  const jwk = utf8(JSON.stringify(PUBLIC_KEY.export({ format: "jwk" })));
  await verifyEar(token, { key: await readEarKey(jwk, "verify"), now: NOW });
};

/** A token whose signature is not made anew. */
function earToken(): Target {
  const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64url");
  const signed = [`{"alg":"ES384","typ":"eat+jwt"}`, CLAIMS].map((part) => base64url(utf8(part))).join(".");
  const token = utf8(`${signed}.${base64url(p384.sign(utf8(signed), bytesOf(SCALAR)))}`);
  return {
    name: "ear-token",
    seeds: [token],
    mutate: mutateToken,
    share: 30,
    run: (bytes) =>
      outcomeOf(async () => {
        await verifyToken(bytes);
        const same = new TextDecoder().decode(bytes).trim() === new TextDecoder().decode(token);
        return same ? "accepted" : "FORGED a token that nobody signed";
      }),
  };
}

/** Claims that are signed whatever they say, as a verifier could that is broken or lies. */
function earClaims(): Target {
  const header = { alg: "ES384", typ: "eat+jwt" };
  return {
    name: "ear-claims",
    seeds: [utf8(CLAIMS)],
    mutate: mutateJson,
    share: 20,
    run: (bytes) =>
      outcomeOf(async () => {
        const token = await new CompactSign(bytes).setProtectedHeader(header).sign(PRIVATE_KEY);
        await verifyToken(utf8(token));
        return "accepted";
      }),
  };
}

/** JSON, PEM and DER, as the command line takes them. */
function trustRoots(der: Uint8Array): Target {
  const root = { name: "test", spkiSha256: "ab".repeat(32), simulated: true };
  const texts = [JSON.stringify(root), JSON.stringify([root, root]), toPem("CERTIFICATE", der)];
  const mutate: Mutator = (bytes, random, other) => {
    if (isPem(bytes)) return mutatePem(bytes, random, other);
    return (bytes[0] === 0x30 ? mutateDer : mutateJson)(bytes, random, other);
  };
  const run = (bytes: Uint8Array): string => codeOf(() => parseTrustRootFile(bytes, "file"));
  return { name: "trust-roots", seeds: [...texts.map(utf8), der], mutate, run, share: 30 };
}

function policies(): Target {
  const claims = { mrtd: "ab".repeat(48), tdAttributes: { mask: "ff".repeat(8), value: "00".repeat(8) } };
  const own = {
    ...DEFAULT_POLICY,
    claims: { "intel-tdx": claims, "amd-sev-snp": { vmpl: { minimum: 0 }, measurement: ["cd".repeat(48)] } },
    measurements: [{ mrenclave: "ef".repeat(32) }],
    minimumSevSnpTcb: { snp: 1 },
    acceptedAdvisories: ["INTEL-SA-00001"],
  };
  const seeds = [own, { layers: { vendor: own, community: { allowDebug: false } } }];
  const run = (bytes: Uint8Array): string => codeOf(() => parsePolicyDocument(parseSettings(bytes, "file")));
  const mutate: Mutator = (bytes, random, other) => (random.once(8) ? mutateBytes : mutateJson)(bytes, random, other);
  return { name: "policy", seeds: seeds.map((seed) => utf8(JSON.stringify(seed))), mutate, run, share: 40 };
}
