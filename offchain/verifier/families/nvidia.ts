import { deviceClaims } from "../../evidence/nvidia/claims.ts";
import { looksLikeDeviceReport, parseDeviceReport } from "../../evidence/nvidia/report.ts";
import { verifyDeviceReport } from "../../evidence/nvidia/verify.ts";
import type { DetectedEvidence, Family } from "../family.ts";

/** NVIDIA GPUs and switches. */
export const NVIDIA: Family = { recognises: looksLikeDeviceReport, parse };

function parse(evidence: Uint8Array): DetectedEvidence {
  const report = parseDeviceReport(evidence);
  const { bytes: _, signedPart: __, measurementRecord: ___, ...fields } = report;
  return {
    family: "nvidia",
    platform: `nvidia-${report.kind}`,
    summary: `SPDM 1.1 measurements of a ${report.kind}, ${report.measurements.length} blocks, ${report.bytes.length} bytes`,
    bytes: report.bytes,
    fields,
    reportData: report.requestNonce,
    verify: async ({ endorsements, ...context }) =>
      deviceClaims(await verifyDeviceReport(report, { ...context, endorsements: endorsements.nvidia ?? {} })),
  };
}
