/** The browser's back of `#crypto`: WebCrypto where it has what is needed, audited JavaScript where it has not or only answers later. */
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { expand, extract } from "@noble/hashes/hkdf.js";
import { hmac } from "@noble/hashes/hmac.js";
import { sha1 as legacySha1 } from "@noble/hashes/legacy.js";
import * as sha2 from "@noble/hashes/sha2.js";
import { keccak_256 } from "@noble/hashes/sha3.js";
import { concatBytes, hexToBytes } from "@noble/hashes/utils.js";
import type { CurveName, HashName, MaybePromise } from "./face.ts";

export type { CurveName, HashName, MaybePromise } from "./face.ts";

/** A public key ready to verify with; opaque to its holder. */
export type VerifyKey =
  | { readonly kind: "ec"; readonly width: number; readonly key: CryptoKey }
  | { readonly kind: "secp256k1"; readonly point: Uint8Array }
  | { readonly kind: "rsa"; readonly byHash: Readonly<Record<HashName, CryptoKey>> };

/** A private X25519 key; opaque to its holder, its bytes never leave the back. */
export type AgreementKey = CryptoKey;

const HASHES = { sha256: sha2.sha256, sha384: sha2.sha384, sha512: sha2.sha512 } as const;
const WEB_HASHES = { sha256: "SHA-256", sha384: "SHA-384", sha512: "SHA-512" } as const;
const SALT_LENGTHS = { sha256: 32, sha384: 48, sha512: 64 } as const;
const TAG_LENGTH = 16;
const NONCE_LENGTH = 12;
const HKDF_LIMIT = 255 * 32;
const UNCOMPRESSED = Uint8Array.of(0x04);
/** The DER of a SubjectPublicKeyInfo up to the coordinates of an uncompressed point. @see RFC 5480 section 2 */
const EC_HEADS = [
  { curve: "P-256", width: 32, der: hexToBytes("3059301306072a8648ce3d020106082a8648ce3d03010703420004") },
  { curve: "P-384", width: 48, der: hexToBytes("3076301006072a8648ce3d020106052b8104002203620004") },
  { curve: "secp256k1", width: 32, der: hexToBytes("3056301006072a8648ce3d020106052b8104000a03420004") },
] as const;

/** SHA-1, only where a format names a key by it, such as OCSP: it proves nothing. */
export function sha1(...parts: readonly Uint8Array[]): Uint8Array {
  return hashed(legacySha1.create(), parts);
}

export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  return hashed(sha2.sha256.create(), parts);
}

export function sha384(...parts: readonly Uint8Array[]): Uint8Array {
  return hashed(sha2.sha384.create(), parts);
}

export function sha512(...parts: readonly Uint8Array[]): Uint8Array {
  return hashed(sha2.sha512.create(), parts);
}

export function keccak256(...parts: readonly Uint8Array[]): Uint8Array {
  return hashed(keccak_256.create(), parts);
}

export function randomBytes(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  // One call gives at most 65,536 bytes.
  for (let at = 0; at < length; at += 65_536) crypto.getRandomValues(bytes.subarray(at, at + 65_536));
  return bytes;
}

/** Compares two secrets of the same length without leaving the loop early; false where the lengths differ. */
export function timingSafeEqual(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let index = 0; index < a.length; index += 1) difference |= (a[index] ?? 0) ^ (b[index] ?? 0);
  return difference === 0;
}

/** Derives `length` bytes. @see RFC 5869 */
export function hkdfSha256(options: {
  ikm: Uint8Array;
  salt: Uint8Array;
  info: Uint8Array;
  length: number;
}): Uint8Array {
  if (options.length > HKDF_LIMIT) throw new RangeError(`HKDF-SHA256 gives no ${options.length} bytes`);
  const key = extract(sha2.sha256, options.ikm, options.salt);
  return expand(sha2.sha256, key, options.info, options.length);
}

/** HMAC-SHA256 over the parts in order, 32 bytes. @see RFC 2104 */
export function hmacSha256(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
  return hashed(hmac.create(sha2.sha256, key), parts);
}

