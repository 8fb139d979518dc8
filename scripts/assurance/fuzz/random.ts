/** Numbers that a seed and an input's number decide, so that any input can be made again alone. */
export class Random {
  #state: number;

  constructor(seed: number, input: number) {
    // Odd factors spread neighbouring numbers; zero is the one state that never changes.
    this.#state = (Math.imul(seed | 1, 0x9e37_79b1) ^ Math.imul(input + 1, 0x85eb_ca6b)) >>> 0 || 1;
    for (let round = 0; round < 8; round += 1) this.#next();
  }

  /** A whole number from 0 to `count` - 1; 0 where there is nothing to choose from. */
  below(count: number): number {
    return count <= 1 ? 0 : Math.floor((this.#next() / 0x1_0000_0000) * count);
  }

  /** True once in so many times. */
  once(inSoMany: number): boolean {
    return this.below(inSoMany) === 0;
  }

  /** One of a list that is not empty. */
  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.below(256));
  }

  /** @see Marsaglia, Xorshift RNGs, section 3 */
  #next(): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state = (this.#state ^ (this.#state << 5)) >>> 0;
    return this.#state;
  }
}
