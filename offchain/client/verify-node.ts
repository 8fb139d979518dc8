import { keccak256 } from "#crypto";
import { toHex, type Hex } from "../encoding/bytes.ts";
import { EndorsementError, EvidenceError, ServiceError } from "../errors.ts";
import type { TrustRoot } from "../evidence/scheme.ts";
import type { Block } from "../chain/provider.ts";
import type { NodeRecord } from "../chain/registry.ts";
import { endorsementsOfNode, type EndorsementsOf } from "../endorsements/node.ts";
import { fetchJson } from "../http/fetch.ts";
import type { RegistryDomain } from "../verifier/binding.ts";
import type { NodeEndorsements } from "../verifier/family.ts";
import { parseNodeEvidence, type NodeEvidence } from "../verifier/node-evidence.ts";
import { layersOf, type Policy } from "../verifier/policy-layers.ts";
import type { AttestationResult } from "../verifier/result.ts";
import { verifyNodeEvidence } from "../verifier/verify-node.ts";

/** A node whose evidence this client has verified itself. */
export interface VerifiedNode {
  readonly nodeId: Hex;
  readonly endpoint: string;
  readonly keyEpoch: number;
  readonly nodeEvidence: NodeEvidence;
  /** keccak256 of the evidence: receipts name it. */
  readonly evidenceHash: Hex;
  readonly endorsements: NodeEndorsements;
  readonly result: AttestationResult;
  /** Milliseconds since 1970: the earliest of the record's expiry, the evidence's validity and the age that the policy allows. */
  readonly validUntil: number;
}

export interface VerifyNodeOptions {
  readonly domain: RegistryDomain;
  readonly trustRoots: readonly TrustRoot[];
  /** The user's own; the contract's word is one more check and never a substitute. */
  readonly policy: Policy;
  readonly endorsementsFor: EndorsementsOf;
  /** A block of the registry's chain; undefined where it does not know it any more. */
  readonly blockAt: (blockNumber: bigint) => Promise<Pick<Block, "blockHash" | "timestamp"> | undefined>;
  /** Milliseconds since 1970. */
  readonly now: number;
}

const EVIDENCE_LIMITS = { timeoutMs: 10_000, maxBytes: 1 << 20 };

/**
 * Fetches the evidence that the registry names for a node and verifies it: hardware chain, policy, binding, anchor, and that the
 * record's keys are the evidence's keys.
 * Throws `EvidenceError` with the reason, `EndorsementError` where endorsements are missing or expired, or `ServiceError`.
 */
export async function verifyNode(record: NodeRecord, options: VerifyNodeOptions): Promise<VerifiedNode> {
  const nodeEvidence = await recordedEvidence(record);
  const evidenceTime = await evidenceTimeOf(nodeEvidence, options);
  const endorsements = await endorsementsOfNode(nodeEvidence, options.endorsementsFor);
  const result = await verifyNodeEvidence(options.domain, nodeEvidence, {
    endorsements,
    trustRoots: options.trustRoots,
    now: options.now,
    policy: options.policy,
    evidenceTime,
  });
  assertAcceptable(result);
  return {
    nodeId: record.nodeId,
    endpoint: record.endpoint,
    keyEpoch: record.keyEpoch,
    nodeEvidence,
    evidenceHash: record.evidenceHash,
    endorsements,
    result,
    validUntil: Math.min(
      record.expiresAt * 1000,
      result.claims?.validUntil ?? 0,
      staleAt(options.policy, evidenceTime),
    ),
  };
}

/** Fetches the evidence that the registry names for a node; throws `EvidenceError` where the node shows other evidence, or `ServiceError`. */
export async function recordedEvidence(
  record: NodeRecord,
  limits: { readonly timeoutMs?: number } = {},
): Promise<NodeEvidence> {
  const url = `${record.endpoint}/v1/evidence/${record.evidenceHash}`;
  const { status, body } = await fetchJson(url, { ...EVIDENCE_LIMITS, ...limits });
  if (status !== 200) throw new ServiceError("SERVICE_UNAVAILABLE", `${url} answered ${status}`);
  const nodeEvidence = parseNodeEvidence(body);
  checkRecord(record, nodeEvidence);
  return nodeEvidence;
}

