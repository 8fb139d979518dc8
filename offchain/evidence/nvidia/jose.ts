import { JsonFields } from "../../encoding/fields.ts";

/** Reads a JSON object in UTF-8; throws the error of `fail`. */
export function parseJsonObject(bytes: Uint8Array, what: string, fail: (message: string) => Error): JsonFields {
  try {
    const json: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    return new JsonFields(json, what, fail);
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) throw fail(`${what} is not JSON`);
    throw error;
  }
}
