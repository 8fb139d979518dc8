import { PGlite, types } from "@electric-sql/pglite";
import { existsSync, globSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { cp } from "node:fs/promises";
import { join } from "node:path";
import type { Migration } from "./migrations.ts";
import type { Queryable, SqlValue } from "./sql.ts";
import { ConfigError, StoreError } from "../errors.ts";
import { DurableFs, syncPath } from "./durable-fs.ts";
import { lockFile } from "./lock.ts";
import { migrate } from "./migrations.ts";

/** An embedded Postgres. A statement that has resolved is on the disk. */
export interface Store extends Queryable {
  /** Runs `work` alone and all or nothing: a throw rolls back. Use only the argument inside. */
  transaction<T>(work: (inside: Queryable) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** A directory that one process holds at a time, or memory that ends with the process. */
export type StoreLocation = { readonly dir: string } | { readonly memory: true };

/** Postgres in single-user mode never checkpoints by itself, so its log would grow without end. */
const STATEMENTS_PER_CHECKPOINT = 4096;

/** The directory of the database inside a store's. */
const DATA = "postgres";

const DURABLE_SETTINGS = ["-c", "fsync=on", "-c", "synchronous_commit=on", "-c", "wal_sync_method=fsync"];

/**
 * Opens a database and brings it forward by `migrations`.
 * Throws ConfigError `CONFIG_INVALID` where another process holds the directory, where a newer version wrote it, or
 * where it cannot be read.
 */
export async function openStore(location: StoreLocation, migrations: readonly Migration[]): Promise<Store> {
  const { pg, release } = "dir" in location ? await openDirectory(location.dir) : await openMemory();
  try {
    await migrate(
      {
        query: (sql, params) => runQuery(pg, sql, params),
        atomically: async (work) => {
          await pg.transaction((tx) =>
            work({
              query: (sql, params) => runQuery(tx, sql, params),
              run: async (sql) => void (await tx.exec(sql)),
            }),
          );
        },
      },
      migrations,
    );
  } catch (cause) {
    await pg.close();
    release();
    throw cause;
  }
  return storeOf(pg, release);
}

/**
 * Ties a database to one scope (such as a chain and a contract) for ever, so that one that belongs to another network
 * is never used by mistake; throws ConfigError `CONFIG_INVALID` where it is tied to another.
 */
export async function tieStore(store: Store, scope: string): Promise<void> {
  await store.query(
    "CREATE TABLE IF NOT EXISTS store_scope (one BOOLEAN PRIMARY KEY CHECK (one), scope TEXT NOT NULL)",
  );
  await store.query("INSERT INTO store_scope VALUES (TRUE, $1) ON CONFLICT DO NOTHING", [scope]);
  const [row] = await store.query<{ scope: string }>("SELECT scope FROM store_scope");
  if (row?.scope === scope) return;
  throw new ConfigError("CONFIG_INVALID", `the database belongs to ${row?.scope}, not to ${scope}`, {
    next: "Give this network its own directory.",
  });
}

/**
 * Starts a new directory as a copy of a closed one, which takes a tenth of the time that making a database takes.
 * Throws ConfigError `CONFIG_INVALID` where either is in use or the new one has a database already.
 */
export async function copyStore(from: string, to: string): Promise<void> {
  mkdirSync(to, { recursive: true, mode: 0o700 });
  const locks = [from, to].map((dir) => lockFile(join(dir, "lock")));
  try {
    if (existsSync(join(to, DATA))) throw new ConfigError("CONFIG_INVALID", `${to} has a database already`);
    await createDatabase(to, (unfinished) => cp(join(from, DATA), unfinished, { recursive: true }));
  } finally {
    for (const { release } of locks) release();
  }
}

function storeOf(pg: PGlite, release: () => void): Store {
  let statements = 0;
  const counted = async <T>(work: Promise<T>): Promise<T> => {
    const result = await work;
    statements += 1;
    if (statements % STATEMENTS_PER_CHECKPOINT === 0) await pg.exec("CHECKPOINT");
    return result;
  };
  return {
    query: (sql, params) => counted(runQuery(pg, sql, params)),
    transaction: (work) => counted(pg.transaction((tx) => work({ query: (sql, params) => runQuery(tx, sql, params) }))),
    close: async () => {
      await pg.close();
      release();
    },
  };
}

async function runQuery<Row>(
  target: Pick<PGlite, "query">,
  sql: string,
  params: readonly SqlValue[] = [],
): Promise<readonly Row[]> {
  try {
    return (await target.query<Row>(sql, [...params])).rows;
  } catch (cause) {
    throw new StoreError("STORE_UNAVAILABLE", "the database refused a statement", { cause });
  }
}

async function openMemory(): Promise<{ pg: PGlite; release: () => void }> {
  return { pg: await PGlite.create({ parsers: PARSERS }), release: () => undefined };
}

async function openDirectory(dir: string): Promise<{ pg: PGlite; release: () => void }> {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const { release } = lockFile(join(dir, "lock"));
  const data = join(dir, DATA);
  try {
    if (!existsSync(data)) await createDatabase(dir, async (unfinished) => (await startPostgres(unfinished)).close());
    return { pg: await startPostgres(data), release };
  } catch (cause) {
    release();
    if (cause instanceof ConfigError) throw cause;
    throw new ConfigError("CONFIG_INVALID", `the database in ${dir} cannot be opened`, {
      cause,
      next: "It may come from another version of Postgres, or the disk may be full or read-only.",
    });
  }
}

/** Makes the database aside and renames it when it is whole and on the disk: a crash midway leaves nothing half-made. */
async function createDatabase(dir: string, make: (unfinished: string) => Promise<void>): Promise<void> {
  const data = join(dir, DATA);
  const unfinished = join(dir, `${DATA}.unfinished`);
  rmSync(unfinished, { recursive: true, force: true });
  await make(unfinished);
  for (const path of globSync("**/*", { cwd: unfinished })) syncPath(join(unfinished, path));
  syncPath(unfinished);
  renameSync(unfinished, data);
  syncPath(dir);
}

function startPostgres(data: string): Promise<PGlite> {
  return PGlite.create({
    fs: new DurableFs(data),
    startParams: [...PGlite.defaultStartParams.filter((param) => param !== "-F"), ...DURABLE_SETTINGS],
    initDbStartParams: ["--wal-segsize=1"],
    parsers: PARSERS,
  });
}

const PARSERS = { [types.INT8]: BigInt, [types.NUMERIC]: BigInt };
