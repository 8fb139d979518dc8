import { parseBase64Url } from "../../encoding/base64.ts";
import { concat } from "../../encoding/bytes.ts";
import { JsonFields } from "../../encoding/fields.ts";
import { EndorsementError } from "../../errors.ts";
import { parseJsonObject } from "./jose.ts";

/** Keys on P-384 as `x || y`, by key id. */
export type KeySet = ReadonlyMap<string, Uint8Array>;

const COORDINATE_LENGTH = 48;
/** Ours, against needless work: the service publishes a few keys. */
const MAX_LENGTH = 1 << 16;

const invalid = (message: string): EndorsementError => new EndorsementError("ENDORSEMENT_INVALID", `JWKS: ${message}`);

/**
 * Reads the keys on P-384 of a JSON Web Key Set; keys of another kind are left out, a key id twice is refused.
 * Throws `EndorsementError` `ENDORSEMENT_INVALID`.
 * @see RFC 7517 section 5; RFC 7518 section 6.2
 */
export function parseKeySet(bytes: Uint8Array): KeySet {
  if (bytes.length > MAX_LENGTH) throw invalid(`${bytes.length} bytes`);
  const keys = parseJsonObject(bytes, "key set", invalid).fieldsList("keys");
  const usable = keys.filter((key) => textIn(key, "kty") === "EC" && textIn(key, "crv") === "P-384");
  const set = new Map(usable.map((key) => [key.text("kid"), concat(coordinate(key, "x"), coordinate(key, "y"))]));
  if (set.size !== usable.length) throw invalid("a key id twice");
  return set;
}

function textIn(key: JsonFields, name: string): string | undefined {
  return key.has(name) ? key.text(name) : undefined;
}

function coordinate(key: JsonFields, name: "x" | "y"): Uint8Array {
  const bytes = parseBase64Url(key.text(name));
  if (bytes?.length !== COORDINATE_LENGTH) throw invalid(`${name} is no coordinate on P-384`);
  return bytes;
}
