import { dcapClaims } from "../../evidence/dcap/claims.ts";
import { parseQuote } from "../../evidence/dcap/quote.ts";
import { verifyQuote } from "../../evidence/dcap/verify.ts";
import type { DetectedEvidence, Family } from "../family.ts";

/** Intel SGX and TDX. */
export const DCAP: Family = { recognises: looksLikeQuote, parse };

/** A quote starts with its version and the attestation key type, 16 bits little-endian each. */
function looksLikeQuote(evidence: Uint8Array): boolean {
  return evidence.length >= 4 && evidence[1] === 0 && evidence[3] === 0 && (evidence[0] ?? 0) < 16;
}

function parse(evidence: Uint8Array): DetectedEvidence {
  const quote = parseQuote(evidence);
  const { bytes: _, signedPart: __, ...fields } = quote;
  return {
    family: "dcap",
    platform: quote.tee === "sgx" ? "intel-sgx" : "intel-tdx",
    summary: `DCAP quote version ${quote.version} of ${quote.tee.toUpperCase()}, ${quote.bytes.length} bytes`,
    bytes: quote.bytes,
    fields,
    reportData: quote.body.reportData,
    verify: async ({ endorsements, ...context }) =>
      dcapClaims(await verifyQuote(quote, { ...context, endorsements: endorsements.dcap ?? {} })),
  };
}
