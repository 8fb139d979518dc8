import { EvidenceError } from "../../errors.ts";
import { KEY_USAGE } from "../../x509/certificate.ts";
import type { ChainVerifier, VerifiedChain } from "../../x509/chain.ts";
import type { TrustRoot } from "../scheme.ts";

export type DeviceChain = VerifiedChain<TrustRoot>;

/** NVIDIA's chains have five: firmware, boot ROM, provisioner, chip family, root. */
const MAX_LENGTH = 5;

/** Chip families by how the common names of their devices start. */
const FAMILIES: readonly [string, string][] = [
  ["GH", "HOPPER"],
  ["GB", "BLACKWELL"],
  ["LS_10", "LS10"],
];

const untrusted = (message: string): EvidenceError => new EvidenceError("CHAIN_UNTRUSTED", message);

/**
 * Verifies a device's certificate chain, PEM, leaf first; P-384 with SHA-384 throughout.
 * Throws `EvidenceError`.
 * @see RFC 5280 section 6.1
 */
export async function verifyDeviceChain(
  pem: Uint8Array,
  verifier: ChainVerifier,
  rules: { readonly roots: readonly TrustRoot[]; readonly now: number },
): Promise<DeviceChain> {
  const chain = await verifier.verify(verifier.parse(pem), {
    ...rules,
    algorithm: "ecdsa-p384-sha384",
    maxLength: MAX_LENGTH,
  });
  const { leaf, certificates } = chain;
  if (leaf.isCa || leaf.keyUsage?.has(KEY_USAGE.digitalSignature) !== true) {
    throw untrusted(`${leaf.subject.commonName ?? "the leaf"} may not sign measurements`);
  }
  if (certificates.some(({ authorityKeyId }) => authorityKeyId === undefined)) {
    throw untrusted("a certificate of the device chain does not name its issuer's key");
  }
  return chain;
}

/** The chip family that the leaf is certified for, such as `HOPPER`; undefined where it is none that is known. */
export function familyOf({ leaf }: DeviceChain): string | undefined {
  const name = leaf.subject.commonName ?? "";
  return FAMILIES.find(([start]) => name.startsWith(start))?.[1];
}
