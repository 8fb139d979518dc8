import { EvidenceError } from "../errors.ts";
import { parseQuote } from "../evidence/dcap/quote.ts";
import type { Platform } from "../evidence/scheme.ts";

/** What can be read of evidence before anything is verified. */
export interface Detected {
  readonly platform: Platform;
  /** 64 bytes. */
  readonly reportData: Uint8Array;
}

/** Finds the format of raw evidence; throws `EvidenceError` where none is recognised or it does not parse. */
export function detect(evidence: Uint8Array): Detected {
  if (!looksLikeQuote(evidence)) throw new EvidenceError("EVIDENCE_UNSUPPORTED", "no known evidence format");
  const quote = parseQuote(evidence);
  return { platform: quote.tee === "sgx" ? "intel-sgx" : "intel-tdx", reportData: quote.body.reportData };
}

/** A quote starts with its version and the attestation key type, 16 bits little-endian each. */
function looksLikeQuote(evidence: Uint8Array): boolean {
  return evidence.length >= 4 && evidence[1] === 0 && evidence[3] === 0 && (evidence[0] ?? 0) < 16;
}
