import { sha256 } from "#crypto";
import { toHex } from "../encoding/bytes.ts";
import type { TrustRoot } from "../evidence/scheme.ts";
import { parseCertificate } from "../x509/certificate.ts";

/**
 * Intel SGX Root CA: the key of https://certificates.trustedservices.intel.com/IntelSGXRootCA.der
 * (serial 22650cd65a9d3489f383b49552bf501b392706ac).
 */
export const INTEL_ROOT: TrustRoot = {
  name: "Intel SGX Root CA",
  spkiSha256: "a0af031289f5d5d4132f9186068a7fc13628633ba235777472e29b6b6c67a49e",
  simulated: false,
  family: "dcap",
};

/** Every vendor's roots. */
export const VENDOR_ROOTS: readonly TrustRoot[] = [INTEL_ROOT];

/** The root whose key a DER certificate carries; throws `EvidenceError` where that is no certificate. */
export function trustRootOf(certificate: Uint8Array, name: string, simulated: boolean): TrustRoot {
  return { name, simulated, spkiSha256: toHex(sha256(parseCertificate(certificate).publicKey.spki)).slice(2) };
}
