import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Makes an empty directory and removes it after the running mocha suite. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "cloister-"));
  after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}
