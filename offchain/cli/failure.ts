import { CommanderError } from "commander";
import { CloisterError, type ErrorCode } from "../errors.ts";

/** 0 holds; 1 refused, or a required check was not made; 2 wrong usage, configuration or input; 3 not available now. */
export type ExitCode = 0 | 1 | 2 | 3;

/** What a person or a machine is told of a verb that could not be done. */
export interface CliFailure {
  readonly code: string;
  readonly message: string;
  /** What can be done next, one sentence. */
  readonly next: string;
  readonly exit: Exclude<ExitCode, 0>;
}

const WRONG_INPUT: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "CONFIG_MISSING",
  "CONFIG_INVALID",
  "SERVICE_ADDRESS_INVALID",
  "MODEL_MALFORMED",
  "INPUT_INVALID",
]);

const NOT_NOW: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "SERVICE_UNAVAILABLE",
  "SERVICE_BUSY",
  "REQUEST_TIMEOUT",
  "RPC_UNAVAILABLE",
  "REORGED",
  "ENDORSEMENT_UNAVAILABLE",
  "STORE_UNAVAILABLE",
]);

const NEXT: Readonly<Record<CliFailure["exit"], string>> = {
  1: "Do not rely on it; read what was refused, and look up the code in docs/cli.md.",
  2: "Correct the argument or the file and run the command again; --help shows an example.",
  3: "Wait a moment and run the same command again.",
};

const REVERTED = "Read the contract's own error above; docs/contracts.md says what each one means.";

/** The one place that says how an error ends the program. */
export function failureOf(error: unknown, path = "cloister"): CliFailure {
  if (error instanceof CommanderError) return usageFailure(error, path);
  if (!(error instanceof CloisterError)) return unexpected(error);
  const exit = exitOf(error);
  return { code: error.code, message: error.message, next: nextOf(error, exit), exit };
}

function nextOf(error: CloisterError, exit: CliFailure["exit"]): string {
  return error.next ?? (error.code === "TX_REVERTED" ? REVERTED : NEXT[exit]);
}

function exitOf({ code }: CloisterError): CliFailure["exit"] {
  if (WRONG_INPUT.has(code)) return 2;
  return NOT_NOW.has(code) ? 3 : 1;
}

function usageFailure(error: CommanderError, path: string): CliFailure {
  const help = error.code === "commander.help";
  const message = help ? `a verb is missing after ${path}` : error.message.replace(/^error: /, "");
  return { code: "CONFIG_INVALID", message, next: `Run "${path} --help" for the usage and an example.`, exit: 2 };
}

/** A fault of this program: whatever was asked for was not done, so nothing holds. */
function unexpected(error: unknown): CliFailure {
  const message = error instanceof Error ? error.message : String(error);
  return { code: "UNEXPECTED", message, next: "This is a fault of the program: report it with the command.", exit: 1 };
}
