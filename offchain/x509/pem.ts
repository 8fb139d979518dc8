import { parseBase64 } from "../encoding/base64.ts";
import { asciiText } from "../encoding/bytes.ts";
import { EvidenceError } from "../errors.ts";

const BEGIN = "-----BEGIN ";
const DASHES = "-----";
/** Ours, against needless work: no chain or list that is read here has as many. */
const MAX_BLOCKS = 32;

const malformed = (message: string): EvidenceError => new EvidenceError("EVIDENCE_MALFORMED", `PEM: ${message}`);

/**
 * The DER bytes of every PEM block of one label, in order; only white space (and zero octets at the end) may stand around the blocks.
 * Throws `EvidenceError` `EVIDENCE_MALFORMED`, also where there is no block.
 * @see RFC 7468 section 3
 */
export function parsePem(bytes: Uint8Array, label: string): readonly Uint8Array[] {
  const text = asciiText(withoutZeros(bytes)).trim();
  const blocks: Uint8Array[] = [];
  let rest = text;
  while (rest !== "") {
    const { body, after } = readBlock(rest, label);
    if (blocks.push(decodeBase64(body)) > MAX_BLOCKS) throw malformed("too many blocks");
    rest = after.trimStart();
  }
  if (blocks.length === 0) throw malformed(`no ${label}`);
  return blocks;
}

/** Searches for fixed texts only: a pattern with repeated white space takes time without bound on text that does not match. */
function readBlock(text: string, label: string): { readonly body: string; readonly after: string } {
  const [begin, end] = [`${BEGIN}${label}${DASHES}`, `${DASHES}END ${label}${DASHES}`];
  if (!text.startsWith(begin)) throw malformed(`no ${label} where one must start`);
  const stop = text.indexOf(DASHES, begin.length);
  if (stop < 0 || !text.startsWith(end, stop)) throw malformed(`a ${label} that does not end`);
  return { body: text.slice(begin.length, stop).replaceAll(/\s+/g, ""), after: text.slice(stop + end.length) };
}

function withoutZeros(bytes: Uint8Array): Uint8Array {
  let length = bytes.length;
  while (length > 0 && bytes[length - 1] === 0) length -= 1;
  return bytes.subarray(0, length);
}

/** Says whether bytes look like PEM rather than DER, of a label where one is given. */
export function isPem(bytes: Uint8Array, label = ""): boolean {
  return asciiText(bytes.subarray(0, 64)).trimStart().startsWith(`${BEGIN}${label}`);
}

function decodeBase64(text: string): Uint8Array {
  const bytes = parseBase64(text);
  if (bytes === undefined || bytes.length === 0) throw malformed("base64 is empty or not canonical");
  return bytes;
}
