/** Issues certificates and CRLs, as a vendor does; used for simulated vendors only. */
import { constants, createPublicKey, sign } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { utf8 } from "../encoding/bytes.ts";
import { bitString, element, integer, objectIdentifier, time } from "./der-writer.ts";
import { extension, keyIdentifierOf, type RawExtension } from "./issue-extensions.ts";

/** A name; its attributes are written in the order of the members. */
export interface DistinguishedName {
  readonly commonName?: string;
  /** Of the subject itself, not of its certificate. */
  readonly serialNumber?: string;
  readonly organization?: string;
  readonly organizationalUnit?: string;
  readonly locality?: string;
  readonly state?: string;
  /** Two letters. */
  readonly country?: string;
}

/** Who signs: with P-256 and SHA-256, P-384 and SHA-384, or RSASSA-PSS and SHA-384, as the private key is. */
export interface Issuer {
  readonly name: DistinguishedName;
  readonly privateKey: KeyObject;
  /** RSASSA-PSS parameters name the one trailer there is, which DER would leave out. */
  readonly writesTrailer?: boolean;
}

export interface CertificateTemplate {
  /** Big-endian, 1 to 20 bytes. */
  readonly serial: Uint8Array;
  readonly subject: DistinguishedName;
  readonly publicKey: KeyObject;
  /** Milliseconds since 1970; whole seconds are kept. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly extensions: readonly RawExtension[];
}

export interface CrlTemplate {
  /** Milliseconds since 1970; whole seconds are kept. */
  readonly thisUpdate: number;
  readonly nextUpdate: number;
  readonly revoked: readonly { readonly serial: Uint8Array; readonly revokedAt: number }[];
  readonly extensions: readonly RawExtension[];
}

const V3 = element({ context: 0, constructed: true }, integer(2));
const CRL_V2 = integer(1);
const NULL = Uint8Array.of(0x05, 0x00);
const KEY_COMPROMISE = element("enumerated", Uint8Array.of(1));
const REASON_CODE = "2.5.29.21";
const PSS_SALT_LENGTH = 48;
const ECDSA = {
  prime256v1: { hash: "sha256", algorithm: element("sequence", objectIdentifier("1.2.840.10045.4.3.2")) },
  secp384r1: { hash: "sha384", algorithm: element("sequence", objectIdentifier("1.2.840.10045.4.3.3")) },
} as const;
const ATTRIBUTES = {
  commonName: "2.5.4.3",
  serialNumber: "2.5.4.5",
  country: "2.5.4.6",
  locality: "2.5.4.7",
  state: "2.5.4.8",
  organization: "2.5.4.10",
  organizationalUnit: "2.5.4.11",
} as const satisfies Record<keyof DistinguishedName, string>;
const PRINTABLE: ReadonlySet<string> = new Set(["country", "serialNumber"]);

/**
 * Issues a certificate as DER; it is self-signed where the issuer's key is the subject's.
 * @see RFC 5280 section 4
 */
export function issueCertificate(template: CertificateTemplate, issuer: Issuer): Uint8Array {
  const { algorithm } = signerOf(issuer);
  const tbs = element(
    "sequence",
    V3,
    serialNumber(template.serial),
    algorithm,
    nameOf(issuer.name),
    element("sequence", time(template.notBefore), time(template.notAfter)),
    nameOf(template.subject),
    new Uint8Array(template.publicKey.export({ type: "spki", format: "der" })),
    element({ context: 3, constructed: true }, element("sequence", ...template.extensions.map(extension))),
  );
  return signed(tbs, issuer);
}

/**
 * Issues a CRL v2 as DER; the reason of every entry is keyCompromise.
 * @see RFC 5280 section 5
 */
export function issueCrl(template: CrlTemplate, issuer: Issuer): Uint8Array {
  const entries = template.revoked.map(({ serial, revokedAt }) =>
    element(
      "sequence",
      serialNumber(serial),
      time(revokedAt),
      element("sequence", extension({ oid: REASON_CODE, critical: false, value: KEY_COMPROMISE })),
    ),
  );
  const tbs = element(
    "sequence",
    CRL_V2,
    signerOf(issuer).algorithm,
    nameOf(issuer.name),
    time(template.thisUpdate),
    time(template.nextUpdate),
    ...(entries.length === 0 ? [] : [element("sequence", ...entries)]),
    element({ context: 0, constructed: true }, element("sequence", ...template.extensions.map(extension))),
  );
  return signed(tbs, issuer);
}

/** The key identifier of an issuer's key. */
export function issuerKeyIdentifier({ privateKey }: Issuer): Uint8Array {
  return keyIdentifierOf(createPublicKey(privateKey));
}

/** Writes DER as PEM with lines of 64 characters and a line feed at the end. @see RFC 7468 section 3 */
export function toPem(label: "CERTIFICATE" | "X509 CRL", der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ""].join("\n");
}

/** A SEQUENCE of what is signed, algorithm, signature, and what may follow. */
export function signed(tbs: Uint8Array, issuer: Issuer, ...rest: readonly Uint8Array[]): Uint8Array {
  const { algorithm, signatureOf } = signerOf(issuer);
  return element("sequence", tbs, algorithm, bitString(signatureOf(tbs)), ...rest);
}

interface Signer {
  /** DER AlgorithmIdentifier. */
  readonly algorithm: Uint8Array;
  readonly signatureOf: (message: Uint8Array) => Uint8Array;
}

function signerOf({ privateKey: key, writesTrailer = false }: Issuer): Signer {
  if (key.asymmetricKeyType === "rsa") {
    const padding = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: PSS_SALT_LENGTH };
    return {
      algorithm: pssAlgorithm(writesTrailer),
      signatureOf: (message) => sign("sha384", message, { key, ...padding }),
    };
  }
  const curve = key.asymmetricKeyDetails?.namedCurve;
  if (curve !== "prime256v1" && curve !== "secp384r1") throw new RangeError(`no issuer signs with ${curve ?? "this"}`);
  const { algorithm, hash } = ECDSA[curve];
  return { algorithm, signatureOf: (message) => sign(hash, message, key) };
}

/** @see RFC 4055 section 3.1: SHA-384, MGF1 with SHA-384, a salt of 48 bytes */
function pssAlgorithm(writesTrailer: boolean): Uint8Array {
  const tagged = (context: number, value: Uint8Array): Uint8Array => element({ context, constructed: true }, value);
  const sha384 = element("sequence", objectIdentifier("2.16.840.1.101.3.4.2.2"), NULL);
  const parameters = element(
    "sequence",
    tagged(0, sha384),
    tagged(1, element("sequence", objectIdentifier("1.2.840.113549.1.1.8"), sha384)),
    tagged(2, integer(PSS_SALT_LENGTH)),
    ...(writesTrailer ? [tagged(3, integer(1))] : []),
  );
  return element("sequence", objectIdentifier("1.2.840.113549.1.1.10"), parameters);
}

/** A name as DER. */
export function nameOf(name: DistinguishedName): Uint8Array {
  const attributes = (Object.keys(name) as (keyof DistinguishedName)[]).flatMap((type) => {
    const text = name[type];
    if (text === undefined) return [];
    const value = element(PRINTABLE.has(type) ? "printableString" : "utf8String", utf8(text));
    return [element("set", element("sequence", objectIdentifier(ATTRIBUTES[type]), value))];
  });
  return element("sequence", ...attributes);
}

function serialNumber(serial: Uint8Array): Uint8Array {
  if (serial.length === 0 || serial.length > 20) throw new RangeError("a serial number has 1 to 20 bytes");
  return integer(serial);
}
