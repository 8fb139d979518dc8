import { CloisterError, EndorsementError, EvidenceError } from "../errors.ts";
import type { Check } from "./scheme.ts";

/** What a check is called and which specification asks for it. */
export interface CheckName {
  readonly id: string;
  readonly reference: string;
}

/** What a check that holds found. */
export interface Found<T> {
  readonly detail: string;
  readonly value: T;
}

/** A failed check with the error behind it. */
export interface LoggedFailure {
  readonly id: string;
  readonly error: CloisterError;
}

/** Says that a check cannot be made because of another one. */
class NotMade extends Error {}

/**
 * Collects every check of one verification, so that one failure does not hide the others.
 * A coded error fails its check; a missing endorsement or prerequisite leaves it not made.
 */
export class CheckLog {
  readonly #checks: Check[] = [];
  readonly #failures: LoggedFailure[] = [];
  readonly #optional = new Set<Check>();
  readonly #unasked = new Set<Check>();

  get checks(): readonly Check[] {
    return this.#checks;
  }

  /** The failed checks in the order they were made. */
  get failures(): readonly LoggedFailure[] {
    return this.#failures;
  }

  /** Makes one check; undefined where it failed or could not be made. */
  async check<T>(name: CheckName, make: () => Promise<Found<T>> | Found<T>): Promise<T | undefined> {
    try {
      const { detail, value } = await make();
      this.#checks.push({ id: name.id, outcome: "pass", detail, reference: name.reference });
      return value;
    } catch (error) {
      this.#refuse(name, error);
      return undefined;
    }
  }

  /** Reports a check as not made that nobody asked for: it says nothing for or against the evidence. */
  leaveOut(name: CheckName, why: string): void {
    this.#unasked.add(this.#leave(name, why));
  }

  /** Reports a check as not made that the evidence is accepted without, with a warning. */
  warnOf(name: CheckName, why: string): void {
    this.#optional.add(this.#leave(name, why));
  }

  #leave(name: CheckName, why: string): Check {
    const check: Check = {
      id: name.id,
      outcome: "none",
      detail: `not checked: ${why}`,
      reference: name.reference,
    };
    this.#checks.push(check);
    return check;
  }

  /** Says whether a check was left out by `leaveOut`. */
  isUnasked(check: Check): boolean {
    return this.#unasked.has(check);
  }

  /** Says whether a check was left out by `warnOf`. */
  isOptional(check: Check): boolean {
    return this.#optional.has(check);
  }

  /** Throws the first failure, if any. */
  conclude(): void {
    const [first] = this.#failures;
    if (first !== undefined) throw first.error;
  }

  #refuse(name: CheckName, error: unknown): void {
    const missing = error instanceof EndorsementError && error.code === "ENDORSEMENT_UNAVAILABLE";
    if (missing || error instanceof NotMade) {
      this.#checks.push({ id: name.id, outcome: "none", detail: error.message, reference: name.reference });
      return;
    }
    if (!(error instanceof CloisterError)) throw error;
    this.#checks.push({ id: name.id, outcome: "fail", detail: error.message, reference: name.reference });
    this.#failures.push({ id: name.id, error });
  }
}

/** What an earlier check found; inside a check, its absence leaves that check not made. */
export function need<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new NotMade(`not checked: ${what} was not verified`);
  return value;
}

/** An endorsement's bytes; inside a check, its absence leaves that check not made. */
export function needEndorsement(bytes: Uint8Array | undefined, what: string): Uint8Array {
  if (bytes === undefined) throw new EndorsementError("ENDORSEMENT_UNAVAILABLE", `not checked: no ${what} was given`);
  return bytes;
}

/** Runs a check of an endorsement: what would be the evidence's fault is the endorsement's. */
export async function asEndorsement<T>(what: string, run: () => Promise<T> | T): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof EvidenceError)) throw error;
    const code = error.code === "CERTIFICATE_EXPIRED" ? "ENDORSEMENT_EXPIRED" : "ENDORSEMENT_INVALID";
    throw new EndorsementError(code, `${what}: ${error.message}`, { cause: error });
  }
}
