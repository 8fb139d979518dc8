import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startNetwork, type Network } from "../../offchain/devnet/network.ts";
import { publishModel } from "../../offchain/devnet/nodes.ts";
import { readyLine, startService, type Service } from "../../offchain/devnet/processes.ts";
import { ROOT } from "../../offchain/devnet/services.ts";

/** Starts a development network in a directory of its own, with the digit model published. */
export async function startTestDevnet(): Promise<Network> {
  const dir = await mkdtemp(join(tmpdir(), "cloister-devnet-"));
  const network = await startNetwork({ dir, onStep: () => undefined });
  await publishModel(network, await network.account("model-owner"));
  return network;
}

/** Stops everything that runs and removes what it wrote. */
export async function stopTestDevnet(network: Network | undefined): Promise<void> {
  if (network === undefined) return;
  await network.stop();
  await rm(network.dir, { recursive: true, force: true });
}

/** Starts a relayer again that was killed: the same configuration, key, port and store. */
export function restartRelayer(network: Network, name: string): Promise<Service> {
  const config = join(network.dir, "configs", `${name}.json`);
  const args = [join(ROOT, "offchain", "relayer", "main.ts"), "--config", config];
  const logDir = join(network.dir, "logs");
  return network.run(() => startService({ name, args, logDir, timeoutMs: 60_000, ready: readyLine }));
}
