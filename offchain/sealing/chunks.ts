import type { MaybePromise } from "#crypto";
import { concat, uintBytes } from "../encoding/bytes.ts";
import { ByteReader } from "../encoding/reader.ts";
import { sealInvalid } from "./invalid.ts";

/** Seals or opens chunk `index` under the message's key; opening answers undefined where the tag does not hold. */
export type Transform<Result> = (index: number, input: Uint8Array, aad: Uint8Array) => MaybePromise<Result>;

/** Bytes of plaintext in every chunk but the last. */
export const CHUNK_LENGTH = 64 * 1024;
const TAG_LENGTH = 16;
const SEALED_CHUNK_LENGTH = CHUNK_LENGTH + TAG_LENGTH;

/** The sealed length of so many bytes of plaintext. */
export function chunkedLength(plaintextLength: number): number {
  return plaintextLength + Math.ceil(plaintextLength / CHUNK_LENGTH) * (4 + TAG_LENGTH);
}

/** Cuts a plaintext into chunks and seals each, in order, behind its length. @see docs/protocol.md section 8 */
export async function sealChunks(plaintext: Uint8Array, seal: Transform<Uint8Array>): Promise<Uint8Array> {
  const last = Math.ceil(plaintext.length / CHUNK_LENGTH) - 1;
  const frames: Uint8Array[] = [];
  for (let index = 0; index <= last; index += 1) {
    const chunk = plaintext.subarray(index * CHUNK_LENGTH, (index + 1) * CHUNK_LENGTH);
    const sealed = await seal(index, chunk, chunkAad(index, index === last));
    frames.push(uintBytes(sealed.length, 4), sealed);
  }
  return concat(...frames);
}

/** Opens a whole body of chunks; throws `SealError` `SEAL_INVALID`, also where the final chunk is missing. */
export async function openChunks(body: Uint8Array, open: Transform<Uint8Array | undefined>): Promise<Uint8Array> {
  const { chunks, rest } = readFrames(body);
  if (rest !== "none" || chunks.length === 0) throw sealInvalid();
  const plaintext = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length - TAG_LENGTH, 0));
  for (const [index, chunk] of chunks.entries()) {
    const opened = await open(index, chunk, chunkAad(index, index === chunks.length - 1));
    if (opened === undefined) throw sealInvalid();
    plaintext.set(opened, index * CHUNK_LENGTH);
  }
  return plaintext;
}

/** Says whether a body that does not open is the genuine beginning of one that does: all that is whole opens, and the final chunk is not among it. */
export async function isTruncated(body: Uint8Array, open: Transform<Uint8Array | undefined>): Promise<boolean> {
  const { chunks, rest } = readFrames(body);
  if (rest === "wrong") return false;
  for (const [index, chunk] of chunks.entries()) {
    if ((await open(index, chunk, chunkAad(index, false))) === undefined) return false;
  }
  return true;
}

/** Cuts a body at its length marks; only the last chunk may be shorter than the others, so one plaintext has one framing. */
function readFrames(body: Uint8Array): { chunks: readonly Uint8Array[]; rest: "none" | "cut" | "wrong" } {
  const reader = new ByteReader(body, sealInvalid);
  const chunks: Uint8Array[] = [];
  while (reader.remaining >= 4) {
    const length = reader.uint32be("chunk length");
    const previous = chunks.at(-1)?.length ?? SEALED_CHUNK_LENGTH;
    if (length <= TAG_LENGTH || length > SEALED_CHUNK_LENGTH || previous < SEALED_CHUNK_LENGTH)
      return { chunks, rest: "wrong" };
    if (length > reader.remaining) return { chunks, rest: "cut" };
    chunks.push(reader.take(length, "chunk"));
  }
  return { chunks, rest: reader.remaining === 0 ? "none" : "cut" };
}

/** The final flag is authenticated and not written: only the true end of a message opens as its end. */
function chunkAad(index: number, final: boolean): Uint8Array {
  return concat(uintBytes(index, 4), Uint8Array.of(final ? 1 : 0));
}
