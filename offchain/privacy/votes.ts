/**
 * Mechanisms over the votes of an ensemble: one member, one vote. Neighbours differ in one member's vote, so two counts differ by 1:
 * by construction, because the mechanisms count the votes themselves.
 */
import { PrivacyError } from "../errors.ts";
import type { MicroRho, Release } from "./cost.ts";
import { gaussianCost, noisyMaxCost } from "./cost.ts";
import type { GaussianNoise, LaplaceNoise, Noise } from "./noise.ts";

/** The class that each member of an ensemble votes for, out of `classes`. */
export interface Ballot {
  readonly classes: number;
  readonly votes: readonly number[];
}

/** The two noises of Confident-GNMax and the count that a noised winner must reach. */
export interface Confidence {
  readonly threshold: bigint;
  readonly selection: GaussianNoise;
  readonly answer: GaussianNoise;
}

/** Squares of the L2 sensitivities of all counts together, and of the largest count alone. */
const COUNTS_SENSITIVITY_SQUARED = 2n;
const MAXIMUM_SENSITIVITY_SQUARED = 1n;

/** Counts the votes for each class; throws `PrivacyError` `PARAMETER_INVALID` for no class or a vote for none of them. */
export function countVotes({ classes, votes }: Ballot): readonly bigint[] {
  if (!Number.isSafeInteger(classes) || classes < 1) throw invalid("a ballot has at least one class");
  const counts = Array.from<bigint>({ length: classes }).fill(0n);
  for (const vote of votes) {
    const count = counts[vote];
    if (count === undefined) throw invalid("a vote is for none of the classes");
    counts[vote] = count + 1n;
  }
  return counts;
}

/** The class with the most votes after discrete Laplace noise on each count; of equals the first. */
export function reportNoisyMax(ballot: Ballot, noise: LaplaceNoise): Release<number> {
  return { value: noisyWinner(countVotes(ballot), noise), cost: noisyMaxCost(noise) };
}

/**
 * GNMax: the class with the most votes after discrete Gaussian noise on each count, for `rho = 1 / sigma^2`; of equals the first.
 * The cost is the data-independent one: the tighter data-dependent bound is itself private.
 * @see https://arxiv.org/abs/1802.08908 section 4.1
 */
export function gnMax(ballot: Ballot, noise: GaussianNoise): Release<number> {
  return { value: noisyWinner(countVotes(ballot), noise), cost: gnMaxCost(noise) };
}

/**
 * Confident-GNMax: undefined where the noised count of the winner misses the threshold, which costs `1 / (2 sigma1^2)` all the same;
 * otherwise GNMax with fresh noise, at `1 / sigma2^2` more.
 * @see https://arxiv.org/abs/1802.08908 section 4.2
 */
export function confidentGnMax(ballot: Ballot, confidence: Confidence): Release<number | undefined> {
  const counts = countVotes(ballot);
  const { threshold, selection, answer } = confidence;
  const largest = counts.reduce((most, count) => (count > most ? count : most), 0n);
  if (largest + selection.draw() < threshold) return { value: undefined, cost: selectionCost(selection) };
  return { value: noisyWinner(counts, answer), cost: confidentGnMaxCost(confidence) };
}

/** What one answer of GNMax costs. */
export function gnMaxCost(noise: Pick<GaussianNoise, "sigmaSquared">): MicroRho {
  return gaussianCost(COUNTS_SENSITIVITY_SQUARED, noise);
}

/** The most that one answer of Confident-GNMax costs: to be reserved before the votes are counted. */
export function confidentGnMaxCost({ selection, answer }: Pick<Confidence, "selection" | "answer">): MicroRho {
  return selectionCost(selection) + gnMaxCost(answer);
}

function selectionCost(noise: GaussianNoise): MicroRho {
  return gaussianCost(MAXIMUM_SENSITIVITY_SQUARED, noise);
}

function noisyWinner(counts: readonly bigint[], noise: Noise): number {
  const noised = counts.map((count) => count + noise.draw());
  return noised.reduce((winner, count, index) => (count > (noised[winner] ?? count) ? index : winner), 0);
}

function invalid(message: string): PrivacyError {
  return new PrivacyError("PARAMETER_INVALID", message);
}
