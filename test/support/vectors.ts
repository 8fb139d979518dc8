import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

/** Where the shared test vectors are: `CLOISTER_VECTORS`, or `../shared/vectors` beside the repository. */
export function vectorsDirectory(): string {
  return resolve(process.env["CLOISTER_VECTORS"] ?? "../shared/vectors");
}

/** Reads a JSON file of the shared vectors. */
export function readVectors(path: string): unknown {
  return JSON.parse(readFileSync(join(vectorsDirectory(), path), "utf8"));
}

/**
 * A suite that needs files of the shared vectors: without them it is skipped with a notice, or fails where `CI` is "true".
 */
export function describeVectors(title: string, paths: readonly string[], body: () => void): void {
  const missing = paths.filter((path) => !existsSync(join(vectorsDirectory(), path)));
  if (missing.length === 0) {
    describe(title, body);
    return;
  }
  const notice = `needs ${missing.join(", ")} in ${vectorsDirectory()}: set CLOISTER_VECTORS to the vectors' directory`;
  describe(title, () => {
    it(notice, function () {
      if (process.env["CI"] === "true") throw new Error(notice);
      this.skip();
    });
  });
}