/** The record on chain and the evidence have to speak of the same node, operator, key and bytes. */
function checkRecord(record: NodeRecord, { binding, evidence }: NodeEvidence): void {
  const same: readonly (readonly [string, Hex, Hex])[] = [
    ["evidence hash", record.evidenceHash, toHex(keccak256(evidence))],
    ["node", record.nodeId, binding.nodeId],
    ["operator", record.operator, binding.operator],
    ["signing key", record.signingKey, binding.signingKey],
  ];
  for (const [what, recorded, found] of same) {
    if (recorded.toLowerCase() !== found.toLowerCase()) {
      throw new EvidenceError("BINDING_MISMATCH", `the registry names the ${what} ${recorded}, the evidence ${found}`);
    }
  }
}

/** When the evidence was made, in milliseconds since 1970: not before its anchor. A chain's clock may be ahead of this program's. */
async function evidenceTimeOf({ anchor }: NodeEvidence, { blockAt, now }: VerifyNodeOptions): Promise<number> {
  const known = await blockAt(anchor.blockNumber);
  if (known?.blockHash.toLowerCase() !== anchor.blockHash.toLowerCase()) {
    throw new EvidenceError("EVIDENCE_STALE", `block ${anchor.blockNumber} of this chain is not the evidence's anchor`);
  }
  return Math.min(known.timestamp * 1000, now);
}

/** When a policy's greatest age of evidence is reached, in milliseconds since 1970; infinite without one. */
function staleAt(policy: Policy, evidenceTime: number): number {
  const ages = layersOf(policy).flatMap(({ policy: { maximumEvidenceAge } }) => maximumEvidenceAge ?? []);
  return evidenceTime + Math.min(...ages) * 1000;
}

function assertAcceptable({ verdict, failures }: AttestationResult): void {
  if (verdict === "affirming" || verdict === "warning") return;
  const reasons = failures.map(({ id, detail }) => `${id}: ${detail}`).join("; ");
  // What could not be judged for want of endorsements says nothing about the node.
  if (verdict === "none") {
    const missing = failures.map(({ code }) => code).find(isEndorsementCode);
    throw new EndorsementError(missing ?? "ENDORSEMENT_UNAVAILABLE", `the node cannot be judged: ${reasons}`);
  }
  const coded = failures.find(isEvidenceFailure);
  throw new EvidenceError(coded?.code ?? "CHAIN_UNTRUSTED", `the node is refused (${verdict}): ${reasons}`);
}

const ENDORSEMENT_CODES = ["ENDORSEMENT_UNAVAILABLE", "ENDORSEMENT_EXPIRED", "ENDORSEMENT_INVALID"] as const;

function isEndorsementCode(code: string): code is (typeof ENDORSEMENT_CODES)[number] {
  return (ENDORSEMENT_CODES as readonly string[]).includes(code);
}

const EVIDENCE_CODES = [
  "EVIDENCE_MALFORMED",
  "EVIDENCE_UNSUPPORTED",
  "SIGNATURE_INVALID",
  "CHAIN_UNTRUSTED",
  "CERTIFICATE_REVOKED",
  "CERTIFICATE_EXPIRED",
  "BINDING_MISMATCH",
  "EVIDENCE_STALE",
] as const;

type EvidenceFailure = AttestationResult["failures"][number] & { readonly code: (typeof EVIDENCE_CODES)[number] };

function isEvidenceFailure(failure: AttestationResult["failures"][number]): failure is EvidenceFailure {
  return (EVIDENCE_CODES as readonly string[]).includes(failure.code);
}
