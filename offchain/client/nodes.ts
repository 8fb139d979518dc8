import type { Contracts } from "../chain/contracts.ts";
import { listOffers, type Offer } from "../chain/models.ts";
import { readAppraisal, readWorkload } from "../chain/reference-values.ts";
import { isActive, listNodes, readNode, type NodeRecord } from "../chain/registry.ts";
import type { Hex } from "../encoding/bytes.ts";
import { ConfigError, EvidenceError } from "../errors.ts";
import { platformCode, tcbStatusCode } from "../verifier/verdict.ts";
import type { VerifiedNode } from "./verify-node.ts";

/** A node as the registry lists it, with what it offers. */
export interface ListedNode extends NodeRecord {
  readonly active: boolean;
  readonly offers: readonly Offer[];
}

/** Every registered node with whether it is active and what it offers, in the order of registration. */
export async function listWithOffers(contracts: Contracts): Promise<readonly ListedNode[]> {
  const records = await listNodes(contracts);
  return Promise.all(
    records.map(async (record) => {
      const [active, offers] = await Promise.all([
        isActive(contracts, record.nodeId),
        listOffers(contracts, record.nodeId),
      ]);
      return Object.assign({ active, offers }, record);
    }),
  );
}

/** The record of an active node; throws `ConfigError` for an unknown one and `EvidenceError` `EVIDENCE_STALE` for one that is not active. */
export async function readyNode(contracts: Contracts, nodeId: Hex): Promise<NodeRecord> {
  const record = await readNode(contracts, nodeId);
  if (record === undefined) throw new ConfigError("CONFIG_INVALID", `the registry knows no node ${nodeId}`);
  if (await isActive(contracts, nodeId)) return record;
  throw new EvidenceError("EVIDENCE_STALE", `the registry does not call ${nodeId} active (${record.status})`);
}

/**
 * Checks that the reference values accept what the evidence says, whatever a lying committee recorded; throws `EvidenceError`
 * `CHAIN_UNTRUSTED`.
 */
export async function checkReferenceValues(contracts: Contracts, node: VerifiedNode): Promise<void> {
  const { claims } = node.result;
  const platform = claims === null ? undefined : platformCode(claims.platform, claims.simulated);
  if (claims?.platformId === undefined || platform === undefined) {
    throw new EvidenceError("CHAIN_UNTRUSTED", "the evidence names no platform");
  }
  const entry = await readWorkload(contracts, `0x${claims.workloadId}`);
  const refusal = await readAppraisal(contracts, {
    workloadId: `0x${claims.workloadId}`,
    policyVersion: entry?.version ?? 0,
    platform,
    tcbStatus: tcbStatusCode(claims.tcb?.status),
    evaluationNumber: claims.tcb?.evaluationDataNumber ?? 0,
    platformId: `0x${claims.platformId}`,
    withGpu: node.nodeEvidence.devices.length > 0,
  });
  if (refusal === "none") return;
  throw new EvidenceError("CHAIN_UNTRUSTED", `the reference values refuse workload ${claims.workloadId}: ${refusal}`);
}
