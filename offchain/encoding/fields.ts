import { parseHex } from "./bytes.ts";

/** Reads members of one JSON object by name and type; a missing or wrong one throws the coded error of `fail`. */
export class JsonFields {
  readonly #object: Readonly<Record<string, unknown>>;
  readonly #where: string;
  readonly #fail: (message: string) => Error;

  /** `where` names the object in messages. */
  constructor(value: unknown, where: string, fail: (message: string) => Error) {
    if (typeof value !== "object" || value === null || Array.isArray(value)) throw fail(`${where} is not an object`);
    this.#object = value as Readonly<Record<string, unknown>>;
    this.#where = where;
    this.#fail = fail;
  }

  has(name: string): boolean {
    return Object.hasOwn(this.#object, name) && this.#object[name] !== undefined;
  }

  names(): readonly string[] {
    return Object.keys(this.#object);
  }

  /** Any value, which must be there. */
  value(name: string): unknown {
    if (!this.has(name)) throw this.#fail(`${this.#where}.${name} is missing`);
    return this.#object[name];
  }

  text(name: string): string {
    const value = this.value(name);
    return typeof value === "string" ? value : this.#refuse(name, "a text");
  }

  boolean(name: string): boolean {
    const value = this.value(name);
    return typeof value === "boolean" ? value : this.#refuse(name, "true or false");
  }

  /** An integer from 0 to `max`. */
  uint(name: string, max: number): number {
    const value = this.value(name);
    const fits = typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= max;
    return fits ? value : this.#refuse(name, `an integer from 0 to ${max}`);
  }

  /** An unsigned integer as a decimal string. */
  decimal(name: string): bigint {
    const value = this.value(name);
    return typeof value === "string" && /^(?:0|[1-9]\d{0,77})$/.test(value)
      ? BigInt(value)
      : this.#refuse(name, "a decimal integer in a string");
  }

  /** Bytes as hex of either case, without 0x where `prefix` is false. */
  hex(name: string, options: { length?: number; prefix: boolean }): Uint8Array {
    const value = this.value(name);
    const bytes = typeof value === "string" ? parseHex(options.prefix ? value : `0x${value}`) : undefined;
    if (bytes === undefined) return this.#refuse(name, "hex");
    const { length = bytes.length } = options;
    return bytes.length === length ? bytes : this.#refuse(name, `${length} bytes of hex`);
  }

  list(name: string): readonly unknown[] {
    const value = this.value(name);
    return Array.isArray(value) ? value : this.#refuse(name, "a list");
  }

  fields(name: string): JsonFields {
    return new JsonFields(this.value(name), `${this.#where}.${name}`, this.#fail);
  }

  fieldsList(name: string): readonly JsonFields[] {
    return this.list(name).map((item, index) => new JsonFields(item, `${this.#where}.${name}[${index}]`, this.#fail));
  }

  #refuse(name: string, wanted: string): never {
    throw this.#fail(`${this.#where}.${name} is not ${wanted}`);
  }
}
