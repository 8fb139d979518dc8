import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { prettyJson } from "../encoding/json.ts";
import type { EndorsementServices } from "../endorsements/services.ts";
import type { TrustRoot } from "../evidence/scheme.ts";
import type { Account } from "./accounts.ts";
import { freePort, readyLine, startService, type Service } from "./processes.ts";
import type { VendorFiles } from "./vendors.ts";

/** The repository's root. */
export const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const START_MS = 60_000;
const STEP_MS = 500;
const TURN_DELAY_MS = 3000;

/** Starts Hardhat's chain as a process with JSON-RPC on loopback. */
export async function startChain(logDir: string): Promise<Service> {
  const port = await freePort();
  const hardhat = join(ROOT, "node_modules", "hardhat", "dist", "src", "cli.js");
  const config = ["--config", join(ROOT, "hardhat.config.ts")];
  return startService({
    name: "chain",
    args: [hardhat, ...config, "node", "--network", "node", "--hostname", "127.0.0.1", "--port", String(port)],
    logDir,
    timeoutMs: START_MS,
    ready: (line) => /JSON-RPC server at (http:\/\/\S+?)\/?$/.exec(line)?.[1],
  });
}

/** Starts the simulated vendors' endorsement service on their state files. */
export function startEndorsements(files: VendorFiles, logDir: string): Promise<Service> {
  const program = join(ROOT, "offchain", "devnet", "endorsement-server.ts");
  const args = [program, "--vendor", files.intel, "--amd", files.amd, "--nvidia", files.nvidia];
  return startService({ name: "endorsements", args, logDir, timeoutMs: START_MS, ready: readyLine });
}

/** Every simulated vendor's service at one address: no genuine one is ever asked. */
export function servicesAt(url: string): EndorsementServices {
  return { pcs: url, kds: url, nvidiaRim: url, nvidiaOcsp: url, nvidiaNras: url };
}

/** One relayer: its key and the port that the committee's contract names. */
export interface RelayerPlace {
  readonly name: string;
  readonly account: Account;
  readonly port: number;
}

/** What all relayers share. */
export interface RelayerSurroundings {
  readonly dir: string;
  readonly logDir: string;
  readonly deployments: string;
  readonly rpcUrl: string;
  readonly chainId: bigint;
  readonly endorsementsUrl: string;
  readonly trustRoots: readonly TrustRoot[];
}

/** Writes a relayer's configuration and starts it. */
export function startRelayer(shared: RelayerSurroundings, place: RelayerPlace): Promise<Service> {
  const { name } = place;
  const file = join(shared.dir, "configs", `${name}.json`);
  const config = {
    rpcUrl: shared.rpcUrl,
    chainId: shared.chainId,
    deployments: shared.deployments,
    endorsements: servicesAt(shared.endorsementsUrl),
    keyFile: place.account.keyFile,
    state: join(shared.dir, "data", name),
    host: "127.0.0.1",
    port: place.port,
    trustRoots: shared.trustRoots,
    stepMs: STEP_MS,
    turnDelayMs: TURN_DELAY_MS,
  };
  writeFileSync(file, prettyJson(config));
  const args = [join(ROOT, "offchain", "relayer", "main.ts"), "--config", file];
  return startService({ name, args, logDir: shared.logDir, timeoutMs: START_MS, ready: readyLine });
}
