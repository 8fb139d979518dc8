import type { Hex } from "../encoding/bytes.ts";
import { parseVoucher, voucherToJson, type Voucher } from "../receipt/voucher.ts";
import type { Migration } from "./migrations.ts";
import type { Queryable } from "./sql.ts";
import type { Store } from "./store.ts";
import { StoreError } from "../errors.ts";

/** What a client has promised in one of its channels. */
export interface ClientChannel {
  readonly channelId: Hex;
  readonly payer: Hex;
  readonly nodeId: Hex;
  /** The highest sequence that a voucher was signed for; 0 before the first. */
  readonly sequence: bigint;
  /** The highest cumulative amount that a voucher was signed for. */
  readonly amount: bigint;
  /** What the node is due for the answers so far, cumulative; a request whose fate is unknown counts as answered. */
  readonly owed: bigint;
}

/** A request that has no checked answer yet, with all that is needed to send it again and to open the answer. */
export interface OpenRequest {
  readonly voucher: Voucher;
  readonly voucherSignature: Hex;
  readonly requestSalt: Hex;
  /** The bytes as they were sent; a repeat must be these very bytes. */
  readonly sealed: Uint8Array;
  /** Serialised response context: secret, and deleted with the request. */
  readonly responseContext: string;
}

export interface Channels {
  /** Adds a channel; does nothing where it is known. */
  add(channel: Pick<ClientChannel, "channelId" | "payer" | "nodeId">): Promise<void>;
  get(channelId: Hex): Promise<ClientChannel | undefined>;
  list(): Promise<readonly ClientChannel[]>;
  /**
   * Records a promise before its voucher leaves the client. Throws StoreError `STORE_CONFLICT` where the channel is
   * unknown, the sequence is not the next one, or the amount is lower than what is owed.
   */
  promise(request: OpenRequest): Promise<void>;
  /** Open requests in the order of channel and sequence, of one channel or of all. */
  openRequests(channelId?: Hex): Promise<readonly OpenRequest[]>;
  /** Forgets an open request and its secrets, and records what the channel owes after it: 0 changes nothing. */
  finish(channelId: Hex, sequence: bigint, owed: bigint): Promise<void>;
}

export const CHANNEL_MIGRATIONS: readonly Migration[] = [
  {
    part: "channels",
    version: 1,
    sql: `CREATE TABLE channels (
      channel_id TEXT PRIMARY KEY,
      payer TEXT NOT NULL,
      node_id TEXT NOT NULL,
      sequence NUMERIC(20, 0) NOT NULL DEFAULT 0,
      amount NUMERIC(39, 0) NOT NULL DEFAULT 0,
      owed NUMERIC(39, 0) NOT NULL DEFAULT 0);
    CREATE TABLE open_requests (
      channel_id TEXT NOT NULL REFERENCES channels,
      sequence NUMERIC(20, 0) NOT NULL,
      voucher TEXT NOT NULL,
      voucher_signature TEXT NOT NULL,
      request_salt TEXT NOT NULL,
      sealed BYTEA NOT NULL,
      response_context TEXT NOT NULL,
      PRIMARY KEY (channel_id, sequence))`,
  },
];

const CHANNEL_COLUMNS = `channel_id AS "channelId", payer, node_id AS "nodeId", sequence, amount, owed`;
const REQUEST_COLUMNS = `voucher, voucher_signature AS "voucherSignature",
  request_salt AS "requestSalt", sealed, response_context AS "responseContext"`;

type RequestRow = Omit<OpenRequest, "voucher"> & { readonly voucher: string };

export function channels(store: Store): Channels {
  return {
    add: async ({ channelId, payer, nodeId }) => {
      const sql = "INSERT INTO channels (channel_id, payer, node_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
      await store.query(sql, [channelId, payer, nodeId]);
    },
    get: async (channelId) => {
      const sql = `SELECT ${CHANNEL_COLUMNS} FROM channels WHERE channel_id = $1`;
      return (await store.query<ClientChannel>(sql, [channelId]))[0];
    },
    list: () => store.query<ClientChannel>(`SELECT ${CHANNEL_COLUMNS} FROM channels ORDER BY channel_id`),
    promise: (request) => store.transaction((inside) => promise(inside, request)),
    openRequests: async (channelId) => {
      const sql = `SELECT ${REQUEST_COLUMNS} FROM open_requests WHERE $1::text IS NULL OR channel_id = $1
        ORDER BY channel_id, sequence`;
      const rows = await store.query<RequestRow>(sql, [channelId ?? null]);
      return rows.map(openRequestOf);
    },
    finish: (channelId, sequence, owed) =>
      store.transaction(async (inside) => {
        await inside.query("DELETE FROM open_requests WHERE channel_id = $1 AND sequence = $2", [channelId, sequence]);
        await inside.query("UPDATE channels SET owed = GREATEST(owed, $2) WHERE channel_id = $1", [channelId, owed]);
      }),
  };
}

async function promise(inside: Queryable, request: OpenRequest): Promise<void> {
  const { channelId, sequence, amount } = request.voucher;
  const advanced = await inside.query(
    `UPDATE channels SET sequence = $2, amount = GREATEST(amount, $3)
      WHERE channel_id = $1 AND sequence + 1 = $2 AND owed <= $3 RETURNING channel_id`,
    [channelId, sequence, amount],
  );
  if (advanced.length === 0) {
    throw new StoreError("STORE_CONFLICT", `sequence ${sequence} does not follow what was promised in ${channelId}`);
  }
  await inside.query("INSERT INTO open_requests VALUES ($1,$2,$3,$4,$5,$6,$7)", [
    channelId,
    sequence,
    JSON.stringify(voucherToJson(request.voucher)),
    request.voucherSignature,
    request.requestSalt,
    request.sealed,
    request.responseContext,
  ]);
}

function openRequestOf({ voucher, ...rest }: RequestRow): OpenRequest {
  return { ...rest, voucher: parseVoucher(JSON.parse(voucher)) };
}