/** Encrypts under AES-GCM: ciphertext and then the 16-byte tag; the key is 16, 24 or 32 bytes (24: not in Chromium), the nonce 12. @see NIST SP 800-38D */
export function aesGcmSeal(
  key: Uint8Array,
  nonce: Uint8Array,
  plaintext: Uint8Array,
  aad: Uint8Array,
): MaybePromise<Uint8Array> {
  const parameters = gcm(key, nonce, aad);
  const seal = async (): Promise<Uint8Array> => {
    const ready = await crypto.subtle.importKey("raw", web(key), "AES-GCM", false, ["encrypt"]);
    return new Uint8Array(await crypto.subtle.encrypt(parameters, ready, web(plaintext)));
  };
  return seal();
}

/** Decrypts what `aesGcmSeal` makes; undefined where the tag does not hold or is missing. */
export function aesGcmOpen(
  key: Uint8Array,
  nonce: Uint8Array,
  sealed: Uint8Array,
  aad: Uint8Array,
): MaybePromise<Uint8Array | undefined> {
  if (sealed.length < TAG_LENGTH) return undefined;
  const parameters = gcm(key, nonce, aad);
  const open = async (): Promise<Uint8Array | undefined> => {
    const ready = await crypto.subtle.importKey("raw", web(key), "AES-GCM", false, ["decrypt"]);
    try {
      return new Uint8Array(await crypto.subtle.decrypt(parameters, ready, web(sealed)));
    } catch {
      return undefined;
    }
  };
  return open();
}

/** Makes an X25519 key pair whose private key cannot be exported; the public key is 32 raw bytes. @see RFC 7748 */
export async function createAgreementKey(): Promise<{ publicKey: Uint8Array; privateKey: AgreementKey }> {
  const pair = await crypto.subtle.generateKey("X25519", false, ["deriveBits"]);
  return {
    publicKey: new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey)),
    privateKey: pair.privateKey,
  };
}

/** The 32-byte X25519 secret shared with a raw public key; undefined where the key is not 32 bytes or of low order. @see RFC 7748 section 6.1 */
export async function agreeX25519(privateKey: AgreementKey, publicKey: Uint8Array): Promise<Uint8Array | undefined> {
  if (publicKey.length !== 32) return undefined;
  try {
    const peer = await crypto.subtle.importKey("raw", web(publicKey), "X25519", false, []);
    return new Uint8Array(await crypto.subtle.deriveBits({ name: "X25519", public: peer }, privateKey, 256));
  } catch {
    return undefined;
  }
}

/** Imports a public key from its DER SubjectPublicKeyInfo: an uncompressed point, or RSA; rejects where it is no valid key (a point off the curve, say). */
export async function importSpki(spki: Uint8Array): Promise<VerifyKey> {
  const known = EC_HEADS.find(
    ({ der, width }) => spki.length === der.length + 2 * width && der.every((byte, at) => byte === spki[at]),
  );
  if (known === undefined) return importRsa(spki);
  const xy = spki.subarray(known.der.length);
  if (known.curve !== "secp256k1") return importPoint(known.curve, xy);
  const point = concatBytes(UNCOMPRESSED, xy);
  secp256k1.Point.fromBytes(point).assertValidity();
  return { kind: "secp256k1", point };
}

/** Imports an elliptic-curve public key from its affine coordinates `x || y`; throws or rejects where the length is another or the point not on the curve. */
export function importEcPoint(curve: CurveName, xy: Uint8Array): MaybePromise<VerifyKey> {
  if (xy.length !== (curve === "P-256" ? 64 : 96)) throw new RangeError(`a point of ${xy.length} bytes`);
  return importPoint(curve, xy);
}

/** Verifies an ECDSA signature given as `r || s`, each as long as the curve's order; false for a key of another kind. */
export async function verifyEcdsa(
  hash: HashName,
  key: VerifyKey,
  message: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  if (key.kind === "secp256k1") {
    if (signature.length !== 64) return false;
    const digest = hashed(HASHES[hash].create(), [message]);
    return secp256k1.verify(signature, digest, key.point, { prehash: false, lowS: false });
  }
  if (key.kind !== "ec" || signature.length !== 2 * key.width) return false;
  return crypto.subtle.verify({ name: "ECDSA", hash: WEB_HASHES[hash] }, key.key, web(signature), web(message));
}

