/**
 * Exact samplers: every step is on integers, nothing is rounded. Numbers of JavaScript are floats and stay out of this file, which a test checks.
 * @see https://arxiv.org/abs/2004.00010 Canonne, Kamath, Steinke: The Discrete Gaussian for Differential Privacy, section 5
 */
import type { Rational } from "../encoding/rational.ts";
import { floorSqrt } from "../encoding/rational.ts";
import { PrivacyError } from "../errors.ts";
import type { RandomIntegers } from "./random.ts";

/** True with probability `exp(-numerator / denominator)`, exactly. @see Algorithm 1 */
export function bernoulliExp(random: RandomIntegers, numerator: bigint, denominator: bigint): boolean {
  if (numerator < 0n || denominator < 1n) throw invalid("the exponent is negative or no fraction");
  const whole = numerator / denominator;
  for (let unit = 0n; unit < whole; unit += 1n) if (!bernoulliExpFraction(random, 1n, 1n)) return false;
  return bernoulliExpFraction(random, numerator % denominator, denominator);
}

/** Draws from the discrete Laplace distribution: `k` with a probability proportional to `exp(-|k| / scale)`. @see Algorithm 2 */
export function discreteLaplace(random: RandomIntegers, scale: Rational): bigint {
  const { numerator: t, denominator: s } = positive(scale);
  for (;;) {
    const remainder = random.below(t);
    if (!bernoulliExpFraction(random, remainder, t)) continue;
    let quotient = 0n;
    while (bernoulliExpFraction(random, 1n, 1n)) quotient += 1n;
    const magnitude = (remainder + t * quotient) / s;
    const negative = random.below(2n) === 1n;
    // Zero has one sign, or it would be drawn twice as often.
    if (negative && magnitude === 0n) continue;
    return negative ? -magnitude : magnitude;
  }
}

/** Draws from the discrete Gaussian: `k` with a probability proportional to `exp(-k^2 / (2 sigmaSquared))`. @see Algorithm 3 */
export function discreteGaussian(random: RandomIntegers, sigmaSquared: Rational): bigint {
  const { numerator: n, denominator: d } = positive(sigmaSquared);
  const t = floorSqrt(n / d) + 1n;
  const scale = { numerator: t, denominator: 1n };
  for (;;) {
    const drawn = discreteLaplace(random, scale);
    const magnitude = drawn < 0n ? -drawn : drawn;
    // (|y| - sigma^2 / t)^2 / (2 sigma^2) over one denominator.
    const distance = magnitude * t * d - n;
    if (bernoulliExp(random, distance * distance, 2n * n * d * t * t)) return drawn;
  }
}

/** For `numerator <= denominator`: the series of exp(-x) as a chain of fair draws. */
function bernoulliExpFraction(random: RandomIntegers, numerator: bigint, denominator: bigint): boolean {
  let step = 1n;
  while (random.below(denominator * step) < numerator) step += 1n;
  return (step & 1n) === 1n;
}

function positive(value: Rational): Rational {
  if (value.numerator < 1n || value.denominator < 1n) throw invalid("the scale of noise is not positive");
  return value;
}

function invalid(message: string): PrivacyError {
  return new PrivacyError("PARAMETER_INVALID", message);
}
