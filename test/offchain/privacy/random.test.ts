import { expect } from "chai";
import * as fc from "fast-check";
import { RandomIntegers } from "../../../offchain/privacy/random.ts";
import { codeOf } from "../../support/errors.ts";
import { chiSquare, histogram, seededBytes } from "../../support/statistics.ts";
import { expectAbove } from "../../support/near.ts";

const words = (...list: readonly bigint[]): ((length: number) => Uint8Array) => {
  const stream = seededBytes(1);
  return (length) => {
    const block = new BigUint64Array(stream(length).buffer);
    block.set(list);
    return new Uint8Array(block.buffer);
  };
};

describe("privacy/random", () => {
  it("stays below its bound, however long that is", () => {
    const random = new RandomIntegers(seededBytes(2));
    fc.assert(
      fc.property(fc.bigInt(1n, 1n << 200n), (bound) => {
        const drawn = random.below(bound);
        expect(drawn >= 0n && drawn < bound).to.equal(true);
      }),
    );
  });

  it("gives every integer equally often", () => {
    const random = new RandomIntegers(seededBytes(3));
    for (const bound of [2n, 7n, 100n]) {
      const pmf = new Map(Array.from({ length: Number(bound) }, (_, value) => [BigInt(value), 1 / Number(bound)]));
      const { statistic, threshold } = chiSquare(
        histogram(20_000, () => random.below(bound)),
        pmf,
      );
      expectAbove(threshold, statistic);
    }
  });

  it("draws again what would favour small results", () => {
    // 2^64 is 1 modulo 3: the last of the 2^64 words has no partners and is skipped.
    const last = (1n << 64n) - 1n;
    expect(new RandomIntegers(words(last, 5n)).below(3n)).to.equal(2n);
    expect(new RandomIntegers(words(last - 1n, 5n)).below(3n)).to.equal((last - 1n) % 3n);
    // Above 64 bits two words make one draw, the first on top.
    expect(new RandomIntegers(words(1n, 5n)).below((1n << 64n) + 6n)).to.equal(((1n << 64n) + 5n) % ((1n << 64n) + 6n));
  });

  it("refuses a bound below 1", () => {
    for (const bound of [0n, -1n])
      expect(codeOf(() => new RandomIntegers(seededBytes(4)).below(bound))).to.equal("PARAMETER_INVALID");
  });

  it("refuses a generator that gives too little, is stuck or starts over", () => {
    const fixed = seededBytes(5)(8192);
    const broken = [
      (length: number) => new Uint8Array(length - 1),
      (length: number) => new Uint8Array(length),
      (length: number) => new Uint8Array(length).fill(0xff),
      () => fixed.slice(),
    ];
    for (const bytes of broken) {
      const random = new RandomIntegers(bytes);
      expect(codeOf(() => histogram(2000, () => random.below(2n)))).to.equal("RANDOMNESS_INVALID");
    }
  });
});
