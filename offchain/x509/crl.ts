import { asciiText, equal, parseHex } from "../encoding/bytes.ts";
import { EvidenceError } from "../errors.ts";
import { KEY_USAGE, readName, readSerial, type Certificate, type Name } from "./certificate.ts";
import { DER, DerReader } from "./der.ts";
import { readExtensions, readKeyIdentifier } from "./extensions.ts";
import { checkValidity } from "./validity.ts";
import { Memory } from "./memory.ts";
import { isPem, parsePem } from "./pem.ts";
import { readSignatureAlgorithm, verifyDerSignature, type SignatureAlgorithm } from "./signature.ts";

/** A complete revocation list as parsed; nothing in it is verified. */
export interface RevocationList {
  readonly tbs: Uint8Array;
  readonly issuer: Name;
  /** Milliseconds since 1970. */
  readonly thisUpdate: number;
  readonly nextUpdate: number;
  /** Serial numbers as hex. */
  readonly revoked: ReadonlySet<string>;
  readonly authorityKeyId: Uint8Array | undefined;
  readonly algorithm: SignatureAlgorithm;
  readonly signature: Uint8Array;
}

/** No critical extension is understood: that leaves out partial, indirect and delta lists. */
const UNDERSTOOD: ReadonlySet<string> = new Set();

const malformed = (message: string): EvidenceError => new EvidenceError("EVIDENCE_MALFORMED", `CRL: ${message}`);

/** Reads a revocation list in DER, PEM or hex; throws as `parseRevocationList`. */
export function readRevocationList(bytes: Uint8Array): RevocationList {
  return parseRevocationList(derOf(bytes));
}

function derOf(bytes: Uint8Array): Uint8Array {
  if (isPem(bytes)) {
    const [der, ...rest] = parsePem(bytes, "X509 CRL");
    if (der === undefined || rest.length > 0) throw malformed("more than one in a file");
    return der;
  }
  if (bytes[0] === DER.sequence && bytes[1] !== undefined && bytes[1] >= 0x80) return bytes;
  return parseHex(`0x${asciiText(bytes).trim()}`) ?? bytes;
}

/**
 * Parses one DER revocation list, version 2, with a next update.
 * Throws `EvidenceError` `EVIDENCE_MALFORMED` or `EVIDENCE_UNSUPPORTED`.
 * @see RFC 5280 section 5.1
 */
export function parseRevocationList(der: Uint8Array): RevocationList {
  const outer = new DerReader(der);
  const list = outer.enter("CRL");
  outer.end("CRL");
  const { raw: tbs, content } = list.element(DER.sequence, "tbsCertList");
  const algorithmIdentifier = list.element(DER.sequence, "signatureAlgorithm");
  const signature = list.octetsOfBitString("signature");
  list.end("CRL");
  return { tbs, signature, ...readTbs(new DerReader(content), algorithmIdentifier.raw) };
}

/**
 * Verifies a list as the issuer's at a time: name, key identifier, key usage, signature, validity.
 * Throws `EvidenceError` `CHAIN_UNTRUSTED`, `SIGNATURE_INVALID` or `CERTIFICATE_EXPIRED`. The issuer must be verified already.
 * @see RFC 5280 section 6.3
 */
export async function verifyRevocationList(
  list: RevocationList,
  issuer: Certificate,
  now: number,
  memory: Memory = new Memory(),
): Promise<void> {
  if (!equal(list.issuer.raw, issuer.subject.raw)) {
    throw new EvidenceError("CHAIN_UNTRUSTED", `the CRL is of ${list.issuer.commonName ?? "another issuer"}`);
  }
  const { authorityKeyId } = list;
  if (authorityKeyId === undefined || authorityKeyId.length === 0 || !same(authorityKeyId, issuer.subjectKeyId)) {
    throw new EvidenceError("CHAIN_UNTRUSTED", "the CRL names another issuer key");
  }
  if (!issuer.isCa || issuer.keyUsage?.has(KEY_USAGE.crlSign) !== true) {
    throw new EvidenceError("CHAIN_UNTRUSTED", "the CRL's issuer may not sign CRLs");
  }
  const verify = () => verifyDerSignature(list.algorithm, issuer.publicKey, list.tbs, list.signature);
  if (!(await memory.holds(list, issuer.publicKey, verify))) {
    throw new EvidenceError("SIGNATURE_INVALID", "the CRL's signature does not hold");
  }
  checkValidity("the CRL", list.thisUpdate, list.nextUpdate, now);
}

/** Says whether a list names a certificate of its own issuer. */
export function isRevoked(list: RevocationList, certificate: Certificate): boolean {
  return equal(list.issuer.raw, certificate.issuer.raw) && list.revoked.has(certificate.serial);
}

function readTbs(tbs: DerReader, outerAlgorithm: Uint8Array): Omit<RevocationList, "tbs" | "signature"> {
  if (tbs.uint32("version") !== 1) throw malformed("version is not 2");
  const inner = tbs.element(DER.sequence, "signature");
  if (!equal(inner.raw, outerAlgorithm)) throw malformed("two different signature algorithms");
  const algorithm = readSignatureAlgorithm(new DerReader(inner.content));
  const issuer = readName(tbs, "issuer");
  const thisUpdate = tbs.time("thisUpdate");
  const nextUpdate = tbs.time("nextUpdate");
  const revoked = readRevoked(tbs.nextTag === DER.sequence ? tbs.enter("revokedCertificates") : new DerReader(EMPTY));
  const extensions = readExtensions(tbs.enter("crlExtensions", 0xa0), UNDERSTOOD);
  tbs.end("tbsCertList");
  return { algorithm, issuer, thisUpdate, nextUpdate, revoked, authorityKeyId: readKeyIdentifier(extensions) };
}

const EMPTY = new Uint8Array();

function readRevoked(reader: DerReader): ReadonlySet<string> {
  const revoked = new Set<string>();
  while (!reader.done) {
    const entry = reader.enter("revoked certificate");
    revoked.add(readSerial(entry));
    entry.time("revocationDate");
    if (!entry.done) readExtensions(new DerReader(entry.element(DER.sequence, "entry extensions").raw), UNDERSTOOD);
    entry.end("revoked certificate");
  }
  return revoked;
}

function same(a: Uint8Array, b: Uint8Array | undefined): boolean {
  return b !== undefined && equal(a, b);
}
