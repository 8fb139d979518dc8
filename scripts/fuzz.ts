/** Fuzzes every parser and whole verifications: `npm run -s fuzz -- [--inputs N] [--seed S] [--from N] [--parser NAME] [--json]`; exits 0 only where nothing is found. */
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { prettyJson } from "../offchain/encoding/json.ts";
import { fuzz, type Found, type FuzzReport } from "./assurance/fuzz/run.ts";
import type { Target } from "./assurance/fuzz/target.ts";
import { targetsOf } from "./assurance/fuzz/targets.ts";
import { loadSubjects } from "./assurance/subjects.ts";

const USAGE = "usage: npm run -s fuzz -- [--inputs N] [--seed S] [--from N] [--parser NAME] [--json]\n";

function print({ outcomes, crashes, slow, forged, slowest, ...run }: FuzzReport): void {
  const groups = Object.entries(outcomes).map(([target, counts]) => {
    const listed = Object.entries(counts).sort(([, a], [, b]) => b - a);
    return `${target.padEnd(50)} ${listed.map(([outcome, count]) => `${outcome} ${count}`).join(", ")}`;
  });
  const named = [...crashes, ...slow, ...forged].map(lineOf);
  const end = [
    `slowest: input ${slowest.input} of ${slowest.target}, ${slowest.cpuMs} ms of CPU alone`,
    `total: seed ${run.seed}, inputs ${run.from} to ${run.from + run.inputs - 1} in ${run.seconds} s: ` +
      `${crashes.length} crashes, ${slow.length} slow, ${forged.length} accepted though a signed part differs`,
  ];
  process.stdout.write(`${[...groups.sort(), ...named, ...end].join("\n")}\n`);
}

function lineOf({ input, target, detail }: Found): string {
  return `FOUND input ${input}, ${target}: ${detail}`;
}

function chosen(targets: readonly Target[], name: string | undefined): readonly Target[] {
  const found =
    name === undefined
      ? targets
      : targets.filter((target) => target.name === name || target.name.startsWith(`${name} `));
  if (found.length === 0)
    throw new TypeError(`no parser ${name ?? ""}; there are ${targets.map((target) => target.name).join(", ")}`);
  return found;
}

function whole(text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 0) throw new TypeError(USAGE.trim());
  return number;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      inputs: { type: "string", default: "100000" },
      seed: { type: "string", default: "1" },
      from: { type: "string", default: "0" },
      parser: { type: "string" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return void process.stdout.write(USAGE);
  const subjects = await loadSubjects(resolve(process.env["CLOISTER_VECTORS"] ?? "../shared/vectors"));
  const options = { seed: whole(values.seed), from: whole(values.from), inputs: whole(values.inputs) };
  const notice = (done: number, found: number): void =>
    void process.stderr.write(`${done} inputs, ${found} findings; go on from here with --from ${done}\n`);
  const tell = (found: Found): void => void process.stderr.write(`${lineOf(found)}\n`);
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => stop.abort());
  const targets = chosen(targetsOf(subjects), values.parser);
  const report = await fuzz(targets, { ...options, notice, tell, signal: stop.signal });
  if (values.json) process.stdout.write(`${prettyJson(report)}\n`);
  else print(report);
  process.exitCode = report.crashes.length + report.slow.length + report.forged.length > 0 ? 1 : 0;
}

await main().catch((error: unknown) => {
  process.stderr.write(`fuzz: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
});
