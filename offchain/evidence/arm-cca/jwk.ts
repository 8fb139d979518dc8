import type { CurvePoint } from "../../cose/key.ts";
import { parseBase64Url } from "../../encoding/base64.ts";
import { concat } from "../../encoding/bytes.ts";
import { JsonFields } from "../../encoding/fields.ts";
import { parseJson } from "../../encoding/members.ts";
import { EvidenceError } from "../../errors.ts";

const WIDTHS = { "P-256": 32, "P-384": 48 } as const;
/** Ours, against needless work. */
const MAX_LENGTH = 4096;

const malformed = (message: string): EvidenceError => new EvidenceError("EVIDENCE_MALFORMED", `JWK: ${message}`);

/**
 * Reads a public JSON Web Key on P-256 or P-384. Throws `EvidenceError` `EVIDENCE_MALFORMED` or `EVIDENCE_UNSUPPORTED`, also for a
 * private key.
 * @see RFC 7518 section 6.2
 */
export function decodeJwk(bytes: Uint8Array): CurvePoint {
  if (bytes.length > MAX_LENGTH) throw malformed(`${bytes.length} bytes`);
  const key = new JsonFields(parseJson(bytes, "JWK", malformed), "JWK", malformed);
  const curve = key.text("crv");
  if (key.text("kty") !== "EC" || (curve !== "P-256" && curve !== "P-384") || key.has("d")) {
    throw new EvidenceError("EVIDENCE_UNSUPPORTED", "JWK: no public key on P-256 or P-384");
  }
  return { curve, xy: concat(coordinate(key, "x", WIDTHS[curve]), coordinate(key, "y", WIDTHS[curve])) };
}

function coordinate(key: JsonFields, name: "x" | "y", width: number): Uint8Array {
  const bytes = parseBase64Url(key.text(name));
  if (bytes?.length !== width) throw malformed(`${name} is not of ${width} bytes`);
  return bytes;
}
