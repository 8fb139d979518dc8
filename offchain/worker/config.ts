import { readFileSync } from "node:fs";
import { sha256 } from "#crypto";
import { SIMULATED_KINDS, type SimulatedKind } from "../device/simulated/open.ts";
import { parseHex, toHex, utf8, type Hex } from "../encoding/bytes.ts";
import { JsonFields } from "../encoding/fields.ts";
import { canonicalJson } from "../encoding/json.ts";
import { ConfigError } from "../errors.ts";

/** A model that a worker serves: where its package is and which root it must have. */
export interface ConfiguredModel {
  readonly path: string;
  readonly root: Hex;
}

/** A GPU beside the machine: in this version a simulated one, by its file. */
export interface ConfiguredGpu {
  readonly kind: "simulated-nvidia";
  readonly platformFile: string;
}

/** What is measured: two workers with the same sources and the same of this have the same measurement. */
export type MeasuredConfiguration = { readonly schema: "cloister-worker/1"; readonly models: readonly Hex[] };

export interface WorkerConfig {
  readonly name: string;
  readonly nodeId: Hex;
  readonly operator: Hex;
  readonly rpcUrl: string;
  /** Directory with `<chainId>.json`. */
  readonly deployments: string;
  readonly models: readonly ConfiguredModel[];
  /** Directory of vouchers and receipts; survives restarts. */
  readonly dataDir: string;
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** The machine: in this version a simulated one, by its file. */
  readonly device: { readonly kind: SimulatedKind; readonly platformFile: string; readonly gpu?: ConfiguredGpu };
  /** File with the 0x-hex private key that pays for settlements; it is no enclave key. */
  readonly settlementKeyFile: string;
  readonly settleEverySeconds: number;
  /** New evidence is made when the newest one is older than this and not attested. */
  readonly evidenceMaxAgeSeconds: number;
}

const NAMES: ReadonlySet<string> = new Set([
  "name",
  "nodeId",
  "operator",
  "rpcUrl",
  "deployments",
  "models",
  "dataDir",
  "host",
  "port",
  "device",
  "settlementKeyFile",
  "settleEverySeconds",
  "evidenceMaxAgeSeconds",
]);
const MAX_SECONDS = 7 * 24 * 3600;

const invalid = (message: string): ConfigError =>
  new ConfigError("CONFIG_INVALID", message, {
    next: "See docs/operators.md for the members of a worker's configuration.",
  });

/** Reads a worker's configuration file; throws `ConfigError` that names the member. */
export function readWorkerConfig(path: string): WorkerConfig {
  return parseWorkerConfig(readJson(path));
}

/** Reads a worker's configuration from its JSON value; throws `ConfigError` `CONFIG_INVALID` that names the member. */
export function parseWorkerConfig(json: unknown): WorkerConfig {
  const fields = new JsonFields(json, "worker", invalid);
  const unknown = fields.names().filter((name) => !NAMES.has(name));
  if (unknown.length > 0) throw invalid(`worker has no ${unknown.join(", ")}`);
  const models = fields
    .fieldsList("models")
    .map((model) => ({ path: model.text("path"), root: hexOf(model, "root", 32) }));
  if (models.length === 0) throw invalid("worker.models is empty");
  return {
    name: fields.text("name"),
    nodeId: hexOf(fields, "nodeId", 32),
    operator: hexOf(fields, "operator", 20),
    rpcUrl: fields.text("rpcUrl"),
    deployments: fields.text("deployments"),
    models,
    dataDir: fields.text("dataDir"),
    host: fields.has("host") ? fields.text("host") : "127.0.0.1",
    port: fields.has("port") ? fields.uint("port", 65_535) : 0,
    device: parseDevice(fields.fields("device")),
    settlementKeyFile: fields.text("settlementKeyFile"),
    settleEverySeconds: fields.has("settleEverySeconds") ? fields.uint("settleEverySeconds", MAX_SECONDS) : 600,
    evidenceMaxAgeSeconds: fields.has("evidenceMaxAgeSeconds")
      ? fields.uint("evidenceMaxAgeSeconds", MAX_SECONDS)
      : 300,
  };
}

function parseGpu(device: JsonFields): { readonly gpu?: ConfiguredGpu } {
  if (!device.has("gpu")) return {};
  const gpu = device.fields("gpu");
  if (gpu.text("kind") !== "simulated-nvidia") throw invalid("worker.device.gpu.kind is not simulated-nvidia");
  return { gpu: { kind: "simulated-nvidia", platformFile: gpu.text("platformFile") } };
}

function parseDevice(fields: JsonFields): WorkerConfig["device"] {
  const kind = SIMULATED_KINDS.find((known) => known === fields.text("kind"));
  if (kind === undefined) throw invalid(`worker.device.kind is none of ${SIMULATED_KINDS.join(", ")}`);
  return { kind, platformFile: fields.text("platformFile"), ...parseGpu(fields) };
}

/** The part of a configuration that is measured: what the enclave serves, not where it stands. */
export function measuredConfiguration(models: readonly { readonly root: Hex }[]): MeasuredConfiguration {
  return { schema: "cloister-worker/1", models: models.map(({ root }) => root).sort() };
}

/** SHA-256 of the canonical measured configuration: `configHash` of the binding. */
export function configHash(configuration: MeasuredConfiguration): Hex {
  return toHex(sha256(utf8(canonicalJson(configuration))));
}

/** Reads a 32-byte private key in 0x-hex from a file; throws `ConfigError` without showing what the file holds. */
export function readKeyFile(path: string): Hex {
  const key = parseHex(readText(path).trim(), 32);
  if (key === undefined) throw new ConfigError("CONFIG_INVALID", `${path} does not hold one 32-byte key in 0x-hex`);
  return toHex(key);
}

function readJson(path: string): unknown {
  const text = readText(path);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ConfigError("CONFIG_INVALID", `${path} is not JSON`, { cause });
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new ConfigError("CONFIG_MISSING", `${path} cannot be read`, {
      cause,
      next: "Give the path of an existing file.",
    });
  }
}

function hexOf(fields: JsonFields, name: string, length: number): Hex {
  return toHex(fields.hex(name, { prefix: true, length }));
}
