import type { HardhatEthers } from "@nomicfoundation/hardhat-ethers/types";
import type { BaseContract, BaseContractMethod, ContractRunner } from "ethers";

/** A deployed contract with the named methods. */
export type Deployed<Names extends string> = BaseContract & Readonly<Record<Names, BaseContractMethod>>;

/** Deploys the contract `name` from the first account. */
export async function deploy<T extends BaseContract>(
  ethers: HardhatEthers,
  name: string,
  args: unknown[] = [],
): Promise<T> {
  return (await ethers.deployContract(name, args)) as BaseContract as T;
}

/** The same contract, called by `account`. */
export function as<T extends BaseContract>(contract: T, account: ContractRunner): T {
  return contract.connect(account) as T;
}

export type TestToken = Deployed<"approve" | "balanceOf" | "mint" | "nonces" | "permit">;

export type HostileToken = Deployed<"approve" | "arm" | "mint" | "setFee">;

export type AccessManager = Deployed<"grantRole" | "setTargetFunctionRole">;

export type NodeStake = Deployed<
  | "bondedOf"
  | "cancelUnbond"
  | "deposit"
  | "depositFor"
  | "depositWithPermit"
  | "requestUnbond"
  | "slash"
  | "slashCapBps"
  | "stakeOf"
  | "thaw"
  | "token"
  | "totalBurned"
  | "withdraw"
>;

export type ReferenceValues = Deployed<
  | "addWorkload"
  | "additionDelay"
  | "allow"
  | "appraise"
  | "denied"
  | "deny"
  | "latestVersion"
  | "platformPolicy"
  | "raiseMinEvaluationNumber"
  | "removeTcbStatus"
  | "removeWorkload"
  | "setPlatformPolicy"
  | "suspendPlatform"
  | "workload"
  | "workloadVersion"
>;

export type NodeRegistry = Deployed<
  | "addAttester"
  | "attest"
  | "bindingDigest"
  | "exit"
  | "isActive"
  | "isAttester"
  | "keyOverlap"
  | "keyOwner"
  | "liveNodes"
  | "markSlashed"
  | "minStake"
  | "node"
  | "nodeAt"
  | "nodeCount"
  | "nodes"
  | "pause"
  | "paused"
  | "receiptKey"
  | "recheck"
  | "referenceValues"
  | "register"
  | "removeAttester"
  | "revoke"
  | "setEndpoint"
  | "setMinStake"
  | "stake"
  | "unpause"
>;

export type VerifierCommittee = Deployed<
  | "addMember"
  | "isMember"
  | "memberBond"
  | "memberCount"
  | "members"
  | "registry"
  | "removeMember"
  | "reportEquivocation"
  | "setEndpoint"
  | "setThreshold"
  | "stake"
  | "standingOf"
  | "submitVerdict"
  | "threshold"
  | "verdictDigest"
>;
