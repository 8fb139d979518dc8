import { concat, toHex, type Hex } from "../encoding/bytes.ts";
import type { Receipt } from "../receipt/receipt.ts";
import type { SettlementList } from "../receipt/settlement-list.ts";
import { callTo, view, type Call, type Contracts } from "./contracts.ts";
import { hasRaw, packSettlement, type Settlement } from "./packed.ts";

/** A payer's channel with a node, in the token's smallest unit. */
export interface ChannelState {
  /** What was deposited and not withdrawn: `deposit - spent` is left. */
  readonly deposit: bigint;
  readonly spent: bigint;
  /** Seconds since 1970; 0 while the channel is open. */
  readonly withdrawableAt: number;
  /** Up to where the enclave's lists may raise `spent` without vouchers; 0 where the payer allowed none. */
  readonly listCap: bigint;
}

/** The channel of a payer with a node; all zero where there never was one. */
export function readChannel(contracts: Contracts, payer: Hex, nodeId: Hex): Promise<ChannelState> {
  return view(contracts, "InferenceEscrow", "channel", [payer, nodeId]);
}

/** What an operator has earned and not taken. */
export function readEarnings(contracts: Contracts, operator: Hex): Promise<bigint> {
  return view(contracts, "InferenceEscrow", "earnings", [operator]);
}

/** How long a closing channel thaws, in seconds. */
export function readChannelThaw(contracts: Contracts): Promise<number> {
  return view(contracts, "InferenceEscrow", "thaw");
}

/** Opens channels of the sender or tops them up; the sum must be approved for the escrow. */
export function depositChannels(
  contracts: Contracts,
  deposits: readonly { readonly nodeId: Hex; readonly amount: bigint }[],
): Call {
  return callTo(contracts, "InferenceEscrow", "deposit", [deposits]);
}

/** Lets the node's enclave settle by lists, without vouchers, until the channel has spent `cap` in all; it can only be raised. */
export function allowList(contracts: Contracts, nodeId: Hex, cap: bigint): Call {
  return callTo(contracts, "InferenceEscrow", "allowList", [nodeId, cap]);
}

/** Settles one receipt; reverts where it would pay nothing. */
export function settle(contracts: Contracts, settlement: Settlement): Call {
  return callTo(contracts, "InferenceEscrow", "settle", [
    serviceOf(settlement.receipt),
    settlementArguments(settlement),
  ]);
}

/** Settles many receipts; those that do not hold are left out with the event `SettlementRefused`. */
export function settleBatch(contracts: Contracts, settlements: readonly Settlement[]): Call {
  return callTo(contracts, "InferenceEscrow", "settleBatch", [batchesOf(byService(settlements))]);
}

/** Settles many receipts as `settleBatch`, at less gas; undefined where one of them is not signed by keys alone. */
export function settlePacked(contracts: Contracts, settlements: readonly Settlement[]): Call | undefined {
  const batches = byService(settlements).map(packedBatch);
  return batches.includes(undefined) ? undefined : callTo(contracts, "InferenceEscrow", "settlePacked", [batches]);
}

/** Settles a list that the enclave signed for payers who allowed it. */
export function settleList(contracts: Contracts, list: SettlementList, signature: Hex): Call {
  return callTo(contracts, "InferenceEscrow", "settleList", [list, signature]);
}

/** Those of some settlements, of different channels, that would be paid if they were sent now. */
export async function payableSettlements(
  contracts: Contracts,
  settlements: readonly Settlement[],
): Promise<readonly Settlement[]> {
  const services = byService(settlements);
  const paid = await view<readonly bigint[]>(contracts, "InferenceEscrow", "settleBatch", [batchesOf(services)]);
  return services.flat().filter((_, index) => (paid[index] ?? 0n) > 0n);
}

export function closeChannel(contracts: Contracts, nodeId: Hex): Call {
  return callTo(contracts, "InferenceEscrow", "close", [nodeId]);
}

export function reopenChannel(contracts: Contracts, nodeId: Hex): Call {
  return callTo(contracts, "InferenceEscrow", "reopen", [nodeId]);
}

/** Pays the rest of the sender's closed channels back after the thaw. */
export function withdrawChannels(contracts: Contracts, nodeIds: readonly Hex[]): Call {
  return callTo(contracts, "InferenceEscrow", "withdrawMany", [nodeIds]);
}

/** Pays the sender what its nodes earned. */
export function withdrawEarnings(contracts: Contracts): Call {
  return callTo(contracts, "InferenceEscrow", "withdrawEarnings", []);
}

/** Shows two different receipts of one node for one sequence of one channel. */
export function reportConflictingReceipts(
  contracts: Contracts,
  first: { readonly receipt: Receipt; readonly signature: Hex },
  second: { readonly receipt: Receipt; readonly signature: Hex },
): Call {
  return callTo(contracts, "InferenceEscrow", "reportConflictingReceipts", [
    first.receipt,
    second.receipt,
    first.signature,
    second.signature,
  ]);
}

function byService(settlements: readonly Settlement[]): readonly (readonly Settlement[])[] {
  const services = Map.groupBy(settlements, (settlement) => {
    const { nodeId, keyEpoch, modelId, evidenceHash } = settlement.receipt;
    return [nodeId, keyEpoch, modelId, evidenceHash, hasRaw(settlement)].join();
  });
  return [...services.values()];
}

function batchesOf(services: readonly (readonly Settlement[])[]): readonly unknown[] {
  return services.flatMap((group) => {
    const [first] = group;
    return first === undefined
      ? []
      : [{ service: serviceOf(first.receipt), settlements: group.map(settlementArguments) }];
  });
}

function packedBatch(group: readonly Settlement[]): Readonly<Record<string, unknown>> | undefined {
  const [first] = group;
  const entries = group.map(packSettlement).filter((entry) => entry !== undefined);
  if (first === undefined || entries.length < group.length) return undefined;
  return { service: serviceOf(first.receipt), withRaw: hasRaw(first), settlements: toHex(concat(...entries)) };
}

function serviceOf({ nodeId, keyEpoch, modelId, evidenceHash }: Receipt): Readonly<Record<string, unknown>> {
  return { nodeId, keyEpoch, modelId, evidenceHash };
}

function settlementArguments({ receipt, ...rest }: Settlement): Readonly<Record<string, unknown>> {
  return { ...receipt, ...rest, receiptAmount: receipt.amount };
}
