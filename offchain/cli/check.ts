import type { Command } from "commander";
import { checkEvidenceFile, type FileCheck } from "../client/check.ts";
import { parseEvidenceFile, type EvidenceFile } from "../client/evidence-file.ts";
import { readProfile } from "../client/profile.ts";
import { CloisterError, ConfigError } from "../errors.ts";
import type { TrustRoot } from "../evidence/scheme.ts";
import { collected, timeArgument } from "./arguments.ts";
import { checkLines, SIMULATED_LINE } from "./checks.ts";
import { readFileJson } from "./files.ts";
import { findProfile } from "./network.ts";
import type { Report, Session } from "./session.ts";
import { readTrust, type TrustOptions } from "./trust.ts";
import { verb } from "./verb.ts";

interface Options extends TrustOptions {
  readonly now?: number;
  readonly profile?: string;
}

/** Adds `check`. */
export function addCheck(program: Command, session: Session): void {
  verb(program, "check", {
    description: "check an answer's evidence file, offline",
    example: "cloister check evidence.json",
  })
    .argument("<evidence-file>", "what `cloister infer` wrote")
    .option("--policy <file>", "appraisal policy, JSON; the default policy where not given")
    .option("--trust-root <file>", "a root to trust beside the vendors', JSON or certificate; repeatable", collected)
    .option("--profile <file>", "the network whose simulated vendor to trust")
    .option("--now <time>", "the time to judge at, ISO 8601; the file's own where not given", timeArgument)
    .action(async (file: string, options: Options) => session.conclude(await checkFile(file, options, session)));
}

async function checkFile(path: string, options: Options, session: Session): Promise<Report> {
  const file = readEvidenceFile(path);
  const trust = readTrust(options, profileRoots(options, session));
  const checked = await checkEvidenceFile(file, {
    ...trust,
    ...(options.now === undefined ? {} : { now: options.now }),
  });
  const { holds, simulated, checks, attestation } = checked;
  return {
    exit: holds ? 0 : 1,
    json: { holds, simulated, checks, attestation },
    lines: fileLines(file, checked, options),
  };
}

/** Reads an evidence file; throws `ConfigError` `CONFIG_INVALID` for what is none. */
function readEvidenceFile(path: string): EvidenceFile {
  const json = readFileJson(path);
  try {
    return parseEvidenceFile(json);
  } catch (cause) {
    if (!(cause instanceof CloisterError)) throw cause;
    throw new ConfigError("CONFIG_INVALID", `${path} is no evidence file: ${cause.message}`, { cause });
  }
}

/** The simulated vendors of the network at hand; nothing else of a profile has a say in what holds. */
function profileRoots(options: Options, session: Session): readonly TrustRoot[] {
  const path = findProfile(options, session.environment);
  return path === undefined ? [] : readProfile(path).trustRoots;
}

function fileLines(file: EvidenceFile, checked: FileCheck, options: Options): readonly string[] {
  const verdict = checked.holds ? "HOLDS" : "DOES NOT HOLD";
  const time = new Date(options.now ?? file.checkedAt).toISOString();
  const whose = options.now === undefined ? "the file's own claim; --now judges at another time" : "as asked for";
  return [
    ...(checked.simulated ? [SIMULATED_LINE] : []),
    `${verdict}  judged as of ${time} (${whose})`,
    ...checkLines(checked.checks),
  ];
}