/** Verifies an RSA-PSS signature with MGF1 over the same hash and a salt as long as it; false for a key of another kind. */
export async function verifyRsaPss(
  hash: HashName,
  key: VerifyKey,
  message: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  if (key.kind !== "rsa") return false;
  const scheme = { name: "RSA-PSS", saltLength: SALT_LENGTHS[hash] };
  return crypto.subtle.verify(scheme, key.byHash[hash], web(signature), web(message));
}

/** Makes a secp256k1 private key (32 bytes). */
export function createSigningKey(): Uint8Array {
  return secp256k1.utils.randomSecretKey();
}

/** The Ethereum address (20 bytes) of a secp256k1 private key. */
export function signingAddress(privateKey: Uint8Array): Uint8Array {
  return addressOf(secp256k1.getPublicKey(privateKey, false));
}

/** Signs a 32-byte digest with RFC 6979 nonces: `r || s || v`, 65 bytes, low s, v 27 or 28. */
export function signDigest(privateKey: Uint8Array, digest32: Uint8Array): Uint8Array {
  const recovered = secp256k1.sign(digest32, privateKey, { prehash: false, format: "recovered" });
  return concatBytes(recovered.subarray(1), Uint8Array.of(27 + (recovered[0] ?? 0)));
}

/** The address (20 bytes) that signed a digest; undefined where the signature is not one (wrong length, high s, no point). */
export function recoverAddress(digest32: Uint8Array, signature: Uint8Array): Uint8Array | undefined {
  const v = signature[64];
  if (signature.length !== 65 || digest32.length !== 32 || (v !== 27 && v !== 28)) return undefined;
  try {
    const recovered = concatBytes(Uint8Array.of(v - 27), signature.subarray(0, 64));
    const parsed = secp256k1.Signature.fromBytes(recovered, "recovered");
    return parsed.hasHighS() ? undefined : addressOf(parsed.recoverPublicKey(digest32).toBytes(false));
  } catch {
    return undefined;
  }
}

async function importPoint(curve: CurveName, xy: Uint8Array): Promise<VerifyKey> {
  const algorithm = { name: "ECDSA", namedCurve: curve };
  const key = await crypto.subtle.importKey("raw", web(concatBytes(UNCOMPRESSED, xy)), algorithm, false, ["verify"]);
  return { kind: "ec", width: xy.length / 2, key };
}

/** WebCrypto binds an RSA key to its hash when it is imported. */
async function importRsa(spki: Uint8Array): Promise<VerifyKey> {
  const importFor = (hash: HashName): Promise<CryptoKey> =>
    crypto.subtle.importKey("spki", web(spki), { name: "RSA-PSS", hash: WEB_HASHES[hash] }, false, ["verify"]);
  const [sha256, sha384, sha512] = await Promise.all([importFor("sha256"), importFor("sha384"), importFor("sha512")]);
  return { kind: "rsa", byHash: { sha256, sha384, sha512 } };
}

function gcm(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array): AesGcmParams {
  if (![16, 24, 32].includes(key.length)) throw new RangeError(`an AES key of ${key.length} bytes`);
  if (nonce.length !== NONCE_LENGTH) throw new RangeError(`an AES-GCM nonce of ${nonce.length} bytes`);
  return { name: "AES-GCM", iv: web(nonce), additionalData: web(aad), tagLength: 8 * TAG_LENGTH };
}

/** WebCrypto takes no shared memory, which no byte string here is. */
function web(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes as Uint8Array<ArrayBuffer>;
}

function addressOf(uncompressed: Uint8Array): Uint8Array {
  return keccak_256(uncompressed.subarray(1)).slice(12);
}

function hashed(
  hash: { update(bytes: Uint8Array): unknown; digest(): Uint8Array },
  parts: readonly Uint8Array[],
): Uint8Array {
  for (const part of parts) hash.update(part);
  return hash.digest();
}
