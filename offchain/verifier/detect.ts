import { EvidenceError } from "../errors.ts";
import { parseQuote, type Quote } from "../evidence/dcap/quote.ts";
import type { Platform } from "../evidence/scheme.ts";

/** Parsed evidence of a known format; nothing in it is verified. */
export interface Parsed {
  readonly family: "dcap";
  readonly quote: Quote;
}

/** Finds the format of raw evidence and parses it; throws `EvidenceError` `EVIDENCE_MALFORMED` or `EVIDENCE_UNSUPPORTED`. */
export function detect(evidence: Uint8Array): Parsed {
  if (!looksLikeQuote(evidence)) throw new EvidenceError("EVIDENCE_UNSUPPORTED", "no known evidence format");
  return { family: "dcap", quote: parseQuote(evidence) };
}

/** The platform that evidence says it is of. */
export function platformOf({ quote }: Parsed): Platform {
  return quote.tee === "sgx" ? "intel-sgx" : "intel-tdx";
}

/** The report data that evidence carries, 64 bytes. */
export function reportDataIn({ quote }: Parsed): Uint8Array {
  return quote.body.reportData;
}

/** A quote starts with its version and the attestation key type, 16 bits little-endian each. */
function looksLikeQuote(evidence: Uint8Array): boolean {
  return evidence.length >= 4 && evidence[1] === 0 && evidence[3] === 0 && (evidence[0] ?? 0) < 16;
}

/** Raw evidence out of a file that holds it raw, as hex (with or without 0x) or as base64. */
export function decodeEvidence(file: Uint8Array): Uint8Array {
  if (looksLikeQuote(file)) return file;
  const text = Buffer.from(file).toString("latin1").replaceAll(/\s+/g, "");
  const hex = text.replace(/^0x/, "");
  if (/^(?:[0-9a-fA-F]{2})+$/.test(hex)) return new Uint8Array(Buffer.from(hex, "hex"));
  return /^[A-Za-z0-9+/]+={0,2}$/.test(text) ? new Uint8Array(Buffer.from(text, "base64")) : file;
}
