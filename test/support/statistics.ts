import { createCipheriv } from "node:crypto";
import type { RandomBytes } from "../../offchain/privacy/random.ts";

/** The same stream of bytes for the same seed: AES-256 in counter mode under a key made of the seed. */
export function seededBytes(seed: number): RandomBytes {
  const key = new Uint8Array(32);
  new DataView(key.buffer).setUint32(0, seed);
  const cipher = createCipheriv("aes-256-ctr", key, new Uint8Array(16));
  return (length) => new Uint8Array(cipher.update(new Uint8Array(length)));
}

/** Counts what a source gives. */
export function histogram<T>(count: number, draw: () => T): ReadonlyMap<T, number> {
  const seen = new Map<T, number>();
  for (let index = 0; index < count; index += 1) {
    const value = draw();
    seen.set(value, (seen.get(value) ?? 0) + 1);
  }
  return seen;
}

/** Probabilities of the integers from -reach to reach, proportional to a weight that is negligible beyond. */
export function pmfOf(weight: (value: number) => number, reach: number): ReadonlyMap<bigint, number> {
  const values = Array.from({ length: 2 * reach + 1 }, (_, index) => index - reach);
  const total = values.reduce((sum, value) => sum + weight(value), 0);
  return new Map(values.map((value) => [BigInt(value), weight(value) / total]));
}

/**
 * Pearson's statistic of what was seen against exact probabilities, and the value that chance passes once in 3.5 million
 * (Wilson and Hilferty's approximation). Values expected fewer than 10 times are counted together.
 */
export function chiSquare(
  seen: ReadonlyMap<bigint, number>,
  pmf: ReadonlyMap<bigint, number>,
): { readonly statistic: number; readonly threshold: number; readonly cells: number } {
  const draws = [...seen.values()].reduce((sum, count) => sum + count, 0);
  const common = [...pmf].filter(([, probability]) => probability * draws >= 10);
  const cells = common.map(([value, probability]) => [seen.get(value) ?? 0, probability * draws] as const);
  const rare = cells.reduce(([o, e], [observed, expected]) => [o - observed, e - expected] as const, [
    draws,
    draws,
  ] as const);
  const all = rare[1] >= 1 ? [...cells, rare] : cells;
  const statistic = all.reduce((sum, [observed, expected]) => sum + (observed - expected) ** 2 / expected, 0);
  const spread = 2 / (9 * (all.length - 1));
  return { statistic, threshold: (all.length - 1) * (1 - spread + 5 * Math.sqrt(spread)) ** 3, cells: all.length };
}

/** Clopper and Pearson's exact bounds of a probability, each wrong with probability `alpha`. */
export function binomialBounds(
  hits: number,
  trials: number,
  alpha: number,
): { readonly low: number; readonly high: number } {
  return {
    low: hits === 0 ? 0 : crossing((p) => incompleteBeta(hits, trials - hits + 1, p), alpha),
    high: hits === trials ? 1 : crossing((p) => incompleteBeta(hits + 1, trials - hits, p), 1 - alpha),
  };
}

/**
 * The least epsilon that what was seen of two neighbours allows at a delta, with the confidence of the bounds:
 * the best of the given events in either direction. The events must not depend on the draws.
 */
export function epsilonAtLeast<T>(
  [first, second]: readonly [ReadonlyMap<T, number>, ReadonlyMap<T, number>],
  events: readonly ((value: T) => boolean)[],
  delta: number,
): number {
  const alpha = 1e-6 / events.length;
  const boundsOf = (seen: ReadonlyMap<T, number>, event: (value: T) => boolean): { low: number; high: number } => {
    const counts = [...seen];
    const trials = counts.reduce((sum, [, count]) => sum + count, 0);
    const hits = counts.reduce((sum, [value, count]) => sum + (event(value) ? count : 0), 0);
    return binomialBounds(hits, trials, alpha);
  };
  const seen = events.map((event) => [boundsOf(first, event), boundsOf(second, event)] as const);
  const both = seen.flatMap(([a, b]) => [[a.low, b.high] as const, [b.low, a.high] as const]);
  return Math.max(0, ...both.map(([low, high]) => (low > delta ? Math.log((low - delta) / high) : 0)));
}

function crossing(grows: (p: number) => number, level: number): number {
  let [low, high] = [0, 1];
  for (let step = 0; step < 60; step += 1) {
    const middle = (low + high) / 2;
    if (grows(middle) < level) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** The regularised incomplete beta function, by its continued fraction in Lentz's way. @see https://dlmf.nist.gov/8.17 */
function incompleteBeta(a: number, b: number, x: number): number {
  if (x <= 0 || x >= 1) return x <= 0 ? 0 : 1;
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(b, a, 1 - x);
  const scale = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x)) / a;
  let [c, d] = [1, 1 / (1 - ((a + b) * x) / (a + 1))];
  let value = d;
  for (let m = 1; m < 100_000; m += 1) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / (1 + even * d);
    c = 1 + even / c;
    value *= c * d;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / (1 + odd * d);
    c = 1 + odd / c;
    value *= c * d;
    if (Math.abs(c * d - 1) < 1e-13) return scale * value;
  }
  throw new RangeError("the continued fraction does not settle");
}

/** Stirling's series, from an argument where it is exact to 15 digits. */
function logGamma(z: number): number {
  if (z < 15) return logGamma(z + 1) - Math.log(z);
  const inverse = 1 / (z * z);
  const series = (1 / 12 - inverse * (1 / 360 - inverse * (1 / 1260 - inverse / 1680))) / z;
  return (z - 0.5) * Math.log(z) - z + Math.log(2 * Math.PI) / 2 + series;
}
