import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { Hex } from "../encoding/bytes.ts";
import type { TrustRoot } from "../evidence/scheme.ts";
import { parseHex, toHex } from "../encoding/bytes.ts";
import { JsonFields } from "../encoding/fields.ts";
import { parseServices, VENDOR_SERVICES, type EndorsementServices } from "../endorsements/services.ts";
import { ConfigError } from "../errors.ts";
import { readTrustRoot, VENDOR_ROOTS } from "../verifier/trust-roots.ts";

/** Everything that a relayer is told; paths are absolute. */
export interface RelayerConfig {
  readonly rpcUrl: string;
  readonly chainId: bigint;
  /** The directory of `<chainId>.json`. */
  readonly deployments: string;
  readonly privateKey: Hex;
  /** Where the database is. */
  readonly state: string;
  readonly host: string;
  readonly port: number;
  /** Where vendors' endorsements are asked for. */
  readonly endorsements: EndorsementServices;
  readonly trustRoots: readonly TrustRoot[];
  readonly stepMs: number;
  readonly turnDelayMs: number;
  readonly logLevel: string;
}

const NAMES: ReadonlySet<string> = new Set([
  "rpcUrl",
  "chainId",
  "deployments",
  "keyFile",
  "state",
  "host",
  "port",
  "endorsements",
  "trustRoots",
  "stepMs",
  "turnDelayMs",
  "logLevel",
]);
const DAY_MS = 86_400_000;

const invalid = (message: string): ConfigError => new ConfigError("CONFIG_INVALID", message);

/**
 * Reads a relayer's configuration file, with `CLOISTER_RPC_URL` and `CLOISTER_LOG_LEVEL` of the environment before it.
 * Throws ConfigError `CONFIG_MISSING` or `CONFIG_INVALID`, naming the member.
 */
export function readRelayerConfig(path: string, environment: NodeJS.ProcessEnv): RelayerConfig {
  const fields = new JsonFields(parseJson(path), "configuration", invalid);
  const unknown = fields.names().filter((name) => !NAMES.has(name));
  if (unknown.length > 0) throw invalid(`configuration has no ${unknown.join(", ")}`);
  const at = (name: string): string => resolve(dirname(path), fields.text(name));
  const number = (name: string, otherwise: number, max: number): number =>
    fields.has(name) ? fields.uint(name, max) : otherwise;
  const text = (name: string, otherwise: string): string => (fields.has(name) ? fields.text(name) : otherwise);
  return {
    rpcUrl: environment["CLOISTER_RPC_URL"] ?? fields.text("rpcUrl"),
    chainId: fields.decimal("chainId"),
    deployments: at("deployments"),
    privateKey: readKey(at("keyFile")),
    state: at("state"),
    host: text("host", "127.0.0.1"),
    port: number("port", 0, 65_535),
    endorsements: fields.has("endorsements")
      ? parseServices(fields.value("endorsements"), "configuration.endorsements")
      : VENDOR_SERVICES,
    trustRoots: fields.has("trustRoots") ? fields.fieldsList("trustRoots").map(readTrustRoot) : VENDOR_ROOTS,
    stepMs: number("stepMs", 5000, DAY_MS),
    turnDelayMs: number("turnDelayMs", 30_000, DAY_MS),
    logLevel: environment["CLOISTER_LOG_LEVEL"] ?? text("logLevel", "info"),
  };
}

function readKey(path: string): Hex {
  const key = parseHex(read(path).trim(), 32);
  // The message must not quote what the file holds.
  if (key === undefined) throw invalid(`${path} does not hold a private key: 32 bytes of 0x-hex`);
  return toHex(key);
}

function parseJson(path: string): unknown {
  const text = read(path);
  try {
    return JSON.parse(text);
  } catch {
    throw invalid(`${path} is not JSON`);
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new ConfigError("CONFIG_MISSING", `${path} cannot be read`, { cause });
  }
}
