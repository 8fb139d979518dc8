import { equal } from "../encoding/bytes.ts";
import { EvidenceError } from "../errors.ts";
import { KEY_USAGE, parseCertificate, type Certificate } from "./certificate.ts";
import { DerReader } from "./der.ts";
import { Memory } from "./memory.ts";
import { isIdOf, keyHashOf } from "./ocsp-id.ts";
import type { OcspResponse, SingleResponse } from "./ocsp-response.ts";
import { verifyDerSignature } from "./signature.ts";
import { checkValidity } from "./validity.ts";

/** What an OCSP response is held against. */
export interface OcspRules {
  readonly certificate: Certificate;
  /** The certificate's issuer, verified already. */
  readonly issuer: Certificate;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** The nonce of the request, where the answer must be to that one. */
  readonly nonce?: Uint8Array;
  readonly memory?: Memory;
}

/** What a verified response says of the certificate, and until when. */
export interface OcspAnswer extends SingleResponse {
  /** Milliseconds since 1970. */
  readonly validUntil: number;
}

const EXTENDED_KEY_USAGE = "2.5.29.37";
const OCSP_SIGNING = "1.3.6.1.5.5.7.3.9";
/** A responder's certificate may demand that its purpose is understood: it is checked here. */
const RESPONDER_UNDERSTOOD: ReadonlySet<string> = new Set([EXTENDED_KEY_USAGE]);
/** How far the responder's clock may be ahead. */
const CLOCK_SKEW = 5 * 60_000;
/** How long an answer is taken that does not say until when it holds. */
const MAX_AGE = 24 * 3_600_000;

const untrusted = (message: string): EvidenceError => new EvidenceError("CHAIN_UNTRUSTED", `OCSP: ${message}`);

/** Says whether a response speaks of a certificate under its issuer. */
export function speaksOf(
  response: OcspResponse,
  { certificate, issuer }: Pick<OcspRules, "certificate" | "issuer">,
): boolean {
  return response.responses.some(({ id }) => isIdOf(id, certificate, issuer));
}

/**
 * Verifies a response as the word of the certificate's issuer, or of a responder that the issuer certified, at a time.
 * Revocation is no error here: it is what the answer says. The responder's own certificate is not asked after.
 * Throws `EvidenceError` `CHAIN_UNTRUSTED`, `SIGNATURE_INVALID`, `CERTIFICATE_EXPIRED` or `BINDING_MISMATCH`.
 * @see RFC 6960 sections 3.2 and 4.2.2
 */
export async function verifyOcspResponse(response: OcspResponse, rules: OcspRules): Promise<OcspAnswer> {
  const { certificate, issuer, now, nonce, memory = new Memory() } = rules;
  const [answer, ...others] = response.responses.filter(({ id }) => isIdOf(id, certificate, issuer));
  if (answer === undefined) throw new EvidenceError("BINDING_MISMATCH", "OCSP: no answer for the certificate");
  if (others.length > 0) throw untrusted("several answers for one certificate");
  if (nonce !== undefined && (response.nonce === undefined || !equal(response.nonce, nonce))) {
    throw new EvidenceError("BINDING_MISMATCH", "OCSP: the answer is to another request");
  }
  const responder = await responderOf(response, rules, memory);
  const { algorithm, tbs, signature } = response;
  const verify = () => verifyDerSignature(algorithm, responder.publicKey, tbs, signature);
  if (!(await memory.holds(response, responder.publicKey, verify))) {
    throw new EvidenceError("SIGNATURE_INVALID", "OCSP: the responder's signature does not hold");
  }
  const { thisUpdate, nextUpdate = thisUpdate + MAX_AGE } = answer;
  checkValidity("the OCSP answer", Math.max(thisUpdate, response.producedAt) - CLOCK_SKEW, nextUpdate, now);
  return { ...answer, validUntil: nextUpdate };
}

/** The certificate of the responder: the issuer's own, or one that the issuer certified for this purpose. */
async function responderOf(response: OcspResponse, rules: OcspRules, memory: Memory): Promise<Certificate> {
  if (isNamed(response, rules.issuer)) return rules.issuer;
  const delegate = response.certificates
    .map((der) => memory.parsed("OCSP responder", der, (bytes) => parseCertificate(bytes, RESPONDER_UNDERSTOOD)))
    .find((candidate) => isNamed(response, candidate));
  if (delegate === undefined) throw untrusted("the responder is not the issuer and its certificate is not given");
  await checkDelegate(delegate, rules, memory);
  return delegate;
}

function isNamed({ responder }: OcspResponse, certificate: Certificate): boolean {
  return "name" in responder
    ? equal(responder.name.raw, certificate.subject.raw)
    : equal(responder.keyHash, keyHashOf(certificate));
}

async function checkDelegate(delegate: Certificate, { issuer, now }: OcspRules, memory: Memory): Promise<void> {
  const name = delegate.subject.commonName ?? "the responder";
  const { authorityKeyId } = delegate;
  const sameKey = authorityKeyId === undefined || equal(authorityKeyId, issuer.subjectKeyId ?? new Uint8Array());
  if (!equal(delegate.issuer.raw, issuer.subject.raw) || !sameKey || authorityKeyId?.length === 0) {
    throw untrusted(`${name} is not certified by the certificate's issuer`);
  }
  const { algorithm, tbs, signature } = delegate;
  const verify = () => verifyDerSignature(algorithm, issuer.publicKey, tbs, signature);
  if (!(await memory.holds(delegate, issuer.publicKey, verify))) {
    throw new EvidenceError("SIGNATURE_INVALID", `OCSP: ${name} is not certified by the certificate's issuer`);
  }
  if (!purposesOf(delegate).includes(OCSP_SIGNING)) throw untrusted(`${name} may not sign OCSP answers`);
  if (delegate.keyUsage?.has(KEY_USAGE.digitalSignature) === false) throw untrusted(`${name} may not sign`);
  checkValidity(name, delegate.notBefore, delegate.notAfter, now);
}

/** @see RFC 5280 section 4.2.1.12 */
function purposesOf({ extensions }: Certificate): readonly string[] {
  const extension = extensions.get(EXTENDED_KEY_USAGE);
  if (extension === undefined) return [];
  const outer = new DerReader(extension.value);
  const reader = outer.enter("extended key usage");
  outer.end("extended key usage");
  const purposes: string[] = [];
  while (!reader.done) purposes.push(reader.oid("extended key usage"));
  return purposes;
}
