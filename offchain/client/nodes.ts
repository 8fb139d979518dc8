import type { Contracts } from "../chain/contracts.ts";
import { listOffers, type Offer } from "../chain/models.ts";
import { isDenied, readWorkload } from "../chain/reference-values.ts";
import { isActive, listNodes, readNode, type NodeRecord } from "../chain/registry.ts";
import type { Hex } from "../encoding/bytes.ts";
import { ConfigError, EvidenceError } from "../errors.ts";
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

/** What the evidence measures has to be what the reference values accept; the record alone could name another workload. */
export async function checkReferenceValues(contracts: Contracts, node: VerifiedNode): Promise<void> {
  const workloadId: Hex = `0x${node.result.claims?.workloadId ?? ""}`;
  const entry = await readWorkload(contracts, workloadId);
  if (entry === undefined || entry.removed || (await isDenied(contracts, workloadId))) {
    throw new EvidenceError("CHAIN_UNTRUSTED", `the reference values do not accept the workload ${workloadId}`);
  }
}
