/** A seeded stream of pseudo-random numbers, the same on every machine; not for secrets. */
export interface Random {
  /** From `least` up to but without `most`. */
  between(least: number, most: number): number;
  /** As `between`, but evenly over the logarithm: for sizes and ratios. */
  betweenRatios(least: number, most: number): number;
  /** A whole number from 0 to `count - 1`. */
  below(count: number): number;
  /** A normal variate with mean 0. */
  normal(deviation: number): number;
  pick<T>(items: readonly T[]): T;
}

/** Makes a stream from a 32-bit seed; `stream` gives independent streams of one seed. */
export function createRandom(seed: number, stream = 0): Random {
  const state = Uint32Array.of(seed, stream, 0x9e3779b9, 1);
  for (let round = 0; round < 16; round += 1) step(state);
  const unit = (): number => step(state) / 2 ** 32;
  const below = (count: number): number => Math.floor(unit() * count);
  const between = (least: number, most: number): number => least + (most - least) * unit();
  return {
    below,
    between,
    betweenRatios: (least, most) => Math.exp(between(Math.log(least), Math.log(most))),
    normal: (deviation) => deviation * Math.sqrt(-2 * Math.log(1 - unit())) * Math.cos(2 * Math.PI * unit()),
    pick(items) {
      const item = items[below(items.length)];
      if (item === undefined) throw new RangeError("there is nothing to pick from");
      return item;
    },
  };
}

/** One step of a small chaotic generator with a counter. @see PractRand, sfc32 */
function step(state: Uint32Array): number {
  const [a = 0, b = 0, c = 0, counter = 0] = state;
  const sum = (a + b + counter) >>> 0;
  state[0] = b ^ (b >>> 9);
  state[1] = c + (c << 3);
  state[2] = ((c << 21) | (c >>> 11)) + sum;
  state[3] = counter + 1;
  return sum;
}
