/** The standard extensions of certificates and CRLs that simulated vendors issue, each with its DER. */
import { createHash } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { utf8 } from "../encoding/bytes.ts";
import { DerReader } from "./der.ts";
import { element, integer, objectIdentifier } from "./der-writer.ts";

/** An extension with its DER as it stands inside the octet string. */
export interface RawExtension {
  readonly oid: string;
  readonly critical: boolean;
  readonly value: Uint8Array;
}

/** Uses of a key; the lists are those of the vendors. */
export type KeyUsage = readonly (keyof typeof USAGE_BITS)[];

const TRUE = element("boolean", Uint8Array.of(0xff));
/** All within the first octet. @see RFC 5280 section 4.2.1.3 */
const USAGE_BITS = { digitalSignature: 0x80, nonRepudiation: 0x40, keyCertSign: 0x04, crlSign: 0x02 } as const;

/** One Extension. @see RFC 5280 section 4.1 */
export function extension({ oid, critical, value }: RawExtension): Uint8Array {
  return element("sequence", objectIdentifier(oid), ...(critical ? [TRUE] : []), element("octetString", value));
}

/** @see RFC 5280 section 4.2.1.1: the key identifier alone */
export function authorityKeyIdentifier(keyIdentifier: Uint8Array): RawExtension {
  const value = element("sequence", element({ context: 0, constructed: false }, keyIdentifier));
  return { oid: "2.5.29.35", critical: false, value };
}

/** @see RFC 5280 section 4.2.1.2 */
export function subjectKeyIdentifier(publicKey: KeyObject): RawExtension {
  return { oid: "2.5.29.14", critical: false, value: element("octetString", keyIdentifierOf(publicKey)) };
}

/**
 * Key usage; `unusedBits` is what the octet leaves out at its end, as DER wants it where not given.
 * @see RFC 5280 section 4.2.1.3
 */
export function keyUsage(uses: KeyUsage, options: { critical?: boolean; unusedBits?: number } = {}): RawExtension {
  const bits = uses.reduce((sum, use) => sum | USAGE_BITS[use], 0);
  const unused = options.unusedBits ?? Math.log2(bits & -bits);
  return {
    oid: "2.5.29.15",
    critical: options.critical ?? true,
    value: element("bitString", Uint8Array.of(unused, bits)),
  };
}

/** Of an authority with or without a limit of the path below, or of a leaf. @see RFC 5280 section 4.2.1.9 */
export function basicConstraints(role: "leaf" | "authority" | { readonly pathLength: number }): RawExtension {
  const limit = typeof role === "string" ? [] : [integer(role.pathLength)];
  const value = element("sequence", ...(role === "leaf" ? [] : [TRUE, ...limit]));
  return { oid: "2.5.29.19", critical: true, value };
}

/** One distribution point with one full name that is a URI. @see RFC 5280 section 4.2.1.13 */
export function crlDistributionPoint(url: string): RawExtension {
  const uri = element({ context: 6, constructed: false }, utf8(url));
  const fullName = element({ context: 0, constructed: true }, element({ context: 0, constructed: true }, uri));
  return { oid: "2.5.29.31", critical: false, value: element("sequence", element("sequence", fullName)) };
}

/** @see RFC 5280 section 5.2.3 */
export function crlNumber(number: number): RawExtension {
  return { oid: "2.5.29.20", critical: false, value: integer(number) };
}

/** @see RFC 5280 section 4.2.1.2, method (1): SHA-1 of the public key's bits */
export function keyIdentifierOf(publicKey: KeyObject): Uint8Array {
  const reader = new DerReader(publicKey.export({ type: "spki", format: "der" })).enter("public key");
  reader.enter("public key algorithm");
  return new Uint8Array(createHash("sha1").update(reader.octetsOfBitString("public key")).digest());
}
