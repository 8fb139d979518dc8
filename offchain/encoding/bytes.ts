/** Bytes as 0x-prefixed hex. */
export type Hex = `0x${string}`;

const HEX = /^0x[0-9a-fA-F]*$/;
const LATIN1 = new TextDecoder("latin1");
const DIGITS = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** Joins byte strings in order. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}

/** Says whether two public byte strings are the same; not for secrets. */
export function equal(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  const [left, right] = [viewOf(a), viewOf(b)];
  let at = 0;
  for (; at + 4 <= a.length; at += 4) if (left.getInt32(at) !== right.getInt32(at)) return false;
  for (; at < a.length; at += 1) if (a[at] !== b[at]) return false;
  return true;
}

/** Says whether every byte is zero. */
export function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}

/** Writes bytes as 0x-prefixed lower-case hex. */
export function toHex(bytes: Uint8Array): Hex {
  let digits = "";
  for (const byte of bytes) digits += DIGITS[byte];
  return `0x${digits}`;
}

/** Reads 0x-prefixed hex of exactly `length` bytes, or of any length; undefined where the text is anything else. */
export function parseHex(text: unknown, length?: number): Uint8Array | undefined {
  if (typeof text !== "string" || text.length % 2 !== 0) return undefined;
  if (length !== undefined && text.length !== 2 + 2 * length) return undefined;
  if (!HEX.test(text)) return undefined;
  const bytes = new Uint8Array(text.length / 2 - 1);
  for (let index = 0; index < bytes.length; index += 1)
    bytes[index] = 16 * digitAt(text, 2 + 2 * index) + digitAt(text, 3 + 2 * index);
  return bytes;
}

/** Writes an unsigned integer big-endian in `width` bytes; throws `RangeError` where it does not fit. */
export function uintBytes(value: bigint | number, width: number): Uint8Array {
  let rest = BigInt(value);
  if (rest < 0n || rest >= 1n << BigInt(8 * width)) throw new RangeError(`${value} does not fit ${width} bytes`);
  const bytes = new Uint8Array(width);
  for (let index = width - 1; index >= 0; index -= 1) {
    bytes[index] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return bytes;
}

/** Reads an unsigned big-endian integer of any width. */
export function bytesToUint(bytes: Uint8Array): bigint {
  return bytes.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

/** UTF-8 bytes of a text. */
export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** A text of one UTF-16 unit for each byte, for matching ASCII in bytes of any kind; what is not ASCII only keeps its place. */
export function asciiText(bytes: Uint8Array): string {
  return LATIN1.decode(bytes);
}

/** A view of bytes to read numbers from. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The value of a hex digit of either case. */
function digitAt(text: string, index: number): number {
  const code = text.charCodeAt(index);
  return code < 0x3a ? code - 0x30 : (code | 0x20) - 0x57;
}
