/** Vendors' documents as one JSON document, to carry them to where no service is asked. @see docs/verification.md, Endorsements */
import { parseBase64, toBase64 } from "../encoding/base64.ts";
import { JsonFields } from "../encoding/fields.ts";
import { ConfigError } from "../errors.ts";
import type { KeptDocument } from "./documents.ts";

const FORMAT = "cloister-endorsements/1";
const MAX_TIME = 8.64e15;

const invalid = (message: string): ConfigError => new ConfigError("CONFIG_INVALID", message);

/** Writes documents, each with what it is kept under; bytes in base64, times in ISO 8601. */
export function documentsToJson(documents: readonly KeptDocument[]): Readonly<Record<string, unknown>> {
  const list = documents.map(({ body, chain, fetchedAt, validUntil, ...rest }) => ({
    ...rest,
    fetchedAt: new Date(fetchedAt).toISOString(),
    validUntil: new Date(validUntil).toISOString(),
    body: toBase64(body),
    ...(chain && { chain: toBase64(chain) }),
  }));
  return { format: FORMAT, documents: list };
}

/** Says whether a JSON value calls itself such a document, of this version or another. */
export function looksLikeDocuments(json: unknown): json is { readonly format: string } {
  const format: unknown = typeof json === "object" && json !== null && "format" in json ? json.format : undefined;
  return typeof format === "string" && format.startsWith("cloister-endorsements/");
}

/** Reads documents; nothing in them is verified. Throws `ConfigError` `CONFIG_INVALID`, naming the member. */
export function parseDocuments(json: unknown): readonly KeptDocument[] {
  const fields = new JsonFields(json, "endorsements", invalid);
  if (fields.text("format") !== FORMAT) throw invalid(`endorsements.format is not ${FORMAT}`);
  return fields.fieldsList("documents").map(parseDocument);
}

function parseDocument(fields: JsonFields): KeptDocument {
  const chain = fields.has("chain") ? bytesOf(fields, "chain") : undefined;
  return {
    url: fields.text("url"),
    service: fields.text("service"),
    what: fields.text("what"),
    fetchedAt: timeOf(fields, "fetchedAt"),
    validUntil: timeOf(fields, "validUntil"),
    body: bytesOf(fields, "body"),
    ...(chain && { chain }),
  };
}

function timeOf(fields: JsonFields, name: string): number {
  const time = Date.parse(fields.text(name));
  if (Math.abs(time) <= MAX_TIME) return time;
  throw invalid(`endorsements.documents: ${name} is no time`);
}

function bytesOf(fields: JsonFields, name: string): Uint8Array {
  const bytes = parseBase64(fields.text(name));
  if (bytes !== undefined && bytes.length > 0) return bytes;
  throw invalid(`endorsements.documents: ${name} is no base64`);
}
