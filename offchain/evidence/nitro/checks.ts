import type { CheckName } from "../check-log.ts";

const PROCESS = "AWS Nitro Enclaves Attestation Process";

/** Every check that verifying an attestation document makes, in order. */
export const NITRO_CHECKS = {
  headers: { id: "cose-headers", reference: `${PROCESS}, section 3.1; RFC 9053 section 2.1` },
  chain: { id: "document-chain", reference: `${PROCESS}, sections 3.2.3 and 3.2.4; RFC 5280 section 6.1` },
  signer: { id: "document-signer", reference: `${PROCESS}, sections 3.2.3.2 and 3.2.3.3` },
  signature: { id: "document-signature", reference: `${PROCESS}, section 3.2.1; RFC 9052 section 4.4` },
  time: { id: "document-time", reference: `${PROCESS}, sections 2.2 and 3.2.3.1` },
  nonce: { id: "document-nonce", reference: `${PROCESS}, section 2.2.2` },
} as const satisfies Record<string, CheckName>;
