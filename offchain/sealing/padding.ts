import { uintBytes } from "../encoding/bytes.ts";
import { ByteReader } from "../encoding/reader.ts";
import { SealError } from "../errors.ts";
import { sealInvalid } from "./invalid.ts";

/** The most bytes of content that one sealed message carries. */
export const MAX_CONTENT_LENGTH = 32 * 1024 * 1024;

const LENGTH_BYTES = 4;
const SMALLEST_BUCKET = 1024;
const LARGEST_POWER = 64 * 1024;

/**
 * The least length that a Padmé-padded text of `length` bytes may show: at most 12 % more, and O(log log length) bits leak.
 * For lengths from 1 to 2^30.
 * @see Nikitin et al., "Reducing Metadata Leakage from Encrypted Files and Communication with PURBs", PoPETs 2019, section 4
 */
export function padme(length: number): number {
  const exponent = 31 - Math.clz32(length);
  const exponentBits = 32 - Math.clz32(exponent);
  const mask = (1 << (exponent - exponentBits)) - 1;
  return (length + mask) & ~mask;
}

/** The padded length of a content: all an observer learns of it. @see docs/protocol.md section 8 */
export function bucketOf(contentLength: number): number {
  const length = LENGTH_BYTES + contentLength;
  if (length > LARGEST_POWER) return padme(length);
  return Math.max(SMALLEST_BUCKET, 2 ** (32 - Math.clz32(length - 1)));
}

/** Writes `u32 length || content || zeros` up to the content's bucket; throws `SealError` `SEAL_INVALID` over the limit. */
export function pad(content: Uint8Array): Uint8Array {
  if (content.length > MAX_CONTENT_LENGTH)
    throw new SealError("SEAL_INVALID", `a content of ${content.length} bytes is over ${MAX_CONTENT_LENGTH}`);
  const padded = new Uint8Array(bucketOf(content.length));
  padded.set(uintBytes(content.length, LENGTH_BYTES));
  padded.set(content, LENGTH_BYTES);
  return padded;
}

/** Takes the content out of its padding, as a view; throws `SealError` `SEAL_INVALID` for any padding that `pad` would not write. */
export function unpad(padded: Uint8Array): Uint8Array {
  const reader = new ByteReader(padded, sealInvalid);
  const content = reader.take(reader.uint32be("length"), "content");
  if (padded.length !== bucketOf(content.length) || !reader.rest().every((byte) => byte === 0)) throw sealInvalid();
  return content;
}
