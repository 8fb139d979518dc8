/** Reads the claims of a token by their keys, each of its type and length. */
import { decodeCbor, type CborValue } from "../../cose/cbor.ts";
import { EvidenceError } from "../../errors.ts";

/** The claims of one token; keys that nobody here knows are signed, and ignored. @see RFC 9711 section 7.2.4 */
export type ClaimMap = ReadonlyMap<CborValue, CborValue>;

/** A claim's key and its name for people. */
export type ClaimKey = readonly [key: number, name: string];

/** Lengths of the digests of SHA-256, SHA-384 and SHA-512. */
export const DIGEST_LENGTHS: readonly number[] = [32, 48, 64];
const MAX_TEXT = 512;
const HASHES = ["sha-256", "sha-384", "sha-512"] as const;

/** A hash by its name in IANA's registry of named information. */
export type HashId = (typeof HASHES)[number];

export const malformed = (message: string): EvidenceError =>
  new EvidenceError("EVIDENCE_MALFORMED", `CCA token: ${message}`);

/** Decodes a payload; throws `EvidenceError` `EVIDENCE_MALFORMED`. */
export function readClaimMap(payload: Uint8Array, what: string): ClaimMap {
  return claimMap(decodeCbor(payload), what);
}

/** A map among claims. */
export function claimMap(value: CborValue, what: string): ClaimMap {
  if (!(value instanceof Map)) throw malformed(`${what} is not a map`);
  return value as ClaimMap;
}

/** A byte string of one of the lengths. */
export function bytesClaim(claims: ClaimMap, [key, name]: ClaimKey, lengths: readonly number[]): Uint8Array {
  return bytesOf(claims.get(key), name, lengths);
}

/** A byte string that is no claim by itself, of one of the lengths. */
export function bytesOf(value: CborValue | undefined, name: string, lengths: readonly number[]): Uint8Array {
  if (!(value instanceof Uint8Array)) throw malformed(`${name} is not a byte string`);
  if (!lengths.includes(value.length)) throw malformed(`${name} has ${value.length} bytes`);
  return value;
}

/** A byte string of one length up to another, both inclusive. */
export function variableBytesClaim(claims: ClaimMap, [key, name]: ClaimKey, least: number, most: number): Uint8Array {
  const value = claims.get(key);
  if (!(value instanceof Uint8Array)) throw malformed(`${name} is not a byte string`);
  if (value.length < least || value.length > most) throw malformed(`${name} has ${value.length} bytes`);
  return value;
}

/** A text; undefined where it is absent. */
export function optionalText(claims: ClaimMap, [key, name]: ClaimKey): string | undefined {
  const value = claims.get(key);
  if (value === undefined) return undefined;
  if (typeof value !== "string" || value.length > MAX_TEXT) throw malformed(`${name} is no text, or too long`);
  return value;
}

/** The name of a hash; another one is `EVIDENCE_UNSUPPORTED`. */
export function hashClaim(claims: ClaimMap, claim: ClaimKey): HashId {
  const name = optionalText(claims, claim);
  if (name === undefined) throw malformed(`${claim[1]} is missing`);
  const found = HASHES.find((known) => known === name);
  if (found === undefined) throw new EvidenceError("EVIDENCE_UNSUPPORTED", `CCA token: ${claim[1]} is another hash`);
  return found;
}

/** A list of at least one item and at most so many. */
export function listClaim(claims: ClaimMap, [key, name]: ClaimKey, most: number): readonly CborValue[] {
  const value = claims.get(key);
  if (!Array.isArray(value)) throw malformed(`${name} is not a list`);
  if (value.length === 0 || value.length > most) throw malformed(`${name} has ${value.length} items`);
  return value as readonly CborValue[];
}
