/** Speed beside peers, in one run: `npm run -s bench -- evidence|browser|sealing|receipts|privacy [--json]`. Measures and judges nothing. */
import { parseArgs } from "node:util";
import type { Figure } from "./figures/report.ts";
import { prettyJson } from "../offchain/encoding/json.ts";
import { benchBrowser } from "./bench/browser.ts";
import { benchEvidence } from "./bench/evidence.ts";
import { describeMachine } from "./bench/machine.ts";
import { benchPrivacy } from "./bench/privacy.ts";
import { benchReceipts } from "./bench/receipts.ts";
import { benchSealing } from "./bench/sealing.ts";
import { tableOf } from "./figures/report.ts";

const notice = (text: string): void => void process.stderr.write(text);

const BENCHES: Readonly<Record<string, () => Promise<readonly Figure[]>>> = {
  evidence: () => benchEvidence(notice),
  browser: () => benchBrowser(notice),
  sealing: benchSealing,
  receipts: benchReceipts,
  privacy: benchPrivacy,
};
const USAGE = `usage: npm run -s bench -- ${Object.keys(BENCHES).join("|")} [--json]\n`;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { json: { type: "boolean", default: false }, help: { type: "boolean", default: false } },
  });
  if (values.help) return void process.stdout.write(USAGE);
  const [name = "", ...rest] = positionals;
  const bench = BENCHES[name];
  if (bench === undefined || rest.length > 0) throw new TypeError(USAGE.trim());
  const figures = await bench();
  const report = { name, machine: describeMachine(), figures };
  process.stdout.write(`${values.json ? prettyJson(report) : tableOf(report)}\n`);
}

await main().catch((error: unknown) => {
  process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
});
