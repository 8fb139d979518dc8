/** Issues P-256 certificates and CRLs, as a vendor does; used for simulated vendors only. */
import { createHash, createPublicKey, sign } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { concat, utf8 } from "../encoding/bytes.ts";
import { bitString, element, integer, objectIdentifier, time } from "./der-writer.ts";

/** The names that Intel's certificates carry. */
export interface DistinguishedName {
  readonly commonName: string;
  readonly organization: string;
  readonly locality: string;
  readonly state: string;
  /** Two letters. */
  readonly country: string;
}

/** An extension with its DER as it stands inside the octet string. */
export interface RawExtension {
  readonly oid: string;
  readonly critical: boolean;
  readonly value: Uint8Array;
}

/** Who signs, with a P-256 private key. */
export interface Issuer {
  readonly name: DistinguishedName;
  readonly privateKey: KeyObject;
}

export interface CertificateTemplate {
  /** Big-endian, 1 to 20 bytes. */
  readonly serial: Uint8Array;
  readonly subject: DistinguishedName;
  readonly publicKey: KeyObject;
  /** Milliseconds since 1970; whole seconds are kept. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** A certification authority with its path length, or a leaf that signs data. */
  readonly role: { readonly pathLength: number } | "leaf";
  readonly crlUrl: string;
  /** Stand after the standard extensions, in the order given. */
  readonly extensions?: readonly RawExtension[];
}

export interface CrlTemplate {
  /** Milliseconds since 1970; whole seconds are kept. */
  readonly thisUpdate: number;
  readonly nextUpdate: number;
  readonly number: number;
  readonly revoked: readonly { readonly serial: Uint8Array; readonly revokedAt: number }[];
}

const ECDSA_WITH_SHA256 = element("sequence", objectIdentifier("1.2.840.10045.4.3.2"));
const V3 = element({ context: 0, constructed: true }, integer(2));
const CRL_V2 = integer(1);
const TRUE = element("boolean", Uint8Array.of(0xff));
const KEY_COMPROMISE = element("enumerated", Uint8Array.of(1));
/** Bit strings with their number of unused bits: digitalSignature and nonRepudiation; keyCertSign and cRLSign. */
const USAGE = { leaf: Uint8Array.of(6, 0xc0), ca: Uint8Array.of(1, 0x06) };
const OID = {
  subjectKeyIdentifier: "2.5.29.14",
  keyUsage: "2.5.29.15",
  basicConstraints: "2.5.29.19",
  crlNumber: "2.5.29.20",
  reasonCode: "2.5.29.21",
  crlDistributionPoints: "2.5.29.31",
  authorityKeyIdentifier: "2.5.29.35",
};

/**
 * Issues a certificate as DER; it is self-signed where the issuer's key is the subject's.
 * @see RFC 5280 section 4; Intel SGX PCK Certificate and CRL Profile Specification section 1.2
 */
export function issueCertificate(template: CertificateTemplate, issuer: Issuer): Uint8Array {
  const tbs = element(
    "sequence",
    V3,
    serialNumber(template.serial),
    ECDSA_WITH_SHA256,
    nameOf(issuer.name),
    element("sequence", time(template.notBefore), time(template.notAfter)),
    nameOf(template.subject),
    spkiOf(template.publicKey),
    element({ context: 3, constructed: true }, element("sequence", ...certificateExtensions(template, issuer))),
  );
  return signed(tbs, issuer);
}

/**
 * Issues a CRL v2 as DER; the reason of every entry is keyCompromise.
 * @see RFC 5280 section 5; Intel SGX PCK Certificate and CRL Profile Specification section 1.4
 */
export function issueCrl(template: CrlTemplate, issuer: Issuer): Uint8Array {
  const entries = template.revoked.map(({ serial, revokedAt }) =>
    element(
      "sequence",
      serialNumber(serial),
      time(revokedAt),
      element("sequence", extension({ oid: OID.reasonCode, critical: false, value: KEY_COMPROMISE })),
    ),
  );
  const extensions = [
    extension({ oid: OID.crlNumber, critical: false, value: integer(template.number) }),
    authorityKeyIdentifier(issuer),
  ];
  const tbs = element(
    "sequence",
    CRL_V2,
    ECDSA_WITH_SHA256,
    nameOf(issuer.name),
    time(template.thisUpdate),
    time(template.nextUpdate),
    ...(entries.length === 0 ? [] : [element("sequence", ...entries)]),
    element({ context: 0, constructed: true }, element("sequence", ...extensions)),
  );
  return signed(tbs, issuer);
}

