/** The mechanisms against their own claims: what two neighbouring inputs give is told apart no better than the charged rho allows. */
import { rational } from "../../../offchain/encoding/rational.ts";
import { deltaOf, epsilonOf, rhoOf } from "../../../offchain/privacy/accountant.ts";
import type { Release } from "../../../offchain/privacy/cost.ts";
import type { GaussianNoise, LaplaceNoise } from "../../../offchain/privacy/noise.ts";
import { gaussianNoise, laplaceNoise } from "../../../offchain/privacy/noise.ts";
import { releaseVectorSum } from "../../../offchain/privacy/vector.ts";
import { confidentGnMax, gnMax, reportNoisyMax } from "../../../offchain/privacy/votes.ts";
import { binomialBounds, epsilonAtLeast, histogram, pmfOf, seededBytes } from "../../support/statistics.ts";
import { expectAbove, expectBetween, expectNear } from "../../support/near.ts";

const LONG = process.env["CLOISTER_PRIVACY"] === "long";
const RUNS = LONG ? 1_000_000 : 20_000;
const DELTA = rational(1n, 100n);

type Value = bigint | number | undefined;

interface Subject {
  readonly name: string;
  readonly run: (neighbour: boolean, seed: number) => () => Release<Value>;
  /** The same mechanism with less noise that charges as if it were whole: what finds it out depends on how much its output tells. */
  readonly mutant: { readonly what: string; readonly run: Subject["run"] };
  readonly events: readonly ((value: Value) => boolean)[];
}

const CLIP = { fractionBits: 0, norm: 5n };
/** Charges for one noise and adds another. */
const posingAs = (claimed: GaussianNoise, added: GaussianNoise): GaussianNoise => ({ ...claimed, draw: added.draw });
const ballot = (neighbour: boolean): { classes: number; votes: number[] } => ({
  classes: 2,
  votes: [0, neighbour ? 1 : 0, 1],
});
const classEvents = [0, 1].map((winner) => (value: Value) => value === winner);

function scalar(neighbour: boolean, noise: GaussianNoise): () => Release<Value> {
  return () => {
    const { value, cost } = releaseVectorSum([[neighbour ? 5 : -5]], CLIP, noise);
    return { value: value[0], cost };
  };
}

const gaussian = (seed: number, sigmaSquared: bigint, below = 1n): GaussianNoise =>
  gaussianNoise(seededBytes(seed), rational(sigmaSquared, below));
const halved = (seed: number, sigmaSquared: bigint): GaussianNoise =>
  posingAs(gaussian(seed, sigmaSquared), gaussian(seed, sigmaSquared, 4n));
const laplace = (seed: number, scale: bigint): LaplaceNoise => laplaceNoise(seededBytes(seed), rational(scale));

const SUBJECTS: readonly Subject[] = [
  {
    name: "a clipped value",
    run: (neighbour, seed) => scalar(neighbour, gaussian(seed, 100n)),
    mutant: { what: "half the noise", run: (neighbour, seed) => scalar(neighbour, halved(seed, 100n)) },
    events: [-5n, -2n, 0n, 3n, 5n, 8n].map((least) => (value: Value) => typeof value === "bigint" && value >= least),
  },
  {
    name: "GNMax",
    run: (neighbour, seed) => {
      const noise = gaussian(seed, 2n);
      return () => gnMax(ballot(neighbour), noise);
    },
    mutant: {
      what: "an eighth of the noise",
      run: (neighbour, seed) => {
        const noise = posingAs(gaussian(seed, 2n), gaussian(seed, 1n, 32n));
        return () => gnMax(ballot(neighbour), noise);
      },
    },
    events: classEvents,
  },
  {
    name: "Confident-GNMax",
    run: (neighbour, seed) => {
      const confidence = { threshold: 2n, selection: gaussian(seed, 4n), answer: gaussian(seed + 1, 4n) };
      return () => confidentGnMax(ballot(neighbour), confidence);
    },
    mutant: {
      what: "nearly no noise",
      run: (neighbour, seed) => {
        const quiet = gaussian(seed, 1n, 32n);
        const confidence = {
          threshold: 2n,
          selection: posingAs(gaussian(seed, 4n), quiet),
          answer: posingAs(gaussian(seed, 4n), quiet),
        };
        return () => confidentGnMax(ballot(neighbour), confidence);
      },
    },
    events: [...classEvents, (value) => value === undefined],
  },
];

