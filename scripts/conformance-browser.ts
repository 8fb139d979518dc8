/** The conformance suite in Chromium: `npm run -s conformance:browser -- MANIFEST.json [--json]`; exits 0 only with no disagreement, neither with the manifest nor with Node. */
import { prettyJson } from "../offchain/encoding/json.ts";
import { CloisterError } from "../offchain/errors.ts";
import { conformInBrowser, type BrowserConformance } from "./browser/conform.ts";
import { linesOf, readArguments } from "./conformance/run.ts";

function textOf({ browser, report, differences }: BrowserConformance): string {
  const total = Object.values(report.byKind).reduce(
    (sum, { agreed, disagreed, tolerant, unsupported }) => sum + agreed + disagreed + tolerant + unsupported,
    0,
  );
  const named = differences.map((difference) => `DIFFERS ${difference}`);
  const same = `${browser}: ${total - differences.length} of ${total} outcomes are Node's`;
  return [...linesOf(report), ...named, same].join("\n");
}

const asked = readArguments(process.argv.slice(2));
if (asked === undefined) {
  process.stderr.write("usage: npm run -s conformance:browser -- MANIFEST.json [--json]\n");
  process.exitCode = 2;
} else {
  try {
    const result = await conformInBrowser(asked.manifest);
    const { browser, report, differences } = result;
    process.stdout.write(`${asked.json ? prettyJson({ ...report, browser, differences }) : textOf(result)}\n`);
    process.exitCode = report.disagreed === 0 && differences.length === 0 ? 0 : 1;
  } catch (error) {
    const coded =
      error instanceof CloisterError ? `${error.code}: ${error.message}. ${error.next ?? ""}` : String(error);
    process.stderr.write(`conformance: ${coded.trim()}\n`);
    process.exitCode = 2;
  }
}
