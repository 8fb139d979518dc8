import { equal, viewOf } from "../encoding/bytes.ts";

const MAX_PARSED = 256;
const FNV_PRIME = 0x0100_0193;

/**
 * Remembers what bytes were parsed to and which signatures held, by the bytes themselves.
 * Never whether something is trusted, revoked or valid at a time: that is for its user to check at every use.
 */
export class Memory {
  readonly #parsed = new Map<string, { readonly bytes: Uint8Array; readonly thing: object }>();
  readonly #held = new WeakMap<object, object>();

  /** What `parse` makes of a copy of the bytes, once for each `kind` of thing; what it throws is not remembered. */
  parsed<T extends object>(kind: string, bytes: Uint8Array, parse: (bytes: Uint8Array) => T): T {
    const key = `${kind} ${indexOf(bytes)}`;
    const known = this.#parsed.get(key);
    if (known !== undefined && equal(known.bytes, bytes)) return known.thing as T;
    // Not slice(): a Buffer's would share the caller's memory.
    const copy = new Uint8Array(bytes);
    const thing = parse(copy);
    if (this.#parsed.size >= MAX_PARSED) this.#parsed.clear();
    this.#parsed.set(key, { bytes: copy, thing });
    return thing;
  }

  /** Whether the signature of a parsed thing holds under a parsed key; asked again only where it did not. */
  async holds(signed: object, key: object, verify: () => Promise<boolean> | boolean): Promise<boolean> {
    if (this.#held.get(signed) === key) return true;
    if (!(await verify())) return false;
    this.#held.set(signed, key);
    return true;
  }
}

/** A number that is the same for the same bytes. Different bytes may share one: then only the last ones are remembered. */
function indexOf(bytes: Uint8Array): number {
  const view = viewOf(bytes);
  let index = bytes.length;
  let at = 0;
  for (; at + 4 <= bytes.length; at += 4) index = Math.imul(index ^ view.getInt32(at), FNV_PRIME);
  for (; at < bytes.length; at += 1) index = Math.imul(index ^ view.getInt8(at), FNV_PRIME);
  return index;
}
