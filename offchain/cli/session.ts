import { prettyJson } from "../encoding/json.ts";
import type { CliFailure, ExitCode } from "./failure.ts";

/** Where the command line runs; read once. */
export interface Environment {
  readonly cwd: string;
  /** The repository that this program is part of. */
  readonly root: string;
  /** `CLOISTER_PROFILE`. */
  readonly profile: string | undefined;
}

/** What a verb found: lines for people, one JSON document for machines. */
export interface Report {
  readonly exit: ExitCode;
  readonly json: unknown;
  readonly lines: readonly string[];
}

/** What every verb gets: where it runs, and how it speaks. */
export interface Session {
  readonly environment: Environment;
  /** Tells on standard error what takes its time. */
  readonly progress: (text: string) => void;
  /** Prints the report of a verb, as JSON where asked for, and keeps its exit code. */
  readonly conclude: (report: Report) => void;
  /** Keeps the exit code of a program that spoke for itself. */
  readonly end: (exit: number) => void;
}

/** How a session speaks, and what came of it. */
export interface Speaker {
  readonly json: boolean;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

/** Makes the session of one command; `exit` gives the code that was kept. */
export function createSession(environment: Environment, speaker: Speaker): Session & { readonly exit: () => number } {
  let exit = 0;
  return {
    environment,
    exit: () => exit,
    progress: (text) => speaker.err(`${text} ...\n`),
    conclude: (report) => {
      speaker.out(speaker.json ? `${prettyJson(report.json)}\n` : `${report.lines.join("\n")}\n`);
      exit = report.exit;
    },
    end: (code) => {
      exit = code;
    },
  };
}

/** Prints a failure: on standard error for people, as the one document on standard output for machines. */
export function tellFailure({ code, message, next }: CliFailure, speaker: Speaker): void {
  if (speaker.json) speaker.out(`${prettyJson({ error: { code, message, next } })}\n`);
  else speaker.err(`${code}: ${message}\nnext: ${next}\n`);
}
