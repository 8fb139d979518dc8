/** Endorsements as text in JSON: JSON, PEM and hex as they stand, anything else in base64. */
import { parseUnpaddedBase64, toBase64 } from "../encoding/base64.ts";
import { asciiText, utf8 } from "../encoding/bytes.ts";
import { EndorsementError } from "../errors.ts";
import { isPem } from "../x509/pem.ts";

/** Writes the bytes of one endorsement's file. */
export function endorsementToText(bytes: Uint8Array): string {
  return isText(bytes) ? new TextDecoder().decode(bytes) : toBase64(bytes);
}

/** Reads the bytes of one endorsement's file; throws `EndorsementError` `ENDORSEMENT_INVALID`. */
export function endorsementFromText(text: string): Uint8Array {
  const bytes = utf8(text);
  if (isText(bytes)) return bytes;
  const decoded = parseUnpaddedBase64(text.replaceAll(/\s+/g, ""));
  if (decoded !== undefined && decoded.length > 0) return decoded;
  throw new EndorsementError("ENDORSEMENT_INVALID", "an endorsement is neither text nor base64");
}

/** JSON, PEM and hex DER stand as they are. */
function isText(bytes: Uint8Array): boolean {
  const head = asciiText(bytes.subarray(0, 64)).trimStart();
  return isPem(bytes) || head.startsWith("{") || /^30[0-9a-fA-F]+\s*$/.test(head);
}
