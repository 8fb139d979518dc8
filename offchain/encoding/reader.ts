import { viewOf } from "./bytes.ts";

/** Reads bytes once, front to back; it cannot overrun, and `end` refuses an unread rest. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #fail: (message: string) => Error;
  #offset = 0;

  /** `fail` makes the coded error that a short or overlong input throws. */
  constructor(bytes: Uint8Array, fail: (message: string) => Error) {
    this.#bytes = bytes;
    this.#view = viewOf(bytes);
    this.#fail = fail;
  }

  get offset(): number {
    return this.#offset;
  }

  get remaining(): number {
    return this.#bytes.length - this.#offset;
  }

  /** Takes `length` bytes as a view of the input. */
  take(length: number, what: string): Uint8Array {
    return this.#bytes.subarray(this.#advance(length, what), this.#offset);
  }

  uint8(what: string): number {
    return this.#view.getUint8(this.#advance(1, what));
  }

  uint16le(what: string): number {
    return this.#view.getUint16(this.#advance(2, what), true);
  }

  uint32le(what: string): number {
    return this.#view.getUint32(this.#advance(4, what), true);
  }

  uint64le(what: string): bigint {
    return this.#view.getBigUint64(this.#advance(8, what), true);
  }

  uint16be(what: string): number {
    return this.#view.getUint16(this.#advance(2, what), false);
  }

  uint32be(what: string): number {
    return this.#view.getUint32(this.#advance(4, what), false);
  }

  uint64be(what: string): bigint {
    return this.#view.getBigUint64(this.#advance(8, what), false);
  }

  /** Takes everything that is left. */
  rest(): Uint8Array {
    return this.take(this.remaining, "rest");
  }

  /** Refuses an unread rest. */
  end(what: string): void {
    if (this.remaining !== 0) throw this.#fail(`${what}: ${this.remaining} bytes left over at offset ${this.#offset}`);
  }

  #advance(length: number, what: string): number {
    if (!Number.isSafeInteger(length) || length < 0 || length > this.remaining) {
      throw this.#fail(`${what}: needs ${length} bytes at offset ${this.#offset}, ${this.remaining} are left`);
    }
    const start = this.#offset;
    this.#offset += length;
    return start;
  }
}
