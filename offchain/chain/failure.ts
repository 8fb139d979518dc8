import { isError, type ErrorDescription } from "ethers";
import { CloisterError, ChainError } from "../errors.ts";
import { ALL_ERRORS, domainValues } from "./codec.ts";

/** A decoded refusal of a contract: the cause of a `TX_REVERTED`. */
export class Revert extends Error {
  /** Such as `NodeRegistryUnknownNode`; `Error` for a reason text, `Panic` for a fault, `Unknown` for anything else. */
  readonly errorName: string;
  readonly args: Readonly<Record<string, unknown>>;

  constructor(errorName: string, args: Readonly<Record<string, unknown>>) {
    const list = Object.entries(args).map(([name, value]) => `${name}=${String(value)}`);
    super(`${errorName}(${list.join(", ")})`);
    this.name = "Revert";
    this.errorName = errorName;
    this.args = args;
  }
}

/** The name of the contract error that a failure was caused by; undefined where no contract refused. */
export function revertName(error: unknown): string | undefined {
  return error instanceof ChainError && error.cause instanceof Revert ? error.cause.errorName : undefined;
}

/** Runs work against the chain and throws every failure as `ChainError`; `doing` says what was tried. */
export async function onChain<T>(doing: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw chainError(doing, cause);
  }
}

/** Makes the coded error of anything that ethers or a node can throw. */
export function chainError(doing: string, cause: unknown): CloisterError {
  if (cause instanceof CloisterError) return cause;
  const revert = revertOf(cause);
  if (revert !== undefined) return new ChainError("TX_REVERTED", `${doing}: ${revert.message}`, { cause: revert });
  if (isUnderpriced(cause)) {
    return new ChainError("TX_UNDERPRICED", `${doing}: the network did not take the transaction`, {
      cause,
      next: "Fund the sender's account, or try again when fees are lower.",
    });
  }
  return new ChainError("RPC_UNAVAILABLE", `${doing}: the chain's RPC did not answer properly`, { cause });
}

/** Decodes the bytes that a call reverted with. */
export function decodeRevert(data: string): Revert {
  let found: ErrorDescription | null = null;
  try {
    found = ALL_ERRORS.parseError(data);
  } catch {
    return new Revert("Unknown", { data });
  }
  return found === null
    ? new Revert("Unknown", { data })
    : new Revert(found.name, domainValues(found.fragment.inputs, found.args));
}

function revertOf(cause: unknown): Revert | undefined {
  if (!isError(cause, "CALL_EXCEPTION")) return revertInside(cause);
  if (typeof cause.data === "string" && cause.data !== "0x") return decodeRevert(cause.data);
  return new Revert("Unknown", { reason: cause.reason ?? cause.shortMessage });
}

/** Development chains answer the sending itself with the revert. */
function revertInside(cause: unknown): Revert | undefined {
  const { info, error = info?.error } = cause as { info?: { error?: unknown }; error?: unknown };
  const data = (error as { data?: unknown } | undefined)?.data;
  const bytes = typeof data === "string" ? data : (data as { data?: unknown } | undefined)?.data;
  return typeof bytes === "string" && /^0x[0-9a-f]{8}/.test(bytes) ? decodeRevert(bytes) : undefined;
}

const NOT_TAKEN =
  /insufficient funds|enough funds|underpriced|nonce (?:is )?too low|max ?fee ?per ?gas.*(?:less|below|lower)/i;

function isUnderpriced(cause: unknown): boolean {
  if (isError(cause, "INSUFFICIENT_FUNDS") || isError(cause, "REPLACEMENT_UNDERPRICED")) return true;
  if (isError(cause, "NONCE_EXPIRED")) return true;
  const { message, error, info } = cause as { message?: string; error?: Error; info?: { error?: Error } };
  return [message, error?.message, info?.error?.message].some((text) => NOT_TAKEN.test(text ?? ""));
}
