import { EvidenceError } from "../errors.ts";

/** Universal and context tags in use, as the identifier octet. */
export const DER = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  enumerated: 0x0a,
  utf8String: 0x0c,
  printableString: 0x13,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** One element: `raw` is all of it, `content` without tag and length. */
export interface DerElement {
  readonly tag: number;
  readonly content: Uint8Array;
  readonly raw: Uint8Array;
}

const malformed = (message: string): EvidenceError => new EvidenceError("EVIDENCE_MALFORMED", `DER: ${message}`);

/**
 * Reads canonical DER elements one after another: definite minimal lengths, single-octet tags, no overrun.
 * Every method throws `EvidenceError` `EVIDENCE_MALFORMED`.
 * @see ITU-T X.690 section 10
 */
export class DerReader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #offset: number;

  /** Reads `bytes` from `start` to `end`, all of them by default. */
  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#offset = start;
    this.#end = end;
  }

  get done(): boolean {
    return this.#offset === this.#end;
  }

  /** The next identifier octet; undefined at the end. */
  get nextTag(): number | undefined {
    return this.done ? undefined : this.#bytes[this.#offset];
  }

  any(what: string): DerElement {
    const start = this.#offset;
    const tag = this.nextTag ?? 0;
    const begin = this.#skip(what);
    const end = this.#offset;
    return { tag, content: this.#bytes.subarray(begin, end), raw: this.#bytes.subarray(start, end) };
  }

  element(tag: number, what: string): DerElement {
    this.#expect(tag, what);
    return this.any(what);
  }

  /** The content of a primitive element. */
  content(tag: number, what: string): Uint8Array {
    this.#expect(tag, what);
    return this.#bytes.subarray(this.#skip(what), this.#offset);
  }

  /** Enters a constructed element, a SEQUENCE unless another tag is given. */
  enter(what: string, tag: number = DER.sequence): DerReader {
    this.#expect(tag, what);
    return new DerReader(this.#bytes, this.#skip(what), this.#offset);
  }

  /** Enters an optional constructed element. */
  enterIf(tag: number, what: string): DerReader | undefined {
    return this.nextTag === tag ? this.enter(what, tag) : undefined;
  }

  /** The content of a minimal two's complement INTEGER (or ENUMERATED). */
  integer(what: string, tag: number = DER.integer): Uint8Array {
    const content = this.content(tag, what);
    const [first, second] = content;
    if (first === undefined) throw malformed(`${what}: empty integer`);
    const padded = second !== undefined && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80));
    if (padded) throw malformed(`${what}: integer is not minimal`);
    return content;
  }

  /** A non-negative INTEGER without its sign octet, big-endian; `00` is one zero octet. */
  unsigned(what: string, tag: number = DER.integer): Uint8Array {
    const content = this.integer(what, tag);
    if ((content[0] ?? 0) >= 0x80) throw malformed(`${what}: negative`);
    return content.length > 1 && content[0] === 0 ? content.subarray(1) : content;
  }

  /** A non-negative INTEGER of at most 32 bits. */
  uint32(what: string, tag: number = DER.integer): number {
    const content = this.unsigned(what, tag);
    if (content.length > 4) throw malformed(`${what}: does not fit 32 bits`);
    return content.reduce((value, octet) => value * 256 + octet, 0);
  }

  boolean(what: string): boolean {
    const content = this.content(DER.boolean, what);
    if (content.length !== 1 || (content[0] !== 0 && content[0] !== 0xff)) throw malformed(`${what}: not a boolean`);
    return content[0] === 0xff;
  }

  /** An OBJECT IDENTIFIER in dotted form. */
  oid(what: string): string {
    return readOid(this.content(DER.oid, what), what);
  }

  octetString(what: string): Uint8Array {
    return this.content(DER.octetString, what);
  }

  /** A BIT STRING of whole octets. */
  octetsOfBitString(what: string): Uint8Array {
    const content = this.content(DER.bitString, what);
    if (content[0] !== 0) throw malformed(`${what}: not whole octets`);
    return content.subarray(1);
  }

  /** A named-bit BIT STRING as numbers of the bits set; trailing zero bits are refused. */
  namedBits(what: string): ReadonlySet<number> {
    const [unused = 8, ...octets] = new DerReader(this.#bytes, this.#offset, this.#end).content(DER.bitString, what);
    const last = octets.at(-1);
    const canonical = last === undefined ? unused === 0 : unused < 8 && ((last >> unused) & 1) === 1;
    if (!canonical) throw malformed(`${what}: bit string is not canonical`);
    return this.bits(what);
  }

  /** Any BIT STRING as numbers of the bits set, whatever zero bits end it. */
  bits(what: string): ReadonlySet<number> {
    const [unused = 8, ...octets] = this.content(DER.bitString, what);
    const last = octets.at(-1) ?? 0;
    if (unused > (octets.length === 0 ? 0 : 7) || (last & ((1 << unused) - 1)) !== 0) {
      throw malformed(`${what}: bit string with unused bits set`);
    }
    return new Set(octets.flatMap((octet, index) => bitsOf(octet).map((bit) => index * 8 + bit)));
  }

  /** UTCTime or GeneralizedTime in UTC with seconds, in milliseconds since 1970. */
  time(what: string): number {
    const utc = this.nextTag === DER.utcTime;
    const content = this.content(utc ? DER.utcTime : DER.generalizedTime, what);
    const time = readTime(content, utc ? 2 : 4);
    if (time === undefined) throw malformed(`${what}: not a UTC time with seconds`);
    return time;
  }

  end(what: string): void {
    if (!this.done) throw malformed(`${what}: ${this.#end - this.#offset} octets left over`);
  }

  #expect(tag: number, what: string): void {
    if (this.nextTag !== tag) throw malformed(`${what}: tag ${this.nextTag ?? "missing"} instead of ${tag}`);
  }

  /** Passes one element; gives the offset of its content. */
  #skip(what: string): number {
    if ((this.#octet(what) & 0x1f) === 0x1f) throw malformed(`${what}: multi-octet tag`);
    const length = this.#length(what);
    const begin = this.#offset;
    if (length > this.#end - begin) throw malformed(`${what}: overruns its container`);
    this.#offset = begin + length;
    return begin;
  }

  #octet(what: string): number {
    if (this.done) throw malformed(`${what}: ends early`);
    const octet = this.#bytes[this.#offset] ?? 0;
    this.#offset += 1;
    return octet;
  }

  #length(what: string): number {
    const first = this.#octet(what);
    if (first < 0x80) return first;
    const count = first & 0x7f;
    if (count === 0 || count > 4) throw malformed(`${what}: length is indefinite or too long`);
    let length = 0;
    for (let index = 0; index < count; index += 1) length = length * 256 + this.#octet(what);
    if (length < 0x80 || length < 256 ** (count - 1)) throw malformed(`${what}: length is not minimal`);
    return length;
  }
}

