/** The Node back of `#crypto`: hashes, signatures and random bytes by OpenSSL and libsecp256k1, Keccak in WebAssembly. */
import * as nodeCrypto from "node:crypto";
import { createKeccak } from "hash-wasm";
import secp256k1 from "secp256k1";
import type { CurveName, HashName, MaybePromise } from "./face.ts";

export type { CurveName, HashName, MaybePromise } from "./face.ts";

/** A public key ready to verify with; opaque to its holder. */
export type VerifyKey = nodeCrypto.KeyObject;

/** A private X25519 key; opaque to its holder, its bytes never leave the back. */
export type AgreementKey = nodeCrypto.KeyObject;

/** SHA-1, only where a format names a key by it, such as OCSP: it proves nothing. */
export function sha1(...parts: readonly Uint8Array[]): Uint8Array {
  return digest("sha1", parts);
}

export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  return digest("sha256", parts);
}

export function sha384(...parts: readonly Uint8Array[]): Uint8Array {
  return digest("sha384", parts);
}

export function sha512(...parts: readonly Uint8Array[]): Uint8Array {
  return digest("sha512", parts);
}

/** OpenSSL has no Keccak under its original padding; one instance serves every call, since none is interrupted. */
const KECCAK = await createKeccak(256);

export function keccak256(...parts: readonly Uint8Array[]): Uint8Array {
  KECCAK.init();
  for (const part of parts) KECCAK.update(part);
  return KECCAK.digest("binary");
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

/**
 * HMAC-SHA256 over the parts in order, 32 bytes. Made of two hashes: OpenSSL's own object costs five times as much to set up,
 * and a sealed request needs eight of them.
 * @see RFC 2104
 */
export function hmacSha256(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
  const block = new Uint8Array(64);
  block.set(key.length > 64 ? sha256(key) : key);
  const inner = sha256(
    block.map((byte) => byte ^ 0x36),
    ...parts,
  );
  return sha256(
    block.map((byte) => byte ^ 0x5c),
    inner,
  );
}

/** Encrypts under AES-GCM: ciphertext and then the 16-byte tag; the key is 16, 24 or 32 bytes, the nonce 12. @see NIST SP 800-38D */
export function aesGcmSeal(
  key: Uint8Array,
  nonce: Uint8Array,
  plaintext: Uint8Array,
  aad: Uint8Array,
): MaybePromise<Uint8Array> {
  const cipher = nodeCrypto.createCipheriv(gcmName(key), key, gcmNonce(nonce), { authTagLength: TAG_LENGTH });
  cipher.setAAD(aad);
  const sealed = new Uint8Array(plaintext.length + TAG_LENGTH);
  sealed.set(cipher.update(plaintext));
  cipher.final();
  sealed.set(cipher.getAuthTag(), plaintext.length);
  return sealed;
}

/** Decrypts what `aesGcmSeal` makes; undefined where the tag does not hold or is missing. */
export function aesGcmOpen(
  key: Uint8Array,
  nonce: Uint8Array,
  sealed: Uint8Array,
  aad: Uint8Array,
): MaybePromise<Uint8Array | undefined> {
  if (sealed.length < TAG_LENGTH) return undefined;
  const end = sealed.length - TAG_LENGTH;
  const decipher = nodeCrypto.createDecipheriv(gcmName(key), key, gcmNonce(nonce), { authTagLength: TAG_LENGTH });
  decipher.setAAD(aad);
  decipher.setAuthTag(sealed.subarray(end));
  const { buffer, byteOffset, byteLength } = decipher.update(sealed.subarray(0, end));
  try {
    decipher.final();
    return new Uint8Array(buffer, byteOffset, byteLength);
  } catch {
    return undefined;
  }
}

/** Makes an X25519 key pair; the public key is 32 raw bytes. @see RFC 7748 */
export function createAgreementKey(): MaybePromise<{ publicKey: Uint8Array; privateKey: AgreementKey }> {
  const { publicKey, privateKey } = nodeCrypto.generateKeyPairSync("x25519");
  const der = publicKey.export({ format: "der", type: "spki" });
  return { publicKey: new Uint8Array(der.subarray(X25519_SPKI_HEAD.length)), privateKey };
}

/** The 32-byte X25519 secret shared with a raw public key; undefined where the key is not 32 bytes or of low order. @see RFC 7748 section 6.1 */
export function agreeX25519(privateKey: AgreementKey, publicKey: Uint8Array): MaybePromise<Uint8Array | undefined> {
  if (publicKey.length !== 32) return undefined;
  const der = Buffer.concat([X25519_SPKI_HEAD, publicKey]);
  try {
    const peer = nodeCrypto.createPublicKey({ key: der, format: "der", type: "spki" });
    return new Uint8Array(nodeCrypto.diffieHellman({ privateKey, publicKey: peer }));
  } catch {
    return undefined;
  }
}

/** Imports a public key from its DER SubjectPublicKeyInfo; throws where it is no valid key (a point off the curve, say). */
export function importSpki(spki: Uint8Array): MaybePromise<VerifyKey> {
  return nodeCrypto.createPublicKey({ key: Buffer.from(spki), format: "der", type: "spki" });
}

/** Imports an elliptic-curve public key from its affine coordinates `x || y`; throws where the length is another or the point not on the curve. */
export function importEcPoint(curve: CurveName, xy: Uint8Array): MaybePromise<VerifyKey> {
  const half = curve === "P-256" ? 32 : 48;
  if (xy.length !== 2 * half) throw new RangeError(`a point of ${xy.length} bytes`);
  const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64url");
  const jwk = { kty: "EC", crv: curve, x: base64url(xy.subarray(0, half)), y: base64url(xy.subarray(half)) };
  return nodeCrypto.createPublicKey({ key: jwk, format: "jwk" });
}

/** Verifies an ECDSA signature given as `r || s`, each as long as the curve's order; false for a key of another kind. */
export function verifyEcdsa(
  hash: HashName,
  key: VerifyKey,
  message: Uint8Array,
  signature: Uint8Array,
): MaybePromise<boolean> {
  const width = orderBytesOf(key);
  if (width === 0 || signature.length !== 2 * width) return false;
  // The bare key and DER: to name another encoding costs a third of the whole verification.
  return nodeCrypto.verify(hash, message, key, derSignature(signature, width));
}

/** Verifies an RSA-PSS signature with MGF1 over the same hash and a salt as long as it; false for a key of another kind. */
export function verifyRsaPss(
  hash: HashName,
  key: VerifyKey,
  message: Uint8Array,
  signature: Uint8Array,
): MaybePromise<boolean> {
  if (key.asymmetricKeyType !== "rsa" && key.asymmetricKeyType !== "rsa-pss") return false;
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

/** Bytes of a curve's order, by OpenSSL's name. */
const ORDER_BYTES: Readonly<Record<string, number>> = { prime256v1: 32, secp384r1: 48, secp256k1: 32 };
const orderBytes = new WeakMap<VerifyKey, number>();

/** Bytes of the order of a key's curve; 0 for a key of another kind. Remembered: OpenSSL takes long to tell. */
function orderBytesOf(key: VerifyKey): number {
  const known = orderBytes.get(key);
  if (known !== undefined) return known;
  const curve = key.asymmetricKeyType === "ec" ? key.asymmetricKeyDetails?.namedCurve : undefined;
  const width = ORDER_BYTES[curve ?? ""] ?? 0;
  orderBytes.set(key, width);
  return width;
}

/** `r || s` as a DER ECDSA-Sig-Value of less than 128 bytes. @see RFC 3279 section 2.2.3 */
function derSignature(signature: Uint8Array, width: number): Uint8Array {
  const r = derInteger(signature.subarray(0, width));
  const s = derInteger(signature.subarray(width));
  const der = new Uint8Array(2 + r.length + s.length);
  der.set([0x30, r.length + s.length]);
  der.set(r, 2);
  der.set(s, 2 + r.length);
  return der;
}

function derInteger(bytes: Uint8Array): Uint8Array {
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start += 1;
  const sign = (bytes[start] ?? 0) >= 0x80 ? 1 : 0;
  const length = bytes.length - start + sign;
  const der = new Uint8Array(2 + length);
  der.set([0x02, length]);
  der.set(bytes.subarray(start), 2 + sign);
  return der;
}

const TAG_LENGTH = 16;
const NONCE_LENGTH = 12;
/** The DER of an X25519 SubjectPublicKeyInfo up to its 32 key bytes. @see RFC 8410 section 4 */
const X25519_SPKI_HEAD = Buffer.from("302a300506032b656e032100", "hex");

function gcmName(key: Uint8Array): nodeCrypto.CipherGCMTypes {
  if (key.length === 32) return "aes-256-gcm";
  if (key.length === 24) return "aes-192-gcm";
  if (key.length === 16) return "aes-128-gcm";
  throw new RangeError(`an AES key of ${key.length} bytes`);
}

function gcmNonce(nonce: Uint8Array): Uint8Array {
  if (nonce.length !== NONCE_LENGTH) throw new RangeError(`an AES-GCM nonce of ${nonce.length} bytes`);
  return nonce;
}

const HALF_ORDER = Buffer.from("7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0", "hex");

function isHighS(signature: Uint8Array): boolean {
  return Buffer.compare(signature.subarray(32, 64), HALF_ORDER) > 0;
}

function addressOf(uncompressed: Uint8Array): Uint8Array {
  return keccak256(uncompressed.subarray(1)).slice(12);
}

function digest(name: HashName | "sha1", parts: readonly Uint8Array[]): Uint8Array {
  const hash = nodeCrypto.createHash(name);
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
}
