import type { Hex } from "../encoding/bytes.ts";
import { ChainError } from "../errors.ts";
import { callTo, view, type Call, type Contracts } from "./contracts.ts";

/** What the vendor layer accepts of a platform; durations are seconds. */
export interface PlatformPolicy {
  /** Bit n is set where TCB status n is accepted. */
  readonly tcbStatusMask: number;
  readonly minEvaluationNumber: number;
  /** The longest validity of a verdict. */
  readonly ttl: number;
  /** The oldest evidence that a verdict may rest on when it is recorded. */
  readonly maxEvidenceAge: number;
  readonly accepted: boolean;
}

/** The live addition of a workload to the protocol layer. */
export interface WorkloadEntry {
  readonly workloadId: Hex;
  /** The policy version that verdicts name. */
  readonly version: number;
  readonly platform: number;
  /** Seconds since 1970. */
  readonly activeFrom: number;
  readonly removed: boolean;
  /** Whether the community denies it. */
  readonly denied: boolean;
  /** Whether verdicts without the evidence of a GPU are refused. */
  readonly requiresGpu: boolean;
}

/** Why the reference values refuse claims, in the order of the contract; `none` where they are accepted. */
const REFUSALS = [
  "none",
  "platform-not-accepted",
  "tcb-status-not-accepted",
  "evaluation-too-low",
  "workload-unknown",
  "workload-not-yet-active",
  "workload-removed",
  "workload-of-other-platform",
  "workload-denied",
  "platform-denied",
  "workload-of-other-version",
  "gpu-missing",
] as const;

export type Refusal = (typeof REFUSALS)[number];

/** A workload that is to be accepted; `platform` is the byte of docs/protocol.md section 1. */
export interface NewWorkload {
  readonly workloadId: Hex;
  readonly platform: number;
  readonly requiresGpu?: boolean;
}

/** What the reference values judge; numbers of docs/protocol.md section 1. */
export interface PolicyClaims {
  readonly workloadId: Hex;
  readonly policyVersion: number;
  readonly platform: number;
  readonly tcbStatus: number;
  readonly evaluationNumber: number;
  readonly platformId: Hex;
  /** Whether the evidence of a GPU was verified with the node's. */
  readonly withGpu: boolean;
}

/** The vendor layer for a platform's number. */
export function readPlatformPolicy(contracts: Contracts, platform: number): Promise<PlatformPolicy> {
  return view(contracts, "ReferenceValues", "platformPolicy", [platform]);
}

/** The live addition of a workload; undefined where there is none. */
export async function readWorkload(contracts: Contracts, workloadId: Hex): Promise<WorkloadEntry | undefined> {
  const version = await view<number>(contracts, "ReferenceValues", "workloadVersion", [workloadId]);
  if (version === 0) return undefined;
  const entry = await view<Omit<WorkloadEntry, "version">>(contracts, "ReferenceValues", "workload", [version]);
  return { ...entry, version };
}

/** Judges claims by all three layers as of now. */
export async function readAppraisal(contracts: Contracts, claims: PolicyClaims): Promise<Refusal> {
  const refusal = await view<number>(contracts, "ReferenceValues", "appraise", [claims]);
  const name = REFUSALS[refusal];
  if (name === undefined)
    throw new ChainError("TX_REVERTED", `ReferenceValues.appraise gave the unknown reason ${refusal}`);
  return name;
}

/** Accepts a workload on a platform, with `requiresGpu` only together with the evidence of a GPU. */
export function addWorkload(contracts: Contracts, { workloadId, platform, requiresGpu = false }: NewWorkload): Call {
  return callTo(contracts, "ReferenceValues", "addWorkload", [workloadId, platform, requiresGpu]);
}

export function removeWorkload(contracts: Contracts, workloadId: Hex): Call {
  return callTo(contracts, "ReferenceValues", "removeWorkload", [workloadId]);
}

export function setPlatformPolicy(contracts: Contracts, platform: number, policy: PlatformPolicy): Call {
  return callTo(contracts, "ReferenceValues", "setPlatformPolicy", [platform, policy]);
}

export function deny(contracts: Contracts, id: Hex, reasonUri: string): Call {
  return callTo(contracts, "ReferenceValues", "deny", [id, reasonUri]);
}
