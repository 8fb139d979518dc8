import { decodeCbor } from "../../cose/cbor.ts";
import { parseCoseSign1, type CoseSign1 } from "../../cose/sign1.ts";
import { malformed } from "./claim-map.ts";
import { parsePlatformClaims, type PlatformClaims } from "./platform-claims.ts";
import { parseRealmClaims, type RealmClaims } from "./realm-claims.ts";

/** Claims with the message that signs them. */
export interface SignedClaims<T> {
  readonly message: CoseSign1;
  readonly claims: T;
}

/** A CCA token as parsed; nothing in it is verified. */
export interface CcaToken {
  /** The whole token as given. */
  readonly bytes: Uint8Array;
  readonly platform: SignedClaims<PlatformClaims>;
  readonly realm: SignedClaims<RealmClaims>;
}

/** Tag 399 in its shortest form. */
const TOKEN_TAG = [0xd9, 0x01, 0x8f] as const;
const SIGN1_TAG = 0xd2;
const PLATFORM = 44234;
const REALM = 44241;
/** Ours, against needless work: a realm reads its token into a few pages of 4 KiB. */
const MAX_TOKEN = 1 << 16;

/** Whether bytes start as a CCA token, well formed or not. */
export function looksLikeToken(bytes: Uint8Array): boolean {
  return TOKEN_TAG.every((byte, index) => bytes[index] === byte);
}

/**
 * Parses a CCA token: tag 399 around a map of a platform token and a realm token, each a byte string with a tagged COSE_Sign1 message.
 * Throws `EvidenceError` `EVIDENCE_MALFORMED` or `EVIDENCE_UNSUPPORTED`.
 * @see draft-ffm-rats-cca-token, CCA attestation token; Arm RMM specification, CCA attestation token format
 */
export function parseToken(bytes: Uint8Array): CcaToken {
  if (bytes.length > MAX_TOKEN) throw malformed(`${bytes.length} bytes`);
  if (!looksLikeToken(bytes)) throw malformed("no tag 399");
  const collection = decodeCbor(bytes.subarray(TOKEN_TAG.length));
  if (!(collection instanceof Map) || collection.size !== 2) throw malformed("not a map of two tokens");
  const platform = readMessage(collection.get(PLATFORM), "platform token");
  const realm = readMessage(collection.get(REALM), "realm token");
  return {
    bytes,
    platform: { message: platform, claims: parsePlatformClaims(platform.payload) },
    realm: { message: realm, claims: parseRealmClaims(realm.payload) },
  };
}

function readMessage(value: unknown, what: string): CoseSign1 {
  if (!(value instanceof Uint8Array)) throw malformed(`the ${what} is not a byte string`);
  if (value[0] !== SIGN1_TAG) throw malformed(`the ${what} is no tagged COSE_Sign1`);
  return parseCoseSign1(value);
}
