import { concat } from "../encoding/bytes.ts";
import { bitString, element, objectIdentifier } from "./der-writer.ts";
import { readPublicKey, type PublicKey } from "./signature.ts";

const EC_PUBLIC_KEY = objectIdentifier("1.2.840.10045.2.1");
const CURVES = { "P-256": objectIdentifier("1.2.840.10045.3.1.7"), "P-384": objectIdentifier("1.3.132.0.34") } as const;
const UNCOMPRESSED = Uint8Array.of(4);

/**
 * A public key from its curve and its coordinates `x || y`, as a certificate would carry it; that it is on the curve shows when it
 * is imported. Throws `EvidenceError` `EVIDENCE_MALFORMED` for a point of another length.
 * @see RFC 5480 section 2
 */
export function publicKeyOfPoint(curve: keyof typeof CURVES, xy: Uint8Array): PublicKey {
  const algorithm = element("sequence", EC_PUBLIC_KEY, CURVES[curve]);
  return readPublicKey(element("sequence", algorithm, bitString(concat(UNCOMPRESSED, xy))));
}
