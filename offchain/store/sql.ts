/** What a statement's `$n` can be; amounts are bigint, bytes are Uint8Array. */
export type SqlValue = string | number | bigint | boolean | Uint8Array | null;

export interface Queryable {
  /** Runs one statement; BIGINT and NUMERIC come back as bigint, INTEGER as number, BYTEA as Uint8Array. Throws StoreError `STORE_UNAVAILABLE`. */
  query<Row>(sql: string, params?: readonly SqlValue[]): Promise<readonly Row[]>;
}
