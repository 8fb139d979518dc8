const MAX_PARSED = 256;

/**
 * Remembers what bytes were parsed to and which signatures held, by the bytes themselves.
 * Never whether something is trusted, revoked or valid at a time: that is for its user to check at every use.
 */
export class Memory {
  readonly #parsed = new Map<string, object>();
  readonly #held = new WeakMap<object, object>();

  /** What `parse` makes of a copy of the bytes, once for each `kind` of thing; what it throws is not remembered. */
  parsed<T extends object>(kind: string, bytes: Uint8Array, parse: (bytes: Uint8Array) => T): T {
    const key = `${kind} ${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1")}`;
    const known = this.#parsed.get(key);
    if (known !== undefined) return known as T;
    // Not slice(): a Buffer's would share the caller's memory.
    const parsed = parse(new Uint8Array(bytes));
    if (this.#parsed.size >= MAX_PARSED) this.#parsed.clear();
    this.#parsed.set(key, parsed);
    return parsed;
  }

  /** Whether the signature of a parsed thing holds under a parsed key; asked again only where it did not. */
  async holds(signed: object, key: object, verify: () => Promise<boolean> | boolean): Promise<boolean> {
    if (this.#held.get(signed) === key) return true;
    if (!(await verify())) return false;
    this.#held.set(signed, key);
    return true;
  }
}
