/** A JSON value; bigint is written as a decimal string. */
export type Json =
  null | boolean | number | string | bigint | readonly Json[] | { readonly [key: string]: Json | undefined };

/**
 * Writes a value as canonical JSON: keys sorted by UTF-16 code units, no white space; undefined members are left out.
 * @see RFC 8785
 */
export function canonicalJson(value: Json): string {
  if (typeof value === "bigint") return `"${value}"`;
  if (typeof value === "number" && !Number.isFinite(value)) throw new RangeError("a number in JSON must be finite");
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  if (isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  const members = Object.entries(value)
    .filter((entry): entry is [string, Json] => entry[1] !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`);
  return `{${members.join(",")}}`;
}

/** Writes a value as JSON for people: two spaces, bigint as a decimal string. */
export function prettyJson(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) => (typeof member === "bigint" ? member.toString() : member), 2);
}

function isArray(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}
