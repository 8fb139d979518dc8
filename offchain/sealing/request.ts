import { aesGcmOpen, createAgreementKey } from "#crypto";
import type { MaybePromise } from "#crypto";
import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from "@hpke/core";
import type { SenderContext } from "@hpke/core";
import { concat, parseHex, toHex, uintBytes, utf8 } from "../encoding/bytes.ts";
import type { Hex } from "../encoding/bytes.ts";
import { ByteReader } from "../encoding/reader.ts";
import { SealError } from "../errors.ts";
import { chunkedLength, openChunks, sealChunks } from "./chunks.ts";
import { decapsulate, ENC_LENGTH, exportSecret, keySchedule, nonceAt } from "./hpke.ts";
import type { SealingKey } from "./hpke.ts";
import { sealInvalid } from "./invalid.ts";
import { bucketOf, MAX_CONTENT_LENGTH, pad, unpad } from "./padding.ts";
import { RESPONSE_EXPORT, responseContext } from "./response.ts";
import type { ResponseContext } from "./response.ts";

/** A request to seal, and to whom. */
export interface RequestToSeal {
  /** The node's attested X25519 public key, 32 raw bytes. */
  readonly sealingKey: Uint8Array;
  /** The key epoch it belongs to; visible. */
  readonly keyEpoch: number;
  /** 32 bytes; visible. */
  readonly channelId: Hex;
  readonly content: Uint8Array;
}

export interface OpenedRequest {
  readonly keyEpoch: number;
  readonly channelId: Hex;
  readonly content: Uint8Array;
  readonly context: ResponseContext;
}

const VERSION = 1;
const INFO = utf8("cloister/request/v1");
const HEADER_LENGTH = 1 + 4 + 32;
const SUITE = new CipherSuite({ kem: new DhkemX25519HkdfSha256(), kdf: new HkdfSha256(), aead: new Aes256Gcm() });

/** The most bytes of a sealed request. */
export const MAX_SEALED_REQUEST = HEADER_LENGTH + ENC_LENGTH + chunkedLength(bucketOf(MAX_CONTENT_LENGTH));

/** Makes a sealing key pair. */
export async function createSealingKey(): Promise<SealingKey> {
  return createAgreementKey();
}

/**
 * Seals a request's content to a node; `context` opens the response.
 * Throws `SealError` `SEAL_INVALID` for a content over the limit, or a key, epoch or channel that is none.
 * @see docs/protocol.md section 8
 */
export async function sealRequest(
  request: RequestToSeal,
): Promise<{ readonly sealed: Uint8Array; readonly context: ResponseContext }> {
  const header = headerOf(request);
  const padded = pad(request.content);
  const sender = await senderTo(request.sealingKey, concat(INFO, header));
  const enc = new Uint8Array(sender.enc);
  const seal = async (_index: number, chunk: Uint8Array, aad: Uint8Array): Promise<Uint8Array> =>
    new Uint8Array(await sender.seal(chunk, aad));
  const secret = new Uint8Array(await sender.export(RESPONSE_EXPORT, 32));
  const chunks = await sealChunks(padded, seal);
  return { sealed: concat(header, enc, chunks), context: responseContext(enc, secret) };
}

/**
 * Opens a request with the sealing key of the epoch that it names; `context` seals the response.
 * Throws `SealError` `KEY_UNKNOWN` for an epoch without a key, before anything is opened, and `SEAL_INVALID` for everything else.
 */
export async function openRequest(
  sealed: Uint8Array,
  keyOf: (keyEpoch: number) => SealingKey | undefined,
): Promise<OpenedRequest> {
  if (sealed.length > MAX_SEALED_REQUEST) throw sealInvalid();
  const reader = new ByteReader(sealed, sealInvalid);
  const header = reader.take(HEADER_LENGTH, "header");
  const { keyEpoch, channelId } = parseHeader(header);
  const sealingKey = keyOf(keyEpoch);
  if (sealingKey === undefined)
    throw new SealError("KEY_UNKNOWN", `there is no sealing key of epoch ${keyEpoch}`, {
      next: "Fetch the node's evidence again and seal to its present key.",
    });
  const enc = reader.take(ENC_LENGTH, "encapsulated key");
  const sharedSecret = await decapsulate(enc, sealingKey);
  if (sharedSecret === undefined) throw sealInvalid();
  const secrets = keySchedule(sharedSecret, concat(INFO, header));
  const open = (index: number, chunk: Uint8Array, aad: Uint8Array): MaybePromise<Uint8Array | undefined> =>
    aesGcmOpen(secrets.key, nonceAt(secrets.baseNonce, index), chunk, aad);
  const content = unpad(await openChunks(reader.rest(), open));
  return { keyEpoch, channelId, content, context: responseContext(enc, exportSecret(secrets, RESPONSE_EXPORT)) };
}

function headerOf({ keyEpoch, channelId }: RequestToSeal): Uint8Array {
  const channel = parseHex(channelId, 32);
  const valid = Number.isInteger(keyEpoch) && keyEpoch >= 0 && keyEpoch <= 0xffff_ffff;
  if (channel === undefined || !valid)
    throw new SealError("SEAL_INVALID", "a request names a key epoch of 32 bits and a channel of 32 bytes");
  return concat(Uint8Array.of(VERSION), uintBytes(keyEpoch, 4), channel);
}

function parseHeader(header: Uint8Array): { keyEpoch: number; channelId: Hex } {
  const reader = new ByteReader(header, sealInvalid);
  if (reader.uint8("version") !== VERSION) throw sealInvalid();
  return { keyEpoch: reader.uint32be("key epoch"), channelId: toHex(reader.rest()) };
}

async function senderTo(sealingKey: Uint8Array, info: Uint8Array): Promise<SenderContext> {
  try {
    const recipientPublicKey = await SUITE.kem.deserializePublicKey(new Uint8Array(sealingKey));
    return await SUITE.createSenderContext({ recipientPublicKey, info: new Uint8Array(info) });
  } catch (error) {
    throw new SealError("SEAL_INVALID", "the sealing key is no X25519 public key", { cause: error });
  }
}
