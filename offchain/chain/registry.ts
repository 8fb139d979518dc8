import type { Hex } from "../encoding/bytes.ts";
import { callTo, view, type Call, type Contracts } from "./contracts.ts";
import { revertName } from "./failure.ts";

const STATUSES = ["none", "registered", "active", "revoked", "exited", "slashed", "pending", "challenged"] as const;

/** Where a node stands by its record; whether it may be used now is `isActive`. */
export type NodeStatus = (typeof STATUSES)[number];

/** A node's record on chain; times are seconds since 1970, ids and hashes 32 bytes. */
export interface NodeRecord {
  readonly nodeId: Hex;
  readonly operator: Hex;
  readonly status: NodeStatus;
  /** The zero address before the first attestation. */
  readonly signingKey: Hex;
  /** 0 before the first attestation. */
  readonly keyEpoch: number;
  /** Numbers of docs/protocol.md section 1. */
  readonly platform: number;
  readonly tcbStatus: number;
  readonly evaluationNumber: number;
  readonly policyVersion: number;
  readonly workloadId: Hex;
  readonly evidenceHash: Hex;
  readonly attestedAt: number;
  readonly expiresAt: number;
  readonly previousKey: Hex;
  readonly previousEpoch: number;
  readonly previousUntil: number;
  readonly endpoint: string;
}

type RawNode = Omit<NodeRecord, "status"> & { readonly status: number };

const PAGE = 50n;

/** A node's record; undefined for an unknown one. */
export async function readNode(contracts: Contracts, nodeId: Hex): Promise<NodeRecord | undefined> {
  try {
    return nodeRecord(await view<RawNode>(contracts, "NodeRegistry", "node", [nodeId]));
  } catch (error) {
    if (revertName(error) === "NodeRegistryUnknownNode") return undefined;
    throw error;
  }
}

/** All nodes that were ever registered, in the order of registration. */
export async function listNodes(contracts: Contracts): Promise<readonly NodeRecord[]> {
  const count = await view<bigint>(contracts, "NodeRegistry", "nodeCount");
  const nodes: NodeRecord[] = [];
  for (let start = 0n; start < count; start += PAGE) {
    nodes.push(...(await view<RawNode[]>(contracts, "NodeRegistry", "nodes", [start, PAGE])).map(nodeRecord));
  }
  return nodes;
}

/** Whether a node may be trusted with requests now, by the contract's word. */
export function isActive(contracts: Contracts, nodeId: Hex): Promise<boolean> {
  return view(contracts, "NodeRegistry", "isActive", [nodeId]);
}

/** The key whose receipts of an epoch can be settled now; the zero address for none. */
export function readReceiptKey(
  contracts: Contracts,
  nodeId: Hex,
  keyEpoch: number,
): Promise<{ readonly signingKey: Hex; readonly operator: Hex }> {
  return view(contracts, "NodeRegistry", "receiptKey", [nodeId, keyEpoch]);
}

/** The bond that each live node needs. */
export function readMinStake(contracts: Contracts): Promise<bigint> {
  return view(contracts, "NodeRegistry", "minStake");
}

/** Registers a node of the sender; its id is `keccak256(abi.encode(sender, salt))`. */
export function register(contracts: Contracts, salt: Hex, endpoint: string): Call {
  return callTo(contracts, "NodeRegistry", "register", [salt, endpoint]);
}

export function setNodeEndpoint(contracts: Contracts, nodeId: Hex, endpoint: string): Call {
  return callTo(contracts, "NodeRegistry", "setEndpoint", [nodeId, endpoint]);
}

/** Takes a node of the sender out of service for ever. */
export function exitNode(contracts: Contracts, nodeId: Hex): Call {
  return callTo(contracts, "NodeRegistry", "exit", [nodeId]);
}

/** Revokes a node that policy no longer accepts; open to anyone. */
export function recheckNode(contracts: Contracts, nodeId: Hex): Call {
  return callTo(contracts, "NodeRegistry", "recheck", [nodeId]);
}

function nodeRecord(raw: RawNode): NodeRecord {
  return { ...raw, status: STATUSES[raw.status] ?? "none" };
}
