/** Runs every vector of a manifest: `npm run -s conformance -- MANIFEST.json [--json]`; exits 0 only with no disagreement. */
import { prettyJson } from "../offchain/encoding/json.ts";
import { summarise } from "../offchain/verifier/conformance.ts";
import { linesOf, readArguments, runManifest } from "./conformance/run.ts";

const asked = readArguments(process.argv.slice(2));
if (asked === undefined) {
  process.stderr.write("usage: npm run -s conformance -- MANIFEST.json [--json]\n");
  process.exitCode = 2;
} else {
  try {
    const report = summarise(await runManifest(asked.manifest, Date.now()));
    process.stdout.write(`${asked.json ? prettyJson(report) : linesOf(report).join("\n")}\n`);
    process.exitCode = report.disagreed === 0 ? 0 : 1;
  } catch (error) {
    process.stderr.write(`conformance: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 2;
  }
}