/** What the draws show at least, and what the charged rho allows at most. */
function audit(
  subject: Subject["run"],
  events: Subject["events"],
): { readonly shown: number; readonly allowed: number } {
  let most = 0n;
  const charged = (run: () => Release<Value>) => (): Value => {
    const { value, cost } = run();
    if (cost > most) most = cost;
    return value;
  };
  const seen = [histogram(RUNS, charged(subject(false, 31))), histogram(RUNS, charged(subject(true, 41)))] as const;
  return { shown: epsilonAtLeast(seen, events, 0.01), allowed: epsilonOf(rhoOf(most), DELTA) };
}

describe("privacy, two neighbours", function () {
  this.timeout(LONG ? 0 : 60_000);

  it("the bounds of a probability are Clopper and Pearson's", () => {
    // Closed forms: (alpha)^(1/n) for n of n, 1 - (alpha)^(1/n) for none.
    expectNear(binomialBounds(20, 20, 0.025).low, 0.025 ** (1 / 20), 1e-12);
    expectNear(binomialBounds(0, 20, 0.025).high, 1 - 0.025 ** (1 / 20), 1e-12);
    const { low, high } = binomialBounds(10, 100, 0.025);
    expectNear(low, 0.049, 5e-5);
    expectNear(high, 0.1762, 5e-5);
  });

  for (const { name, run, mutant, events } of SUBJECTS) {
    it(`${name} keeps what it charges for`, () => {
      const { shown, allowed } = audit(run, events);
      expectBetween(shown, -Infinity, allowed);
    });

    it(`${name} with ${mutant.what} is found out`, () => {
      const { shown, allowed } = audit(mutant.run, events);
      expectAbove(shown, allowed);
    });
  }

  describe("the exact delta of discrete Gaussian noise at epsilon 1 and sensitivity 1", () => {
    // The published values; those of the continuous Gaussian, 0.00682959498311 and 2.92427210486e-6, would be too small.
    const exact: readonly (readonly [sigmaSquared: bigint, delta: number])[] = [
      [4n, 0.00724877684595],
      [16n, 3.05545464927e-6],
    ];
    for (const [sigmaSquared, delta] of exact) {
      it(`is ${delta} for sigma^2 ${sigmaSquared}, and within what the accountant allows`, () => {
        const pmf = pmfOf((k) => Math.exp(-(k * k) / (2 * Number(sigmaSquared))), 80);
        const lost = [...pmf].map(([k, p]) => Math.max(0, p - Math.E * (pmf.get(k + 1n) ?? 0)));
        const shown = lost.reduce((sum, part) => sum + part, 0);
        expectNear(shown / delta, 1, 1e-11);
        expectBetween(shown, -Infinity, deltaOf(rational(1n, 2n * sigmaSquared), rational(1n)));
      });
    }
  });

  describe("report-noisy-max", () => {
    const shownBy = (scale: bigint): number => {
      const votes = [
        { classes: 2, votes: [1, 1, 1, 1] },
        { classes: 2, votes: [1, 1, 1, 0] },
      ] as const;
      const seen = votes.map((cast, index) => {
        const noise = laplace(51 + index, scale);
        return histogram(RUNS, () => reportNoisyMax(cast, noise).value);
      });
      return epsilonAtLeast([seen[0]!, seen[1]!], [(value) => value === 0, (value) => value === 1], 0);
    };

    it("keeps its pure epsilon, 2 / scale", () => {
      expectBetween(shownBy(4n), 0.2, 2 / 4);
    });

    it("with half the scale is found out", () => {
      expectAbove(shownBy(2n), 2 / 4);
    });
  });
});
