import { InvalidArgumentError } from "commander";

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

/** Collects an option that may be given several times; for commander. */
export function collected(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text];
}
