import { aesGcmOpen, aesGcmSeal, hkdfSha256, randomBytes } from "#crypto";
import type { MaybePromise } from "#crypto";
import { concat, parseHex, toHex, utf8 } from "../encoding/bytes.ts";
import type { Hex } from "../encoding/bytes.ts";
import { SealError } from "../errors.ts";
import { chunkedLength, isTruncated, openChunks, sealChunks } from "./chunks.ts";
import { nonceAt } from "./hpke.ts";
import { sealInvalid } from "./invalid.ts";
import { bucketOf, MAX_CONTENT_LENGTH, pad, unpad } from "./padding.ts";

/** What both ends of a request keep to seal or open its response; plain data, to be kept as secret as the content. */
export interface ResponseContext {
  /** The request's encapsulated key, 32 bytes. */
  readonly enc: Hex;
  /** The secret exported from the request, 32 bytes. */
  readonly secret: Hex;
}

/** The exporter context that both ends name. */
export const RESPONSE_EXPORT = utf8("cloister/response/v1");
/** The most bytes of a sealed response. */
export const MAX_SEALED_RESPONSE = 32 + chunkedLength(bucketOf(MAX_CONTENT_LENGTH));

const KEY_INFO = utf8("cloister/response/key/v1");
const NONCE_LENGTH = 32;

interface ResponseKey {
  readonly key: Uint8Array;
  readonly baseNonce: Uint8Array;
}

/** Makes a context out of its parts. */
export function responseContext(enc: Uint8Array, secret: Uint8Array): ResponseContext {
  return { enc: toHex(enc), secret: toHex(secret) };
}

/**
 * Seals a response's content; each call draws a new response nonce, so one context may seal several.
 * Throws `SealError` `SEAL_INVALID` for a content over the limit or a context that is none.
 * @see docs/protocol.md section 8
 */
export async function sealResponse(context: ResponseContext, content: Uint8Array): Promise<Uint8Array> {
  const responseNonce = randomBytes(NONCE_LENGTH);
  const { key, baseNonce } = deriveKey(context, responseNonce);
  const seal = (index: number, chunk: Uint8Array, aad: Uint8Array): MaybePromise<Uint8Array> =>
    aesGcmSeal(key, nonceAt(baseNonce, index), chunk, aad);
  return concat(responseNonce, await sealChunks(pad(content), seal));
}

/**
 * Opens a response; throws `SealError` `SEAL_TRUNCATED` where a genuine response ends too early, `SEAL_INVALID` for everything else.
 */
export async function openResponse(context: ResponseContext, sealed: Uint8Array): Promise<Uint8Array> {
  if (sealed.length > MAX_SEALED_RESPONSE) throw sealInvalid();
  const { key, baseNonce } = deriveKey(context, sealed.subarray(0, NONCE_LENGTH));
  const open = (index: number, chunk: Uint8Array, aad: Uint8Array): MaybePromise<Uint8Array | undefined> =>
    aesGcmOpen(key, nonceAt(baseNonce, index), chunk, aad);
  const body = sealed.subarray(NONCE_LENGTH);
  try {
    return unpad(await openChunks(body, open));
  } catch (error) {
    if (!(await isTruncated(body, open))) throw error;
    throw new SealError("SEAL_TRUNCATED", "the response ends before its final chunk", {
      next: "Ask again with the same voucher: the worker gives the stored response.",
    });
  }
}

function deriveKey(context: ResponseContext, responseNonce: Uint8Array): ResponseKey {
  const enc = parseHex(context.enc, 32);
  const secret = parseHex(context.secret, 32);
  if (enc === undefined || secret === undefined) throw sealInvalid();
  const bytes = hkdfSha256({ ikm: secret, salt: concat(enc, responseNonce), info: KEY_INFO, length: 44 });
  return { key: bytes.subarray(0, 32), baseNonce: bytes.subarray(32) };
}