/** Writes DER as PEM with lines of 64 characters and a line feed at the end. @see RFC 7468 section 3 */
export function toPem(label: "CERTIFICATE" | "X509 CRL", der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ""].join("\n");
}

function signed(tbs: Uint8Array, issuer: Issuer): Uint8Array {
  return element("sequence", tbs, ECDSA_WITH_SHA256, bitString(sign("sha256", tbs, issuer.privateKey)));
}

function certificateExtensions(template: CertificateTemplate, issuer: Issuer): Uint8Array[] {
  const { role } = template;
  const usage = element("bitString", role === "leaf" ? USAGE.leaf : USAGE.ca);
  const constraints = element("sequence", ...(role === "leaf" ? [] : [TRUE, integer(role.pathLength)]));
  const keyIdentifier = element("octetString", keyIdentifierOf(template.publicKey));
  return [
    authorityKeyIdentifier(issuer),
    extension({ oid: OID.crlDistributionPoints, critical: false, value: distributionPoint(template.crlUrl) }),
    extension({ oid: OID.subjectKeyIdentifier, critical: false, value: keyIdentifier }),
    extension({ oid: OID.keyUsage, critical: true, value: usage }),
    extension({ oid: OID.basicConstraints, critical: true, value: constraints }),
    ...(template.extensions ?? []).map(extension),
  ];
}

function extension({ oid, critical, value }: RawExtension): Uint8Array {
  return element("sequence", objectIdentifier(oid), ...(critical ? [TRUE] : []), element("octetString", value));
}

function authorityKeyIdentifier(issuer: Issuer): Uint8Array {
  const keyIdentifier = keyIdentifierOf(createPublicKey(issuer.privateKey));
  const value = element("sequence", element({ context: 0, constructed: false }, keyIdentifier));
  return extension({ oid: OID.authorityKeyIdentifier, critical: false, value });
}

/** @see RFC 5280 section 4.2.1.13: one distribution point with one full name that is a URI */
function distributionPoint(url: string): Uint8Array {
  const uri = element({ context: 6, constructed: false }, utf8(url));
  const fullName = element({ context: 0, constructed: true }, element({ context: 0, constructed: true }, uri));
  return element("sequence", element("sequence", fullName));
}

function nameOf(name: DistinguishedName): Uint8Array {
  const attributes = [
    attribute("2.5.4.3", element("utf8String", utf8(name.commonName))),
    attribute("2.5.4.10", element("utf8String", utf8(name.organization))),
    attribute("2.5.4.7", element("utf8String", utf8(name.locality))),
    attribute("2.5.4.8", element("utf8String", utf8(name.state))),
    attribute("2.5.4.6", element("printableString", utf8(name.country))),
  ];
  return element("sequence", ...attributes);
}

function attribute(oid: string, value: Uint8Array): Uint8Array {
  return element("set", element("sequence", objectIdentifier(oid), value));
}

function serialNumber(serial: Uint8Array): Uint8Array {
  if (serial.length === 0 || serial.length > 20) throw new RangeError("a serial number has 1 to 20 bytes");
  return integer(serial);
}

/** @see RFC 5280 section 4.2.1.2, method (1): SHA-1 of the public key's bits */
function keyIdentifierOf(publicKey: KeyObject): Uint8Array {
  const { x = "", y = "" } = publicKey.export({ format: "jwk" });
  const point = concat(Uint8Array.of(0x04), Buffer.from(x, "base64url"), Buffer.from(y, "base64url"));
  return new Uint8Array(createHash("sha1").update(point).digest());
}

function spkiOf(publicKey: KeyObject): Uint8Array {
  return new Uint8Array(publicKey.export({ type: "spki", format: "der" }));
}
