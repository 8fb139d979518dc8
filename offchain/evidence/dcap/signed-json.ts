import { asciiText, parseHex } from "../../encoding/bytes.ts";
import { JsonFields } from "../../encoding/fields.ts";
import { EndorsementError } from "../../errors.ts";

/** A JSON document of Intel's with the exact bytes under its signature. */
export interface SignedJson {
  readonly signedPart: Uint8Array;
  /** `r || s`. */
  readonly signature: Uint8Array;
  readonly fields: JsonFields;
}

/** Ours, against needless work: Intel's documents have up to about 20 KB. */
const MAX_LENGTH = 1 << 19;

/** Makes the coded error for a wrong document. */
export function invalid(message: string): EndorsementError {
  return new EndorsementError("ENDORSEMENT_INVALID", message);
}

/**
 * Splits `{"<member>": {...}, "signature": "<hex>"}` into the bytes of the member as they stand and the signature.
 * Throws `EndorsementError` `ENDORSEMENT_INVALID`.
 * @see Intel PCS API v4, Get TCB Info and Get Quoting Enclave Identity
 */
export function parseSignedJson(bytes: Uint8Array, member: "tcbInfo" | "enclaveIdentity"): SignedJson {
  if (bytes.length > MAX_LENGTH) throw invalid(`${member} of ${bytes.length} bytes`);
  const text = asciiText(bytes);
  const head = new RegExp(`^\\s*\\{\\s*"${member}"\\s*:\\s*(?=\\{)`).exec(text);
  const tail = /\}(\s*,\s*"signature"\s*:\s*"([0-9a-fA-F]{128})"\s*\}\s*)$/.exec(text.slice(-400));
  const [, rest = "", digits = ""] = tail ?? [];
  const signature = parseHex(`0x${digits}`);
  if (head === null || tail === null || signature === undefined)
    throw invalid(`${member} is not a signed JSON document`);
  const signedPart = bytes.subarray(head[0].length, bytes.length - rest.length);
  return {
    signedPart,
    signature,
    fields: new JsonFields(parseJson(signedPart, member), member, invalid),
  };
}

function parseJson(bytes: Uint8Array, what: string): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)) as unknown;
  } catch (cause) {
    throw new EndorsementError("ENDORSEMENT_INVALID", `${what} is not JSON`, { cause });
  }
}

/** Reads an ISO 8601 time in UTC, in milliseconds since 1970. */
export function readIsoTime(fields: JsonFields, name: string): number {
  const text = fields.text(name);
  const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,3})?Z$/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(time)) throw invalid(`${name} is not a time`);
  return time;
}

/** Reads an optional list of advisories. */
export function readAdvisories(fields: JsonFields): readonly string[] {
  if (!fields.has("advisoryIDs")) return [];
  return fields.list("advisoryIDs").map((id) => {
    if (typeof id !== "string") throw invalid("an advisory id is not a text");
    return id;
  });
}
