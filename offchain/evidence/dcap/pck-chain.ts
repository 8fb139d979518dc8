import { equal } from "../../encoding/bytes.ts";
import { EndorsementError, EvidenceError } from "../../errors.ts";
import { KEY_USAGE, type Certificate } from "../../x509/certificate.ts";
import type { ChainRules, ChainVerifier, VerifiedChain } from "../../x509/chain.ts";
import { isRevoked, readRevocationList, verifyRevocationList, type RevocationList } from "../../x509/crl.ts";
import type { TrustRoot } from "../scheme.ts";
import { hasSgxExtension } from "./pck.ts";
import type { Quote } from "./quote.ts";

/** What every chain of one quote is held against. */
export type DcapRules = ChainRules<TrustRoot>;
export type DcapChain = VerifiedChain<TrustRoot>;

const PCK_CERT_CHAIN = 5;
const PCK_CHAIN_LENGTH = 3;
const CA_CHAIN_LENGTH = 2;

/** The rules of all chains of Intel's: P-256 with SHA-256, at most leaf, CA and root. */
export function dcapRules(roots: readonly TrustRoot[], now: number): DcapRules {
  return { roots, now, algorithm: "ecdsa-p256-sha256", maxLength: PCK_CHAIN_LENGTH };
}

/**
 * Verifies the PCK chain of a quote, or the given one where the quote has none: leaf, PCK CA, root.
 * @see Intel SGX PCK Certificate and Certificate Revocation List Profile Specification
 */
export async function verifyPckChain(
  quote: Quote,
  given: Uint8Array | undefined,
  verifier: ChainVerifier,
  rules: DcapRules,
): Promise<DcapChain> {
  const chain = await verifier.verify(verifier.parse(pckChainOf(quote, given)), rules);
  if (chain.certificates.length !== PCK_CHAIN_LENGTH) {
    throw new EvidenceError("CHAIN_UNTRUSTED", `the PCK chain has ${chain.certificates.length} certificates, not 3`);
  }
  checkEndEntity(chain.leaf, "SGX PCK Certificate");
  if (pckCaOf(chain) === undefined) {
    throw new EvidenceError("CHAIN_UNTRUSTED", `${chain.issuer.subject.commonName ?? "the issuer"} is no PCK CA`);
  }
  if (chain.issuer.authorityKeyId === undefined) throw noKeyId("the PCK CA");
  return chain;
}

/** The PCK chain of a quote in PEM, or the given one where the quote has none; throws `EvidenceError` `EVIDENCE_UNSUPPORTED`. */
export function pckChainOf(quote: Quote, given: Uint8Array | undefined): Uint8Array {
  const { certificationDataType, certificationData } = quote.certification;
  if (certificationDataType === PCK_CERT_CHAIN) return certificationData;
  if (certificationDataType < 1 || certificationDataType > 7) {
    throw new EvidenceError("EVIDENCE_UNSUPPORTED", `certification data type ${certificationDataType}`);
  }
  if (given !== undefined) return given;
  const message = `certification data of type ${certificationDataType} carries no PCK chain and none was given`;
  throw new EvidenceError("EVIDENCE_UNSUPPORTED", message, {
    next: "Give the PCK certificate chain as an endorsement.",
  });
}

/** Which of Intel's two authorities issued the PCK certificate. */
export function pckCaOf(chain: DcapChain): "platform" | "processor" | undefined {
  const name = chain.issuer.subject.commonName ?? "";
  if (name.includes("SGX PCK Platform CA")) return "platform";
  return name.includes("SGX PCK Processor CA") ? "processor" : undefined;
}

/** An end entity of Intel's: no authority, signs data, and its name says what for. */
function checkEndEntity(certificate: Certificate, phrase: string): void {
  const name = certificate.subject.commonName ?? "";
  if (!name.includes(phrase)) throw new EvidenceError("CHAIN_UNTRUSTED", `"${name}" is not named ${phrase}`);
  if (certificate.isCa || certificate.keyUsage?.has(KEY_USAGE.digitalSignature) !== true) {
    throw new EvidenceError("CHAIN_UNTRUSTED", `"${name}" may not sign data`);
  }
  if (certificate.authorityKeyId === undefined) throw noKeyId(name);
}

function noKeyId(name: string): EvidenceError {
  return new EvidenceError("CHAIN_UNTRUSTED", `${name} does not name its issuer's key`);
}

/**
 * Verifies the chain of Intel's TCB signing key: issued by the root itself, for nothing else, not revoked.
 * @see Intel PCS API v4, TCB-Info-Issuer-Chain and SGX-Enclave-Identity-Issuer-Chain
 */
export async function verifyTcbSigner(
  pem: Uint8Array,
  verifier: ChainVerifier,
  rules: DcapRules,
  rootCrl: RevocationList,
): Promise<DcapChain> {
  const chain = await verifier.verify(verifier.parse(pem), { ...rules, maxLength: CA_CHAIN_LENGTH });
  checkEndEntity(chain.leaf, "SGX TCB Signing");
  if (hasSgxExtension(chain.leaf)) throw new EvidenceError("CHAIN_UNTRUSTED", "a PCK certificate signs no TCB info");
  if (isRevoked(rootCrl, chain.leaf)) {
    throw new EvidenceError("CERTIFICATE_REVOKED", "the TCB signing certificate is revoked");
  }
  return chain;
}

/** Verifies that a CRL's issuer chain ends at the root and names the PCK chain's own CA. */
export async function verifyCrlIssuer(
  pem: Uint8Array,
  verifier: ChainVerifier,
  rules: DcapRules,
  pck: DcapChain,
): Promise<void> {
  const chain = await verifier.verify(verifier.parse(pem), { ...rules, maxLength: CA_CHAIN_LENGTH });
  if (!equal(chain.leaf.publicKey.spki, pck.issuer.publicKey.spki)) {
    const name = chain.leaf.subject.commonName ?? "another authority";
    throw new EndorsementError("ENDORSEMENT_INVALID", `the CRL's issuer chain is of ${name}`);
  }
}

/** Reads a revocation list in DER, PEM or hex and verifies it as the issuer's. */
export async function verifyCrl(
  bytes: Uint8Array,
  issuer: Certificate,
  { memory }: ChainVerifier,
  now: number,
): Promise<RevocationList> {
  const list = memory.parsed("revocation list", bytes, readRevocationList);
  await verifyRevocationList(list, issuer, now, memory);
  return list;
}

/** Refuses a revoked certificate; throws `EvidenceError` `CERTIFICATE_REVOKED`. */
export function checkNotRevoked(list: RevocationList, certificate: Certificate): string {
  if (!isRevoked(list, certificate)) return `serial ${certificate.serial} is not among ${list.revoked.size} revoked`;
  const name = certificate.subject.commonName ?? "a certificate";
  throw new EvidenceError("CERTIFICATE_REVOKED", `${name}, serial ${certificate.serial}, is revoked`);
}
