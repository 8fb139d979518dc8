import type { Command } from "commander";
import { loadEndorsements } from "../endorsements/bundle.ts";
import { EvidenceError } from "../errors.ts";
import type { AttestationResult } from "../verifier/result.ts";
import { verifyEvidence, type Endorsements } from "../verifier/verify.ts";
import { collected, timeArgument } from "./arguments.ts";
import { checkLines, SIMULATED_LINE } from "./checks.ts";
import { decodeBytes, readFileBytes } from "./files.ts";
import type { Report, Session } from "./session.ts";
import { readTrust, type TrustOptions } from "./trust.ts";
import { verb } from "./verb.ts";

interface Options extends TrustOptions {
  readonly endorsements?: string;
  /** Milliseconds since 1970. */
  readonly now?: number;
}

/** Adds `evidence verify`. */
export function addEvidence(program: Command, session: Session): void {
  const evidence = program.command("evidence").description("hardware evidence by itself");
  verb(evidence, "verify", {
    description: "verify and appraise raw evidence; the format is found by itself",
    example: "cloister evidence verify quote.bin --endorsements collateral/ --now 2026-02-11T09:25:52Z",
  })
    .argument("<file>", "evidence, raw or in hex or base64")
    .option("--endorsements <path>", "directory or file with the vendor's signed material")
    .option("--policy <file>", "appraisal policy, JSON; the default policy where not given")
    .option("--trust-root <file>", "a root to trust beside the vendors', JSON or certificate; repeatable", collected)
    .option("--now <time>", "the time to verify at, ISO 8601; the clock's where not given", timeArgument)
    .action(async (file: string, options: Options) => session.conclude(await verifyFile(file, options)));
}

/** Verifies the evidence in a file; the JSON is the attestation result itself. */
async function verifyFile(file: string, options: Options): Promise<Report> {
  const evidence = decodeBytes(readFileBytes(file));
  const now = options.now ?? Date.now();
  const trust = readTrust(options);
  const endorsements = await endorsementsOf(options.endorsements, { evidence, now });
  const result = await verifyEvidence(evidence, { ...trust, endorsements, now });
  return { exit: isAcceptable(result) ? 0 : 1, json: result, lines: resultLines(result) };
}

/** What is given; none for evidence that cannot be parsed, whose result says so by itself. */
async function endorsementsOf(
  path: string | undefined,
  wanted: Parameters<typeof loadEndorsements>[1],
): Promise<Endorsements> {
  if (path === undefined) return {};
  try {
    return await loadEndorsements(path, wanted);
  } catch (error) {
    if (error instanceof EvidenceError) return {};
    throw error;
  }
}

function isAcceptable({ verdict }: AttestationResult): boolean {
  return verdict === "affirming" || verdict === "warning";
}

function resultLines(result: AttestationResult): readonly string[] {
  const { claims, failures, platform, simulated, verdict } = result;
  const tcb = claims?.tcb === undefined ? "" : `, TCB ${claims.tcb.status}`;
  return [
    ...(simulated ? [SIMULATED_LINE] : []),
    `${verdict}  ${platform ?? "unknown format"}${tcb}`,
    ...checkLines(result.checks),
    ...failures.map(({ code, id, detail }) => `${verdict} because of ${id}, ${code}: ${detail}`),
  ];
}
