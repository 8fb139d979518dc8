import { CloisterError } from "../../../offchain/errors.ts";
import type { Mutator } from "./mutate-bytes.ts";

/** Something that reads untrusted bytes. */
export interface Target {
  readonly name: string;
  /** Inputs to start from, at least one. */
  readonly seeds: readonly Uint8Array[];
  readonly mutate: Mutator;
  /** `accepted`, the code of the refusal, or a text that starts with `FORGED`; anything thrown is a crash. */
  readonly run: (bytes: Uint8Array) => string | Promise<string>;
  /** How many of a thousand inputs it is given. */
  readonly share: number;
}

/** What became of an input: `accepted`, or the code of its refusal; throws what has no code. */
export function codeOf(action: () => unknown): string {
  try {
    action();
    return "accepted";
  } catch (error) {
    if (error instanceof CloisterError) return error.code;
    throw error;
  }
}

/** As `codeOf`, of what answers later; what it answers is the outcome. */
export async function outcomeOf(action: () => Promise<string>): Promise<string> {
  try {
    return await action();
  } catch (error) {
    if (error instanceof CloisterError) return error.code;
    throw error;
  }
}
