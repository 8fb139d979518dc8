import type { Rational } from "../encoding/rational.ts";
import { ceilDivide } from "../encoding/rational.ts";
import type { GaussianNoise, LaplaceNoise } from "./noise.ts";

/** Privacy spent in millionths of rho (zero-concentrated differential privacy), always rounded up. @see docs/protocol.md section 5 */
export type MicroRho = bigint;

/** What a mechanism lets out, and what that costs. */
export interface Release<T> {
  readonly value: T;
  readonly cost: MicroRho;
}

const MILLION = 1_000_000n;

/** An exact rho in millionths, rounded up. */
export function microRho(rho: Rational): MicroRho {
  return ceilDivide(MILLION * rho.numerator, rho.denominator);
}

/**
 * `sensitivity^2 / (2 sigma^2)`: integer vectors whose L2 distance between neighbours is at most the sensitivity, each member with noise of its own.
 * @see https://arxiv.org/abs/2004.00010 Theorem 14
 */
export function gaussianCost(
  sensitivitySquared: bigint,
  { sigmaSquared }: Pick<GaussianNoise, "sigmaSquared">,
): MicroRho {
  return microRho({
    numerator: sensitivitySquared * sigmaSquared.denominator,
    denominator: 2n * sigmaSquared.numerator,
  });
}

/**
 * `epsilon^2 / 2` with `epsilon = 2 / scale`: the largest of integer counts of which each differs by at most 1 between neighbours.
 * The bounded-range cost `epsilon^2 / 8` needs Gumbel noise and is not claimed for this one.
 * @see https://arxiv.org/abs/1605.02065 Proposition 1.4
 */
export function noisyMaxCost({ scale }: Pick<LaplaceNoise, "scale">): MicroRho {
  return microRho({ numerator: 2n * scale.denominator ** 2n, denominator: scale.numerator ** 2n });
}
