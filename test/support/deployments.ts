import { join } from "node:path";
import type { Contracts } from "../../offchain/chain/contracts.ts";
import type { DeployContext } from "../../offchain/chain/deploy.ts";
import type { DeployParameters } from "../../offchain/chain/deploy-parameters.ts";
import type { LocalChain } from "./local-chain.ts";
import { openContracts } from "../../offchain/chain/contracts.ts";
import { deploy } from "../../offchain/chain/deploy.ts";
import { DEVNET } from "../../offchain/chain/deploy-parameters.ts";
import { openSender } from "../../offchain/chain/sender.ts";

/** Development parameters: account 0 governs, account 1 guards, account 2 speaks for the community. */
export function localParameters({ accounts }: LocalChain, change: Partial<DeployParameters> = {}): DeployParameters {
  const [governor = "0x", guardian = "0x", community = "0x"] = accounts;
  return { ...DEVNET, token: null, proposers: [governor], executors: [governor], guardian, community, ...change };
}

/** What `deploy` needs on a local chain: account 0 deploys. */
export async function localContext(
  local: LocalChain,
  directory: string,
  change: Partial<DeployParameters> = {},
): Promise<DeployContext> {
  return {
    chain: local.chain,
    sender: await openSender(local.chain, { account: local.accounts[0] ?? "0x" }),
    parameters: localParameters(local, change),
    artifacts: "artifacts",
    file: join(directory, `${local.chain.chainId}.json`),
    commit: "0".repeat(40),
    devnet: true,
  };
}

/** Deploys everything to a local chain. */
export async function deployLocally(
  local: LocalChain,
  directory: string,
  change: Partial<DeployParameters> = {},
): Promise<Contracts> {
  return openContracts(local.chain, await deploy(await localContext(local, directory, change)));
}
