import type { CurveName, HashName, MaybePromise } from "../../offchain/crypto/face.ts";
import * as browser from "../../offchain/crypto/browser.ts";
import * as node from "../../offchain/crypto/node.ts";

/** What `#crypto` is to whoever imports it, with the back's own kinds of key. */
export interface CryptoFace<VerifyKey extends object, AgreementKey extends object> {
  readonly sha1: (...parts: readonly Uint8Array[]) => Uint8Array;
  readonly sha256: (...parts: readonly Uint8Array[]) => Uint8Array;
  readonly sha384: (...parts: readonly Uint8Array[]) => Uint8Array;
  readonly sha512: (...parts: readonly Uint8Array[]) => Uint8Array;
  readonly keccak256: (...parts: readonly Uint8Array[]) => Uint8Array;
  readonly randomBytes: (length: number) => Uint8Array;
  readonly timingSafeEqual: (a: Uint8Array, b: Uint8Array) => boolean;
  readonly hkdfSha256: (options: { ikm: Uint8Array; salt: Uint8Array; info: Uint8Array; length: number }) => Uint8Array;
  readonly hmacSha256: (key: Uint8Array, ...parts: readonly Uint8Array[]) => Uint8Array;
  readonly aesGcmSeal: (
    key: Uint8Array,
    nonce: Uint8Array,
    plaintext: Uint8Array,
    aad: Uint8Array,
  ) => MaybePromise<Uint8Array>;
  readonly aesGcmOpen: (
    key: Uint8Array,
    nonce: Uint8Array,
    sealed: Uint8Array,
    aad: Uint8Array,
  ) => MaybePromise<Uint8Array | undefined>;
  readonly createAgreementKey: () => MaybePromise<{ publicKey: Uint8Array; privateKey: AgreementKey }>;
  readonly agreeX25519: (privateKey: AgreementKey, publicKey: Uint8Array) => MaybePromise<Uint8Array | undefined>;
  readonly importSpki: (spki: Uint8Array) => MaybePromise<VerifyKey>;
  readonly importEcPoint: (curve: CurveName, xy: Uint8Array) => MaybePromise<VerifyKey>;
  readonly verifyEcdsa: (
    hash: HashName,
    key: VerifyKey,
    message: Uint8Array,
    signature: Uint8Array,
  ) => MaybePromise<boolean>;
  readonly verifyRsaPss: (
    hash: HashName,
    key: VerifyKey,
    message: Uint8Array,
    signature: Uint8Array,
  ) => MaybePromise<boolean>;
  readonly createSigningKey: () => Uint8Array;
  readonly signingAddress: (privateKey: Uint8Array) => Uint8Array;
  readonly signDigest: (privateKey: Uint8Array, digest32: Uint8Array) => Uint8Array;
  readonly recoverAddress: (digest32: Uint8Array, signature: Uint8Array) => Uint8Array | undefined;
}

/** Either back: each is only ever given keys of its own. */
export type AnyBack = CryptoFace<object, object>;

const nodeBack: CryptoFace<node.VerifyKey, node.AgreementKey> = node;
const browserBack: CryptoFace<browser.VerifyKey, browser.AgreementKey> = browser;

/** Both backs; the browser's runs in Node as well, which has WebCrypto. */
export const BACKS: readonly (readonly [name: "node" | "browser", back: AnyBack])[] = [
  ["node", nodeBack as unknown as AnyBack],
  ["browser", browserBack as unknown as AnyBack],
];
