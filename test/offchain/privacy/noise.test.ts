import { expect } from "chai";
import { rational } from "../../../offchain/encoding/rational.ts";
import { gaussianNoise, laplaceNoise, noisePool } from "../../../offchain/privacy/noise.ts";
import { codeOf } from "../../support/errors.ts";
import { seededBytes } from "../../support/statistics.ts";

const SIGMA_SQUARED = rational(100n);
const source = (): ReturnType<typeof gaussianNoise> => gaussianNoise(seededBytes(21), SIGMA_SQUARED);
const take = (count: number, noise: { draw(): bigint }): readonly bigint[] =>
  Array.from({ length: count }, () => noise.draw());

describe("privacy/noise", () => {
  it("knows its scale", () => {
    expect(source().sigmaSquared).to.deep.equal(SIGMA_SQUARED);
    expect(laplaceNoise(seededBytes(1), rational(3n, 2n)).scale).to.deep.equal(rational(3n, 2n));
    const zero = { numerator: 0n, denominator: 1n };
    expect(codeOf(() => gaussianNoise(seededBytes(1), zero))).to.equal("PARAMETER_INVALID");
    expect(codeOf(() => laplaceNoise(seededBytes(1), zero))).to.equal("PARAMETER_INVALID");
  });

  describe("noisePool", () => {
    it("gives the source's draws, each once, round its slots", () => {
      const pool = noisePool(source(), 7);
      const taken: bigint[] = [];
      for (const [filled, count] of [
        [5, 3],
        [7, 7],
        [2, 4],
        [7, 6],
      ] as const) {
        pool.fill(filled);
        taken.push(...take(Math.min(count, pool.ready()), pool.noise));
      }
      expect(taken).to.have.lengthOf.above(15);
      expect(taken).to.deep.equal(take(taken.length, source()));
      expect(pool.noise.sigmaSquared).to.deep.equal(SIGMA_SQUARED);
    });

    it("fills no further than its capacity", () => {
      const pool = noisePool(source(), 4);
      expect([pool.fill(3), pool.fill(3), pool.fill(3), pool.fill(-1), pool.ready()]).to.deep.equal([3, 1, 0, 0, 4]);
    });

    it("never draws while a request waits", () => {
      const pool = noisePool(source(), 2);
      expect(codeOf(() => pool.noise.draw())).to.equal("NOISE_EXHAUSTED");
      pool.fill(2);
      take(2, pool.noise);
      expect(codeOf(() => pool.noise.draw())).to.equal("NOISE_EXHAUSTED");
    });

    it("keeps what it has where the source fails", () => {
      let left = 2;
      const failing = {
        draw: () => {
          if (left === 0) throw new RangeError("no more");
          left -= 1;
          return 5n;
        },
      };
      const pool = noisePool(failing, 4);
      expect(() => pool.fill(4)).to.throw(RangeError);
      expect(take(pool.ready(), pool.noise)).to.deep.equal([5n, 5n]);
    });

    it("refuses a capacity of none", () => {
      for (const capacity of [0, -1, 1.5, Number.NaN])
        expect(codeOf(() => noisePool(source(), capacity))).to.equal("PARAMETER_INVALID");
    });
  });
});
