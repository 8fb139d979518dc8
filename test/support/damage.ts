import * as fc from "fast-check";

/** One change to bytes: what to put in place of how many bytes from where, as a share of the whole. */
export interface Damage {
  readonly at: number;
  readonly removed: number;
  readonly inserted: Uint8Array;
}

/** One to four changes, each of a few bytes. */
export const damages: fc.Arbitrary<readonly Damage[]> = fc.array(
  fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    removed: fc.nat({ max: 9 }),
    inserted: fc.uint8Array({ maxLength: 9 }),
  }),
  { minLength: 1, maxLength: 4 },
);

/** Bytes with changes made one after another. */
export function damaged(bytes: Uint8Array, changes: readonly Damage[]): Uint8Array {
  return changes.reduce<Uint8Array>((whole, { at, removed, inserted }) => {
    const start = Math.floor(at * whole.length);
    return new Uint8Array(Buffer.concat([whole.subarray(0, start), inserted, whole.subarray(start + removed)]));
  }, bytes);
}
