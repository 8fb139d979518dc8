import type { CheckName } from "../check-log.ts";

const RIM = "TCG Reference Integrity Manifest Information Model";
const SPDM = "DMTF DSP0274 1.1";

/** Every check that verifying a device's report makes, in order. */
export const NVIDIA_CHECKS = {
  deviceChain: { id: "device-chain", reference: "RFC 5280 section 6.1" },
  deviceKind: { id: "device-kind", reference: "NVIDIA nvTrust, SPDM measurement response, opaque data" },
  reportSignature: { id: "report-signature", reference: `${SPDM}, MEASUREMENTS signature verification` },
  nonce: { id: "nonce", reference: `${SPDM}, GET_MEASUREMENTS request, Nonce` },
  firmwareId: { id: "firmware-id", reference: "TCG DICE Attestation Architecture, FWID" },
  deviceRevocation: { id: "device-revocation", reference: "RFC 6960 section 3.2" },
  driverRim: { id: "driver-rim", reference: `${RIM}; W3C XML Signature 1.1` },
  vbiosRim: { id: "vbios-rim", reference: `${RIM}; W3C XML Signature 1.1` },
  rimRevocation: { id: "rim-revocation", reference: "RFC 6960 section 3.2" },
  referenceMeasurements: {
    id: "reference-measurements",
    reference: `${RIM}; ISO/IEC 19770-2`,
  },
} as const satisfies Record<string, CheckName>;
