import type { Hex } from "../encoding/bytes.ts";
import type { ContractName } from "./abi.ts";
import type { DeployedName } from "./deployment.ts";
import type { DeployParameters } from "./deploy-parameters.ts";
import { INTERFACES } from "./codec.ts";
import { callTo, view, type Call, type Contracts } from "./contracts.ts";
import { addMember, readMembers } from "./committee.ts";
import { addWorkload, readPlatformPolicy, readWorkload, setPlatformPolicy } from "./reference-values.ts";

/** Roles of the access manager. Whatever has no role here is the administrator's: the timelock's. */
export const ROLES = { admin: 0n, guardian: 1n, community: 2n } as const;

type Role = keyof typeof ROLES;

const ZERO_ADDRESS: Hex = `0x${"00".repeat(20)}`;

/** Which functions each role may call, and nobody else. */
export const ROLE_FUNCTIONS: readonly (readonly [Role, ContractName, readonly string[]])[] = [
  ["guardian", "NodeRegistry", ["dismissCommittee", "dismissProver", "pause", "revoke"]],
  ["guardian", "ReferenceValues", ["raiseMinEvaluationNumber", "removeTcbStatus", "removeWorkload", "suspendPlatform"]],
  ["guardian", "VerifierCommittee", ["removeMember"]],
  ["community", "ReferenceValues", ["deny"]],
];

/** One step after the contracts stand: it is done where the chain says so, and sending it twice is never needed. */
export interface Step {
  readonly name: string;
  readonly isDone: () => Promise<boolean>;
  readonly call: Call;
}

/** Constructor arguments of a contract; `at` gives the addresses of those deployed before it. */
export function constructorArguments(
  name: DeployedName,
  parameters: DeployParameters,
  at: { readonly deployer: Hex; readonly token: Hex; readonly of: (name: DeployedName) => Hex },
): readonly unknown[] {
  const { of } = at;
  const lists: Readonly<Record<DeployedName, () => readonly unknown[]>> = {
    TimelockController: () => [parameters.timelockDelay, parameters.proposers, parameters.executors, ZERO_ADDRESS],
    AccessManager: () => [at.deployer],
    NodeStake: () => [of("AccessManager"), at.token, parameters.stakeThaw, parameters.slashCapBps],
    ReferenceValues: () => [of("AccessManager"), parameters.additionDelay],
    NodeRegistry: () => [
      of("AccessManager"),
      of("NodeStake"),
      of("ReferenceValues"),
      parameters.minStake,
      parameters.keyOverlap,
      parameters.challengeWindow,
    ],
    VerifierCommittee: () => [of("AccessManager"), of("NodeRegistry"), parameters.memberBond, parameters.threshold],
    VerdictChallenges: () => [
      of("AccessManager"),
      of("VerifierCommittee"),
      parameters.challengeBond,
      parameters.responseTime,
      parameters.appealSize,
    ],
    ModelRegistry: () => [of("NodeRegistry")],
    InferenceEscrow: () => [at.token, of("NodeRegistry"), parameters.channelThaw],
  };
  return lists[name]();
}

