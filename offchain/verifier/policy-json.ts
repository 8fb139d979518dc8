import { isObject } from "../encoding/members.ts";
import { ConfigError } from "../errors.ts";

/** Reads one JSON value; throws `ConfigError` `CONFIG_INVALID` that names the path. */
export type Read<T> = (value: unknown, path: string) => T;

/** Readers of an object's members by name. */
export type Readers<T> = { readonly [Name in keyof T]-?: Read<NonNullable<T[Name]> | Extract<T[Name], null>> };

const MAX_TEXT = 256;

/** A value at a path is not what a policy may say. */
export function refuse(path: string, wanted: string): never {
  throw new ConfigError("CONFIG_INVALID", `${path} is not ${wanted}`);
}

export const flag: Read<boolean> = (value, path) =>
  typeof value === "boolean" ? value : refuse(path, "true or false");

/** A text of 1 to 256 characters. */
export const text: Read<string> = (value, path) =>
  typeof value === "string" && value !== "" && Array.from(value).length <= MAX_TEXT
    ? value
    : refuse(path, `a text of 1 to ${MAX_TEXT} characters`);

/** An integer from 0 to `most`. */
export function uint(most: number): Read<number> {
  return (value, path) =>
    typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= most
      ? value
      : refuse(path, `an integer from 0 to ${most}`);
}

/** Hex of one of the lengths in bytes, with or without 0x; lower case without 0x comes out. */
export function hex(...lengths: readonly number[]): Read<string> {
  return (value, path) => {
    const digits = typeof value === "string" ? /^(?:0x)?([0-9a-fA-F]*)$/.exec(value)?.[1] : undefined;
    if (digits !== undefined && lengths.includes(digits.length / 2)) return digits.toLowerCase();
    return refuse(path, `${lengths.join(" or ")} bytes of hex`);
  };
}

export function oneOf<Name extends string>(names: readonly Name[]): Read<Name> {
  return (value, path) => names.find((name) => name === value) ?? refuse(path, `one of ${names.join(", ")}`);
}

export function listOf<T>(read: Read<T>, least = 0): Read<readonly T[]> {
  return (value, path) => {
    if (!Array.isArray(value) || value.length < least) {
      return refuse(path, least === 0 ? "a list" : `a list of at least ${least}`);
    }
    return value.map((item, index) => read(item, `${path}[${index}]`));
  };
}

export function nullOr<T>(read: Read<T>): Read<T | null> {
  return (value, path) => (value === null ? null : read(value, path));
}

/** An object with none but the named members, each of which may be left out. */
export function members<T>(readers: Readers<T>, least = 0): Read<Partial<T>> {
  return (value, path) => {
    if (!isObject(value)) return refuse(path, "an object");
    const names = Object.keys(value);
    const unknown = names.find((name) => !Object.hasOwn(readers, name));
    if (unknown !== undefined) return refuse(`${path}.${unknown.slice(0, 64)}`, "a member that is known");
    if (names.length < least) return refuse(path, `an object of at least ${least} member`);
    const table = readers as Readonly<Record<string, Read<unknown>>>;
    const read = names.map((name) => [name, table[name]?.(value[name], `${path}.${name}`)]);
    return Object.fromEntries(read) as Partial<T>;
  };
}
