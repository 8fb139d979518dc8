import { CloisterError } from "../errors.ts";
import type { CheckName } from "../evidence/check-log.ts";
import type { Check } from "../evidence/scheme.ts";
import type { Failure } from "./result.ts";

/** One check of what a node says, with the failure that it is where it failed. */
export interface Finding {
  readonly check: Check;
  readonly failure?: Failure;
}

/** A check that holds. */
export function held({ id, reference }: CheckName, detail: string): Finding {
  return { check: { id, outcome: "pass", detail, reference } };
}

/** A check that failed. */
export function refused({ id, reference }: CheckName, code: Failure["code"], detail: string): Finding {
  return { check: { id, outcome: "fail", detail, reference }, failure: { id, code, detail, tier: "contraindicated" } };
}

/** A check that could not be made, for which another failure stands. */
export function notMade({ id, reference }: CheckName, why: string): Finding {
  return { check: { id, outcome: "none", detail: `not checked: ${why}`, reference } };
}

/** Makes a check whose refusal is a coded error. */
export function found(name: CheckName, detail: string, check: () => void): Finding {
  try {
    check();
    return held(name, detail);
  } catch (error) {
    if (!(error instanceof CloisterError)) throw error;
    return refused(name, error.code, error.message);
  }
}
