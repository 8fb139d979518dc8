/** What the state files of the simulated vendor have in common. */
import { parseHex, toHex, utf8 } from "../../encoding/bytes.ts";
import type { Hex } from "../../encoding/bytes.ts";
import { parseJson, parseMembers } from "../../encoding/members.ts";
import type { Field, Members } from "../../encoding/members.ts";
import { ConfigError } from "../../errors.ts";

/** Reads the text of a state file that has exactly these members; throws ConfigError `CONFIG_INVALID` naming the member that is wrong. */
export function parseState<Fields extends Readonly<Record<string, Field<unknown>>>>(
  text: string,
  fields: Fields,
  what: string,
): Members<Fields> {
  return parseMembers(parseJson(utf8(text), what, invalid), fields, what, invalid);
}

/** A field that is an object with exactly these members. */
export function objectField<Fields extends Readonly<Record<string, Field<unknown>>>>(
  fields: Fields,
  what: string,
): Field<Members<Fields>> {
  return (value) => parseMembers(value, fields, what, invalid);
}

/** A field with one of a few values. */
export function oneOfField<const Value extends string | boolean>(...values: readonly Value[]): Field<Value> {
  return (value) => values.find((candidate) => candidate === value);
}

/** A field with bytes of any length in 0x-hex. */
export function anyHexField(value: unknown): Hex | undefined {
  const bytes = parseHex(value);
  return bytes === undefined ? undefined : toHex(bytes);
}

/** The bytes of hex that was parsed before; throws `RangeError` for anything else. */
export function bytesOf(hex: Hex): Uint8Array {
  const bytes = parseHex(hex);
  if (bytes === undefined) throw new RangeError("not 0x-hex");
  return bytes;
}

function invalid(message: string): ConfigError {
  return new ConfigError("CONFIG_INVALID", message);
}
