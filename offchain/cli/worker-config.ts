import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { Profile } from "../client/profile.ts";
import { provisionMachine, readMachine, type Machine } from "../device/simulated/machine.ts";
import { SIMULATED_PLATFORMS, type SimulatedPlatform } from "../device/simulated/measure.ts";
import {
  nvidiaDeviceFromJson,
  nvidiaDeviceToJson,
  type NvidiaDeviceFile,
} from "../device/simulated/nvidia/device-file.ts";
import { provisionNvidiaDevice } from "../device/simulated/nvidia/provision.ts";
import { nvidiaVendorFromJson } from "../device/simulated/nvidia/vendor.ts";
import type { Hex } from "../encoding/bytes.ts";
import { prettyJson } from "../encoding/json.ts";
import { ConfigError } from "../errors.ts";
import { parseWorkerConfig, type WorkerConfig } from "../worker/config.ts";
import { readFileBytes } from "./files.ts";

/** Where a worker will run and be reached. */
export interface PlaceOptions {
  readonly endpoint: string;
  readonly platformFile?: string;
  readonly vendor?: string;
  readonly tee?: string;
  readonly gpuFile?: string;
  readonly gpuVendor?: string;
  readonly out?: string;
}

/** Whose worker it is and what it serves. */
export interface WorkerIdentity {
  readonly profile: Profile;
  readonly nodeId: Hex;
  readonly operator: Hex;
  readonly models: readonly { readonly path: string; readonly root: Hex }[];
}

/** Refuses a place that no worker could run at, before anything is spent; throws `ConfigError`. */
export function checkPlace(options: PlaceOptions): void {
  listeningAt(options.endpoint);
  if ((options.platformFile === undefined) === (options.vendor === undefined)) {
    throw new ConfigError("CONFIG_INVALID", "give one of --platform-file and --vendor");
  }
  if (options.gpuFile !== undefined && options.gpuVendor !== undefined) {
    throw new ConfigError("CONFIG_INVALID", "give one of --gpu-file and --gpu-vendor, or neither");
  }
  machineOf(options);
  gpuOf(options);
}

/** Writes the configuration that `node run` takes, and beside it the files of the machine and the GPU that are provisioned. */
export function writeWorkerConfig(path: string, options: PlaceOptions, identity: WorkerIdentity): void {
  const { profile, ...worker } = identity;
  const directory = dirname(path);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const platformFile = resolve(options.platformFile ?? join(directory, "platform.json"));
  const { kind, json } = machineOf(options);
  if (options.platformFile === undefined) writeFileSync(platformFile, json, { mode: 0o600 });
  const config = {
    name: `node-${worker.nodeId.slice(2, 10)}`,
    ...worker,
    rpcUrl: profile.rpcUrl,
    deployments: profile.deployments,
    dataDir: join(directory, "data"),
    ...listeningAt(options.endpoint),
    device: { kind, platformFile, ...writeGpu(directory, options) },
    settlementKeyFile: profile.keyFile,
  };
  parseWorkerConfig(config);
  writeFileSync(path, `${prettyJson(config)}\n`);
}

/** The machine of the file given, or a new one of the vendor's, named by the endpoint so that it stays the same. */
function machineOf({ platformFile, vendor, tee, endpoint }: PlaceOptions): Machine {
  const text = new TextDecoder().decode(readFileBytes(platformFile ?? vendor ?? ""));
  if (platformFile !== undefined) return readMachine(text);
  return provisionMachine(text, { ...platformOf(tee), now: Date.now(), name: endpoint });
}

/** Writes the GPU's file where it is provisioned, and says where it is; nothing without a GPU. */
function writeGpu(directory: string, options: PlaceOptions): Pick<WorkerConfig["device"], "gpu"> {
  const gpu = gpuOf(options);
  if (gpu === undefined) return {};
  const platformFile = resolve(options.gpuFile ?? join(directory, "gpu.json"));
  if (options.gpuFile === undefined) writeFileSync(platformFile, nvidiaDeviceToJson(gpu), { mode: 0o600 });
  return { gpu: { kind: "simulated-nvidia", platformFile } };
}

/** The GPU of the file given, or a new one of the vendor's, named by the endpoint; undefined where neither is given. */
function gpuOf({ gpuFile, gpuVendor, endpoint }: PlaceOptions): NvidiaDeviceFile | undefined {
  const file = gpuFile ?? gpuVendor;
  if (file === undefined) return undefined;
  const text = new TextDecoder().decode(readFileBytes(file));
  if (gpuFile !== undefined) return nvidiaDeviceFromJson(text);
  return provisionNvidiaDevice(nvidiaVendorFromJson(text), { kind: "gpu", now: Date.now(), name: endpoint });
}

function platformOf(tee: string | undefined): { readonly platform?: SimulatedPlatform } {
  if (tee === undefined) return {};
  const platform = SIMULATED_PLATFORMS.find((known) => known === tee);
  if (platform !== undefined) return { platform };
  throw new ConfigError("CONFIG_INVALID", `--tee is none of ${SIMULATED_PLATFORMS.join(", ")}`);
}

/**
 * Where a worker listens: its endpoint's own host and port, where that is plain http; behind a proxy the file is edited.
 * Throws `ConfigError` for an endpoint that is no http or https origin in its shortest form, which is what paths are put behind.
 */
export function listeningAt(endpoint: string): { readonly host: string; readonly port: number } {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (url === undefined || !["http:", "https:"].includes(url.protocol)) {
    throw new ConfigError("CONFIG_INVALID", `${endpoint} is no http or https URL`);
  }
  if (url.origin !== endpoint) {
    throw new ConfigError("CONFIG_INVALID", `${endpoint} has more than scheme, host and port`, {
      next: `Give it as ${url.origin}.`,
    });
  }
  return { host: url.hostname, port: Number(url.port) || (url.protocol === "https:" ? 443 : 80) };
}
