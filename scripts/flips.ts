/** Changes every byte of signed evidence and endorsements: `npm run -s flips -- [--stride N] [--subject TEXT] [--json]`; exits 0 only where all is refused. */
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { prettyJson } from "../offchain/encoding/json.ts";
import { tryPart, type PartTally } from "./assurance/changes.ts";
import { ALL_FORMS } from "./assurance/forms.ts";
import { loadSubjects } from "./assurance/subjects.ts";

const USAGE = "usage: npm run -s flips -- [--stride N] [--subject TEXT] [--json]\n";
const HEAD = 64;

async function run(stride: number, wanted: string): Promise<readonly PartTally[]> {
  const subjects = await loadSubjects(resolve(process.env["CLOISTER_VECTORS"] ?? "../shared/vectors"));
  const tallies: PartTally[] = [];
  for (const subject of subjects.filter(({ name }) => name.includes(wanted))) {
    for (const role of Object.keys(subject.parts)) {
      const tally = await tryPart(subject, role, { stride, head: HEAD });
      process.stderr.write(`${lineOf(tally)}\n`);
      tallies.push(tally);
    }
  }
  return tallies;
}

function lineOf({ subject, role, length, refused, unsigned, findings }: PartTally): string {
  const counts = `${length} bytes, ${refused} refused, ${unsigned} unsigned, ${findings.length} findings`;
  return `${subject.padEnd(30)} ${role.padEnd(20)} ${counts}`;
}

function print(tallies: readonly PartTally[]): void {
  const sum = (of: (tally: PartTally) => number): number => tallies.reduce((total, tally) => total + of(tally), 0);
  const findings = tallies.flatMap((tally) => tally.findings);
  const named = findings.map(
    ({ subject, role, kind, at, why }) => `FOUND ${subject} ${role}: ${kind} at ${at}: ${why}`,
  );
  const forms = ALL_FORMS.flatMap(({ name, dontCare }) =>
    dontCare === undefined ? [] : [`unsigned in ${name}: ${dontCare}`],
  );
  const total = `total: ${sum(({ refused }) => refused)} refused, ${sum(({ unsigned }) => unsigned)} unsigned, ${findings.length} findings`;
  process.stdout.write(`${[...tallies.map(lineOf), ...forms, ...named, total].join("\n")}\n`);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      stride: { type: "string", default: "1" },
      subject: { type: "string", default: "" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  const stride = Number(values.stride);
  if (values.help) return void process.stdout.write(USAGE);
  if (!Number.isSafeInteger(stride) || stride < 1) throw new TypeError(USAGE.trim());
  const tallies = await run(stride, values.subject);
  if (values.json) process.stdout.write(`${prettyJson(tallies)}\n`);
  else print(tallies);
  process.exitCode = tallies.some(({ findings }) => findings.length > 0) ? 1 : 0;
}

await main().catch((error: unknown) => {
  process.stderr.write(`flips: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
});
