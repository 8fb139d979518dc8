import { expect } from "chai";
import * as fc from "fast-check";
import { rational } from "../../../offchain/encoding/rational.ts";
import { microRho, noisyMaxCost } from "../../../offchain/privacy/cost.ts";
import type { GaussianNoise, LaplaceNoise, Noise } from "../../../offchain/privacy/noise.ts";
import { gaussianNoise, laplaceNoise } from "../../../offchain/privacy/noise.ts";
import { clipSensitivitySquared, clipVector, releaseVectorSum, vectorCost } from "../../../offchain/privacy/vector.ts";
import {
  confidentGnMax,
  confidentGnMaxCost,
  countVotes,
  gnMax,
  gnMaxCost,
  reportNoisyMax,
} from "../../../offchain/privacy/votes.ts";
import { codeOf } from "../../support/errors.ts";
import { seededBytes } from "../../support/statistics.ts";
import { expectNear } from "../../support/near.ts";

/** Noise that is known beforehand. */
function scripted<T extends object>(scale: T, ...draws: readonly bigint[]): T & Noise {
  const rest = [...draws];
  return {
    ...scale,
    draw: () => {
      const next = rest.shift();
      if (next === undefined) throw new RangeError("more noise is drawn than was expected");
      return next;
    },
  };
}

const SIGMA_40 = { sigmaSquared: rational(1600n) };
const BALLOT = { classes: 3, votes: [0, 1, 1, 2, 1] };

describe("privacy/votes", () => {
  it("counts one vote for each member", () => {
    expect(countVotes(BALLOT)).to.deep.equal([1n, 3n, 1n]);
    expect(countVotes({ classes: 2, votes: [] })).to.deep.equal([0n, 0n]);
    for (const ballot of [
      { classes: 0, votes: [] },
      { classes: 1.5, votes: [] },
      { classes: 3, votes: [3] },
      { classes: 3, votes: [-1] },
      { classes: 3, votes: [0.5] },
      { classes: 3, votes: [Number.NaN] },
    ])
      expect(codeOf(() => countVotes(ballot))).to.equal("PARAMETER_INVALID");
  });

  it("a changed vote moves the counts by the stated sensitivity at most", () => {
    const votes = fc.array(fc.nat(4), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(votes, fc.nat(), fc.nat(4), (before, member, vote) => {
        const after = before.with(member % before.length, vote);
        const [a, b] = [before, after].map((cast) => countVotes({ classes: 5, votes: cast }));
        const moved = a!.map((count, index) => count - b![index]!);
        expect(moved.reduce((sum, move) => sum + move * move, 0n) <= 2n).to.equal(true);
        expect(moved.every((move) => move >= -1n && move <= 1n)).to.equal(true);
      }),
    );
  });

  it("reportNoisyMax and gnMax add one draw to each count; of equals the first wins", () => {
    const laplace = (...draws: bigint[]): LaplaceNoise => scripted({ scale: rational(4n) }, ...draws);
    const gaussian = (...draws: bigint[]): GaussianNoise => scripted(SIGMA_40, ...draws);
    expect(reportNoisyMax(BALLOT, laplace(0n, 0n, 0n))).to.deep.equal({ value: 1, cost: 125_000n });
    expect(reportNoisyMax(BALLOT, laplace(0n, 0n, 3n)).value).to.equal(2);
    expect(gnMax(BALLOT, gaussian(0n, -1n, 0n))).to.deep.equal({ value: 1, cost: 625n });
    expect(gnMax(BALLOT, gaussian(2n, 0n, 2n)).value).to.equal(0);
    expect(gnMax(BALLOT, gaussian(-9n, -9n, -9n)).value).to.equal(1);
  });

  it("confidentGnMax charges for the question also where it gives no answer", () => {
    const confidence = (selection: bigint, ...answer: bigint[]): Parameters<typeof confidentGnMax>[1] => ({
      threshold: 5n,
      selection: scripted({ sigmaSquared: rational(10_000n) }, selection),
      answer: scripted(SIGMA_40, ...answer),
    });
    expect(confidentGnMax(BALLOT, confidence(1n))).to.deep.equal({ value: undefined, cost: 50n });
    expect(confidentGnMax(BALLOT, confidence(2n, 5n, 0n, 0n))).to.deep.equal({ value: 0, cost: 675n });
    expect(confidentGnMaxCost(confidence(0n))).to.equal(675n);
  });

  it("costs are rounded up and never zero", () => {
    expect(gnMaxCost({ sigmaSquared: rational(3n) })).to.equal(333_334n);
    expect(gnMaxCost({ sigmaSquared: rational(10n ** 30n) })).to.equal(1n);
    expect(noisyMaxCost({ scale: rational(3n, 2n) })).to.equal(888_889n);
    expect(microRho(rational(1n, 1_000_000n))).to.equal(1n);
  });
});

