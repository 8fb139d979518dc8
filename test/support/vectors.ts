import { existsSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";

/** Where the shared vectors are: `CLOISTER_VECTORS`, or `../shared/vectors` beside the repository. */
export const VECTORS = resolve(process.env["CLOISTER_VECTORS"] ?? "../shared/vectors");

/** Reads a JSON file of the shared vectors. */
export function readVectors(path: string): unknown {
  return JSON.parse(readFileSync(join(VECTORS, path), "utf8"));
}

/** Reads a file of the shared vectors. */
export async function readVector(path: string): Promise<Uint8Array> {
  return new Uint8Array(await readFile(join(VECTORS, path)));
}

/**
 * A suite that needs files of the shared vectors: without them it is skipped with a notice, or fails where `CI` is "true".
 */
export function describeVectors(title: string, paths: readonly string[], body: () => void): void {
  const missing = paths.filter((path) => !existsSync(join(VECTORS, path)));
  if (missing.length === 0) {
    describe(title, body);
    return;
  }
  describe(title, () => {
    it(noticeOf(missing), function () {
      if (process.env["CI"] === "true") throw new Error(noticeOf(missing));
      this.skip();
    });
  });
}

/**
 * Skips a test, visibly, where the shared vectors are absent; under CI=true their absence is a failure.
 * Call it first in a `before` hook with the hook's own `this`.
 */
export function needVectors(context: Mocha.Context): void {
  if (existsSync(join(VECTORS, "manifest.json"))) return;
  const notice = noticeOf(["manifest.json"]);
  if (process.env["CI"] === "true") throw new Error(notice);
  console.log(`      skipped: ${notice}`);
  context.skip();
}

function noticeOf(missing: readonly string[]): string {
  return `needs ${missing.join(", ")} in ${VECTORS}: set CLOISTER_VECTORS to the vectors' directory`;
}
