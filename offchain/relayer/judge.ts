import type { NodeRecord } from "../chain/registry.ts";
import type { Block } from "../chain/provider.ts";
import type { PlatformPolicy } from "../chain/reference-values.ts";
import type { Claims } from "../evidence/scheme.ts";
import type { AppraisalPolicy } from "../verifier/policy.ts";
import type { Failure } from "../verifier/result.ts";
import type { NodeEvidence } from "../verifier/node-evidence.ts";
import type { Verdict } from "../verifier/verdict.ts";
import type { JudgeContext } from "./context.ts";
import { blockAt } from "../chain/provider.ts";
import { readAppraisal, readPlatformPolicy, readWorkload } from "../chain/reference-values.ts";
import { endorsementsOfNode } from "../endorsements/node.ts";
import { EndorsementError, EvidenceError } from "../errors.ts";
import { checkNodeEvidence } from "../verifier/node-evidence.ts";
import { DEFAULT_POLICY } from "../verifier/policy.ts";
import { platformCode, tcbStatusCode } from "../verifier/verdict.ts";
import { verifyNodeEvidence } from "../verifier/verify-node.ts";
import { registryDomain } from "./context.ts";

/** What a member finds: a verdict to sign, or every reason against the node. */
export type Judgement = { readonly verdict: Verdict } | { readonly refused: readonly Failure[] };

/** A node's evidence with what the chain says about both. */
export interface Case {
  readonly node: NodeRecord;
  readonly evidence: NodeEvidence;
  /** The block that the evidence is anchored to. */
  readonly anchor: Block;
  /** The newest block. */
  readonly head: Block;
}

/** Reads the block that evidence is anchored to; throws `EvidenceError` `EVIDENCE_STALE` where this chain has another. */
export async function readAnchor(
  { contracts }: Pick<JudgeContext, "contracts">,
  { anchor }: NodeEvidence,
): Promise<Block> {
  const block = await blockAt(contracts.chain, anchor.blockNumber);
  if (block?.blockHash === anchor.blockHash) return block;
  throw new EvidenceError("EVIDENCE_STALE", `block ${anchor.blockNumber} is not the one that the evidence names`);
}

/**
 * Verifies a node's evidence and appraises it by the policy on chain. All members that see the same evidence, endorsements
 * and chain come to the same verdict, byte for byte. Throws EndorsementError where endorsements are missing, and ChainError:
 * both say nothing about the node.
 */
export async function judge(context: JudgeContext, found: Case): Promise<Judgement> {
  const { evidence } = found;
  const platform = platformCode(evidence.platform, evidence.simulated);
  if (platform === undefined) return refuse("platform", "POLICY", `${evidence.platform} is no node by itself`);
  const policy = await readPlatformPolicy(context.contracts, platform);
  if (!policy.accepted) return refuse("platform", "POLICY", `platform ${platform} is not accepted`);
  const fault = bindingFault(context, found) ?? ageFault(found, policy);
  if (fault !== undefined) return { refused: [fault] };
  const result = await verifyNodeEvidence(registryDomain(context), evidence, {
    endorsements: await endorsementsOfNode(evidence, context.endorsementsOf),
    trustRoots: context.trustRoots,
    now: context.now(),
    policy: appraisalPolicy(evidence, policy),
    evidenceTime: found.anchor.timestamp * 1000,
    chains: context.chains,
  });
  if (result.verdict === "none") throw unchecked(result.failures);
  if (result.verdict === "contraindicated" || result.claims === null) return { refused: result.failures };
  return byReferenceValues(context, { ...found, claims: result.claims, platform, policy });
}

/** The appraisal policy that the vendor layer on chain amounts to. */
export function appraisalPolicy(
  evidence: Pick<NodeEvidence, "platform" | "simulated">,
  policy: PlatformPolicy,
): AppraisalPolicy {
  return {
    ...DEFAULT_POLICY,
    platforms: [evidence.platform],
    tcbStatuses: DEFAULT_POLICY.tcbStatuses.filter((status) => (policy.tcbStatusMask >> tcbStatusCode(status)) & 1),
    minimumEvaluationNumber: policy.minEvaluationNumber,
    allowSimulated: evidence.simulated,
  };
}

function bindingFault(context: JudgeContext, { node, evidence }: Case): Failure | undefined {
  const { nodeId, operator } = evidence.binding;
  if (nodeId !== node.nodeId || operator !== node.operator) {
    return failureOf("binding", "BINDING_MISMATCH", "the evidence binds another node or operator");
  }
  try {
    checkNodeEvidence(registryDomain(context), evidence);
    return undefined;
  } catch (error) {
    if (error instanceof EvidenceError) return failureOf("binding", error.code, error.message);
    throw error;
  }
}

function ageFault({ anchor, head }: Case, policy: PlatformPolicy): Failure | undefined {
  const age = head.timestamp - anchor.timestamp;
  if (age <= policy.maxEvidenceAge) return undefined;
  return failureOf("freshness", "EVIDENCE_STALE", `the evidence is ${age} s old, not ${policy.maxEvidenceAge}`);
}

interface Verified extends Case {
  readonly claims: Claims;
  readonly platform: number;
  readonly policy: PlatformPolicy;
}

async function byReferenceValues({ contracts }: JudgeContext, found: Verified): Promise<Judgement> {
  const { claims, evidence, anchor, head, platform, policy } = found;
  if (claims.simulated !== evidence.simulated) {
    return refuse("platform", "BINDING_MISMATCH", "the node does not say rightly whether it is simulated");
  }
  if (claims.platformId === undefined) return refuse("platform", "NOT_CHECKED", "the evidence names no platform");
  const workload = await readWorkload(contracts, `0x${claims.workloadId}`);
  const verdict: Verdict = {
    ...evidence.binding,
    platform,
    tcbStatus: tcbStatusCode(claims.tcb?.status),
    evaluationNumber: claims.tcb?.evaluationDataNumber ?? 0,
    workloadId: `0x${claims.workloadId}`,
    platformId: `0x${claims.platformId}`,
    evidenceHash: `0x${claims.evidenceHash}`,
    policyVersion: workload?.version ?? 0,
    blockNumber: anchor.blockNumber,
    blockHash: anchor.blockHash,
    issuedAt: anchor.timestamp,
    expiresAt: Math.min(anchor.timestamp + policy.ttl, Math.floor(claims.validUntil / 1000)),
  };
  const refusal = await readAppraisal(contracts, { ...verdict, withGpu: evidence.devices.length > 0 });
  if (refusal !== "none") return refuse("reference-values", "POLICY", refusal);
  if (verdict.expiresAt <= head.timestamp) return refuse("freshness", "EVIDENCE_STALE", "the verdict would be expired");
  return { verdict };
}

function refuse(id: string, code: Failure["code"], detail: string): Judgement {
  return { refused: [failureOf(id, code, detail)] };
}

function failureOf(id: string, code: Failure["code"], detail: string): Failure {
  return { id, code, detail, tier: "contraindicated" };
}

function unchecked(failures: readonly Failure[]): EndorsementError {
  const reasons = failures.map(({ id, detail }) => `${id}: ${detail}`).join("; ");
  return new EndorsementError("ENDORSEMENT_UNAVAILABLE", `the evidence cannot be judged yet: ${reasons}`);
}
