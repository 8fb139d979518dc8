/**
 * From rho to (epsilon, delta) and back. Any order alpha gives a true bound; the best one is found in floats, the bound at it is computed
 * exactly and rounded up, so a result is never too small.
 * @see https://arxiv.org/abs/2004.00010 Corollary 13
 */
import type { Rational } from "../encoding/rational.ts";
import { ceilDivide } from "../encoding/rational.ts";
import { PrivacyError } from "../errors.ts";
import type { MicroRho } from "./cost.ts";
import { expAbove, FIXED_BITS, lnBounds, numberAbove } from "./fixed.ts";

const MILLION = 1_000_000n;
const ORDER_BITS = 60;
const ORDER_ONE = 1n << BigInt(ORDER_BITS);
const BISECTIONS = 256;
const MAX_MICRO_RHO = 1n << 64n;

/** Several releases of which each may depend on those before cost their sum. @see https://arxiv.org/abs/2309.05901 */
export function composeRho(costs: readonly MicroRho[]): MicroRho {
  return costs.reduce((sum, cost) => sum + cost, 0n);
}

/** Millionths of rho as an exact fraction. */
export function rhoOf(cost: MicroRho): Rational {
  return { numerator: cost, denominator: MILLION };
}

/** The epsilon that rho-zCDP implies at a delta, rounded up; throws `PrivacyError` `PARAMETER_INVALID` for a delta outside (0, 1). */
export function epsilonOf(rho: Rational, delta: Rational): number {
  return numberAbove(epsilonFixed(rho, delta));
}

/** The delta that rho-zCDP implies at an epsilon, rounded up; throws `PrivacyError` `PARAMETER_INVALID` for a negative argument. */
export function deltaOf(rho: Rational, epsilon: Rational): number {
  checkFraction(rho);
  checkFraction(epsilon);
  if (rho.numerator === 0n) return 0;
  const [rhoNumber, epsilonNumber] = [toNumber(rho), toNumber(epsilon)];
  const slope = (excess: number): number => (2 * excess + 1) * rhoNumber - epsilonNumber - Math.log1p(1 / excess);
  let most = 1;
  while (slope(most) < 0) most *= 2;
  const excess = orderExcess(rootOf(slope, most));
  const order = ORDER_ONE + excess;
  // (alpha - 1)(alpha rho - epsilon) + (alpha - 1) ln(1 - 1/alpha) - ln alpha
  const gain = order * rho.numerator * epsilon.denominator - ORDER_ONE * epsilon.numerator * rho.denominator;
  const linear = ceilDivide(
    (excess * gain) << FIXED_BITS,
    ORDER_ONE * ORDER_ONE * rho.denominator * epsilon.denominator,
  );
  const curved = ceilDivide(excess * lnBounds(excess, order).high, ORDER_ONE);
  return expAbove(linear + curved - lnBounds(order, ORDER_ONE).low);
}

/** The largest budget that keeps (epsilon, delta), in millionths of rho rounded down; throws as `epsilonOf`. */
export function rhoWithin(epsilon: Rational, delta: Rational): MicroRho {
  checkFraction(epsilon);
  const keeps = (cost: MicroRho): boolean =>
    epsilonFixed(rhoOf(cost), delta) * epsilon.denominator <= epsilon.numerator << FIXED_BITS;
  if (!keeps(0n)) return 0n;
  let [within, beyond] = [0n, 1n];
  while (beyond < MAX_MICRO_RHO && keeps(beyond)) [within, beyond] = [beyond, beyond * 2n];
  while (beyond - within > 1n) {
    const middle = (within + beyond) >> 1n;
    if (keeps(middle)) within = middle;
    else beyond = middle;
  }
  return within;
}

/** `rho alpha + ln(1 / (alpha delta)) / (alpha - 1) + ln(1 - 1/alpha)`, least where `rho (alpha - 1)^2 = ln(1 / (alpha delta))`. */
function epsilonFixed(rho: Rational, delta: Rational): bigint {
  checkFraction(rho);
  checkFraction(delta);
  if (delta.numerator < 1n || delta.numerator >= delta.denominator) throw invalid("delta is not between 0 and 1");
  if (rho.numerator === 0n) return 0n;
  const lnDelta = lnBounds(delta.numerator, delta.denominator).low;
  const [rhoNumber, lnDeltaNumber] = [toNumber(rho), Number(lnDelta) * 2 ** -Number(FIXED_BITS)];
  const slope = (excess: number): number => rhoNumber * excess * excess + Math.log1p(excess) + lnDeltaNumber;
  const excess = orderExcess(rootOf(slope, Math.sqrt(-lnDeltaNumber / rhoNumber)));
  const order = ORDER_ONE + excess;
  const linear = ceilDivide((rho.numerator * order) << FIXED_BITS, rho.denominator * ORDER_ONE);
  const surprise = ceilDivide((-lnBounds(order, ORDER_ONE).low - lnDelta) * ORDER_ONE, excess);
  const epsilon = linear + surprise + lnBounds(excess, order).high;
  return epsilon > 0n ? epsilon : 0n;
}

/** Where a growing function passes 0 between 0 and `most`. */
function rootOf(grows: (excess: number) => number, most: number): number {
  let [low, high] = [0, most];
  for (let step = 0; step < BISECTIONS; step += 1) {
    const middle = (low + high) / 2;
    if (middle === low || middle === high) break;
    if (grows(middle) < 0) low = middle;
    else high = middle;
  }
  return high;
}

/** `alpha - 1` as a fraction over `ORDER_ONE`. */
function orderExcess(excess: number): bigint {
  const scaled = Math.round(excess * 2 ** ORDER_BITS);
  if (!Number.isFinite(scaled)) throw invalid("rho, epsilon or delta is out of range");
  return scaled < 1 ? 1n : BigInt(scaled);
}

function toNumber({ numerator, denominator }: Rational): number {
  const value = Number(numerator) / Number(denominator);
  if (!Number.isFinite(value)) throw invalid("rho, epsilon or delta is out of range");
  return value;
}

function checkFraction({ numerator, denominator }: Rational): void {
  if (numerator < 0n || denominator < 1n) throw invalid("rho, epsilon and delta are fractions of at least 0");
}

function invalid(message: string): PrivacyError {
  return new PrivacyError("PARAMETER_INVALID", message);
}
