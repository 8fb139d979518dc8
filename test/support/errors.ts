import { CloisterError } from "../../offchain/errors.ts";

/** The code of the coded error that an action throws; "none" where it throws nothing; any other error is thrown on. */
export function codeOf(action: () => unknown): string {
  try {
    action();
    return "none";
  } catch (error) {
    return codeFrom(error);
  }
}

/** As `codeOf`, for an action that answers later. */
export async function codeOfAsync(action: () => Promise<unknown>): Promise<string> {
  try {
    await action();
    return "none";
  } catch (error) {
    return codeFrom(error);
  }
}

function codeFrom(error: unknown): string {
  if (error instanceof CloisterError) return error.code;
  throw error;
}