/** The steps that wire the contracts and hand them over, in order; the last one takes the deployer's power away. */
export function wiringSteps(contracts: Contracts, parameters: DeployParameters, deployer: Hex): readonly Step[] {
  const { addresses } = contracts;
  return [
    ...ROLE_FUNCTIONS.map(([role, target, functions]) => roleFunctions(contracts, role, target, functions)),
    grant(contracts, "guardian", parameters.guardian),
    grant(contracts, "guardian", addresses.TimelockController),
    grant(contracts, "community", parameters.community),
    {
      name: "reference values tell the registry",
      isDone: async () => (await view<Hex>(contracts, "ReferenceValues", "observer")) === addresses.NodeRegistry,
      call: callTo(contracts, "ReferenceValues", "setObserver", [addresses.NodeRegistry]),
    },
    lockStep(contracts, "NodeRegistry"),
    lockStep(contracts, "VerifierCommittee"),
    {
      name: "committee attests",
      isDone: async () => (await view<Hex>(contracts, "NodeRegistry", "committee")) === addresses.VerifierCommittee,
      call: callTo(contracts, "NodeRegistry", "setCommittee", [addresses.VerifierCommittee]),
    },
    {
      name: "verdicts can be challenged",
      isDone: async () => (await view<Hex>(contracts, "NodeRegistry", "challenges")) === addresses.VerdictChallenges,
      call: callTo(contracts, "NodeRegistry", "setChallenges", [addresses.VerdictChallenges]),
    },
    {
      name: "escrow proves faults",
      isDone: () => view(contracts, "NodeRegistry", "isFaultProver", [addresses.InferenceEscrow]),
      call: callTo(contracts, "NodeRegistry", "setFaultProver", [addresses.InferenceEscrow, true]),
    },
    ...parameters.platforms.map((policy) => platformStep(contracts, policy)),
    ...parameters.workloads.map((workload) => workloadStep(contracts, workload)),
    ...parameters.members.map((member) => memberStep(contracts, member)),
    grant(contracts, "admin", addresses.TimelockController),
    {
      name: "deployer renounces",
      isDone: async () => !(await hasRole(contracts, "admin", deployer)),
      call: callTo(contracts, "AccessManager", "renounceRole", [ROLES.admin, deployer]),
    },
  ];
}

/** Whether an account has a role, with no delay of its own. */
export async function hasRole(contracts: Contracts, role: Role, account: Hex): Promise<boolean> {
  const found = await view<{ isMember: boolean }>(contracts, "AccessManager", "hasRole", [ROLES[role], account]);
  return found.isMember;
}

function roleFunctions(contracts: Contracts, role: Role, target: ContractName, functions: readonly string[]): Step {
  const selectors = functions.map((name) => INTERFACES[target].getFunction(name)?.selector ?? "");
  const at = contracts.addresses[target];
  return {
    name: `${role} of ${target}`,
    isDone: async () => {
      const roles = await Promise.all(
        selectors.map((selector) => view<bigint>(contracts, "AccessManager", "getTargetFunctionRole", [at, selector])),
      );
      return roles.every((found) => found === ROLES[role]);
    },
    call: callTo(contracts, "AccessManager", "setTargetFunctionRole", [at, selectors, ROLES[role]]),
  };
}

function grant(contracts: Contracts, role: Role, account: Hex): Step {
  return {
    name: `${role} is ${account}`,
    isDone: () => hasRole(contracts, role, account),
    call: callTo(contracts, "AccessManager", "grantRole", [ROLES[role], account, 0]),
  };
}

function lockStep(contracts: Contracts, name: "NodeRegistry" | "VerifierCommittee"): Step {
  const address = contracts.addresses[name];
  return {
    name: `stake is locked by ${name}`,
    isDone: async () => (await view<readonly Hex[]>(contracts, "NodeStake", "locks")).includes(address),
    call: callTo(contracts, "NodeStake", "addLock", [address]),
  };
}

function platformStep(contracts: Contracts, wanted: DeployParameters["platforms"][number]): Step {
  const { platform, ...policy } = wanted;
  return {
    name: `platform ${platform}`,
    isDone: async () => {
      const found = await readPlatformPolicy(contracts, platform);
      return Object.entries(policy).every(([name, value]) => found[name as keyof typeof found] === value);
    },
    call: setPlatformPolicy(contracts, platform, policy),
  };
}

function workloadStep(contracts: Contracts, workload: DeployParameters["workloads"][number]): Step {
  const { workloadId } = workload;
  return {
    name: `workload ${workloadId}`,
    isDone: async () => (await readWorkload(contracts, workloadId)) !== undefined,
    call: addWorkload(contracts, workload),
  };
}

function memberStep(contracts: Contracts, { account, endpoint }: DeployParameters["members"][number]): Step {
  return {
    name: `member ${account}`,
    isDone: async () => (await readMembers(contracts)).some((member) => member.account === account),
    call: addMember(contracts, account, endpoint),
  };
}
