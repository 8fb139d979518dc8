/** Keeps all requests of one program to a host within what the host asks for. */
import { setTimeout as sleep } from "node:timers/promises";
import { EndorsementError } from "../errors.ts";

/** How one request passes. */
export interface Passing {
  /** The least time between two requests that have one. */
  readonly spacingMs: number;
  /** A longer wait is refused at once. */
  readonly longestMs: number;
  readonly signal?: AbortSignal | undefined;
}

export interface HostGate {
  /** Waits for a request's turn; throws EndorsementError `ENDORSEMENT_UNAVAILABLE` where that takes too long or the signal comes. */
  enter(host: string, passing: Passing): Promise<void>;
  /** Lets nobody ask a host for a time, as the host wants it. */
  close(host: string, forMs: number): void;
}

/** No host closes itself for longer. */
const LONGEST_CLOSING = 3_600_000;

/** Makes a gate; times are taken from a clock that nobody sets. */
export function createHostGate(clock: () => number = () => performance.now()): HostGate {
  const closedUntil = new Map<string, number>();
  const nextTurn = new Map<string, number>();

  return {
    enter: async (host, { spacingMs, longestMs, signal }) => {
      const now = clock();
      const turn = spacingMs > 0 ? (nextTurn.get(host) ?? now) : now;
      const at = Math.max(now, turn, closedUntil.get(host) ?? now);
      if (at - now > longestMs) {
        const seconds = Math.ceil((at - now) / 1000);
        throw new EndorsementError("ENDORSEMENT_UNAVAILABLE", `${host} is not to be asked for another ${seconds} s`);
      }
      if (spacingMs > 0) nextTurn.set(host, at + spacingMs);
      await pause(at - now, signal);
    },
    close: (host, forMs) => {
      const until = clock() + Math.min(forMs, LONGEST_CLOSING);
      closedUntil.set(host, Math.max(until, closedUntil.get(host) ?? 0));
    },
  };
}

/** Waits; throws EndorsementError `ENDORSEMENT_UNAVAILABLE` where the signal comes first. */
export async function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  if (milliseconds <= 0 && signal?.aborted !== true) return;
  try {
    await sleep(milliseconds, undefined, signal === undefined ? {} : { signal });
  } catch (cause) {
    throw new EndorsementError("ENDORSEMENT_UNAVAILABLE", "told to stop waiting for endorsements", { cause });
  }
}