describe("privacy/vector", () => {
  const clip = { fractionBits: 8, norm: 256n };

  it("puts values on the grid", () => {
    expect(clipVector([0.5, -0.25, 1 / 512, 0.001, -0.001], clip)).to.deep.equal([128n, -64n, 1n, 0n, 0n]);
  });

  it("tells nothing of values that are no numbers", () => {
    expect(clipVector([Number.NaN, 0.25], clip)).to.deep.equal([0n, 64n]);
    expect(clipVector([Number.POSITIVE_INFINITY], clip)).to.deep.equal([256n]);
    expect(clipVector([-1e308], clip)).to.deep.equal([-256n]);
    expect(clipVector([Number.MIN_VALUE], clip)).to.deep.equal([0n]);
  });

  it("never exceeds the norm, so two vectors are never further apart than the sensitivity", () => {
    const vector = fc.array(fc.double(), { minLength: 6, maxLength: 6 });
    fc.assert(
      fc.property(vector, vector, fc.bigInt(1n, 1n << 40n), (a, b, norm) => {
        const bounds = { fractionBits: 20, norm };
        const [x, y] = [clipVector(a, bounds), clipVector(b, bounds)];
        const square = (values: readonly bigint[]): bigint => values.reduce((sum, value) => sum + value * value, 0n);
        expect(square(x) <= norm * norm).to.equal(true);
        expect(square(x.map((value, index) => value - y[index]!)) <= clipSensitivitySquared(bounds)).to.equal(true);
      }),
    );
  });

  it("shortens a long vector in its direction", () => {
    const [x, y] = clipVector([0.9, -0.9], { fractionBits: 20, norm: 1n << 20n });
    expect(x).to.equal(-y!);
    expectNear(Number(x) / 2 ** 20, Math.SQRT1_2, 1e-5);
  });

  it("releases the noised sum for 2 norm^2 / sigma^2", () => {
    const noise = scripted({ sigmaSquared: rational(1n << 20n) }, 10n, -20n);
    const release = releaseVectorSum(
      [
        [0.5, 0.25],
        [0.125, 0.25],
      ],
      clip,
      noise,
    );
    expect(release).to.deep.equal({ value: [170n, 108n], cost: 125_000n });
    expect(vectorCost(clip, { sigmaSquared: rational(3n) })).to.equal(43_690_666_667n);
  });

  const refused: Readonly<Record<string, () => unknown>> = {
    "no vector": () => releaseVectorSum([], clip, gaussianNoise(seededBytes(1), rational(1n))),
    "an empty vector": () => releaseVectorSum([[]], clip, gaussianNoise(seededBytes(1), rational(1n))),
    "vectors of two lengths": () => releaseVectorSum([[1], [1, 2]], clip, gaussianNoise(seededBytes(1), rational(1n))),
    "a norm of 0": () => clipVector([1], { ...clip, norm: 0n }),
    "a norm beyond 53 bits": () => clipVector([1], { ...clip, norm: 1n << 53n }),
    "a grid finer than a float": () => clipVector([1], { ...clip, fractionBits: 53 }),
    "half a bit": () => clipVector([1], { ...clip, fractionBits: 0.5 }),
  };
  for (const [what, action] of Object.entries(refused)) {
    it(`refuses ${what}`, () => {
      expect(codeOf(action)).to.equal("PARAMETER_INVALID");
    });
  }

  it("works with real noise", () => {
    const noise = gaussianNoise(seededBytes(2), rational(4n));
    const { value } = releaseVectorSum([[0.5, 0.5]], clip, noise);
    expect(value.every((step) => step > 98n && step < 158n)).to.equal(true);
    expect(
      reportNoisyMax(
        { classes: 2, votes: Array.from({ length: 500 }, () => 1) },
        laplaceNoise(seededBytes(3), rational(2n)),
      ).value,
    ).to.equal(1);
  });
});
