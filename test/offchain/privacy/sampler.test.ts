import { expect } from "chai";
import { randomBytes } from "#crypto";
import type { Rational } from "../../../offchain/encoding/rational.ts";
import { rational } from "../../../offchain/encoding/rational.ts";
import { RandomIntegers } from "../../../offchain/privacy/random.ts";
import { bernoulliExp, discreteGaussian, discreteLaplace } from "../../../offchain/privacy/sampler.ts";
import { codeOf } from "../../support/errors.ts";
import { binomialBounds, chiSquare, histogram, pmfOf, seededBytes } from "../../support/statistics.ts";
import { expectAbove, expectBetween, expectNear } from "../../support/near.ts";

const LONG = process.env["CLOISTER_PRIVACY"] === "long";
const DRAWS = LONG ? 1_000_000 : 20_000;

const ratio = ({ numerator, denominator }: Rational): number => Number(numerator) / Number(denominator);

const gaussianPmf = (sigmaSquared: Rational): ReadonlyMap<bigint, number> =>
  pmfOf((k) => Math.exp(-(k * k) / (2 * ratio(sigmaSquared))), Math.ceil(14 * Math.sqrt(ratio(sigmaSquared))) + 2);

const laplacePmf = (scale: Rational): ReadonlyMap<bigint, number> =>
  pmfOf((k) => Math.exp(-Math.abs(k) / ratio(scale)), Math.ceil(60 * ratio(scale)) + 2);

function moments(seen: ReadonlyMap<bigint, number>): { readonly mean: number; readonly variance: number } {
  const counts = [...seen];
  const draws = counts.reduce((sum, [, count]) => sum + count, 0);
  const mean = counts.reduce((sum, [value, count]) => sum + Number(value) * count, 0) / draws;
  return {
    mean,
    variance: counts.reduce((sum, [value, count]) => sum + (Number(value) - mean) ** 2 * count, 0) / draws,
  };
}

