import type { Migration } from "./migrations.ts";
import type { Queryable } from "./sql.ts";

/** How far each watcher of a process has read the chain. */
export interface Cursors {
  /** The last block that the watcher has finished; undefined before the first. */
  get(watcher: string): Promise<bigint | undefined>;
  set(watcher: string, block: bigint): Promise<void>;
}

export const CURSOR_MIGRATIONS: readonly Migration[] = [
  { part: "cursors", version: 1, sql: "CREATE TABLE cursors (watcher TEXT PRIMARY KEY, block BIGINT NOT NULL)" },
];

export function cursors(store: Queryable): Cursors {
  return {
    get: async (watcher) => {
      const [row] = await store.query<{ block: bigint }>("SELECT block FROM cursors WHERE watcher = $1", [watcher]);
      return row?.block;
    },
    set: async (watcher, block) => {
      await store.query(
        "INSERT INTO cursors VALUES ($1, $2) ON CONFLICT (watcher) DO UPDATE SET block = excluded.block",
        [watcher, block],
      );
    },
  };
}
