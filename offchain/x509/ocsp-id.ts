import { sha1, sha256, sha384 } from "#crypto";
import { equal, parseHex } from "../encoding/bytes.ts";
import { EvidenceError } from "../errors.ts";
import { readSerial, type Certificate } from "./certificate.ts";
import { DER, DerReader } from "./der.ts";
import { element, integer, objectIdentifier } from "./der-writer.ts";

/** The hashes that a certificate id may be made with. */
export type CertificateIdHash = keyof typeof HASHES;

/** Which certificate is asked after: hashes of its issuer's name and key, and its serial number. */
export interface CertificateId {
  readonly hash: CertificateIdHash;
  readonly issuerNameHash: Uint8Array;
  readonly issuerKeyHash: Uint8Array;
  /** Hex without 0x, no sign octet. */
  readonly serial: string;
}

type Issuer = Pick<Certificate, "subject" | "publicKey">;

const HASHES = {
  sha1: { oid: "1.3.14.3.2.26", digest: sha1 },
  sha256: { oid: "2.16.840.1.101.3.4.2.1", digest: sha256 },
  sha384: { oid: "2.16.840.1.101.3.4.2.2", digest: sha384 },
} as const;

/** The id of a certificate that `issuer` issued. @see RFC 6960 section 4.1.1, CertID */
export function certificateIdOf(
  { serial }: Pick<Certificate, "serial">,
  issuer: Issuer,
  hash: CertificateIdHash = "sha256",
): CertificateId {
  const { digest } = HASHES[hash];
  return { hash, issuerNameHash: digest(issuer.subject.raw), issuerKeyHash: digest(keyBitsOf(issuer)), serial };
}

/** Says whether an id is that of a certificate under its issuer. */
export function isIdOf(id: CertificateId, certificate: Pick<Certificate, "serial">, issuer: Issuer): boolean {
  if (id.serial !== certificate.serial) return false;
  const own = certificateIdOf(certificate, issuer, id.hash);
  return equal(own.issuerNameHash, id.issuerNameHash) && equal(own.issuerKeyHash, id.issuerKeyHash);
}

/** The SHA-1 that names a responder by its key. @see RFC 6960 section 4.2.1, KeyHash */
export function keyHashOf(certificate: Pick<Certificate, "publicKey">): Uint8Array {
  return sha1(keyBitsOf(certificate));
}

/** Writes a certificate id, DER. */
export function writeCertificateId({ hash, issuerNameHash, issuerKeyHash, serial }: CertificateId): Uint8Array {
  return element(
    "sequence",
    element("sequence", objectIdentifier(HASHES[hash].oid), element("null")),
    element("octetString", issuerNameHash),
    element("octetString", issuerKeyHash),
    integer(parseHex(`0x${serial}`) ?? new Uint8Array()),
  );
}

/** Reads a certificate id; throws `EvidenceError` `EVIDENCE_MALFORMED`, or `EVIDENCE_UNSUPPORTED` for another hash. */
export function readCertificateId(outer: DerReader): CertificateId {
  const reader = outer.enter("certificate id");
  const hash = readHash(reader.enter("certificate id hash"));
  const issuerNameHash = reader.octetString("issuer name hash");
  const issuerKeyHash = reader.octetString("issuer key hash");
  const serial = readSerial(reader);
  reader.end("certificate id");
  return { hash, issuerNameHash, issuerKeyHash, serial };
}

/** The parameters of a hash are absent or NULL. */
function readHash(reader: DerReader): CertificateIdHash {
  const oid = reader.oid("certificate id hash");
  if (!reader.done && reader.content(DER.null, "parameters").length > 0) {
    throw new EvidenceError("EVIDENCE_MALFORMED", "OCSP: parameters that are not NULL");
  }
  reader.end("certificate id hash");
  const known = Object.entries(HASHES).find(([, { oid: candidate }]) => candidate === oid);
  if (known === undefined) throw new EvidenceError("EVIDENCE_UNSUPPORTED", `OCSP: certificate id hash ${oid}`);
  return known[0] as CertificateIdHash;
}

/** The bits of the public key without tag, length and number of unused bits. */
function keyBitsOf({ publicKey }: Pick<Certificate, "publicKey">): Uint8Array {
  const reader = new DerReader(publicKey.spki).enter("public key");
  reader.element(DER.sequence, "public key algorithm");
  return reader.octetsOfBitString("public key");
}
