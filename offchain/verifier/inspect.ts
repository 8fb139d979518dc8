import { toHex } from "../encoding/bytes.ts";
import { CloisterError } from "../errors.ts";
import { parseCertificate, type Certificate } from "../x509/certificate.ts";
import { nameText } from "../x509/name-text.ts";
import { isPem, parsePem } from "../x509/pem.ts";
import { detect } from "./detect.ts";
import type { FamilyName } from "./family.ts";
import type { Platform } from "../evidence/scheme.ts";

/** A value of JSON. */
export type Shown = null | boolean | number | string | readonly Shown[] | { readonly [name: string]: Shown };

/** What evidence says of itself, read and not verified. */
export interface Inspection {
  /** Always: nothing that is shown was verified. */
  readonly verified: false;
  readonly family: FamilyName;
  readonly platform: Platform;
  readonly summary: string;
  /** Bytes without what follows the last signed part. */
  readonly length: number;
  /** Every field under its specification's name: bytes in hex, 64-bit integers as decimal texts, certificates by their contents. */
  readonly fields: Shown;
}

const SEQUENCE = 0x30;

/** Shows the structure of raw evidence of any family; throws `EvidenceError` `EVIDENCE_MALFORMED` or `EVIDENCE_UNSUPPORTED`. */
export function inspectEvidence(evidence: Uint8Array): Inspection {
  const { family, platform, summary, bytes, fields } = detect(evidence);
  return { verified: false, family, platform, summary, length: bytes.length, fields: shown(fields) };
}

function shown(value: unknown): Shown {
  if (value instanceof Uint8Array) return shownBytes(value);
  if (typeof value === "bigint") return value.toString();
  if (value instanceof Map) return shown(Object.fromEntries(value as Map<string, unknown>));
  if (Array.isArray(value)) return value.map(shown);
  if (typeof value === "object" && value !== null) {
    const members = Object.entries(value).filter(([, member]) => member !== undefined);
    return Object.fromEntries(members.map(([name, member]) => [name, shown(member)]));
  }
  return typeof value === "number" || typeof value === "string" || typeof value === "boolean" ? value : null;
}

/** Certificates by what they say, other bytes as they are. */
function shownBytes(bytes: Uint8Array): Shown {
  try {
    if (isPem(bytes)) return parsePem(bytes, "CERTIFICATE").map((der) => shownCertificate(parseCertificate(der)));
    if (bytes[0] === SEQUENCE) return shownCertificate(parseCertificate(bytes));
  } catch (error) {
    if (!(error instanceof CloisterError)) throw error;
  }
  return toHex(bytes).slice(2);
}

function shownCertificate({ subject, issuer, serial, notBefore, notAfter, isCa }: Certificate): Shown {
  return {
    subject: nameText(subject),
    issuer: nameText(issuer),
    serial,
    notBefore: new Date(notBefore).toISOString(),
    notAfter: new Date(notAfter).toISOString(),
    isCa,
  };
}
