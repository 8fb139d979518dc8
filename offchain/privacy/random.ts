import { PrivacyError } from "../errors.ts";

/** Gives so many bytes of a cryptographic generator, such as `randomBytes` of `#crypto`. */
export type RandomBytes = (length: number) => Uint8Array;

const WORD_BITS = 64n;
const WORD = 1n << WORD_BITS;
const BLOCK_BYTES = 8192;

/**
 * Uniform integers out of random bytes, read in blocks: 64 bits at a time, so that nearly no draw is rejected.
 * Throws `PrivacyError` `RANDOMNESS_INVALID` where the generator gives too little or repeats itself.
 */
export class RandomIntegers {
  readonly #bytes: RandomBytes;
  #words = new BigUint64Array();
  #next = 0;
  #last: bigint | undefined;

  constructor(bytes: RandomBytes) {
    this.#bytes = bytes;
  }

  /** Uniform from 0 to `bound - 1`, exactly: what would favour small results is drawn again. `PARAMETER_INVALID` for a bound below 1. */
  below(bound: bigint): bigint {
    if (bound < 1n) throw new PrivacyError("PARAMETER_INVALID", "a random integer needs a bound of at least 1");
    let range = WORD;
    while (range < bound) range <<= WORD_BITS;
    const fair = range - (range % bound);
    for (;;) {
      let drawn = this.#word();
      for (let drawnRange = WORD; drawnRange < range; drawnRange <<= WORD_BITS)
        drawn = (drawn << WORD_BITS) | this.#word();
      if (drawn < fair) return drawn % bound;
    }
  }

  #word(): bigint {
    if (this.#next === this.#words.length) this.#refill();
    const word = this.#words[this.#next] ?? 0n;
    // A word is used once; its noise must not be found in memory later.
    this.#words[this.#next] = 0n;
    this.#next += 1;
    return word;
  }

  #refill(): void {
    const bytes = this.#bytes(BLOCK_BYTES);
    if (bytes.length !== BLOCK_BYTES) throw stuck("gave another number of bytes than asked for");
    const words = new BigUint64Array(new Uint8Array(bytes).buffer);
    bytes.fill(0);
    // A stuck generator would make the samplers run without end, or draw the same noise again: 2^-64 for a good one.
    if (words[0] === this.#last || words[0] === words[1]) throw stuck("repeats itself");
    this.#last = words[0];
    this.#words = words;
    this.#next = 0;
  }
}

function stuck(what: string): PrivacyError {
  return new PrivacyError("RANDOMNESS_INVALID", `the random generator ${what}`);
}
