import { DatabaseSync } from "node:sqlite";
import { ConfigError } from "../errors.ts";

const SQLITE_BUSY = 5;

/**
 * Holds a directory for this process until `release` or until the process ends, however it ends: two Postgres in one
 * directory would destroy it. SQLite lends its kernel lock because Node has no other face for one; a lock file with a
 * process id goes stale after a crash, and in a container a stale id is always alive.
 * Throws ConfigError `CONFIG_INVALID` where another holder is alive.
 */
export function lockFile(path: string): { readonly release: () => void } {
  const database = new DatabaseSync(path);
  try {
    database.exec("BEGIN EXCLUSIVE");
  } catch (cause) {
    database.close();
    if ((cause as { errcode?: number }).errcode !== SQLITE_BUSY) throw cause;
    throw new ConfigError("CONFIG_INVALID", `${path} is held by another process`, {
      cause,
      next: "Stop the other process or give this one its own directory.",
    });
  }
  return { release: () => database.close() };
}