function bitsOf(octet: number): number[] {
  return [0, 1, 2, 3, 4, 5, 6, 7].filter((bit) => (octet & (0x80 >> bit)) !== 0);
}

function readOid(content: Uint8Array, what: string): string {
  const arcs: number[] = [];
  let arc = 0;
  let fresh = true;
  for (const octet of content) {
    if (fresh && octet === 0x80) throw malformed(`${what}: object identifier is not minimal`);
    arc = arc * 128 + (octet & 0x7f);
    if (!Number.isSafeInteger(arc)) throw malformed(`${what}: object identifier is too large`);
    fresh = octet < 0x80;
    if (!fresh) continue;
    arcs.push(arc);
    arc = 0;
  }
  const [head, ...rest] = arcs;
  if (head === undefined || !fresh) throw malformed(`${what}: object identifier ends early`);
  const first = Math.min(2, Math.floor(head / 40));
  return [first, head - 40 * first, ...rest].join(".");
}

/** Digits of a year (2 or 4), month, day, hour, minute and second, then Z; undefined where they are no time. */
function readTime(content: Uint8Array, yearDigits: 2 | 4): number | undefined {
  if (content.length !== yearDigits + 11 || content.at(-1) !== 0x5a) return undefined;
  const pair = (at: number): number => digits(content, at);
  const century = yearDigits === 4 ? pair(0) : pair(0) < 50 ? 20 : 19;
  const year = century * 100 + pair(yearDigits - 2);
  const [month, day, hour, minute, second] = [0, 2, 4, 6, 8].map((at) => pair(yearDigits + at)) as FiveNumbers;
  const time = Date.UTC(year, month - 1, day, hour, minute, second);
  const date = new Date(time);
  const sameDay = date.getUTCFullYear() === year && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  return sameDay && hour < 24 && minute < 60 && second < 60 ? time : undefined;
}

type FiveNumbers = [number, number, number, number, number];

/** Two digits; NaN where either is none. */
function digits(content: Uint8Array, at: number): number {
  const [tens, ones] = [(content[at] ?? 0) - 0x30, (content[at + 1] ?? 0) - 0x30];
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : Number.NaN;
}
