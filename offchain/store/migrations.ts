import type { Queryable } from "./sql.ts";
import { ConfigError } from "../errors.ts";

/** One forward step of one part's tables; steps of a part are numbered 1, 2, 3 and never change once released. */
export interface Migration {
  /** The part that owns the tables, such as `vouchers`. */
  readonly part: string;
  readonly version: number;
  /** One or more statements, run in one transaction with the record of the step. */
  readonly sql: string;
}

/** What migrating needs of a database: parameters in `query`, several statements in `run`, all or nothing in `atomically`. */
export interface MigrationTarget {
  query: Queryable["query"];
  atomically(work: (inside: Queryable & { run(sql: string): Promise<void> }) => Promise<void>): Promise<void>;
}

const LEDGER = `CREATE TABLE IF NOT EXISTS schema_steps (
  part TEXT NOT NULL, version INTEGER NOT NULL, PRIMARY KEY (part, version))`;

/**
 * Brings a database forward by the steps it has not seen.
 * Throws ConfigError `CONFIG_INVALID` where it holds a step or a part that this program does not know: it was written
 * by a newer version or by another program.
 */
export async function migrate(target: MigrationTarget, migrations: readonly Migration[]): Promise<void> {
  assertNumbered(migrations);
  await target.query(LEDGER);
  const done = await target.query<{ part: string; version: number }>("SELECT part, version FROM schema_steps");
  const nameOf = (step: { part: string; version: number }): string => `${step.part} ${step.version}`;
  const known = new Set(migrations.map(nameOf));
  const foreign = done.map(nameOf).filter((name) => !known.has(name));
  if (foreign.length > 0) {
    throw new ConfigError("CONFIG_INVALID", `the database has steps unknown to this version: ${foreign.join(", ")}`, {
      next: "Use the version of Cloister that wrote it, or another directory.",
    });
  }
  const finished = new Set(done.map(nameOf));
  for (const step of migrations.filter((migration) => !finished.has(nameOf(migration)))) {
    await target.atomically(async (inside) => {
      await inside.run(step.sql);
      await inside.query("INSERT INTO schema_steps (part, version) VALUES ($1, $2)", [step.part, step.version]);
    });
  }
}

function assertNumbered(migrations: readonly Migration[]): void {
  const last = new Map<string, number>();
  for (const { part, version } of migrations) {
    if (version !== (last.get(part) ?? 0) + 1) throw new RangeError(`migration ${part} ${version} is out of order`);
    last.set(part, version);
  }
}
