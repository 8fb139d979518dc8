/** A JSON value; bigint is written as a decimal string. */
export type Json =
  null | boolean | number | string | bigint | readonly Json[] | { readonly [key: string]: Json | undefined };

/**
 * Writes a value as canonical JSON: keys sorted by UTF-16 code units, no white space; undefined members are left out.
 * Throws `RangeError` for what JSON cannot carry: NaN, infinities, lone surrogates, undefined outside an object.
 * @see RFC 8785
 */
export function canonicalJson(value: Json): string {
  if (typeof value === "bigint") return `"${value}"`;
  if (value === null || typeof value !== "object") return canonicalScalar(value);
  if (isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  const members = Object.entries(value)
    .filter((entry): entry is [string, Json] => entry[1] !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, member]) => `${canonicalScalar(key)}:${canonicalJson(member)}`);
  return `{${members.join(",")}}`;
}

/** Writes a value as JSON for people: two spaces, bigint as a decimal string. */
export function prettyJson(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) => (typeof member === "bigint" ? member.toString() : member), 2);
}

function canonicalScalar(value: null | boolean | number | string): string {
  const valid = typeof value === "number" ? Number.isFinite(value) : typeof value !== "string" || value.isWellFormed();
  const text: string | undefined = JSON.stringify(value);
  if (!valid || text === undefined) throw new RangeError("a value that JSON cannot carry");
  return text;
}

function isArray(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}
