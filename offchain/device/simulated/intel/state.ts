import { parseHex, toHex } from "../../../encoding/bytes.ts";
import type { Hex } from "../../../encoding/bytes.ts";
import { ConfigError } from "../../../errors.ts";

/** Reads the members of one JSON object of a state file; every method throws ConfigError `CONFIG_INVALID` naming the member. */
export interface StateReader {
  hex(name: string, length?: number): Hex;
  text(name: string): string;
  /** A whole number from 0 to `maximum`. */
  uint(name: string, maximum?: number): number;
  oneOf<const Values extends readonly (string | boolean)[]>(name: string, values: Values): Values[number];
  object(name: string): StateReader;
  list(name: string): readonly StateReader[];
}

/** Opens the text of a state file; `what` names the file in errors. */
export function readState(text: string, what: string): StateReader {
  try {
    return readerOf(JSON.parse(text), what);
  } catch (cause) {
    if (cause instanceof ConfigError) throw cause;
    throw new ConfigError("CONFIG_INVALID", `${what} is not JSON`, { cause });
  }
}

function readerOf(value: unknown, what: string): StateReader {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw invalid(what, "an object");
  const member = (name: string): unknown => Object.getOwnPropertyDescriptor(value, name)?.value;
  return {
    hex: (name, length) => {
      const bytes = parseHex(member(name), length);
      if (bytes === undefined) throw invalid(what, name);
      return toHex(bytes);
    },
    text: (name) => {
      const text = member(name);
      if (typeof text !== "string") throw invalid(what, name);
      return text;
    },
    uint: (name, maximum = Number.MAX_SAFE_INTEGER) => {
      const number = member(name);
      if (typeof number !== "number" || !Number.isInteger(number) || number < 0 || number > maximum) {
        throw invalid(what, name);
      }
      return number;
    },
    oneOf: (name, values) => {
      const found = values.find((candidate) => candidate === member(name));
      if (found === undefined) throw invalid(what, name);
      return found;
    },
    object: (name) => readerOf(member(name), `${what}, ${name}`),
    list: (name) => {
      const list = member(name);
      if (!Array.isArray(list)) throw invalid(what, name);
      return list.map((entry: unknown, index) => readerOf(entry, `${what}, ${name}[${index}]`));
    },
  };
}

function invalid(what: string, name: string): ConfigError {
  return new ConfigError("CONFIG_INVALID", `${what}: ${name} is missing or wrong`);
}
