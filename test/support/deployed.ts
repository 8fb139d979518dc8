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

export type OpenLock = Deployed<"isLinked" | "lockedOf" | "setLocked" | "slash" | "slashesOf">;

export type NodeStake = Deployed<
  | "addLock"
  | "bondedOf"
  | "cancelUnbond"
  | "deposit"
  | "depositFor"
  | "depositWithPermit"
  | "lockedOf"
  | "locks"
  | "removeLock"
  | "requestUnbond"
  | "slash"
  | "slashCapBps"
  | "stakeOf"
  | "sweepBurned"
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
  | "observer"
  | "platformPolicy"
  | "raiseMinEvaluationNumber"
  | "removeTcbStatus"
  | "removeWorkload"
  | "setObserver"
  | "setPlatformPolicy"
  | "suspendPlatform"
  | "workload"
  | "workloadVersion"
>;

export type NodeRegistry = Deployed<
  | "attest"
  | "challenge"
  | "challenges"
  | "challengeWindow"
  | "endChallenge"
  | "bindingDigest"
  | "committee"
  | "convict"
  | "dismissCommittee"
  | "dismissProver"
  | "epoch"
  | "exit"
  | "isActive"
  | "isFaultProver"
  | "isKeyOf"
  | "isProver"
  | "keyOverlap"
  | "liveNodes"
  | "minStake"
  | "node"
  | "nodeAt"
  | "nodeCount"
  | "nodes"
  | "pause"
  | "paused"
  | "platformDenied"
  | "platformNode"
  | "policyChanged"
  | "policyLinked"
  | "receiptKey"
  | "recheck"
  | "referenceValues"
  | "register"
  | "revoke"
  | "setChallenges"
  | "setCommittee"
  | "setEndpoint"
  | "setFaultProver"
  | "setMinStake"
  | "setProver"
  | "stake"
  | "stakeLinked"
  | "stakeSlashed"
  | "unpause"
>;

export type VerifierCommittee = Deployed<
  | "addMember"
  | "isMember"
  | "memberBond"
  | "penalise"
  | "memberCount"
  | "members"
  | "registry"
  | "removeMember"
  | "reportEquivocation"
  | "setEndpoint"
  | "setThreshold"
  | "stake"
  | "standingOf"
  | "stakeLinked"
  | "stakeSlashed"
  | "submitVerdict"
  | "takeSeat"
  | "threshold"
  | "verdictDigest"
>;

export type VerdictChallenges = Deployed<
  | "answer"
  | "appealSize"
  | "bond"
  | "challengeCount"
  | "challengeOf"
  | "creditOf"
  | "draw"
  | "expire"
  | "open"
  | "proofOf"
  | "resolveByProof"
  | "resolveByVotes"
  | "responseTime"
  | "setProof"
  | "voteDigest"
  | "withdraw"
>;

export type ToldProof = Deployed<"prove" | "tell">;
