import { verifyCoseSign1 } from "../../cose/sign1.ts";
import { EvidenceError } from "../../errors.ts";
import { equal } from "../../encoding/bytes.ts";
import { KEY_USAGE, type Certificate } from "../../x509/certificate.ts";
import type { ChainVerifier, VerifiedChain } from "../../x509/chain.ts";
import { importKey } from "../../x509/signature.ts";
import { checkValidity } from "../../x509/validity.ts";
import { need, type CheckLog } from "../check-log.ts";
import type { TrustRoot, Verified, VerifyContext } from "../scheme.ts";
import { NITRO_CHECKS } from "./checks.ts";
import type { NitroDocument } from "./document.ts";

/** What a verification works with beside the document, which carries all that its verification needs. */
export interface NitroContext extends Omit<VerifyContext<never>, "endorsements"> {
  /** Collects every check. */
  readonly log: CheckLog;
  /** Certificates seen before; a fresh one where the caller keeps none. */
  readonly chains: ChainVerifier;
  /** What the document's nonce must be. */
  readonly expectedNonce?: Uint8Array;
}

/** A document with the chain that its signature was verified by. */
export interface NitroEvidence {
  readonly document: NitroDocument;
  readonly chain: VerifiedChain<TrustRoot>;
}

/** The map `{1: -35}`: the algorithm is ES384, and nothing else is said. */
const PROTECTED_HEADER = Uint8Array.of(0xa1, 0x01, 0x38, 0x22);
/** Ours, against needless work: AWS issues chains of five. */
const MAX_CHAIN = 8;

/**
 * Verifies an attestation document: headers, certificate chain, signing certificate, signature and time.
 * Throws the first failure, an `EvidenceError`, after every check that could be made is in the log.
 * @see AWS Nitro Enclaves Attestation Process, section 3
 */
export async function verifyDocument(document: NitroDocument, context: NitroContext): Promise<Verified<NitroEvidence>> {
  const { log } = context;
  await log.check(NITRO_CHECKS.headers, () => {
    checkHeaders(document);
    return { value: true, detail: "ES384, no other header" };
  });
  const chain = await log.check(NITRO_CHECKS.chain, async () => {
    const value = await verifyChain(document, context);
    return { value, detail: `${value.certificates.length} certificates, issued under ${value.root.name}` };
  });
  const signer = await log.check(NITRO_CHECKS.signer, () => {
    const { leaf } = need(chain, "the certificate chain");
    checkSigner(leaf);
    return { value: leaf, detail: `${nameOf(leaf)} may sign data and certifies nobody` };
  });
  await log.check(NITRO_CHECKS.signature, async () => {
    const { publicKey } = need(signer, "the signing certificate");
    await verifyCoseSign1(document.message, await importKey(publicKey), "ES384");
    return { value: true, detail: "the certificate's key signed the document" };
  });
  await log.check(NITRO_CHECKS.time, () => {
    const { notBefore, notAfter } = need(chain, "the certificate chain").leaf;
    checkValidity("the document's signing certificate", notBefore, notAfter, document.timestamp);
    return { value: true, detail: `made at ${new Date(document.timestamp).toISOString()}` };
  });
  await checkNonce(document, context);
  log.conclude();
  if (chain === undefined) throw new EvidenceError("CHAIN_UNTRUSTED", "no verified certificate chain");
  const evidence: NitroEvidence = { document, chain };
  return evidence as Verified<NitroEvidence>;
}

/** Without an expected nonce there is nothing to check: the nonce is then a fact like others. */
async function checkNonce({ nonce }: NitroDocument, { expectedNonce, log }: NitroContext): Promise<void> {
  if (expectedNonce === undefined) return;
  await log.check(NITRO_CHECKS.nonce, () => {
    if (nonce === undefined || !equal(nonce, expectedNonce)) {
      throw new EvidenceError("BINDING_MISMATCH", "the document's nonce is not the one expected");
    }
    return { value: true, detail: "the nonce is as expected" };
  });
}

function checkHeaders({ message }: NitroDocument): void {
  if (!equal(message.protectedBytes, PROTECTED_HEADER)) {
    throw new EvidenceError("EVIDENCE_UNSUPPORTED", "the protected header is not exactly the algorithm ES384");
  }
  if (message.unprotectedHeaders.size > 0) {
    throw new EvidenceError("EVIDENCE_MALFORMED", "the unprotected header is not empty");
  }
}

/** AWS does not use CRLs here: the instance's certificate lives for a day, the enclave's for three hours. */
async function verifyChain(
  { certificate, cabundle }: NitroDocument,
  { chains, trustRoots, now }: NitroContext,
): Promise<VerifiedChain<TrustRoot>> {
  if (cabundle.length >= MAX_CHAIN) {
    throw new EvidenceError("CHAIN_UNTRUSTED", `the chain has ${cabundle.length + 1} certificates`);
  }
  const certificates = chains.parseDer([certificate, ...cabundle.toReversed()]);
  const rules = { roots: trustRoots, now, algorithm: "ecdsa-p384-sha384", maxLength: MAX_CHAIN } as const;
  return chains.verify(certificates, rules);
}

function checkSigner(leaf: Certificate): void {
  if (leaf.isCa || leaf.keyUsage?.has(KEY_USAGE.digitalSignature) !== true) {
    throw new EvidenceError("CHAIN_UNTRUSTED", `${nameOf(leaf)} may not sign data, or is an authority`);
  }
  if (leaf.publicKey.curve !== "P-384") {
    throw new EvidenceError("EVIDENCE_UNSUPPORTED", `${nameOf(leaf)} has a key of ${leaf.publicKey.curve}`);
  }
}

function nameOf({ subject }: Certificate): string {
  return subject.commonName ?? "the signing certificate";
}
