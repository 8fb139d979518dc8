import type { Hex } from "../encoding/bytes.ts";
import type { Migration } from "./migrations.ts";
import type { Queryable } from "./sql.ts";
import { StoreError } from "../errors.ts";

/** One paid request with its answer, as the worker keeps it; unique by channel and sequence. */
export interface Exchange {
  readonly channelId: Hex;
  readonly sequence: bigint;
  readonly payer: Hex;
  /** Cumulative, as the payer promised it. */
  readonly voucherAmount: bigint;
  /** Cumulative, as the enclave earned it; at most the voucher's. */
  readonly receiptAmount: bigint;
  /** Wire JSON of docs/protocol.md section 8. */
  readonly voucher: string;
  readonly voucherSignature: Hex;
  readonly receipt: string;
  readonly receiptSignature: Hex;
  readonly sealedResponse: Uint8Array;
  /** The transaction that paid it or a later one of its channel; null before. */
  readonly settledBy: Hex | null;
}

export interface Vouchers {
  /**
   * Stores an exchange and gives back what stands in the store: on a repeat the first one, which is the only one that
   * may leave the enclave, since two receipts for one sequence are slashable. Throws StoreError `STORE_CONFLICT` where
   * the sequence is taken by another voucher.
   */
  put(exchange: Omit<Exchange, "settledBy">): Promise<Exchange>;
  get(channelId: Hex, sequence: bigint): Promise<Exchange | undefined>;
  /** The exchange with the highest sequence of a channel. */
  latest(channelId: Hex): Promise<Exchange | undefined>;
  /** The latest exchange of every channel that is not settled up to it, in the order of the channels' ids. */
  unsettled(): Promise<readonly Exchange[]>;
  /** Records that a channel is paid up to a sequence, that one included. */
  markSettled(channelId: Hex, sequence: bigint, transaction: Hex): Promise<void>;
}

export const VOUCHER_MIGRATIONS: readonly Migration[] = [
  {
    part: "vouchers",
    version: 1,
    sql: `CREATE TABLE vouchers (
      channel_id TEXT NOT NULL,
      sequence NUMERIC(20, 0) NOT NULL,
      payer TEXT NOT NULL,
      voucher_amount NUMERIC(39, 0) NOT NULL,
      receipt_amount NUMERIC(39, 0) NOT NULL CHECK (receipt_amount <= voucher_amount),
      voucher TEXT NOT NULL,
      voucher_signature TEXT NOT NULL,
      receipt TEXT NOT NULL,
      receipt_signature TEXT NOT NULL,
      sealed_response BYTEA NOT NULL,
      settled_by TEXT,
      PRIMARY KEY (channel_id, sequence))`,
  },
];

const COLUMNS = `channel_id AS "channelId", sequence, payer, voucher_amount AS "voucherAmount",
  receipt_amount AS "receiptAmount", voucher, voucher_signature AS "voucherSignature", receipt,
  receipt_signature AS "receiptSignature", sealed_response AS "sealedResponse", settled_by AS "settledBy"`;

export function vouchers(store: Queryable): Vouchers {
  const get: Vouchers["get"] = async (channelId, sequence) => {
    const where = "channel_id = $1 AND sequence = $2";
    const [row] = await store.query<Exchange>(`SELECT ${COLUMNS} FROM vouchers WHERE ${where}`, [channelId, sequence]);
    return row;
  };
  return {
    get,
    put: async (exchange) => {
      await insert(store, exchange);
      const stored = await get(exchange.channelId, exchange.sequence);
      if (stored !== undefined && stored.voucher === exchange.voucher) return stored;
      throw new StoreError("STORE_CONFLICT", `sequence ${exchange.sequence} is taken by another voucher`);
    },
    latest: async (channelId) => {
      const where = "channel_id = $1 ORDER BY sequence DESC LIMIT 1";
      const [row] = await store.query<Exchange>(`SELECT ${COLUMNS} FROM vouchers WHERE ${where}`, [channelId]);
      return row;
    },
    unsettled: () =>
      store.query<Exchange>(
        `SELECT * FROM (SELECT DISTINCT ON (channel_id) ${COLUMNS} FROM vouchers ORDER BY channel_id, sequence DESC)
          WHERE "settledBy" IS NULL ORDER BY "channelId"`,
      ),
    markSettled: async (channelId, sequence, transaction) => {
      await store.query(
        "UPDATE vouchers SET settled_by = $3 WHERE channel_id = $1 AND sequence <= $2 AND settled_by IS NULL",
        [channelId, sequence, transaction],
      );
    },
  };
}

async function insert(store: Queryable, exchange: Omit<Exchange, "settledBy">): Promise<void> {
  await store.query("INSERT INTO vouchers VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10) ON CONFLICT DO NOTHING", [
    exchange.channelId,
    exchange.sequence,
    exchange.payer,
    exchange.voucherAmount,
    exchange.receiptAmount,
    exchange.voucher,
    exchange.voucherSignature,
    exchange.receipt,
    exchange.receiptSignature,
    exchange.sealedResponse,
  ]);
}
