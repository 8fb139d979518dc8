import { id } from "ethers";
import type { Hex } from "../encoding/bytes.ts";
import type { Contracts } from "./contracts.ts";
import type { DeployParameters } from "./deploy-parameters.ts";
import { ConfigError } from "../errors.ts";
import { view } from "./contracts.ts";
import { hasRole } from "./deploy-plan.ts";

const TIMELOCK_ADMIN: Hex = `0x${"00".repeat(32)}`;

/**
 * Verifies who holds power after a deployment: the timelock administers and waits as long as it should, its proposers
 * are those of the parameters, and the deployer may do nothing. Throws ConfigError `CONFIG_INVALID` and names the fault.
 */
export async function verifyHandover(contracts: Contracts, parameters: DeployParameters, deployer: Hex): Promise<void> {
  const timelock = contracts.addresses.TimelockController;
  const inTimelock = (role: string, account: Hex): Promise<boolean> =>
    view(contracts, "TimelockController", "hasRole", [role, account]);
  const delay = await view<bigint>(contracts, "TimelockController", "getMinDelay");
  const faults: readonly (readonly [string, boolean])[] = [
    ["the timelock does not administer", !(await hasRole(contracts, "admin", timelock))],
    ["the deployer still administers", await hasRole(contracts, "admin", deployer)],
    ["the deployer may slash", (await view<readonly Hex[]>(contracts, "NodeStake", "locks")).includes(deployer)],
    ["the deployer may attest", await view<boolean>(contracts, "NodeRegistry", "isProver", [deployer])],
    ["the deployer may convict", await view<boolean>(contracts, "NodeRegistry", "isFaultProver", [deployer])],
    [
      "verdicts are challenged elsewhere",
      (await view<Hex>(contracts, "NodeRegistry", "challenges")) !== contracts.addresses.VerdictChallenges,
    ],
    ["the guardian has no power", !(await hasRole(contracts, "guardian", parameters.guardian))],
    [
      "the deployer is a guardian",
      parameters.guardian !== deployer && (await hasRole(contracts, "guardian", deployer)),
    ],
    ["the deployer administers the timelock", await inTimelock(TIMELOCK_ADMIN, deployer)],
    ["the timelock's delay is another", delay < BigInt(parameters.timelockDelay)],
    ...(await Promise.all(
      parameters.proposers.map(
        async (proposer) => [`${proposer} cannot propose`, !(await inTimelock(id("PROPOSER_ROLE"), proposer))] as const,
      ),
    )),
  ];
  const found = faults.filter(([, isFault]) => isFault).map(([fault]) => fault);
  if (found.length > 0) throw new ConfigError("CONFIG_INVALID", `the deployment does not hold: ${found.join(", ")}`);
}
