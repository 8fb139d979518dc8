import type { Migration } from "./migrations.ts";
import type { Queryable } from "./sql.ts";

/** A vendor's document as it was fetched; times in milliseconds since 1970. */
export interface EndorsementDocument {
  /** What it is kept under. */
  readonly url: string;
  readonly service: string;
  readonly what: string;
  readonly body: Uint8Array;
  /** The chain of its signer, PEM. */
  readonly chain?: Uint8Array;
  readonly fetchedAt: number;
  readonly validUntil: number;
}

export interface EndorsementDocuments {
  get(url: string): Promise<EndorsementDocument | undefined>;
  /** Replaces what is kept under the same URL. */
  put(document: EndorsementDocument): Promise<void>;
  /** In the order of their URLs. */
  list(): Promise<readonly EndorsementDocument[]>;
}

export const ENDORSEMENT_MIGRATIONS: readonly Migration[] = [
  {
    part: "endorsements",
    version: 1,
    sql: `CREATE TABLE endorsements (
      url TEXT PRIMARY KEY,
      service TEXT NOT NULL,
      what TEXT NOT NULL,
      body BYTEA NOT NULL,
      chain BYTEA,
      fetched_at BIGINT NOT NULL,
      valid_until BIGINT NOT NULL)`,
  },
];

const COLUMNS = `url, service, what, body, chain, fetched_at AS "fetchedAt", valid_until AS "validUntil"`;

interface Row extends Pick<EndorsementDocument, "url" | "service" | "what" | "body"> {
  readonly chain: Uint8Array | null;
  readonly fetchedAt: bigint;
  readonly validUntil: bigint;
}

/** The vendors' documents in a database. */
export function endorsementDocuments(store: Queryable): EndorsementDocuments {
  return {
    get: async (url) => {
      const [row] = await store.query<Row>(`SELECT ${COLUMNS} FROM endorsements WHERE url = $1`, [url]);
      return row && documentOf(row);
    },
    put: async ({ url, service, what, body, chain, fetchedAt, validUntil }) => {
      const sql = `INSERT INTO endorsements VALUES ($1,$2,$3,$4,$5,$6,$7) ON CONFLICT (url) DO UPDATE SET
        service = $2, what = $3, body = $4, chain = $5, fetched_at = $6, valid_until = $7`;
      await store.query(sql, [url, service, what, body, chain ?? null, BigInt(fetchedAt), BigInt(validUntil)]);
    },
    list: async () => {
      const rows = await store.query<Row>(`SELECT ${COLUMNS} FROM endorsements ORDER BY url COLLATE "C"`);
      return rows.map(documentOf);
    },
  };
}

function documentOf({ chain, fetchedAt, validUntil, ...rest }: Row): EndorsementDocument {
  const times = { fetchedAt: Number(fetchedAt), validUntil: Number(validUntil) };
  return { ...rest, ...times, ...(chain === null ? {} : { chain }) };
}
