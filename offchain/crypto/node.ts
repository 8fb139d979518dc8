/** The Node back of `#crypto`: hashes, signatures and random bytes by OpenSSL and libsecp256k1. */
import * as nodeCrypto from "node:crypto";
import { keccak_256 } from "@noble/hashes/sha3.js";
import secp256k1 from "secp256k1";

export type HashName = "sha256" | "sha384" | "sha512";
export type CurveName = "P-256" | "P-384";

/** A public key ready to verify with; opaque to its holder. */
export type VerifyKey = nodeCrypto.KeyObject;

/** A value now or later: the browser's back can only answer later. */
export type MaybePromise<T> = T | Promise<T>;

export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  return digest("sha256", parts);
}

export function sha384(...parts: readonly Uint8Array[]): Uint8Array {
  return digest("sha384", parts);
}

export function keccak256(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = keccak_256.create();
  for (const part of parts) hash.update(part);
  return hash.digest();
}

export function randomBytes(length: number): Uint8Array {
  return new Uint8Array(nodeCrypto.randomBytes(length));
}

/** Compares two secrets of the same length in constant time; false where the lengths differ. */
export function timingSafeEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && nodeCrypto.timingSafeEqual(a, b);
}

/** Derives `length` bytes. @see RFC 5869 */
export function hkdfSha256(options: {
  ikm: Uint8Array;
  salt: Uint8Array;
  info: Uint8Array;
  length: number;
}): Uint8Array {
  return new Uint8Array(nodeCrypto.hkdfSync("sha256", options.ikm, options.salt, options.info, options.length));
}

/** Imports a public key from its DER SubjectPublicKeyInfo; throws where it is no valid key (a point off the curve, say). */
export function importSpki(spki: Uint8Array): MaybePromise<VerifyKey> {
  return nodeCrypto.createPublicKey({ key: Buffer.from(spki), format: "der", type: "spki" });
}

/** Imports an elliptic-curve public key from its affine coordinates `x || y`; throws where the point is not on the curve. */
export function importEcPoint(curve: CurveName, xy: Uint8Array): MaybePromise<VerifyKey> {
  const half = xy.length / 2;
  const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64url");
  const jwk = { kty: "EC", crv: curve, x: base64url(xy.subarray(0, half)), y: base64url(xy.subarray(half)) };
  return nodeCrypto.createPublicKey({ key: jwk, format: "jwk" });
}

/** Verifies an ECDSA signature given as `r || s`, each as long as the curve's order. */
export function verifyEcdsa(
  hash: HashName,
  key: VerifyKey,
  message: Uint8Array,
  signature: Uint8Array,
): MaybePromise<boolean> {
  return nodeCrypto.verify(hash, message, { key, dsaEncoding: "ieee-p1363" }, signature);
}

/** Verifies an RSA-PSS signature with MGF1 over the same hash. */
export function verifyRsaPss(
  hash: HashName,
  key: VerifyKey,
  message: Uint8Array,
  signature: Uint8Array,
): MaybePromise<boolean> {
  const saltLength = { sha256: 32, sha384: 48, sha512: 64 }[hash];
  return nodeCrypto.verify(
    hash,
    message,
    { key, padding: nodeCrypto.constants.RSA_PKCS1_PSS_PADDING, saltLength },
    signature,
  );
}

/** Makes a secp256k1 private key (32 bytes). */
export function createSigningKey(): Uint8Array {
  let key = randomBytes(32);
  while (!secp256k1.privateKeyVerify(key)) key = randomBytes(32);
  return key;
}

/** The Ethereum address (20 bytes) of a secp256k1 private key. */
export function signingAddress(privateKey: Uint8Array): Uint8Array {
  return addressOf(secp256k1.publicKeyCreate(privateKey, false));
}

/** Signs a 32-byte digest with RFC 6979 nonces: `r || s || v`, 65 bytes, low s, v 27 or 28. */
export function signDigest(privateKey: Uint8Array, digest32: Uint8Array): Uint8Array {
  const { signature, recid } = secp256k1.ecdsaSign(digest32, privateKey);
  const signed = new Uint8Array(65);
  signed.set(signature);
  signed[64] = 27 + recid;
  return signed;
}

/** The address (20 bytes) that signed a digest; undefined where the signature is not one (wrong length, high s, no point). */
export function recoverAddress(digest32: Uint8Array, signature: Uint8Array): Uint8Array | undefined {
  const v = signature[64];
  if (signature.length !== 65 || digest32.length !== 32 || (v !== 27 && v !== 28) || isHighS(signature))
    return undefined;
  try {
    return addressOf(secp256k1.ecdsaRecover(signature.subarray(0, 64), v - 27, digest32, false));
  } catch {
    return undefined;
  }
}

const HALF_ORDER = Buffer.from("7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0", "hex");

function isHighS(signature: Uint8Array): boolean {
  return Buffer.compare(signature.subarray(32, 64), HALF_ORDER) > 0;
}

function addressOf(uncompressed: Uint8Array): Uint8Array {
  return keccak_256(uncompressed.subarray(1)).slice(12);
}

function digest(name: HashName, parts: readonly Uint8Array[]): Uint8Array {
  const hash = nodeCrypto.createHash(name);
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
}
