import { CloisterError } from "../errors.ts";
import { parseDcapEndorsements } from "../evidence/dcap/endorsements-json.ts";
import type { DcapEndorsements } from "../evidence/dcap/endorsements.ts";
import { ChainVerifier } from "../x509/chain.ts";
import { readRevocationList } from "../x509/crl.ts";
import { isPem } from "../x509/pem.ts";

/** One endorsement that a file may be. */
export interface Candidate {
  readonly role: keyof DcapEndorsements;
  readonly bytes: Uint8Array;
}

const CHAIN_ROLES: readonly [string, keyof DcapEndorsements][] = [
  ["SGX TCB Signing", "tcbSigningChain"],
  ["SGX PCK Certificate", "pckCertChain"],
  ["SGX PCK Platform CA", "pckCrlIssuerChain"],
  ["SGX PCK Processor CA", "pckCrlIssuerChain"],
];

/** Recognises the endorsements in a file by its content; none where it is something else. */
export function classify(bytes: Uint8Array): readonly Candidate[] {
  const head = Buffer.from(bytes.subarray(0, 64)).toString("latin1").trimStart();
  if (head.startsWith("{")) return classifyJson(bytes);
  if (isPem(bytes) && head.includes("CERTIFICATE")) return classifyChain(bytes);
  return classifyList(bytes);
}

function classifyJson(bytes: Uint8Array): readonly Candidate[] {
  const json = parseJson(bytes);
  if (typeof json !== "object" || json === null) return [];
  if ("tcbInfo" in json && typeof json.tcbInfo === "object") return [{ role: "tcbInfo", bytes }];
  if ("enclaveIdentity" in json) return [{ role: "qeIdentity", bytes }];
  const bundle = parseDcapEndorsements(json) ?? {};
  return Object.entries(bundle).map(([role, part]) => ({ role: role as keyof DcapEndorsements, bytes: part }));
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString("utf8")) as unknown;
  } catch {
    return undefined;
  }
}

function classifyChain(bytes: Uint8Array): readonly Candidate[] {
  const name = unlessCoded(() => new ChainVerifier().parse(bytes)[0]?.subject.commonName) ?? "";
  return CHAIN_ROLES.filter(([phrase]) => name.includes(phrase)).map(([, role]) => ({ role, bytes }));
}

function classifyList(bytes: Uint8Array): readonly Candidate[] {
  const issuer = unlessCoded(() => readRevocationList(bytes))?.issuer.commonName;
  if (issuer === undefined) return [];
  return [{ role: issuer.includes("Root CA") ? "rootCaCrl" : "pckCrl", bytes }];
}

/** The value, or undefined where a coded error says that the input is not what was tried. */
export function unlessCoded<T>(make: () => T): T | undefined {
  try {
    return make();
  } catch (error) {
    if (error instanceof CloisterError) return undefined;
    throw error;
  }
}
