import { Decoder } from "cbor-x";
import { equal, toHex } from "../encoding/bytes.ts";
import { ByteReader } from "../encoding/reader.ts";
import { EvidenceError } from "../errors.ts";

/** A decoded data item; maps keep their order. */
export type CborValue =
  number | bigint | string | boolean | null | Uint8Array | readonly CborValue[] | ReadonlyMap<CborValue, CborValue>;

/** An initial byte with its argument. */
interface Head {
  readonly major: number;
  readonly argument: number;
}

const MAX_BYTES = 1 << 20;
const MAX_DEPTH = 16;
const MAJOR = { unsigned: 0, negative: 1, bytes: 2, text: 3, array: 4, map: 5, tag: 6 } as const;
const FALSE = 20;
const NULL = 22;
const BYTE_ORDER_MARK = Uint8Array.of(0xef, 0xbb, 0xbf);

const decoder = new Decoder({ mapsAsObjects: false, useRecords: false });
const malformed = (message: string): EvidenceError => new EvidenceError("EVIDENCE_MALFORMED", `CBOR: ${message}`);

/**
 * Decodes one data item and nothing after it, of at most 1 MiB and 16 levels, in preferred serialisation: definite and
 * minimal lengths, no duplicate keys, no tags, no floats, no byte order mark. The order of keys is free.
 * Throws `EvidenceError` `EVIDENCE_MALFORMED`.
 * @see RFC 8949 sections 4.1 and 5.6
 */
export function decodeCbor(bytes: Uint8Array): CborValue {
  if (bytes.length > MAX_BYTES) throw malformed(`${bytes.length} bytes are too many`);
  const reader = new ByteReader(bytes, malformed);
  checkItem(reader, bytes, 0);
  reader.end("CBOR");
  return decoder.decode(bytes) as CborValue;
}

function checkItem(reader: ByteReader, bytes: Uint8Array, depth: number): void {
  if (depth > MAX_DEPTH) throw malformed(`deeper than ${MAX_DEPTH} levels`);
  const { major, argument } = readHead(reader);
  switch (major) {
    case MAJOR.unsigned:
    case MAJOR.negative:
      return;
    case MAJOR.bytes:
      reader.take(argument, "byte string");
      return;
    case MAJOR.text:
      checkText(reader.take(argument, "text"));
      return;
    case MAJOR.array:
      for (let index = 0; index < argument; index += 1) checkItem(reader, bytes, depth + 1);
      return;
    case MAJOR.map:
      checkMap(reader, bytes, { depth, size: argument });
      return;
    default:
      throw malformed(`tag ${argument} is not expected here`);
  }
}

/** Arguments above 2^53 only matter as integers, so their rounding is harmless. */
function readHead(reader: ByteReader): Head {
  const initial = reader.uint8("initial byte");
  const [major, info] = [initial >> 5, initial & 0x1f];
  if (major === 7) {
    if (info < FALSE || info > NULL) throw malformed("only false, true and null are simple values");
    return { major: MAJOR.unsigned, argument: info };
  }
  if (info < 24) return { major, argument: info };
  const argument = readArgument(reader, info);
  if (argument < [24, 0x100, 0x1_0000, 0x1_0000_0000][info - 24]!) throw malformed("an argument is not minimal");
  return { major, argument };
}

function readArgument(reader: ByteReader, info: number): number {
  if (info === 24) return reader.uint8("argument");
  if (info === 25) return reader.uint16be("argument");
  if (info === 26) return reader.uint32be("argument");
  if (info === 27) return Number(reader.uint64be("argument"));
  throw malformed("indefinite lengths are not accepted");
}

/** The decoder drops a byte order mark in front of a long text, so that two keys could become one. */
function checkText(bytes: Uint8Array): void {
  if (equal(bytes.subarray(0, BYTE_ORDER_MARK.length), BYTE_ORDER_MARK)) throw malformed("a byte order mark");
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new EvidenceError("EVIDENCE_MALFORMED", "CBOR: a text is not UTF-8", { cause });
  }
}

function checkMap(reader: ByteReader, bytes: Uint8Array, { depth, size }: { depth: number; size: number }): void {
  const keys = new Set<string>();
  for (let index = 0; index < size; index += 1) {
    const start = reader.offset;
    checkItem(reader, bytes, depth + 1);
    const key = toHex(bytes.subarray(start, reader.offset));
    if (keys.has(key)) throw malformed("a key stands twice in a map");
    keys.add(key);
    checkItem(reader, bytes, depth + 1);
  }
}
