import type { Migration } from "../../offchain/store/migrations.ts";
import { openStore } from "../../offchain/store/store.ts";

export const WRITER_MIGRATIONS: readonly Migration[] = [
  { part: "writer", version: 1, sql: "CREATE TABLE numbers (n BIGINT PRIMARY KEY)" },
];

/** Writes 1, 2, 3 ... until killed, and prints each number once its write was acknowledged. */
export async function writeNumbers(directory: string): Promise<never> {
  const store = await openStore({ dir: directory }, WRITER_MIGRATIONS);
  for (let n = 1n; ; n += 1n) {
    await store.transaction((inside) => inside.query("INSERT INTO numbers VALUES ($1)", [n]));
    process.stdout.write(`${n}\n`);
  }
}
