import { sevSnpClaims } from "../../evidence/sev-snp/claims.ts";
import { parseReport } from "../../evidence/sev-snp/report.ts";
import { verifyReport } from "../../evidence/sev-snp/verify.ts";
import type { DetectedEvidence, Family } from "../family.ts";

/** AMD SEV-SNP. */
export const SEV_SNP: Family = { recognises: looksLikeReport, parse };

/** A report starts with its version, 32 bits little-endian; where a DCAP quote has the attestation key type, it has zero. */
function looksLikeReport(evidence: Uint8Array): boolean {
  return evidence.length >= 4 && [1, 2, 3].every((index) => evidence[index] === 0);
}

function parse(evidence: Uint8Array): DetectedEvidence {
  const report = parseReport(evidence);
  const { bytes: _, signedPart: __, ...fields } = report;
  return {
    family: "sevSnp",
    platform: "amd-sev-snp",
    summary: `SEV-SNP report version ${report.version} signed by a ${report.signingKey}`,
    bytes: report.bytes,
    fields,
    reportData: report.reportData,
    verify: async ({ endorsements, ...context }) =>
      sevSnpClaims(await verifyReport(report, { ...context, endorsements: endorsements.sevSnp ?? {} })),
  };
}
