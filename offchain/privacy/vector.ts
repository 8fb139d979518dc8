/** The sum of vectors, one of each unit of privacy: put on a grid, clipped in integers, noised on the grid. Neighbours differ in one whole vector. */
import { floorSqrt } from "../encoding/rational.ts";
import { PrivacyError } from "../errors.ts";
import type { MicroRho, Release } from "./cost.ts";
import { gaussianCost } from "./cost.ts";
import type { GaussianNoise } from "./noise.ts";

/** A grid of step `2^-fractionBits`, and the largest L2 norm of one vector in steps. */
export interface Clip {
  readonly fractionBits: number;
  readonly norm: bigint;
}

const MAX_FRACTION_BITS = 52;

/** Replacing one vector by any other moves the sum by at most twice the norm. */
export function clipSensitivitySquared({ norm }: Pick<Clip, "norm">): bigint {
  return 4n * norm * norm;
}

/** What one release costs: `2 norm^2 / sigma^2`, sigma in steps of the grid. */
export function vectorCost(clip: Pick<Clip, "norm">, noise: Pick<GaussianNoise, "sigmaSquared">): MicroRho {
  return gaussianCost(clipSensitivitySquared(clip), noise);
}

/**
 * Releases the noised sum of the clipped vectors, in steps of the grid; for one vector that is a local guarantee for its owner.
 * Throws `PrivacyError` `PARAMETER_INVALID` for no vector, lengths that differ or a clip out of range; how long it takes depends on the values.
 */
export function releaseVectorSum(
  vectors: readonly (readonly number[])[],
  clip: Clip,
  noise: GaussianNoise,
): Release<readonly bigint[]> {
  const [first] = vectors;
  if (first === undefined || first.length === 0) throw invalid("there is nothing to release");
  if (vectors.some((vector) => vector.length !== first.length)) throw invalid("the vectors differ in length");
  const clipped = vectors.map((vector) => clipVector(vector, clip));
  const value = first.map((_, index) => clipped.reduce((sum, vector) => sum + (vector[index] ?? 0n), noise.draw()));
  return { value, cost: vectorCost(clip, noise) };
}

/**
 * Puts a vector on the grid and shortens it to the norm, all after the rounding in integers, so that no rounding can lengthen it again.
 * NaN becomes 0 and infinity the norm: refusing them would tell of the input.
 */
export function clipVector(values: readonly number[], clip: Clip): readonly bigint[] {
  const { fractionBits, norm } = checkClip(clip);
  const limit = Number(norm);
  const steps = values.map((value) => {
    const scaled = Math.round(value * 2 ** fractionBits);
    return Number.isNaN(scaled) ? 0n : BigInt(Math.min(Math.max(scaled, -limit), limit));
  });
  const square = steps.reduce((sum, step) => sum + step * step, 0n);
  if (square <= norm * norm) return steps;
  // Truncation and a length that is rounded up both shorten: the result's norm is at most `norm`.
  const length = ceilSqrt(square);
  return steps.map((step) => (step * norm) / length);
}

function ceilSqrt(value: bigint): bigint {
  const root = floorSqrt(value);
  return root * root === value ? root : root + 1n;
}

function checkClip(clip: Clip): Clip {
  const { fractionBits, norm } = clip;
  const fits = Number.isSafeInteger(fractionBits) && fractionBits >= 0 && fractionBits <= MAX_FRACTION_BITS;
  if (!fits || norm < 1n || norm > BigInt(Number.MAX_SAFE_INTEGER))
    throw invalid("the grid or the norm is out of range");
  return clip;
}

function invalid(message: string): PrivacyError {
  return new PrivacyError("PARAMETER_INVALID", message);
}
