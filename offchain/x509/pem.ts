import { parseBase64 } from "../encoding/base64.ts";
import { asciiText } from "../encoding/bytes.ts";
import { EvidenceError } from "../errors.ts";

const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----\s*([A-Za-z0-9+/=\s]+?)\s*-----END ([A-Z0-9 ]+)-----/g;

const malformed = (message: string): EvidenceError => new EvidenceError("EVIDENCE_MALFORMED", `PEM: ${message}`);

/**
 * The DER bytes of every PEM block of one label, in order; only white space (and zero octets at the end) may stand around the blocks.
 * Throws `EvidenceError` `EVIDENCE_MALFORMED`, also where there is no block.
 * @see RFC 7468 section 3
 */
export function parsePem(bytes: Uint8Array, label: string): readonly Uint8Array[] {
  const text = asciiText(bytes).replace(/\0+$/, "");
  const blocks: Uint8Array[] = [];
  let end = 0;
  for (const match of text.matchAll(BLOCK)) {
    if (text.slice(end, match.index).trim() !== "") throw malformed("text between blocks");
    if (match[1] !== label || match[3] !== label) throw malformed(`a block that is no ${label}`);
    blocks.push(decodeBase64((match[2] ?? "").replaceAll(/\s+/g, "")));
    end = match.index + match[0].length;
  }
  if (blocks.length === 0) throw malformed(`no ${label}`);
  if (text.slice(end).trim() !== "") throw malformed("text after the last block");
  return blocks;
}

/** Says whether bytes look like PEM rather than DER. */
export function isPem(bytes: Uint8Array): boolean {
  return asciiText(bytes.subarray(0, 64)).trimStart().startsWith("-----BEGIN ");
}

function decodeBase64(text: string): Uint8Array {
  const bytes = parseBase64(text);
  if (bytes === undefined || bytes.length === 0) throw malformed("base64 is empty or not canonical");
  return bytes;
}
