import { parseHex, toHex } from "./bytes.ts";
import type { Hex } from "./bytes.ts";

/** Reads one JSON value: undefined, or an error of its own, where the value is not what it must be. */
export type Field<T> = (value: unknown) => T | undefined;

/** What `parseMembers` gives for a table of fields. */
export type Members<Fields extends Readonly<Record<string, Field<unknown>>>> = {
  readonly [Name in keyof Fields]: Exclude<ReturnType<Fields[Name]>, undefined>;
};

type Fail = (message: string) => Error;

const DECIMAL = /^(?:0|[1-9]\d{0,77})$/;

/** Reads JSON text out of bytes; throws what `fail` makes for broken UTF-8 or broken JSON. */
export function parseJson(bytes: Uint8Array, what: string, fail: Fail): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    throw fail(`${what} is not JSON`);
  }
}

/** Reads an object that has exactly the members of a table; throws what `fail` makes, naming the member that is wrong. */
export function parseMembers<Fields extends Readonly<Record<string, Field<unknown>>>>(
  value: unknown,
  fields: Fields,
  what: string,
  fail: Fail,
): Members<Fields> {
  if (!isObject(value)) throw fail(`${what} is not an object`);
  const unknown = Object.keys(value).find((name) => !Object.hasOwn(fields, name));
  if (unknown !== undefined) throw fail(`${what} has the unknown member ${JSON.stringify(unknown.slice(0, 64))}`);
  const entries = Object.entries(fields).map(([name, field]) => {
    const parsed = Object.hasOwn(value, name) ? field(value[name]) : undefined;
    if (parsed === undefined) throw fail(`${what}.${name} is missing or wrong`);
    return [name, parsed];
  });
  return Object.fromEntries(entries) as Members<Fields>;
}

/** Writes the members of a table, and no others, as `parseMembers` reads them: bigint as a decimal string. */
export function writeMembers<Name extends string>(
  value: Readonly<Record<Name, string | number | bigint>>,
  fields: Readonly<Record<Name, Field<unknown>>>,
): Readonly<Record<Name, string | number>> {
  const entries = (Object.keys(fields) as Name[]).map((name) => {
    const member = value[name];
    return [name, typeof member === "bigint" ? member.toString() : member];
  });
  return Object.fromEntries(entries) as Record<Name, string | number>;
}

/** Says whether a JSON value is an object (and no array). */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A field of exactly `length` bytes in 0x-hex; upper-case digits become lower-case. */
export function hexField(length: number): Field<Hex> {
  return (value) => {
    const bytes = parseHex(value, length);
    return bytes === undefined ? undefined : toHex(bytes);
  };
}

/** A field of exactly `length` bytes in 0x-hex, read as bytes. */
export function bytesField(length: number): Field<Uint8Array> {
  return (value) => parseHex(value, length);
}

/** A field with an unsigned integer of up to 256 bits as a decimal string. */
export function uintField(bits: number): Field<bigint> {
  return (value) => {
    if (typeof value !== "string" || !DECIMAL.test(value)) return undefined;
    const number = BigInt(value);
    return number < 1n << BigInt(bits) ? number : undefined;
  };
}

/** A field with a whole JSON number from 0 to `max`. */
export function integerField(max: number): Field<number> {
  return (value) =>
    typeof value === "number" && Number.isSafeInteger(value) && value >= 0 && value <= max ? value : undefined;
}

/** A field with a text of at most `maxLength` UTF-16 units. */
export function textField(maxLength: number): Field<string> {
  return (value) =>
    typeof value === "string" && value.length <= maxLength && value.isWellFormed() ? value : undefined;
}

/** A field with a list of at most `maxLength` values, each read by `field`. */
export function listField<T>(maxLength: number, field: Field<T>): Field<readonly T[]> {
  return (value) => {
    if (!Array.isArray(value) || value.length > maxLength) return undefined;
    const parsed = value.map(field);
    return parsed.includes(undefined) ? undefined : (parsed as T[]);
  };
}
