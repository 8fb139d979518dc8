import type { Rational } from "../encoding/rational.ts";
import { PrivacyError } from "../errors.ts";
import type { RandomBytes } from "./random.ts";
import { RandomIntegers } from "./random.ts";
import { discreteGaussian, discreteLaplace } from "./sampler.ts";

/** Integer noise that knows its own scale, so that what a mechanism charges cannot differ from what it adds. */
export interface Noise {
  /** The next draw; no draw is given twice. */
  readonly draw: () => bigint;
}

/** Discrete Gaussian noise. */
export interface GaussianNoise extends Noise {
  readonly sigmaSquared: Rational;
}

/** Discrete Laplace noise. */
export interface LaplaceNoise extends Noise {
  readonly scale: Rational;
}

/** Discrete Gaussian noise drawn when asked for; throws `PrivacyError` `PARAMETER_INVALID` for a variance of 0. */
export function gaussianNoise(bytes: RandomBytes, sigmaSquared: Rational): GaussianNoise {
  const random = new RandomIntegers(bytes);
  return { sigmaSquared: scaleOf(sigmaSquared), draw: () => discreteGaussian(random, sigmaSquared) };
}

/** Discrete Laplace noise drawn when asked for; throws `PrivacyError` `PARAMETER_INVALID` for a scale of 0. */
export function laplaceNoise(bytes: RandomBytes, scale: Rational): LaplaceNoise {
  const random = new RandomIntegers(bytes);
  return { scale: scaleOf(scale), draw: () => discreteLaplace(random, scale) };
}

/** Noise drawn ahead of time: how long a draw took says something of its size, so it is not made while a request waits. */
export interface NoisePool<Source extends Noise> {
  /** What mechanisms take; an empty pool throws `PrivacyError` `NOISE_EXHAUSTED` and never draws in the request's time. */
  readonly noise: Source;
  /** How many draws are ready. */
  ready(): number;
  /** Draws at most `count` more, up to the capacity; gives how many were made. */
  fill(count: number): number;
}

/** Puts a pool of at most `capacity` draws in front of a source. @see https://arxiv.org/abs/2112.05307 */
export function noisePool<Source extends Noise>(source: Source, capacity: number): NoisePool<Source> {
  if (!Number.isSafeInteger(capacity) || capacity < 1)
    throw new PrivacyError("PARAMETER_INVALID", "a pool holds at least one draw");
  const slots = Array.from<bigint>({ length: capacity }).fill(0n);
  let [taken, made] = [0, 0];
  const draw = (): bigint => {
    if (taken === made) throw new PrivacyError("NOISE_EXHAUSTED", "no noise is ready: fill the pool and try again");
    const slot = taken % capacity;
    const drawn = slots[slot] ?? 0n;
    slots[slot] = 0n;
    taken += 1;
    return drawn;
  };
  return {
    noise: { ...source, draw },
    ready: () => made - taken,
    fill(count) {
      const missing = Math.max(0, Math.min(count, capacity - (made - taken)));
      for (const end = made + missing; made < end; made += 1) slots[made % capacity] = source.draw();
      return missing;
    },
  };
}

function scaleOf(value: Rational): Rational {
  if (value.numerator < 1n || value.denominator < 1n)
    throw new PrivacyError("PARAMETER_INVALID", "the scale of noise is not above 0");
  return value;
}
