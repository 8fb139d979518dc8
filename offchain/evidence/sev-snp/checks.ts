import type { CheckName } from "../check-log.ts";

const ABI = "AMD SEV-SNP Firmware ABI Specification (publication 56860)";
const KDS = "AMD VCEK Certificate and KDS Interface Specification (publication 57230)";

/** Every check that verifying a report makes, in order. */
export const SEV_SNP_CHECKS = {
  vekChain: { id: "vek-chain", reference: `RFC 5280 section 6.1; ${KDS}, certificate chain` },
  vekExtensions: { id: "vek-extensions", reference: `${KDS}, VCEK and VLEK certificate extensions` },
  crl: { id: "ark-crl", reference: `RFC 5280 section 6.3; ${KDS}, revocation list` },
  reportSignature: { id: "report-signature", reference: `${ABI}, ATTESTATION_REPORT SIGNATURE` },
  product: { id: "report-product", reference: `${ABI}, ATTESTATION_REPORT CPUID_FAM_ID and CPUID_MOD_ID` },
  reportedTcb: { id: "reported-tcb", reference: `${ABI}, TCB_VERSION and REPORTED_TCB; ${KDS}, VCEK extensions` },
  chipId: { id: "chip-id", reference: `${ABI}, CHIP_ID; ${KDS}, hwID` },
  tcbOrder: { id: "tcb-order", reference: `${ABI}, CURRENT_TCB, COMMITTED_TCB and REPORTED_TCB` },
  guestPolicy: { id: "guest-policy", reference: `${ABI}, guest policy and PLATFORM_INFO` },
} as const satisfies Record<string, CheckName>;
