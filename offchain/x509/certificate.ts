import { equal, toHex } from "../encoding/bytes.ts";
import { EvidenceError } from "../errors.ts";
import { DER, DerReader } from "./der.ts";
import { readExtensions, readKeyIdentifier, type Extension } from "./extensions.ts";
import { readPublicKey, readSignatureAlgorithm, type PublicKey, type SignatureAlgorithm } from "./signature.ts";

/** A distinguished name: compared by its bytes. */
export interface Name {
  readonly raw: Uint8Array;
  readonly commonName: string | undefined;
}

/** A certificate as parsed; nothing in it is verified. */
export interface Certificate {
  /** The signed part. */
  readonly tbs: Uint8Array;
  /** Hex without 0x, no sign octet. */
  readonly serial: string;
  readonly issuer: Name;
  readonly subject: Name;
  /** Milliseconds since 1970, both inclusive. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly publicKey: PublicKey;
  readonly algorithm: SignatureAlgorithm;
  /** DER ECDSA-Sig-Value, or the octets of RSASSA-PSS. */
  readonly signature: Uint8Array;
  /** By object identifier. */
  readonly extensions: ReadonlyMap<string, Extension>;
  readonly isCa: boolean;
  /** Undefined: no limit. */
  readonly pathLength: number | undefined;
  /** Numbers of the bits set; undefined where the extension is absent. */
  readonly keyUsage: ReadonlySet<number> | undefined;
  readonly subjectKeyId: Uint8Array | undefined;
  readonly authorityKeyId: Uint8Array | undefined;
}

/** Bits of the key usage extension. @see RFC 5280 section 4.2.1.3 */
export const KEY_USAGE = { digitalSignature: 0, keyCertSign: 5, crlSign: 6 } as const;

const BASIC_CONSTRAINTS = "2.5.29.19";
const KEY_USAGE_EXTENSION = "2.5.29.15";
const SUBJECT_KEY_ID = "2.5.29.14";
const UNDERSTOOD = new Set([BASIC_CONSTRAINTS, KEY_USAGE_EXTENSION]);
const NONE: ReadonlySet<string> = new Set();
const COMMON_NAME = "2.5.4.3";

const malformed = (message: string): EvidenceError =>
  new EvidenceError("EVIDENCE_MALFORMED", `certificate: ${message}`);

/**
 * Parses one DER certificate, version 3, strictly; critical extensions that neither this parser nor the caller understands are refused.
 * Throws `EvidenceError` `EVIDENCE_MALFORMED` or `EVIDENCE_UNSUPPORTED`.
 * @see RFC 5280 section 4.1
 */
export function parseCertificate(der: Uint8Array, alsoUnderstood: ReadonlySet<string> = NONE): Certificate {
  const outer = new DerReader(der);
  const certificate = outer.enter("certificate");
  outer.end("certificate");
  const { raw: tbs, content } = certificate.element(DER.sequence, "tbsCertificate");
  const algorithmIdentifier = certificate.element(DER.sequence, "signatureAlgorithm");
  const signature = certificate.octetsOfBitString("signature");
  certificate.end("certificate");
  return { tbs, signature, ...readTbs(new DerReader(content), algorithmIdentifier.raw, alsoUnderstood) };
}

function readTbs(
  tbs: DerReader,
  outerAlgorithm: Uint8Array,
  alsoUnderstood: ReadonlySet<string>,
): Omit<Certificate, "tbs" | "signature"> {
  const version = tbs.enter("version", 0xa0);
  if (version.uint32("version") !== 2) throw malformed("version is not 3");
  version.end("version");
  const serial = readSerial(tbs);
  const inner = tbs.element(DER.sequence, "signature");
  if (!equal(inner.raw, outerAlgorithm)) throw malformed("two different signature algorithms");
  const algorithm = readSignatureAlgorithm(new DerReader(inner.content));
  const issuer = readName(tbs, "issuer");
  const validity = tbs.enter("validity");
  const notBefore = validity.time("notBefore");
  const notAfter = validity.time("notAfter");
  validity.end("validity");
  const subject = readName(tbs, "subject");
  const publicKey = readPublicKey(tbs.element(DER.sequence, "subjectPublicKeyInfo").raw);
  const extensions = readExtensions(tbs.enter("extensions", 0xa3), new Set([...UNDERSTOOD, ...alsoUnderstood]));
  tbs.end("tbsCertificate");
  const base = { serial, algorithm, issuer, notBefore, notAfter, subject, publicKey, extensions };
  return { ...base, ...readStandardExtensions(extensions, algorithm) };
}

function readStandardExtensions(
  extensions: ReadonlyMap<string, Extension>,
  algorithm: SignatureAlgorithm,
): Pick<Certificate, "isCa" | "pathLength" | "keyUsage" | "subjectKeyId" | "authorityKeyId"> {
  const usage = extensions.get(KEY_USAGE_EXTENSION);
  const subjectKeyId = extensions.get(SUBJECT_KEY_ID);
  return {
    ...readBasicConstraints(extensions.get(BASIC_CONSTRAINTS)),
    keyUsage: usage && whole(usage.value, (reader) => readKeyUsage(reader, algorithm)),
    subjectKeyId: subjectKeyId && whole(subjectKeyId.value, (reader) => reader.octetString("subject key identifier")),
    authorityKeyId: readKeyIdentifier(extensions),
  };
}

/** AMD, the one issuer that signs with RSA, leaves zero bits at the end of the key usage, which DER does not allow. */
function readKeyUsage(reader: DerReader, algorithm: SignatureAlgorithm): ReadonlySet<number> {
  return algorithm === "rsa4096-pss-sha384" ? reader.bits("key usage") : reader.namedBits("key usage");
}

function readBasicConstraints(extension: Extension | undefined): Pick<Certificate, "isCa" | "pathLength"> {
  if (extension === undefined) return { isCa: false, pathLength: undefined };
  return whole(extension.value, (outer) => {
    const reader = outer.enter("basic constraints");
    const isCa = reader.nextTag === DER.boolean && reader.boolean("cA");
    const pathLength = reader.done ? undefined : reader.uint32("pathLenConstraint");
    reader.end("basic constraints");
    if (!isCa && pathLength !== undefined) throw malformed("a path length without cA");
    return { isCa, pathLength };
  });
}

/** The serial number as lower-case hex; at most 20 octets. */
export function readSerial(reader: DerReader): string {
  const serial = reader.unsigned("serial number");
  if (serial.length > 20) throw malformed("serial number is longer than 20 octets");
  return toHex(serial).slice(2);
}

/** Reads a distinguished name; the last common name counts. */
export function readName(reader: DerReader, what: string): Name {
  const { raw, content } = reader.element(DER.sequence, what);
  const names = new DerReader(content);
  let commonName: string | undefined;
  while (!names.done) {
    const set = names.enter(what, DER.set);
    while (!set.done) {
      const attribute = set.enter(what);
      const type = attribute.oid(what);
      const value = attribute.any(what);
      attribute.end(what);
      if (type === COMMON_NAME) commonName = readText(value.tag, value.content);
    }
  }
  return { raw, commonName };
}

function readText(tag: number, content: Uint8Array): string {
  if (tag !== DER.utf8String && tag !== DER.printableString) throw malformed("common name of an unknown string type");
  return new TextDecoder().decode(content);
}

function whole<T>(bytes: Uint8Array, read: (reader: DerReader) => T): T {
  const reader = new DerReader(bytes);
  const value = read(reader);
  reader.end("extension");
  return value;
}
