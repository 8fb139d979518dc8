import type { Hex } from "../encoding/bytes.ts";
import { parseReceipt, receiptToJson, type Receipt } from "../receipt/receipt.ts";
import { parseVoucher, voucherToJson, type Voucher } from "../receipt/voucher.ts";
import type { Migration } from "./migrations.ts";
import type { Queryable, SqlValue } from "./sql.ts";
import { StoreError } from "../errors.ts";

/** One paid request with its answer, as the worker keeps it; unique by channel and sequence. */
export interface Exchange {
  readonly payer: Hex;
  readonly voucher: Voucher;
  readonly voucherSignature: Hex;
  readonly receipt: Receipt;
  readonly receiptSignature: Hex;
  readonly sealedResponse: Uint8Array;
  /** SHA-256 of the sealed request: only who sent it can ask for the answer again. */
  readonly requestHash: Hex;
  /** The transaction that paid it or a later one of its channel; null before. */
  readonly settledBy: Hex | null;
}

export interface Vouchers {
  /**
   * Stores an exchange and gives back what stands in the store: on a repeat the first one, which is the only one that
   * may leave the enclave, since two receipts for one sequence are slashable. Throws StoreError `STORE_CONFLICT` where
   * the sequence is taken by another voucher or the receipt is not for the voucher.
   */
  put(exchange: Omit<Exchange, "settledBy">): Promise<Exchange>;
  get(channelId: Hex, sequence: bigint): Promise<Exchange | undefined>;
  /** The sealed response to the request with this SHA-256. */
  responseTo(requestHash: Hex): Promise<Uint8Array | undefined>;
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
      voucher TEXT NOT NULL,
      voucher_signature TEXT NOT NULL,
      receipt TEXT NOT NULL,
      receipt_signature TEXT NOT NULL,
      sealed_response BYTEA NOT NULL,
      request_hash TEXT NOT NULL,
      settled_by TEXT,
      PRIMARY KEY (channel_id, sequence));
    CREATE INDEX vouchers_by_request ON vouchers (request_hash)`,
  },
];

const COLUMNS = `channel_id, sequence, payer, voucher, voucher_signature AS "voucherSignature", receipt,
  receipt_signature AS "receiptSignature", sealed_response AS "sealedResponse", request_hash AS "requestHash", settled_by AS "settledBy"`;

type Row = Omit<Exchange, "voucher" | "receipt"> & { readonly voucher: string; readonly receipt: string };

export function vouchers(store: Queryable): Vouchers {
  const select = async (rest: string, params: readonly SqlValue[]): Promise<readonly Exchange[]> =>
    (await store.query<Row>(`SELECT ${COLUMNS} FROM vouchers ${rest}`, params)).map(exchangeOf);
  const get: Vouchers["get"] = async (channelId, sequence) =>
    (await select("WHERE channel_id = $1 AND sequence = $2", [channelId, sequence]))[0];
  return {
    get,
    put: async (exchange) => {
      await insert(store, exchange);
      const stored = await get(exchange.voucher.channelId, exchange.voucher.sequence);
      if (stored !== undefined && voucherText(stored.voucher) === voucherText(exchange.voucher)) return stored;
      throw new StoreError("STORE_CONFLICT", `sequence ${exchange.voucher.sequence} is taken by another voucher`);
    },
    responseTo: async (requestHash) => (await select("WHERE request_hash = $1", [requestHash]))[0]?.sealedResponse,
    latest: async (channelId) => (await select("WHERE channel_id = $1 ORDER BY sequence DESC LIMIT 1", [channelId]))[0],
    unsettled: () =>
      select(
        `AS one WHERE settled_by IS NULL
          AND sequence = (SELECT max(sequence) FROM vouchers WHERE channel_id = one.channel_id) ORDER BY channel_id`,
        [],
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
  const { voucher, receipt } = exchange;
  if (
    receipt.channelId !== voucher.channelId ||
    receipt.sequence !== voucher.sequence ||
    receipt.amount > voucher.amount
  ) {
    throw new StoreError("STORE_CONFLICT", "the receipt is not for the voucher");
  }
  await store.query("INSERT INTO vouchers VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9) ON CONFLICT DO NOTHING", [
    voucher.channelId,
    voucher.sequence,
    exchange.payer,
    voucherText(voucher),
    exchange.voucherSignature,
    JSON.stringify(receiptToJson(receipt)),
    exchange.receiptSignature,
    exchange.sealedResponse,
    exchange.requestHash,
  ]);
}

function voucherText(voucher: Voucher): string {
  return JSON.stringify(voucherToJson(voucher));
}

function exchangeOf(row: Row): Exchange {
  return {
    payer: row.payer,
    voucher: parseVoucher(JSON.parse(row.voucher)),
    voucherSignature: row.voucherSignature,
    receipt: parseReceipt(JSON.parse(row.receipt)),
    receiptSignature: row.receiptSignature,
    sealedResponse: row.sealedResponse,
    requestHash: row.requestHash,
    settledBy: row.settledBy,
  };
}
