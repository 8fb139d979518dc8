import type { BaseContract, BaseContractMethod } from "ethers";

/** A deployed contract with the named methods. */
export type Deployed<Names extends string> = BaseContract & Readonly<Record<Names, BaseContractMethod>>;

export type TestToken = Deployed<"approve" | "balanceOf" | "mint" | "nonces" | "transfer">;

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
