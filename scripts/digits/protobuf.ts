import { concat, utf8 } from "../../offchain/encoding/bytes.ts";

/** One field of a protobuf message: its number and an encoded value. */
type Field = Uint8Array;

/** A field that holds a non-negative integer. @see https://protobuf.dev/programming-guides/encoding/ */
export function integer(number: number, value: number): Field {
  return concat(varint(number * 8), varint(value));
}

/** A field that holds bytes, a text or a message. */
export function bytes(number: number, value: Uint8Array | string): Field {
  const content = typeof value === "string" ? utf8(value) : value;
  return concat(varint(number * 8 + 2), varint(content.length), content);
}

/** A field that holds a message of these fields. */
export function message(number: number, ...fields: readonly Field[]): Field {
  return bytes(number, concat(...fields));
}

function varint(value: number): Uint8Array {
  const encoded: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) encoded.push((rest % 0x80) + 0x80);
  return Uint8Array.from([...encoded, rest]);
}
