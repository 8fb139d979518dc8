import { EvidenceError } from "../../errors.ts";
import { KEY_USAGE } from "../../x509/certificate.ts";
import type { ChainVerifier, VerifiedChain } from "../../x509/chain.ts";
import type { TrustRoot, Verified } from "../scheme.ts";
import { parseRim, type ReferenceManifest } from "./rim.ts";
import { verifyEnvelopedSignature } from "./xml-signature.ts";

/** A manifest with the chain of its signer. */
export interface SignedManifest {
  readonly manifest: ReferenceManifest;
  readonly chain: VerifiedChain<TrustRoot>;
}

/** What a manifest is verified with. */
export interface RimRules {
  /** Where chains of signed reference values may end. */
  readonly roots: readonly TrustRoot[];
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** NVIDIA's chains have four: signer, two authorities of the chip family, root. */
const MAX_LENGTH = 5;

const untrusted = (message: string): EvidenceError => new EvidenceError("CHAIN_UNTRUSTED", message);

/**
 * Verifies a reference integrity manifest: the chain of its signer, P-384 with SHA-384 throughout, and the signature over all
 * of the document. A manifest has no end of its own: it holds as long as its certificates. Throws `EvidenceError`.
 * @see TCG Reference Integrity Manifest Information Model; RFC 5280 section 6.1
 */
export async function verifyRim(
  bytes: Uint8Array,
  chains: ChainVerifier,
  rules: RimRules,
): Promise<Verified<SignedManifest>> {
  const manifest = chains.memory.parsed("RIM", bytes, parseRim);
  const { signature } = manifest;
  const chain = await chains.verify(chains.parseDer(signature.certificates), {
    ...rules,
    algorithm: "ecdsa-p384-sha384",
    maxLength: MAX_LENGTH,
  });
  const { leaf, certificates } = chain;
  if (leaf.isCa || leaf.keyUsage?.has(KEY_USAGE.digitalSignature) !== true) {
    throw untrusted(`${leaf.subject.commonName ?? "the signer"} may not sign manifests`);
  }
  if (certificates.some(({ authorityKeyId }) => authorityKeyId === undefined)) {
    throw untrusted("a certificate of the manifest's chain does not name its issuer's key");
  }
  await chains.memory.holds(manifest, leaf.publicKey, async () => {
    await verifyEnvelopedSignature(signature, leaf.publicKey);
    return true;
  });
  return { manifest, chain } as Verified<SignedManifest>;
}
