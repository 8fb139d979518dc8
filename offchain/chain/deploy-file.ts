import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import type { Hex } from "../encoding/bytes.ts";
import type { DeployParameters } from "./deploy-parameters.ts";
import type { DeployedContract } from "./deployment.ts";
import { prettyJson } from "../encoding/json.ts";
import { ConfigError } from "../errors.ts";

/** A deployment as far as it has come: what `deployments/<chainId>.json` holds, see `deployments/README.md`. */
export interface DeployState {
  readonly format: 1;
  readonly complete: boolean;
  readonly chainId: string;
  readonly deployer: Hex;
  readonly token: Hex | null;
  readonly commit: string;
  readonly compiler: string;
  readonly parameters: DeployParameters;
  readonly contracts: Readonly<Record<string, DeployedContract>>;
  readonly steps: readonly { readonly name: string; readonly transaction: Hex; readonly block: bigint }[];
  /** A contract whose creation was begun: where it will stand if the transaction went out before a crash. */
  readonly pending: { readonly name: string; readonly address: Hex; readonly nonce: number } | null;
}

/** Reads the state; undefined where there is none. Throws ConfigError `CONFIG_INVALID` where it cannot be understood. */
export function readState(path: string): DeployState | undefined {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new ConfigError("CONFIG_INVALID", `${path} cannot be read`, { cause });
  }
  try {
    const json = JSON.parse(text) as DeployState;
    if (json.format === 1) return json;
  } catch (cause) {
    throw new ConfigError("CONFIG_INVALID", `${path} is not JSON`, { cause });
  }
  throw new ConfigError("CONFIG_INVALID", `${path} is in another format`);
}

/** Writes the state whole or not at all, and onto the disk before it returns. */
export function writeState(path: string, state: DeployState): void {
  mkdirSync(dirname(path), { recursive: true });
  const beside = `${path}.unfinished`;
  const file = openSync(beside, "w");
  try {
    writeSync(file, `${prettyJson(state)}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(beside, path);
}
