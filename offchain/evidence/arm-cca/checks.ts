import type { CheckName } from "../check-log.ts";

const DRAFT = "draft-ffm-rats-cca-token";

/** Every check that verifying a CCA token makes, in order. */
export const CCA_CHECKS = {
  headers: { id: "cca-headers", reference: `${DRAFT}, token signing; RFC 9053 section 2.1` },
  platformKey: {
    id: "platform-key",
    reference: "Arm CCA Security Model, CCA platform attestation key; RFC 9334 section 7.5",
  },
  platformSignature: { id: "platform-signature", reference: `${DRAFT}, platform token; RFC 9052 section 4.4` },
  realmSignature: { id: "realm-signature", reference: `${DRAFT}, realm token; RFC 9052 section 4.4` },
  binding: { id: "realm-binding", reference: "Arm RMM specification, attestation, cca-platform-challenge" },
} as const satisfies Record<string, CheckName>;
