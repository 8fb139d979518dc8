import type { Contracts } from "../chain/contracts.ts";
import { payableSettlements, readChannel, settleBatch, settlePacked } from "../chain/escrow.ts";
import type { Settlement } from "../chain/packed.ts";
import type { Sender } from "../chain/sender.ts";
import type { Hex } from "../encoding/bytes.ts";
import type { Exchange, Vouchers } from "../store/vouchers.ts";

export interface SettleParts {
  readonly contracts: Contracts;
  readonly sender: Sender;
  readonly nodeId: Hex;
  readonly vouchers: Vouchers;
  /** Told of each channel that owes and whose settlement the contract would refuse now. */
  readonly onRefused: (channelId: Hex) => void;
}

/** What one round of settling did. */
export interface Settled {
  readonly channels: number;
  readonly transaction: Hex;
  readonly gasUsed: bigint;
}

/** Channels in one transaction: at the cost of one settlement far below the gas limit of a transaction (EIP-7825). */
const MAX_BATCH = 100;

/**
 * Settles the latest exchange of every channel that owes more than the chain has paid, in one transaction; what the contract would
 * refuse is left out, so that it costs no gas again and again and keeps no place from others. Repeating it after a crash pays nothing twice: amounts are cumulative, and a channel counts as settled when the chain says so.
 * Throws `ChainError`; undefined where nothing is owed.
 */
export async function settleOnce(parts: SettleParts): Promise<Settled | undefined> {
  const owed = await stillOwed(parts, await parts.vouchers.unsettled());
  const batch = await nextBatch(parts, owed);
  if (batch.length === 0) return undefined;
  const settlements = batch.map(settlementOf);
  // What a contract wallet signed has no packed form: then the whole batch goes the dearer way.
  const call = settlePacked(parts.contracts, settlements) ?? settleBatch(parts.contracts, settlements);
  const sent = await parts.sender.send(call);
  for (const exchange of batch) await recordIfPaid(parts, exchange, sent.transaction);
  return { channels: batch.length, transaction: sent.transaction, gasUsed: sent.gasUsed };
}

/** Leaves out and records what somebody else has settled already: a transaction whose outcome a crash hid, or the client. */
async function stillOwed(parts: SettleParts, exchanges: readonly Exchange[]): Promise<readonly Exchange[]> {
  const owed: Exchange[] = [];
  for (const exchange of exchanges) {
    const { spent } = await readChannel(parts.contracts, exchange.payer, parts.nodeId);
    if (spent < exchange.receipt.amount) owed.push(exchange);
    else await parts.vouchers.markSettled(exchange.receipt.channelId, exchange.receipt.sequence, SETTLED_ELSEWHERE);
  }
  return owed;
}

async function nextBatch(parts: SettleParts, owed: readonly Exchange[]): Promise<readonly Exchange[]> {
  const batch: Exchange[] = [];
  for (let start = 0; start < owed.length && batch.length < MAX_BATCH; start += MAX_BATCH) {
    const some = new Map(owed.slice(start, start + MAX_BATCH).map((exchange) => [settlementOf(exchange), exchange]));
    const payable = new Set(await payableSettlements(parts.contracts, [...some.keys()]));
    for (const [settlement, exchange] of some) {
      if (payable.has(settlement)) batch.push(exchange);
      else parts.onRefused(exchange.receipt.channelId);
    }
  }
  return batch.slice(0, MAX_BATCH);
}

/** Stands for a transaction that this worker did not see. */
const SETTLED_ELSEWHERE: Hex = `0x${"00".repeat(32)}`;

async function recordIfPaid(parts: SettleParts, exchange: Exchange, transaction: Hex): Promise<void> {
  const { spent } = await readChannel(parts.contracts, exchange.payer, parts.nodeId);
  if (spent < exchange.receipt.amount) return;
  await parts.vouchers.markSettled(exchange.receipt.channelId, exchange.receipt.sequence, transaction);
}

function settlementOf(exchange: Exchange): Settlement {
  return {
    payer: exchange.payer,
    voucherAmount: exchange.voucher.amount,
    voucherSignature: exchange.voucherSignature,
    receipt: exchange.receipt,
    receiptSignature: exchange.receiptSignature,
  };
}