describe("privacy/sampler", function () {
  this.timeout(LONG ? 0 : 60_000);

  describe("bernoulliExp", () => {
    const exponents: readonly (readonly [bigint, bigint])[] = [
      [0n, 1n],
      [1n, 1000n],
      [1n, 2n],
      [1n, 1n],
      [7n, 3n],
      [10n ** 30n, 3n * 10n ** 29n],
    ];
    for (const [numerator, denominator] of exponents) {
      it(`is true with probability exp(-${numerator}/${denominator})`, () => {
        const random = new RandomIntegers(seededBytes(11));
        const hits = histogram(DRAWS, () => bernoulliExp(random, numerator, denominator)).get(true) ?? 0;
        const { low, high } = binomialBounds(hits, DRAWS, 1e-7);
        expectBetween(Math.exp(-Number(numerator) / Number(denominator)), low, high);
      });
    }
  });

  describe("the pmfs that the tests compare with", () => {
    const known: readonly (readonly [pmf: ReadonlyMap<bigint, number>, atZero: number])[] = [
      [gaussianPmf(rational(1n, 4n)), 0.786570707041948],
      [gaussianPmf(rational(1n)), 0.398942278266862],
      [gaussianPmf(rational(4n)), 0.199471140200716],
      [gaussianPmf(rational(100n)), 0.0398942280401433],
      [laplacePmf(rational(1n)), 0.46211715726001],
      [laplacePmf(rational(10n)), 0.04995837495788],
    ];
    it("have the published values at zero", () => {
      for (const [pmf, atZero] of known) expectNear(pmf.get(0n), atZero, 1e-13);
    });
  });

  const gaussians = [
    rational(1n, 4n),
    rational(1n),
    rational(4n),
    rational(100n),
    rational(355n, 113n),
    rational(1n, 1000n),
  ];
  const laplaces = [rational(1n), rational(10n), rational(3n, 2n), rational(1n, 5n)];
  const samplers = [
    ...gaussians.map((scale) => ({
      name: "discreteGaussian",
      scale,
      sample: discreteGaussian,
      pmf: gaussianPmf(scale),
    })),
    ...laplaces.map((scale) => ({ name: "discreteLaplace", scale, sample: discreteLaplace, pmf: laplacePmf(scale) })),
  ];
  for (const { name, scale, sample, pmf } of samplers) {
    it(`${name} of ${scale.numerator}/${scale.denominator} has its exact distribution`, () => {
      const random = new RandomIntegers(seededBytes(12));
      const seen = histogram(DRAWS, () => sample(random, scale));
      const { statistic, threshold, cells } = chiSquare(seen, pmf);
      expect(seen.size > 1 || cells === 1).to.equal(true);
      if (cells > 1) expectAbove(threshold, statistic);
      const exact = moments(new Map([...pmf].map(([value, p]) => [value, p * 1e9])));
      expectNear(moments(seen).mean, 0, 6 * Math.sqrt(exact.variance / DRAWS) + 1e-9);
      expectNear(moments(seen).variance, exact.variance, exact.variance * 0.1 + 1e-9);
    });
  }

  describe("the comparison notices", () => {
    const wanted = rational(4n);
    const random = new RandomIntegers(seededBytes(13));
    const uniform = (): number => (Number(random.below(1n << 53n)) + 0.5) / 2 ** 53;
    const normal = (): number => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
    const mutants: Readonly<Record<string, () => bigint>> = {
      "half the noise": () => discreteGaussian(random, rational(1n)),
      "half the variance": () => discreteGaussian(random, rational(2n)),
      "noise a tenth short": () => discreteGaussian(random, rational(81n, 25n)),
      "Laplace noise": () => discreteLaplace(random, rational(2n)),
      "a float sampler that truncates": () => BigInt(Math.trunc(2 * normal())),
      "a float sampler that rounds down": () => BigInt(Math.floor(2 * normal())),
      "too many zeros": () => {
        const drawn = discreteGaussian(random, wanted);
        return drawn === 0n || random.below(4n) > 0n ? drawn : 0n;
      },
    };
    for (const [what, mutant] of Object.entries(mutants)) {
      it(what, () => {
        const { statistic, threshold } = chiSquare(histogram(20_000, mutant), gaussianPmf(wanted));
        expectAbove(statistic, threshold);
      });
    }
  });

  it("draws by the platform's own generator", () => {
    const random = new RandomIntegers(randomBytes);
    const seen = histogram(2000, () => discreteGaussian(random, rational(10_000n)));
    // Wrong by chance less than once in 10^20: the standard deviation is 100.
    expect([...seen.keys()].every((value) => value > -1000n && value < 1000n)).to.equal(true);
    expectAbove(seen.size, 100);
  });

  it("takes variances beyond any float", () => {
    const random = new RandomIntegers(seededBytes(14));
    const sigmaSquared = rational(1n << 200n);
    const seen = histogram(50, () => discreteGaussian(random, sigmaSquared));
    expect([...seen.keys()].every((value) => value < 1n << 104n && value > -(1n << 104n))).to.equal(true);
    expect([...seen.keys()].some((value) => value > 1n << 95n || value < -(1n << 95n))).to.equal(true);
  });

  it("refuses a scale of zero and a negative exponent", () => {
    const random = new RandomIntegers(seededBytes(15));
    const refused: readonly (() => unknown)[] = [
      () => discreteGaussian(random, { numerator: 0n, denominator: 1n }),
      () => discreteGaussian(random, { numerator: 1n, denominator: 0n }),
      () => discreteLaplace(random, { numerator: -1n, denominator: 1n }),
      () => bernoulliExp(random, -1n, 1n),
      () => bernoulliExp(random, 1n, 0n),
    ];
    for (const action of refused) expect(codeOf(action)).to.equal("PARAMETER_INVALID");
  });
});
