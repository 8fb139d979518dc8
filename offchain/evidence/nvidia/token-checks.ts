import type { CheckName } from "../check-log.ts";

const NRAS = "NVIDIA Remote Attestation Service, attestation tokens";

/** Every check that verifying a token of the remote attestation service makes, in order. */
export const TOKEN_CHECKS = {
  format: { id: "token-format", reference: "RFC 7515 section 3.1; RFC 7519 section 7.2" },
  key: { id: "token-key", reference: "RFC 7517 section 4.5" },
  signature: { id: "token-signature", reference: "RFC 7518 section 3.4" },
  claims: { id: "token-claims", reference: `${NRAS}; RFC 7519 section 4.1.1` },
  time: { id: "token-time", reference: "RFC 7519 sections 4.1.4 to 4.1.6" },
  nonce: { id: "token-nonce", reference: `RFC 9711 section 4.1; ${NRAS}` },
  result: { id: "token-result", reference: NRAS },
  devices: { id: "token-devices", reference: `RFC 9711 section 4.2.18; ${NRAS}` },
} as const satisfies Record<string, CheckName>;
