/** Mutation tests by room: `npm run -s mutation -- [ROOM|GROUP...] [--survivors] [--progress] [--json]`; exits 0 only where every score is high enough. */
import type { PartialStrykerOptions } from "@stryker-mutator/api/core";
import { Stryker } from "@stryker-mutator/core";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { prettyJson } from "../offchain/encoding/json.ts";
import { IGNORER_NAME } from "./mutation/ignore-texts.ts";
import { RUNNER_NAME, TESTS_OPTION } from "./mutation/mocha-runner.ts";
import { BREAK_AT, scoreOf, type RoomScore } from "./mutation/report.ts";
import { GROUPS, ROOMS, type Room } from "./mutation/rooms.ts";

const USAGE = `usage: npm run -s mutation -- [${[...Object.keys(ROOMS), ...Object.keys(GROUPS)].join("|")}]... [--survivors] [--progress] [--json]\n`;
/** The type of levels is an ambient enum, whose members cannot be named here. */
const QUIET = JSON.parse('{"logLevel":"error"}') as Pick<PartialStrykerOptions, "logLevel">;
const STATE = ".stryker-tmp";
/** The replay of vectors takes one of so many, or each change that survives would take seconds. */
const VECTOR_STRIDE = 3;

/** Mutants that one run decided are not run again by the next where neither they nor their tests changed. */
async function mutate(name: string, room: Room, progress: boolean): Promise<RoomScore> {
  const stryker = new Stryker({
    mutate: [...room.mutate],
    testRunner: RUNNER_NAME,
    plugins: ["./scripts/mutation/plugins.ts"],
    [TESTS_OPTION]: room.tests,
    ignorers: [IGNORER_NAME],
    coverageAnalysis: "perTest",
    ignoreStatic: true,
    incremental: true,
    incrementalFile: `${STATE}/${name}.json`,
    tempDirName: `${STATE}/${name}`,
    ignorePatterns: [STATE, "artifacts", "cache", "contracts", "models", "snapshots"],
    tsconfigFile: "none",
    disableTypeChecks: false,
    concurrency: 1,
    reporters: progress ? ["progress-append-only"] : [],
    timeoutMS: 8_000,
    timeoutFactor: 4,
    ...QUIET,
    warnings: false,
  });
  return scoreOf(name, await stryker.runMutationTest());
}

function lineOf({ room, score, killed, endless, survived, uncovered, ignored }: RoomScore): string {
  const counts = `${killed} killed, ${endless} endless, ${survived} survived, ${uncovered} not covered, ${ignored} left out`;
  return `${room.padEnd(10)} ${score.toFixed(2).padStart(6)} %  ${counts}${score < BREAK_AT ? `  BELOW ${BREAK_AT} %` : ""}`;
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      survivors: { type: "boolean", default: false },
      progress: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return void process.stdout.write(USAGE);
  const names = (positionals.length === 0 ? ["all"] : positionals).flatMap((name) => GROUPS[name] ?? [name]);
  // The tests run in a copy of the repository, from where the default would be another directory.
  process.env["CLOISTER_VECTORS"] = resolve(process.env["CLOISTER_VECTORS"] ?? "../shared/vectors");
  process.env["CLOISTER_VECTOR_STRIDE"] = String(VECTOR_STRIDE);
  const scores: RoomScore[] = [];
  for (const name of new Set(names)) {
    const room = ROOMS[name];
    if (room === undefined) throw new TypeError(USAGE.trim());
    const score = await mutate(name, room, values.progress);
    process.stderr.write(`${lineOf(score)}\n`);
    scores.push(score);
  }
  const lines = scores.flatMap((score) => [lineOf(score), ...(values.survivors ? score.undetected : [])]);
  process.stdout.write(`${values.json ? prettyJson(scores) : lines.join("\n")}\n`);
  process.exitCode = scores.every(({ score }) => score >= BREAK_AT) ? 0 : 1;
}

await main().catch((error: unknown) => {
  process.stderr.write(`mutation: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
});
