import type { CborValue } from "../../offchain/cose/cbor.ts";

const SIMPLE = new Map<CborValue, number>([
  [false, 0xf4],
  [true, 0xf5],
  [null, 0xf6],
]);

/** The one preferred serialisation of a value, its maps in their order; independent of the encoder that the decoder comes with. */
export function preferredCbor(value: CborValue): Buffer {
  const simple = SIMPLE.get(value);
  if (simple !== undefined) return Buffer.of(simple);
  if (typeof value === "number" || typeof value === "bigint") return integer(BigInt(value));
  if (typeof value === "string") return Buffer.concat([head(3, Buffer.byteLength(value)), Buffer.from(value)]);
  if (value instanceof Uint8Array) return Buffer.concat([head(2, value.length), value]);
  if (value instanceof Map) return map(value as ReadonlyMap<CborValue, CborValue>);
  const items = value as readonly CborValue[];
  return Buffer.concat([head(4, items.length), ...items.map((item) => preferredCbor(item))]);
}

function integer(value: bigint): Buffer {
  return value < 0n ? head(1, -1n - value) : head(0, value);
}

function map(value: ReadonlyMap<CborValue, CborValue>): Buffer {
  const entries = [...value].flatMap(([key, content]) => [preferredCbor(key), preferredCbor(content)]);
  return Buffer.concat([head(5, value.size), ...entries]);
}

function head(major: number, argument: bigint | number): Buffer {
  const length = BigInt(argument);
  const initial = major << 5;
  if (length < 24n) return Buffer.of(initial | Number(length));
  const exponent = [8n, 16n, 32n, 64n].findIndex((bits) => length < 1n << bits);
  const digits = length.toString(16).padStart(2 << exponent, "0");
  return Buffer.concat([Buffer.of(initial | (24 + exponent)), Buffer.from(digits, "hex")]);
}
