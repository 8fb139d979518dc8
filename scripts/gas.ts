/** Gas of whole transactions: `npm run -s gas -- [--json] [--check] [--update]`; only `--check` can exit with 1. */
import { tasks } from "hardhat";
import { readFile, writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import type { FiguresReport } from "./figures/report.ts";
import { prettyJson } from "../offchain/encoding/json.ts";
import { tableOf } from "./figures/report.ts";
import { measureGas } from "./gas/measure.ts";
import { compareWithSnapshot, snapshotOf, type GasSnapshot } from "./gas/snapshot.ts";

const SNAPSHOT = "snapshots/gas.json";
const USAGE = `npm run -s gas -- [--json] [--check] [--update]

  --json    JSON instead of a table
  --check   exit 1 where a figure is missing in ${SNAPSHOT} or more than 1 % above it
  --update  write ${SNAPSHOT}
`;

async function check(report: FiguresReport): Promise<void> {
  const snapshot = JSON.parse(await readFile(SNAPSHOT, "utf8")) as GasSnapshot;
  const faults = compareWithSnapshot(report.figures, snapshot);
  process.stderr.write([`gas: ${faults.length} faults against ${SNAPSHOT}`, ...faults, ""].join("\n"));
  if (faults.length > 0) process.exitCode = 1;
}

function parseFlags() {
  const flag = { type: "boolean", default: false } as const;
  return parseArgs({ options: { json: flag, check: flag, update: flag, help: flag } }).values;
}

async function main(): Promise<void> {
  const flags = parseFlags();
  if (flags.help) return void process.stdout.write(USAGE);
  await tasks.getTask("build").run({ quiet: true });
  const report = await measureGas();
  process.stdout.write(`${flags.json ? prettyJson(report) : tableOf(report)}\n`);
  if (flags.update) await writeFile(SNAPSHOT, snapshotOf(report));
  if (flags.check) await check(report);
}

await main().catch((error: unknown) => {
  process.stderr.write(`gas: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
});
