/** Changes that need no knowledge of a format, but look for lengths in it. */
import { concat } from "../../../offchain/encoding/bytes.ts";
import type { Random } from "./random.ts";

/** Makes one changed copy; `other` is another input of the same kind. */
export type Mutator = (bytes: Uint8Array, random: Random, other: Uint8Array) => Uint8Array;

const EDGES = [0, 1, 0x0a, 0x20, 0x30, 0x7f, 0x80, 0x81, 0x84, 0xd2, 0xfe, 0xff];

const flipBit: Mutator = (bytes, random) => {
  const changed = bytes.slice();
  const at = random.below(bytes.length);
  changed[at] = (changed[at] ?? 0) ^ (1 << random.below(8));
  return changed;
};

const setByte: Mutator = (bytes, random) => {
  const changed = bytes.slice();
  changed[random.below(bytes.length)] = random.once(2) ? random.pick(EDGES) : random.below(256);
  return changed;
};

const remove: Mutator = (bytes, random) => {
  const at = random.below(bytes.length);
  return concat(bytes.subarray(0, at), bytes.subarray(at + 1 + random.below(random.once(4) ? bytes.length : 16)));
};

const insert: Mutator = (bytes, random) => {
  const at = random.below(bytes.length + 1);
  return concat(bytes.subarray(0, at), random.bytes(1 + random.below(16)), bytes.subarray(at));
};

const duplicate: Mutator = (bytes, random) => {
  const at = random.below(bytes.length);
  const end = Math.min(bytes.length, at + 1 + random.below(64));
  return concat(bytes.subarray(0, end), bytes.subarray(at));
};

const fill: Mutator = (bytes, random) => {
  const changed = bytes.slice();
  const at = random.below(bytes.length);
  return changed.fill(random.pick([0, 0xff, 0x30]), at, at + 1 + random.below(96));
};

const truncate: Mutator = (bytes, random) => bytes.slice(0, random.below(bytes.length));

const extend: Mutator = (bytes, random) =>
  concat(bytes, random.once(2) ? new Uint8Array(1 + random.below(64)) : random.bytes(1 + random.below(64)));

/** The head of one and the tail of another, at the same or at different places. */
const splice: Mutator = (bytes, random, other) => {
  const at = random.below(bytes.length);
  return concat(bytes.subarray(0, at), other.subarray(random.once(2) ? at : random.below(other.length)));
};

/** A field of one in the place of the same field of another. */
const transplant: Mutator = (bytes, random, other) => {
  const changed = bytes.slice();
  const length = random.pick([4, 8, 16, 32, 48, 64, 96, 384]);
  const at = random.below(Math.max(1, Math.min(bytes.length, other.length) - length));
  changed.set(other.subarray(at, at + Math.min(length, changed.length - at)), at);
  return changed;
};

/** A long run of one byte, for what looks back at each of them. */
const stretch: Mutator = (bytes, random) => {
  const at = random.once(2) ? random.pick([0, bytes.length]) : random.below(bytes.length);
  const run = new Uint8Array(1 << (4 + random.below(9))).fill(random.pick([0, 0x0a, 0x20, 0x2d, 0x30, 0x41, 0x80]));
  return concat(bytes.subarray(0, at), run, bytes.subarray(at));
};

/** What looks like a length (a number no larger than what follows it) becomes one that lies. */
const lie: Mutator = (bytes, random) => {
  const changed = bytes.slice();
  const view = new DataView(changed.buffer, changed.byteOffset, changed.byteLength);
  const width = random.pick([2, 4]);
  const [little, rest] = [random.once(2) || width === 4, bytes.length - width];
  if (rest <= 0) return changed;
  let at = random.below(rest);
  const read = (): number => (width === 2 ? view.getUint16(at, little) : view.getUint32(at, little));
  for (let tries = 0; tries < 256 && (read() === 0 || read() > bytes.length - at); tries += 1) at = random.below(rest);
  const max = width === 2 ? 0xffff : 0xffff_ffff;
  const lies = [read() + 1, read() - 1, 0, 1, max, max >>> 1, bytes.length - at - width, bytes.length, read() * 2];
  const value = Math.max(0, Math.min(max, random.pick(lies)));
  if (width === 2) view.setUint16(at, value, little);
  else view.setUint32(at, value, little);
  return changed;
};

export const BYTE_MUTATORS: readonly Mutator[] = [
  flipBit,
  setByte,
  remove,
  insert,
  duplicate,
  fill,
  truncate,
  extend,
  splice,
  transplant,
  stretch,
  lie,
  lie,
];

/** The empty input cannot be changed in place. */
export const mutateBytes: Mutator = (bytes, random, other) =>
  bytes.length === 0 ? random.bytes(random.below(8)) : random.pick(BYTE_MUTATORS)(bytes, random, other);
