/** Writes DER. @see ITU-T X.690 */
import { concat, utf8, uintBytes } from "../encoding/bytes.ts";

const TAGS = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  objectIdentifier: 0x06,
  enumerated: 0x0a,
  utf8String: 0x0c,
  printableString: 0x13,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** A context-specific tag, such as `[0]`. */
export interface ContextTag {
  readonly context: number;
  readonly constructed: boolean;
}

/** One element: tag, definite length, and its content joined from parts. */
export function element(tag: keyof typeof TAGS | ContextTag, ...parts: readonly Uint8Array[]): Uint8Array {
  const content = concat(...parts);
  const byte = typeof tag === "string" ? TAGS[tag] : 0x80 | (tag.constructed ? 0x20 : 0) | tag.context;
  return concat(Uint8Array.of(byte), lengthBytes(content.length), content);
}

/** An INTEGER that is not negative, from a number or from big-endian bytes. */
export function integer(value: number | Uint8Array): Uint8Array {
  return element("integer", minimal(typeof value === "number" ? uintBytes(value, 8) : value));
}

/** An OBJECT IDENTIFIER from its dotted text. */
export function objectIdentifier(dotted: string): Uint8Array {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  return element("objectIdentifier", ...[first * 40 + second, ...rest].map(base128));
}

/** A BIT STRING of whole bytes. */
export function bitString(bytes: Uint8Array): Uint8Array {
  return element("bitString", Uint8Array.of(0), bytes);
}

/** A time in milliseconds since 1970, cut to whole seconds. @see RFC 5280 section 4.1.2.5 */
export function time(milliseconds: number): Uint8Array {
  const digits = digitsOf(milliseconds);
  return digits < "2050" ? element("utcTime", utf8(`${digits.slice(2)}Z`)) : generalizedTime(milliseconds);
}

/** A time in milliseconds since 1970 with four digits of the year, cut to whole seconds. @see RFC 6960 section 4.2.2.1 */
export function generalizedTime(milliseconds: number): Uint8Array {
  return element("generalizedTime", utf8(`${digitsOf(milliseconds)}Z`));
}

function digitsOf(milliseconds: number): string {
  return new Date(milliseconds).toISOString().slice(0, 19).replaceAll(/\D/g, "");
}

function lengthBytes(length: number): Uint8Array {
  if (length < 0x80) return Uint8Array.of(length);
  const bytes = withoutLeadingZeros(uintBytes(length, 4));
  return concat(Uint8Array.of(0x80 | bytes.length), bytes);
}

function minimal(bytes: Uint8Array): Uint8Array {
  const short = withoutLeadingZeros(bytes);
  return (short[0] ?? 0) >= 0x80 ? concat(Uint8Array.of(0), short) : short;
}

function withoutLeadingZeros(bytes: Uint8Array): Uint8Array {
  const start = bytes.findIndex((byte) => byte !== 0);
  return start < 0 ? Uint8Array.of(0) : bytes.subarray(start);
}

function base128(value: number): Uint8Array {
  const digits = [value % 128];
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) digits.unshift((rest % 128) | 0x80);
  return Uint8Array.from(digits);
}
