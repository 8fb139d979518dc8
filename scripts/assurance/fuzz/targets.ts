/** What is fuzzed: every parser by itself, and whole verifications. */
import { decodeCbor } from "../../../offchain/cose/cbor.ts";
import { parsePlatformKey } from "../../../offchain/evidence/arm-cca/platform-key.ts";
import { parseToken as parseCcaToken } from "../../../offchain/evidence/arm-cca/token.ts";
import { readPckExtension } from "../../../offchain/evidence/dcap/pck.ts";
import { parseQeIdentity } from "../../../offchain/evidence/dcap/qe-identity.ts";
import { parseQuote } from "../../../offchain/evidence/dcap/quote.ts";
import { parseTcbInfo } from "../../../offchain/evidence/dcap/tcb-info.ts";
import { parseDocument } from "../../../offchain/evidence/nitro/document.ts";
import { readFirmwareIdentity } from "../../../offchain/evidence/nvidia/firmware-id.ts";
import { parseKeySet } from "../../../offchain/evidence/nvidia/key-set.ts";
import { parseDeviceReport } from "../../../offchain/evidence/nvidia/report.ts";
import { parseRim } from "../../../offchain/evidence/nvidia/rim.ts";
import { parseToken } from "../../../offchain/evidence/nvidia/token.ts";
import { parseReport } from "../../../offchain/evidence/sev-snp/report.ts";
import { readVekExtensions } from "../../../offchain/evidence/sev-snp/vek.ts";
import { utf8 } from "../../../offchain/encoding/bytes.ts";
import { parseCertificate } from "../../../offchain/x509/certificate.ts";
import { readRevocationList } from "../../../offchain/x509/crl.ts";
import { isPem, parsePem } from "../../../offchain/x509/pem.ts";
import { detect } from "../../../offchain/verifier/detect.ts";
import { judge } from "../changes.ts";
import type { Subject } from "../subjects.ts";
import { CBOR_ENCODING } from "./cbor.ts";
import { mutateBytes, type Mutator } from "./mutate-bytes.ts";
import { mutateDer, mutateJson, mutatePem, mutateQuote, mutateToken } from "./mutate-text.ts";
import { treeMutator } from "./mutate-tree.ts";
import { madeTargets } from "./made-targets.ts";
import { codeOf, type Target } from "./target.ts";

const mutateCbor = treeMutator(CBOR_ENCODING);
const TOKEN_SEED = [
  `{"alg":"ES384","kid":"k","typ":"JWT"}`,
  `{"iss":"i","eat_nonce":"ab","exp":1,"nbf":1}`,
  "s".repeat(96),
];
const KEY_SEED = `{"keys":[{"kty":"EC","crv":"P-384","kid":"k","x":"${"A".repeat(64)}","y":"${"B".repeat(64)}"}]}`;

/** The targets that the subjects have inputs for. */
export function targetsOf(subjects: readonly Subject[]): readonly Target[] {
  const whole = subjects.filter(({ forms }) => forms["token"]?.name !== "token");
  const parts = whole.flatMap((subject) =>
    Object.entries(subject.parts).map(([role, bytes]) => ({ role, bytes, form: subject.forms[role]?.name })),
  );
  const of = (...forms: readonly string[]): Uint8Array[] =>
    parts.filter(({ form }) => forms.includes(form ?? "")).map(({ bytes }) => bytes);
  const role = (...roles: readonly string[]): Uint8Array[] =>
    parts.filter((part) => roles.includes(part.role)).map(({ bytes }) => bytes);
  const certificates = [
    ...of("pem").flatMap((pem) => (isPem(pem, "PUBLIC KEY") ? [] : parsePem(pem, "CERTIFICATE"))),
    ...role("vek").filter((bytes) => !isPem(bytes)),
  ];
  const evidence = of("quote", "snp", "cose", "spdm", "cca");
  const platformKeys = [
    ...role("platformKey"),
    ...of("cca").map((bytes) => parseCcaToken(bytes).realm.claims.publicKeyBytes),
  ];
  const payloads = of("cose").map((bytes) => parseDocument(bytes).message.payload);
  const token = utf8(TOKEN_SEED.map((part) => Buffer.from(part).toString("base64url")).join("."));
  return [
    target("quote", of("quote"), { mutate: mutateQuote, parse: parseQuote, share: 120 }),
    target("snp-report", of("snp"), { mutate: mutateBytes, parse: parseReport, share: 80 }),
    target("document", of("cose"), { mutate: mutateCbor, parse: parseDocument, share: 100 }),
    target("device-report", of("spdm"), { mutate: mutateBytes, parse: parseDeviceReport, share: 80 }),
    target("cca-token", of("cca"), { mutate: mutateCbor, parse: parseCcaToken, share: 100 }),
    target("platform-key", platformKeys, { mutate: mutateBytes, parse: parsePlatformKey, share: 40 }),
    target("token", [token], { mutate: mutateToken, parse: parseToken, share: 60 }),
    target("key-set", [utf8(KEY_SEED)], { mutate: mutateJson, parse: parseKeySet, share: 40 }),
    target("certificate", certificates, { mutate: mutateDer, parse: readCertificate, share: 120 }),
    target("crl", role("pckCrl", "rootCaCrl", "crl"), { mutate: mutateDer, parse: readRevocationList, share: 60 }),
    target("pem", of("pem"), { mutate: mutatePem, parse: (bytes) => parsePem(bytes, "CERTIFICATE"), share: 60 }),
    target("tcb-info", role("tcbInfo"), { mutate: mutateJson, parse: parseTcbInfo, share: 60 }),
    target("qe-identity", role("qeIdentity"), { mutate: mutateJson, parse: parseQeIdentity, share: 50 }),
    target("manifest", of("xml"), { mutate: mutateBytes, parse: parseRim, share: 30 }),
    target("cbor", payloads, { mutate: mutateCbor, parse: decodeCbor, share: 60 }),
    target("any-evidence", evidence, { mutate: mutateBytes, parse: detect, share: 60 }),
    ...madeTargets(certificates),
    ...whole.flatMap(verificationsOf),
  ].filter(({ seeds }) => seeds.length > 0);
}

interface Parser {
  readonly mutate: Mutator;
  readonly parse: (bytes: Uint8Array) => unknown;
  readonly share: number;
}

function target(name: string, seeds: readonly Uint8Array[], { mutate, parse, share }: Parser): Target {
  return { name, seeds, mutate, share, run: (bytes) => codeOf(() => parse(bytes)) };
}

/** With every vendor's extensions, whether they are there or not. */
function readCertificate(bytes: Uint8Array): void {
  const certificate = parseCertificate(bytes);
  for (const read of [readPckExtension, readVekExtensions, readFirmwareIdentity]) codeOf(() => read(certificate));
}

const MUTATORS: Readonly<Record<string, Mutator>> = {
  quote: mutateQuote,
  json: mutateJson,
  pem: mutatePem,
  der: mutateDer,
  cose: mutateCbor,
  cca: mutateCbor,
};

/** One target for each part of a subject: the part is changed, the others stand as they are. */
function verificationsOf(subject: Subject): readonly Target[] {
  const roles = Object.entries(subject.parts);
  return roles.map(([role, original]) => ({
    name: `verify ${subject.name} ${role}`,
    seeds: [original],
    mutate: MUTATORS[subject.forms[role]?.name ?? ""] ?? mutateBytes,
    share: 1,
    run: (bytes) => judge(subject, role, bytes),
  }));
}
