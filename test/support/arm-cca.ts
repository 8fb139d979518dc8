/** Makes Arm CCA tokens as a platform and its realm manager do, with keys of our own. */
import { createHash, createPublicKey, sign } from "node:crypto";
import { concat } from "../../offchain/encoding/bytes.ts";
import type { CborValue } from "../../offchain/cose/cbor.ts";
import type { TrustRoot } from "../../offchain/evidence/scheme.ts";
import { trustRootOfPlatformKey } from "../../offchain/verifier/trust-roots.ts";
import { createKeys, type Keys } from "./pki.ts";
import { preferredCbor } from "./preferred-cbor.ts";

/** A private key on any curve. */
export type Signer = Pick<Keys, "privateKey">;
export type Profile = "first" | "draft";
export type Fields = Readonly<Record<number, CborValue | undefined>>;

/** What may be replaced in one signed half of a token. */
export interface HalfParts {
  /** Claims to replace by key; undefined leaves one out. */
  readonly claims?: Fields;
  readonly payload?: Uint8Array;
  readonly protectedBytes?: Uint8Array;
  readonly unprotected?: ReadonlyMap<CborValue, CborValue>;
  readonly signer?: Signer;
  /** Before the message; tag 18 where it is absent. */
  readonly tag?: Uint8Array;
}

/** What may be replaced in a token. */
export interface TokenParts {
  readonly profile?: Profile;
  readonly platform?: HalfParts;
  readonly realm?: HalfParts;
  /** The key that the realm token carries, and is signed by where its signer is not replaced. */
  readonly realmKeys?: Signer;
}

export const PLATFORM_KEYS = createKeys("P-384");
export const REALM_KEYS = createKeys("P-384");
export const CHALLENGE = new Uint8Array(64).fill(9);
export const PLATFORM_KEY = pemOf(PLATFORM_KEYS);
export const PLATFORM_ROOT: TrustRoot = trustRootOfPlatformKey(PLATFORM_KEY, "test platform", true);

/** The public key as PEM. */
export function pemOf({ privateKey }: Signer): Uint8Array {
  return new Uint8Array(Buffer.from(createPublicKey(privateKey).export({ type: "spki", format: "pem" })));
}

const pointOf = ({ privateKey }: Signer): readonly [curve: string, x: Uint8Array, y: Uint8Array] => {
  const { crv = "", x = "", y = "" } = createPublicKey(privateKey).export({ format: "jwk" });
  return [crv, new Uint8Array(Buffer.from(x, "base64url")), new Uint8Array(Buffer.from(y, "base64url"))];
};

/** An uncompressed point, as tokens of the first profile carry it. */
export function rawKey(keys: Signer): Uint8Array {
  const [, x, y] = pointOf(keys);
  return concat(Uint8Array.of(4), x, y);
}

/** A COSE_Key, as tokens of the draft's profile carry it; parameters may be replaced or left out. */
export function coseKey(keys: Signer, parameters: Fields = {}): Uint8Array {
  const [curve, x, y] = pointOf(keys);
  const number = { "P-256": 1, "P-384": 2, "P-521": 3 }[curve] ?? 0;
  return new Uint8Array(preferredCbor(mapOf({ 1: 2, "-1": number, "-2": x, "-3": y, ...parameters })));
}

/** The claims of a platform, without its challenge. */
export function platformClaims(profile: Profile): Fields {
  const digest = (fill: number): Uint8Array => new Uint8Array(32).fill(fill);
  return {
    265: profile === "first" ? "http://arm.com/CCA-SSD/1.0.0" : "tag:arm.com,2023:cca_platform#1.0.0",
    2396: digest(1),
    256: concat(Uint8Array.of(1), digest(2)),
    2401: Uint8Array.of(1, 2, 3),
    2395: 0x3000,
    2399: [
      new Map<CborValue, CborValue>([
        [1, "RMM"],
        [2, digest(3)],
        [4, "1.0"],
        [5, digest(4)],
        [6, "sha-256"],
      ]),
      new Map<CborValue, CborValue>([
        [2, digest(5)],
        [5, digest(6)],
      ]),
    ],
    2400: "https://verifier.example/",
    2402: "sha-256",
  };
}

/** The claims of a realm, without its key. */
export function realmClaims(profile: Profile): Fields {
  return {
    265: profile === "first" ? undefined : "tag:arm.com,2023:realm#1.0.0",
    10: CHALLENGE,
    44235: new Uint8Array(64).fill(7),
    44236: "sha-256",
    44238: new Uint8Array(32).fill(10),
    44239: [11, 12, 13, 14].map((fill) => new Uint8Array(32).fill(fill)),
    44240: "sha-512",
  };
}

/** A token of a secured platform, under the draft's profile where none is named. */
export function ccaToken(parts: TokenParts = {}): Uint8Array {
  const { profile = "draft", realmKeys = REALM_KEYS, platform = {}, realm = {} } = parts;
  const key = profile === "first" ? rawKey(realmKeys) : coseKey(realmKeys);
  const realmFields = { ...realmClaims(profile), 44237: key, ...realm.claims };
  const challenge = challengeOf(realmFields);
  const platformFields = { 10: challenge, ...platformClaims(profile), ...platform.claims };
  return collection(
    new Map([
      [44234, half({ signer: PLATFORM_KEYS, ...platform }, platformFields)],
      [44241, half({ signer: realmKeys, ...realm }, realmFields)],
    ]),
  );
}

/** Tag 399 around a value. */
export function collection(value: CborValue): Uint8Array {
  return concat(Uint8Array.of(0xd9, 0x01, 0x8f), preferredCbor(value));
}

/** The hash of the realm's key as it stands, or zeros where there is none or no such hash. */
function challengeOf(fields: Fields): Uint8Array {
  const { 44237: key, 44240: hash } = fields;
  if (!(key instanceof Uint8Array) || (hash !== "sha-256" && hash !== "sha-512")) return new Uint8Array(32);
  return new Uint8Array(createHash(hash.replace("-", "")).update(key).digest());
}

function half({ signer = PLATFORM_KEYS, tag, ...parts }: HalfParts, fields: Fields): Uint8Array {
  const [curve] = pointOf(signer);
  const { algorithm, hash } =
    curve === "P-256" ? { algorithm: -7, hash: "sha256" } : { algorithm: -35, hash: "sha384" };
  const payload = parts.payload ?? preferredCbor(mapOf(fields));
  const protectedBytes = parts.protectedBytes ?? preferredCbor(mapOf({ 1: algorithm }));
  const signed = preferredCbor(["Signature1", protectedBytes, new Uint8Array(), payload]);
  const signature = sign(hash, signed, { key: signer.privateKey, dsaEncoding: "ieee-p1363" });
  const message = preferredCbor([protectedBytes, parts.unprotected ?? new Map(), payload, signature]);
  return concat(tag ?? Uint8Array.of(0xd2), message);
}

/** By ascending keys, negative ones last in the order given. */
function mapOf(fields: Fields): Map<CborValue, CborValue> {
  const given = Object.entries(fields).filter((entry): entry is [string, CborValue] => entry[1] !== undefined);
  return new Map(given.map(([key, value]) => [Number(key), value]));
}
