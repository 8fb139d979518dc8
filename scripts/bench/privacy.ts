import { randomBytes } from "#crypto";
import type { Figure } from "../figures/report.ts";
import type { Case } from "./clock.ts";
import type { Rational } from "../../offchain/encoding/rational.ts";
import { rational } from "../../offchain/encoding/rational.ts";
import { deltaOf, epsilonOf, rhoWithin } from "../../offchain/privacy/accountant.ts";
import type { Noise } from "../../offchain/privacy/noise.ts";
import { gaussianNoise, laplaceNoise, noisePool } from "../../offchain/privacy/noise.ts";
import { gnMax } from "../../offchain/privacy/votes.ts";
import { correlation } from "../figures/correlation.ts";
import { figureOf, roundTo } from "../figures/report.ts";
import { DELTAS, EPSILONS, excessOver } from "../figures/zcdp.ts";
import { cpuTimes } from "./clock.ts";

const BUDGET_MS = 12_000;
const DRAWS = 100_000;
const POOL = 4096;
const MILLION = rational(1n, 1_000_000n);

const SIGMAS: readonly (readonly [name: string, sigmaSquared: Rational])[] = [
  ["1/4", rational(1n, 4n)],
  ["4", rational(4n)],
  ["100", rational(100n)],
  ["1,600", rational(1600n)],
  ["2^40", rational(1n << 40n)],
  ["2^100", rational(1n << 100n)],
];

/** What noise, votes and conversions cost, how exact conversions are, and what the time of a draw tells of it. */
export async function benchPrivacy(): Promise<readonly Figure[]> {
  const cases = costs();
  const times = await cpuTimes(cases, BUDGET_MS);
  const costFigures = cases.map(({ name, scale, unit, target }) =>
    figureOf({ what: name, value: roundTo((times.get(name) ?? Number.NaN) * scale, 3), unit }, { target }),
  );
  return [...costFigures, ...conversionErrors(), ...timing()];
}

type Cost = Case & { readonly scale: number; readonly unit: string; readonly target?: number };

function costs(): readonly Cost[] {
  const draws = SIGMAS.map(([name, sigmaSquared]) =>
    micro(`discrete Gaussian, sigma^2 ${name}`, gaussianNoise(randomBytes, sigmaSquared)),
  );
  const laplace = micro("discrete Laplace, scale 10", laplaceNoise(randomBytes, rational(10n)));
  const votes = { classes: 10, votes: Array.from({ length: 250 }, (_, member) => (member * member) % 10) };
  const direct = gaussianNoise(randomBytes, rational(1600n));
  return [
    ...draws,
    laplace,
    {
      name: "GNMax, 250 votes for 10 classes, noise drawn at once",
      prepare: () => () => gnMax(votes, direct),
      scale: 1,
      unit: "ms CPU",
      target: 0.1,
    },
    { name: "rho to epsilon", prepare: () => () => epsilonOf(rational(1n, 32n), MILLION), scale: 1, unit: "ms CPU" },
    {
      name: "epsilon and delta to rho",
      prepare: () => () => rhoWithin(rational(1n), MILLION),
      scale: 1,
      unit: "ms CPU",
    },
  ];
}

function micro(name: string, noise: Noise): Cost {
  return { name, prepare: () => () => noise.draw(), scale: 1000, unit: "us CPU" };
}

/** The largest error above the reference, and how far any result falls below it, which must be by nothing. */
function conversionErrors(): readonly Figure[] {
  const excesses = [
    ...EPSILONS.map(([top, bottom, inverse, reference]) =>
      excessOver(epsilonOf(rational(top, bottom), rational(1n, inverse)), reference),
    ),
    ...DELTAS.map(([top, bottom, epsTop, epsBottom, reference]) =>
      excessOver(deltaOf(rational(top, bottom), rational(epsTop, epsBottom)), reference),
    ),
  ];
  const below = Math.max(0, -Math.min(...excesses));
  return [
    figureOf(
      { what: "conversions, most above the reference", value: roundTo(Math.max(...excesses), 3), unit: "relative" },
      { target: 1e-12 },
    ),
    figureOf({ what: "conversions, most below the reference", value: below, unit: "relative" }, { target: 0 }),
  ];
}

/** Correlation of magnitude with the time of a draw, at once and out of a pool. */
function timing(): readonly Figure[] {
  return [rational(1n), rational(1600n)].flatMap((sigmaSquared) => {
    const source = gaussianNoise(randomBytes, sigmaSquared);
    const pool = noisePool(source, POOL);
    const pooled = correlationOf(pool.noise, () => pool.ready() > 0 || pool.fill(POOL));
    const sigma = `sigma^2 ${sigmaSquared.numerator.toLocaleString("en-US")}`;
    return [
      figureOf({
        what: `|noise| and time, ${sigma}, drawn at once`,
        value: correlationOf(source),
        unit: "correlation",
      }),
      figureOf(
        { what: `|noise| and time, ${sigma}, taken from the pool`, value: pooled, unit: "correlation" },
        { target: 0.01 },
      ),
    ];
  });
}

/** The size of the correlation over 100,000 draws; `before` is done outside the measured time. */
function correlationOf(noise: Noise, before: () => unknown = () => undefined): number {
  for (let warm = 0; warm < DRAWS / 5; warm += 1) {
    before();
    noise.draw();
  }
  const [sizes, times]: [number[], number[]] = [[], []];
  for (let index = 0; index < DRAWS; index += 1) {
    before();
    const started = process.hrtime.bigint();
    const drawn = noise.draw();
    const spent = process.hrtime.bigint() - started;
    // A pause of the machine, once in some thousand draws, would hide what the rest shows.
    times.push(Math.min(Number(spent), 20_000));
    sizes.push(Math.abs(Number(drawn)));
  }
  return roundTo(Math.abs(correlation(sizes, times)), 3);
}
