import { parseUnpaddedBase64 } from "../encoding/base64.ts";
import { asciiText, parseHex } from "../encoding/bytes.ts";
import { EvidenceError } from "../errors.ts";
import { FAMILIES } from "./families.ts";
import type { DetectedEvidence, Family } from "./family.ts";

/** Finds the family of raw evidence and parses it; throws `EvidenceError` `EVIDENCE_MALFORMED` or `EVIDENCE_UNSUPPORTED`. */
export function detect(evidence: Uint8Array): DetectedEvidence {
  const family = familyOf(evidence);
  if (family === undefined) throw new EvidenceError("EVIDENCE_UNSUPPORTED", "no known evidence format");
  return family.parse(evidence);
}

function familyOf(evidence: Uint8Array): Family | undefined {
  return FAMILIES.find(({ recognises }) => recognises(evidence));
}

/** Raw evidence out of a file that holds it raw, as hex (with or without 0x) or as base64. */
export function decodeEvidence(file: Uint8Array): Uint8Array {
  if (familyOf(file) !== undefined) return file;
  const text = asciiText(file).replaceAll(/\s+/g, "");
  return parseHex(`0x${text.replace(/^0x/, "")}`) ?? parseUnpaddedBase64(text) ?? file;
}
