import { toHex } from "../encoding/bytes.ts";
import { EvidenceError } from "../errors.ts";
import { readPckExtension } from "../evidence/dcap/pck.ts";
import { parseQuote } from "../evidence/dcap/quote.ts";
import { parseCertificate } from "../x509/certificate.ts";
import { parsePem } from "../x509/pem.ts";
import type { PcsTarget } from "./pcs.ts";

/**
 * What a quote's own PCK certificate says to ask the service for. Nothing of it is verified: a lie gets endorsements that
 * do not fit, and verification with them fails. Throws `EvidenceError` where the quote or its chain cannot be read.
 */
export function dcapTargetOf(evidence: Uint8Array): PcsTarget {
  const quote = parseQuote(evidence);
  const [leaf] = parsePem(quote.certification.certificationData, "CERTIFICATE");
  if (leaf === undefined) throw new EvidenceError("EVIDENCE_UNSUPPORTED", "the quote carries no PCK certificate");
  const certificate = parseCertificate(leaf);
  const ca = (certificate.issuer.commonName ?? "").includes("Platform") ? "platform" : "processor";
  return { fmspc: toHex(readPckExtension(certificate).fmspc).slice(2), ca, tee: quote.tee };
}
