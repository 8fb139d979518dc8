/** Runs every vector of a manifest: `npm run -s conformance -- MANIFEST.json [--json]`; exits 0 only with no disagreement. */
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { prettyJson } from "../offchain/encoding/json.ts";
import {
  parseManifest,
  runVector,
  summarise,
  type ConformanceReport,
  type VectorOutcome,
} from "../offchain/verifier/conformance.ts";

const USAGE = "usage: npm run -s conformance -- MANIFEST.json [--json]\n";

async function run(manifest: string): Promise<ConformanceReport> {
  const folder = dirname(manifest);
  const vectors = parseManifest(JSON.parse(await readFile(manifest, "utf8")), Date.now());
  const read = async (path: string): Promise<Uint8Array> => new Uint8Array(await readFile(join(folder, path)));
  const outcomes: VectorOutcome[] = [];
  for (const vector of vectors) outcomes.push(await runVector(vector, read));
  return summarise(outcomes);
}

function print(report: ConformanceReport): void {
  const lines = Object.entries(report.byKind).map(
    ([kind, { agreed, disagreed, tolerant, unsupported }]) =>
      `${kind.padEnd(34)} agreed ${agreed}, disagreed ${disagreed}, tolerant ${tolerant}, unsupported ${unsupported}`,
  );
  const named = report.disagreements.map(
    ({ id, expected, got, reason }) => `DISAGREED ${id}: expected ${expected}, got ${got}: ${reason}`,
  );
  const total = `total: agreed ${report.agreed}, disagreed ${report.disagreed}, tolerant ${report.tolerant}, unsupported ${report.unsupported}`;
  process.stdout.write(`${[...lines, ...named, total].join("\n")}\n`);
}

const [manifest, ...flags] = process.argv
  .slice(2)
  .toSorted((a, b) => Number(a.startsWith("-")) - Number(b.startsWith("-")));
if (manifest === undefined || manifest.startsWith("-") || flags.some((flag) => flag !== "--json")) {
  process.stderr.write(USAGE);
  process.exitCode = 2;
} else {
  try {
    const report = await run(manifest);
    if (flags.includes("--json")) process.stdout.write(`${prettyJson(report)}\n`);
    else print(report);
    process.exitCode = report.disagreed === 0 ? 0 : 1;
  } catch (error) {
    process.stderr.write(`conformance: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 2;
  }
}
