/** The verifier's public face. */
export { bindingDigest, deviceNonceOf, gpuEvidenceHashOf, reportDataOf } from "./binding.ts";
export type { Anchor, NodeBinding, RegistryDomain } from "./binding.ts";
export { decodeEvidence, detect } from "./detect.ts";
export type { DetectedEvidence, Endorsements } from "./family.ts";
export { checkNodeEvidence, nodeEvidenceToJson, parseNodeEvidence } from "./node-evidence.ts";
export type { DeviceEvidence, NodeEvidence } from "./node-evidence.ts";
export { DEFAULT_POLICY, parsePolicy } from "./policy.ts";
export type { AppraisalPolicy } from "./policy.ts";
export type { AttestationResult, Failure, Verdict } from "./result.ts";
export { INTEL_ROOT, trustRootOf, VENDOR_ROOTS } from "./trust-roots.ts";
export { platformCode, signVerdict, tcbStatusCode, verdictDigest, verdictSigner } from "./verdict.ts";
export type { CommitteeDomain, Verdict as CommitteeVerdict } from "./verdict.ts";
export { verifyNodeEvidence } from "./verify-node.ts";
export { verifyEvidence } from "./verify.ts";
export type { VerifyOptions } from "./verify.ts";
export { verifyDeviceTokens } from "./verify-token.ts";
export type { DeviceTokens, TokenOptions, TokenResult } from "./verify-token.ts";
