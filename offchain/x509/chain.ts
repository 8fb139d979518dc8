import { sha256 } from "#crypto";
import { equal, toHex } from "../encoding/bytes.ts";
import { EvidenceError } from "../errors.ts";
import { KEY_USAGE, parseCertificate, type Certificate } from "./certificate.ts";
import { Memory } from "./memory.ts";
import { parsePem } from "./pem.ts";
import { verifyDerSignature, type SignatureAlgorithm } from "./signature.ts";
import { checkValidity } from "./validity.ts";

/** A root that a chain may end at. */
export interface PinnedRoot {
  /** SHA-256 of the DER SubjectPublicKeyInfo, hex. */
  readonly spkiSha256: string;
}

/** A chain that holds: leaf first, root last. */
export interface VerifiedChain<Root extends PinnedRoot> {
  readonly certificates: readonly Certificate[];
  readonly leaf: Certificate;
  /** The leaf's issuer. */
  readonly issuer: Certificate;
  readonly rootCertificate: Certificate;
  readonly root: Root;
}

/** What every chain of one verification is held against. */
export interface ChainRules<Root extends PinnedRoot> {
  readonly roots: readonly Root[];
  /** Milliseconds since 1970. */
  readonly now: number;
  /** The one algorithm that every certificate must be signed with. */
  readonly algorithm: SignatureAlgorithm;
  /** The most certificates that a chain may have. */
  readonly maxLength: number;
}

/**
 * Verifies chains and remembers parsed certificates and signatures that held, by the certificates' bytes.
 * Validity in time, revocation and the pinned root are checked at every use.
 */
export class ChainVerifier {
  /** For everything else that belongs to the same verifications, such as revocation lists. */
  readonly memory = new Memory();

  /** Parses certificates in PEM, each once. Throws `EvidenceError`. */
  parse(pem: Uint8Array): readonly Certificate[] {
    return this.parseDer(parsePem(pem, "CERTIFICATE"));
  }

  /** Parses certificates in DER, each once. Throws `EvidenceError`. */
  parseDer(ders: readonly Uint8Array[]): readonly Certificate[] {
    return ders.map((der) => this.memory.parsed("certificate", der, parseCertificate));
  }

  /**
   * Verifies a chain, leaf first, that must end in a self-signed certificate of a pinned root.
   * Throws `EvidenceError` `CHAIN_UNTRUSTED`, `SIGNATURE_INVALID` or `CERTIFICATE_EXPIRED`.
   * @see RFC 5280 section 6.1
   */
  async verify<Root extends PinnedRoot>(
    certificates: readonly Certificate[],
    rules: ChainRules<Root>,
  ): Promise<VerifiedChain<Root>> {
    const [leaf, issuer] = certificates;
    const rootCertificate = certificates.at(-1);
    if (leaf === undefined || issuer === undefined || rootCertificate === undefined) {
      throw untrusted("the chain is shorter than leaf and root");
    }
    if (certificates.length > rules.maxLength) throw untrusted(`the chain has ${certificates.length} certificates`);
    const root = pinnedRoot(rootCertificate, rules.roots);
    await this.#verifyIssued(rootCertificate, rootCertificate, rules);
    checkIssuer(rootCertificate, certificates.length - 2);
    for (let index = certificates.length - 2; index >= 0; index -= 1) {
      const [child, parent] = [certificates[index] ?? leaf, certificates[index + 1] ?? rootCertificate];
      checkIssuer(parent, index);
      checkLink(child, parent);
      await this.#verifyIssued(child, parent, rules);
    }
    for (const certificate of certificates) {
      checkValidity(nameOf(certificate), certificate.notBefore, certificate.notAfter, rules.now);
    }
    return { certificates, leaf, issuer, rootCertificate, root };
  }

  async #verifyIssued(child: Certificate, parent: Certificate, rules: ChainRules<PinnedRoot>): Promise<void> {
    if (child.algorithm !== rules.algorithm) throw untrusted(`${nameOf(child)} is signed with ${child.algorithm}`);
    const { algorithm, tbs, signature } = child;
    const verify = () => verifyDerSignature(algorithm, parent.publicKey, tbs, signature);
    if (!(await this.memory.holds(child, parent.publicKey, verify))) {
      throw new EvidenceError("SIGNATURE_INVALID", `${nameOf(child)} is not signed by ${nameOf(parent)}`);
    }
  }
}

function pinnedRoot<Root extends PinnedRoot>(certificate: Certificate, roots: readonly Root[]): Root {
  const digest = toHex(sha256(certificate.publicKey.spki)).slice(2);
  const root = roots.find((candidate) => candidate.spkiSha256 === digest);
  if (root === undefined)
    throw untrusted(`the chain ends at ${nameOf(certificate)}, key ${digest}, which is no trusted root`);
  if (!equal(certificate.issuer.raw, certificate.subject.raw)) throw untrusted("the root is not self-issued");
  return root;
}

/** `below` counts the certificate authorities under this one. */
function checkIssuer(certificate: Certificate, below: number): void {
  if (!certificate.isCa) throw untrusted(`${nameOf(certificate)} is no certificate authority`);
  if (certificate.keyUsage?.has(KEY_USAGE.keyCertSign) !== true) {
    throw untrusted(`${nameOf(certificate)} may not sign certificates`);
  }
  if (certificate.pathLength !== undefined && below > certificate.pathLength) {
    throw untrusted(`${nameOf(certificate)} allows ${certificate.pathLength} authorities below, not ${below}`);
  }
}

function checkLink(child: Certificate, parent: Certificate): void {
  if (!equal(child.issuer.raw, parent.subject.raw))
    throw untrusted(`${nameOf(child)} is not issued by ${nameOf(parent)}`);
  const { authorityKeyId } = child;
  if (authorityKeyId === undefined) return;
  const matches = parent.subjectKeyId !== undefined && equal(authorityKeyId, parent.subjectKeyId);
  if (authorityKeyId.length === 0 || !matches) throw untrusted(`${nameOf(child)} names another issuer key`);
}

function nameOf(certificate: Certificate): string {
  return certificate.subject.commonName ?? "a certificate without a name";
}

function untrusted(message: string): EvidenceError {
  return new EvidenceError("CHAIN_UNTRUSTED", message);
}
