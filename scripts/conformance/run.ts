import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import {
  parseManifest,
  runVector,
  type ConformanceReport,
  type VectorOutcome,
} from "../../offchain/verifier/conformance.ts";

/** Runs every vector of a manifest file in this process; `anyTime` stands for a time that the manifest leaves open. */
export async function runManifest(manifest: string, anyTime: number): Promise<readonly VectorOutcome[]> {
  const folder = dirname(manifest);
  const vectors = parseManifest(JSON.parse(await readFile(manifest, "utf8")), anyTime);
  const read = async (path: string): Promise<Uint8Array> => new Uint8Array(await readFile(join(folder, path)));
  const outcomes: VectorOutcome[] = [];
  for (const vector of vectors) outcomes.push(await runVector(vector, read));
  return outcomes;
}

/** The report as lines for people: counts by kind, every disagreement, the total. */
export function linesOf(report: ConformanceReport): readonly string[] {
  const byKind = Object.entries(report.byKind).map(
    ([kind, { agreed, disagreed, tolerant, unsupported }]) =>
      `${kind.padEnd(34)} agreed ${agreed}, disagreed ${disagreed}, tolerant ${tolerant}, unsupported ${unsupported}`,
  );
  const named = report.disagreements.map(
    ({ id, expected, got, reason }) => `DISAGREED ${id}: expected ${expected}, got ${got}: ${reason}`,
  );
  const total = `total: agreed ${report.agreed}, disagreed ${report.disagreed}, tolerant ${report.tolerant}, unsupported ${report.unsupported}`;
  return [...byKind, ...named, total];
}

/** What a conformance program was asked for; undefined where the command line is another. */
export function readArguments(args: readonly string[]): { manifest: string; json: boolean } | undefined {
  const [manifest, ...others] = args.filter((arg) => !arg.startsWith("-"));
  const flags = args.filter((arg) => arg.startsWith("-"));
  const known = flags.every((flag) => flag === "--json");
  return manifest !== undefined && others.length === 0 && known ? { manifest, json: flags.length > 0 } : undefined;
}
