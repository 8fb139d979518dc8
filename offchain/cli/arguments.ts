import { InvalidArgumentError } from "commander";
import { parseHex, toHex, type Hex } from "../encoding/bytes.ts";

const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?(?:Z|[+-]\d{2}:\d{2})$/;

/** Milliseconds since 1970 out of an ISO 8601 time with its zone; for commander. */
export function timeArgument(text: string): number {
  const time = TIME.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(time)) throw new InvalidArgumentError("It is not an ISO 8601 time such as 2026-01-31T12:00:00Z.");
  return time;
}

/** A whole number from `least` to `most`; for commander. */
export function integerArgument(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It is not a whole number from ${least} to ${most}.`);
  };
}

/** A contract's address, lower case; for commander. */
export function addressArgument(text: string): Hex {
  const bytes = parseHex(text, 20);
  if (bytes === undefined) throw new InvalidArgumentError("It is not 20 bytes of 0x-hex.");
  return toHex(bytes);
}

/** A chain's id; for commander. */
export function chainIdArgument(text: string): bigint {
  if (!/^[1-9]\d{0,19}$/.test(text)) throw new InvalidArgumentError("It is not a chain's id in decimal.");
  return BigInt(text);
}

/** Collects an option that may be given several times; for commander. */
export function collected(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text];
}
