import { readFileSync, statSync } from "node:fs";
import { ConfigError } from "../errors.ts";

const MAX_BYTES = 64 << 20;

/** The bytes of a file; throws `ConfigError` where it cannot be read, is empty or too large. */
export function readFileBytes(path: string): Uint8Array {
  const bytes = readSmall(path);
  if (bytes.length === 0) throw new ConfigError("CONFIG_INVALID", `${path} is empty`);
  return bytes;
}

/** The JSON value in a file; throws `ConfigError`. */
export function readFileJson(path: string): unknown {
  return parseFileJson(readFileBytes(path), path);
}

/** The JSON value that the bytes of a file hold; throws `ConfigError` that names it. */
export function parseFileJson(bytes: Uint8Array, path: string): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new ConfigError("CONFIG_INVALID", `${path} is not JSON`, { cause });
  }
}

/** What nobody writes by hand: parsing more would only take time. */
const MAX_SETTINGS = 1 << 18;

/** The JSON value of a file that somebody wrote, such as a policy, at most 256 KiB; throws `ConfigError` that names it. */
export function parseSettings(bytes: Uint8Array, path: string): unknown {
  if (bytes.length > MAX_SETTINGS) {
    throw new ConfigError("CONFIG_INVALID", `${path} has ${bytes.length} bytes, at most ${MAX_SETTINGS} are read`);
  }
  return parseFileJson(bytes, path);
}

/** Says whether bytes look like a JSON object, as no evidence, hex or base64 does. */
export function isJsonObject(bytes: Uint8Array): boolean {
  return /^\s*\{/.test(Buffer.from(bytes.subarray(0, 64)).toString("latin1"));
}

/** Raw bytes out of a file that holds them as they are, in hex (with or without 0x) or in base64. */
export function decodeBytes(bytes: Uint8Array): Uint8Array {
  const text = Buffer.from(bytes).toString("latin1").replaceAll(/\s+/g, "");
  const [, hex] = /^(?:0x)?((?:[0-9a-fA-F]{2})+)$/.exec(text) ?? [];
  if (hex !== undefined) return new Uint8Array(Buffer.from(hex, "hex"));
  if (/^[A-Za-z0-9+/_-]{2,}={0,2}$/.test(text)) return new Uint8Array(Buffer.from(text, "base64"));
  return bytes;
}

function readSmall(path: string): Uint8Array {
  try {
    const { size } = statSync(path);
    if (size <= MAX_BYTES) return new Uint8Array(readFileSync(path));
  } catch (cause) {
    throw new ConfigError("CONFIG_MISSING", `${path} cannot be read`, {
      cause,
      next: "Give the path of a file that exists and that you may read.",
    });
  }
  throw new ConfigError("CONFIG_INVALID", `${path} has more than ${MAX_BYTES} bytes`);
}
