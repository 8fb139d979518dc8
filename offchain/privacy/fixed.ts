/** Logarithm and exponential of exact numbers in fixed point, with bounds that hold on every engine: `Math.log` may differ from one to the next. */

/** Fractional bits of a fixed-point number. */
export const FIXED_BITS = 192n;

/** Bounds of a value, in fixed point. */
export interface Bounds {
  readonly low: bigint;
  readonly high: bigint;
}

const ONE = 1n << FIXED_BITS;
/** Far more than the roundings of any sum here add up to: a series has fewer than 2^8 terms, a shift fewer than 2^16 steps. */
const SLACK = 1n << 32n;
const MAX_SHIFT = 1 << 16;
const LN2 = 2n * artanh(1n, 3n);

/** Bounds of `ln(numerator / denominator)`; throws `RangeError` for anything not above 0 or longer than 65,536 bits. */
export function lnBounds(numerator: bigint, denominator: bigint): Bounds {
  if (numerator < 1n || denominator < 1n) throw new RangeError("only what is above 0 has a logarithm");
  const shift = bitLength(numerator) - bitLength(denominator);
  if (Math.max(bitLength(numerator), bitLength(denominator)) > MAX_SHIFT)
    throw new RangeError("the fraction is too long");
  // The fraction is 2^shift times something between 1/2 and 2.
  const top = shift < 0 ? numerator << BigInt(-shift) : numerator;
  const bottom = shift > 0 ? denominator << BigInt(shift) : denominator;
  const sign = top < bottom ? -1n : 1n;
  const value = BigInt(shift) * LN2 + 2n * sign * artanh(sign * (top - bottom), top + bottom);
  return { low: value - SLACK, high: value + SLACK };
}

/** The least number of JavaScript found that is not below `exp(exponent)`, for an exponent in fixed point that is at most 0. */
export function expAbove(exponent: bigint): number {
  if (exponent >= 0n) return 1;
  const halvings = -exponent / LN2 + 1n;
  // Smaller results are bounded, not computed: the smallest numbers have no room for 53 bits.
  if (halvings > 1000n) return 2 ** -1000;
  const rest = halvings * LN2 + exponent;
  let [sum, term] = [ONE, ONE];
  for (let step = 1n; term > 0n; step += 1n) {
    term = (term * rest) / (step * ONE);
    sum += term;
  }
  return Math.min(1, numberAbove(sum + SLACK) * 2 ** -Number(halvings));
}

/** The least number of JavaScript that is not below a fixed-point number of at least 0. */
export function numberAbove(fixed: bigint): number {
  const nearest = Number(fixed);
  const above = BigInt(nearest) < fixed ? nextUp(nearest) : nearest;
  return above * 2 ** -Number(FIXED_BITS);
}

/** `artanh(numerator / denominator)` for at most 1/3: the logarithm's quickest plain series. */
function artanh(numerator: bigint, denominator: bigint): bigint {
  const ratio = (numerator << FIXED_BITS) / denominator;
  const square = (ratio * ratio) >> FIXED_BITS;
  let sum = 0n;
  for (let [power, odd] = [ratio, 1n]; power > 0n; odd += 2n) {
    sum += power / odd;
    power = (power * square) >> FIXED_BITS;
  }
  return sum;
}

function bitLength(value: bigint): number {
  return value.toString(2).length;
}

function nextUp(value: number): number {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  view.setBigUint64(0, view.getBigUint64(0) + 1n);
  return view.getFloat64(0);
}
