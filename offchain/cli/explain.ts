import type { Command } from "commander";
import {
  changedChecks,
  reasonsOf,
  validityOf,
  type CheckChange,
  type EndorsementValidity,
  type Reason,
} from "../verifier/explain.ts";
import type { AttestationResult } from "../verifier/result.ts";
import { addressArgument, chainIdArgument, collected, timeArgument } from "./arguments.ts";
import { SIMULATED_LINE } from "./checks.ts";
import { readEvidence } from "./evidence-input.ts";
import type { Report, Session } from "./session.ts";
import { readTrust, type TrustOptions } from "./trust.ts";
import { verb } from "./verb.ts";
import { domainOf, givenEndorsements, isAcceptable, verifyGiven, type RegistryOptions } from "./verification.ts";

interface Options extends TrustOptions, RegistryOptions {
  readonly endorsements?: string;
  readonly endorsements2?: string;
  /** Milliseconds since 1970. */
  readonly at?: number;
  readonly at2?: number;
}

interface Judged {
  /** ISO 8601. */
  readonly at: string;
  readonly result: AttestationResult;
  readonly reasons: readonly Reason[];
  readonly endorsements: readonly EndorsementValidity[];
}

/** Adds `evidence explain`. */
export function addExplain(parent: Command, session: Session): void {
  verb(parent, "explain", {
    description: "say why evidence is not accepted, or what changed between two times, files or sets of endorsements",
    example:
      "cloister evidence explain quote.bin --endorsements collateral/ --at 2026-02-11T09:25:52Z --at2 2026-04-11T09:25:52Z",
  })
    .argument("<file>", "evidence, raw or in hex or base64, or the JSON of a worker's GET /v1/evidence")
    .argument("[file2]", "other evidence to compare with")
    .option("--endorsements <path>", "directory or file with the vendor's signed material")
    .option("--endorsements2 <path>", "the same for the second judgement; the first one's where not given")
    .option("--at <time>", "the time to judge at, ISO 8601; the clock's where not given", timeArgument)
    .option("--at2 <time>", "the time of the second judgement; the first one's where not given", timeArgument)
    .option("--registry <address>", "the NodeRegistry that a worker's keys must be bound for", addressArgument)
    .option("--chain-id <id>", "the registry's chain", chainIdArgument)
    .option("--policy <file>", "appraisal policy, JSON; the default policy where not given")
    .option("--trust-root <file>", "a root to trust beside the vendors', JSON or certificate; repeatable", collected)
    .action(async (file: string, file2: string | undefined, options: Options) =>
      session.conclude(await explain(file, file2, options)),
    );
}

async function explain(file: string, file2: string | undefined, options: Options): Promise<Report> {
  const at = options.at ?? Date.now();
  const first = await judge(file, options, { at, endorsements: options.endorsements });
  if (file2 === undefined && options.at2 === undefined && options.endorsements2 === undefined) {
    return { exit: isAcceptable(first.result) ? 0 : 1, json: judgedJson(first), lines: judgedLines(first) };
  }
  const second = await judge(file2 ?? file, options, {
    at: options.at2 ?? at,
    endorsements: options.endorsements2 ?? options.endorsements,
  });
  const changes = changedChecks(first.result, second.result, second.endorsements);
  return {
    exit: isAcceptable(second.result) ? 0 : 1,
    json: { before: judgedJson(first), after: judgedJson(second), changes },
    lines: [
      `${first.result.verdict} at ${first.at}, ${second.result.verdict} at ${second.at}`,
      ...(changes.length === 0
        ? ["no check came out otherwise"]
        : changes.flatMap((change) => changeLines(change, second))),
      ...judgedLines(second),
    ],
  };
}

/** A node is judged with its devices. */
async function judge(
  file: string,
  options: Options,
  { at, endorsements: path }: { readonly at: number; readonly endorsements: string | undefined },
): Promise<Judged> {
  const given = readEvidence(file);
  const endorsements = await givenEndorsements(path, given, at);
  const result = await verifyGiven(given, domainOf(options), { ...readTrust(options), now: at, endorsements });
  const { devices = [], ...own } = endorsements;
  const validity = [own, ...devices.map((nvidia) => ({ nvidia }))].flatMap((of) => validityOf(of, at));
  return { at: new Date(at).toISOString(), result, reasons: reasonsOf(result, validity), endorsements: validity };
}

function judgedJson({ at, result, reasons, endorsements }: Judged): Readonly<Record<string, unknown>> {
  const { verdict, simulated, platform } = result;
  return { at, verdict, simulated, platform, reasons, endorsements };
}

function judgedLines({ at, result, reasons, endorsements }: Judged): readonly string[] {
  return [
    ...(result.simulated ? [SIMULATED_LINE] : []),
    `${result.verdict}  ${result.platform ?? "unknown format"} at ${at}`,
    ...reasons.map(({ tier, id, code, detail, endorsements: by }) => `${tier}  ${id}, ${code}: ${detail}${byText(by)}`),
    ...endorsements.map(
      ({ name, from, until, state }) => `endorsement ${name}  ${state}  ${from ?? "?"} to ${until ?? "?"}`,
    ),
  ];
}

function changeLines(
  { id, before, after, endorsements }: CheckChange,
  { endorsements: given }: Judged,
): readonly string[] {
  const states = given.filter(({ name, state }) => endorsements.includes(name) && state !== "valid");
  return [
    `CHANGED  ${id}${byText(endorsements)}`,
    `  before  ${before === null ? "no such check" : `${before.outcome}: ${before.detail}`}`,
    `  after   ${after === null ? "no such check" : `${after.outcome}: ${after.detail}`}`,
    ...states.map(({ name, state, until }) => `  ${name} is ${state}${until === null ? "" : `, until ${until}`}`),
  ];
}

function byText(endorsements: readonly string[]): string {
  return endorsements.length === 0 ? "" : ` (decided by ${endorsements.join(", ")})`;
}
