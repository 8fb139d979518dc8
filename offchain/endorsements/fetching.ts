/** Fetches vendor documents: again after a passing failure, once for many askers, and not at all while the last answer is fresh. */
import { setTimeout as sleep } from "node:timers/promises";
import { EndorsementError, ServiceError } from "../errors.ts";

export interface Answer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** Sends one GET request under limits; throws where there is no answer within them. */
export type Fetch = (
  url: string,
  limits: { readonly timeoutMs: number; readonly maxBytes: number; readonly signal?: AbortSignal },
) => Promise<Answer>;

/** How a vendor's service is asked. */
export interface FetchPolicy {
  readonly fetch: Fetch;
  /** For one request; 10 s where not given. */
  readonly timeoutMs?: number;
  /** For one answer; 2 MiB where not given. */
  readonly maxBytes?: number;
  /** Requests in all before it gives up; 3 where not given. */
  readonly attempts?: number;
  /** Before the second request, doubled before each further one; 500 ms where not given. */
  readonly retryDelayMs?: number;
  readonly signal?: AbortSignal;
}

const LONGEST_DELAY = 10_000;

/** Fetches one document; throws EndorsementError `ENDORSEMENT_UNAVAILABLE` where no attempt gives one, `ENDORSEMENT_INVALID` for an answer beyond its limits. */
export async function fetchDocument(url: string, policy: FetchPolicy): Promise<Answer> {
  const attempts = policy.attempts ?? 3;
  for (let attempt = 1; ; attempt += 1) {
    const outcome = await tryFetch(url, policy);
    if (!("failure" in outcome)) return outcome;
    if (!outcome.passing || attempt >= attempts || policy.signal?.aborted === true) throw outcome.failure;
    const backoff = (policy.retryDelayMs ?? 500) * 2 ** (attempt - 1);
    await pause(Math.min(Math.max(backoff, outcome.retryAfterMs), LONGEST_DELAY), policy.signal);
  }
}

interface Failed {
  readonly failure: EndorsementError;
  readonly passing: boolean;
  readonly retryAfterMs: number;
}

async function tryFetch(url: string, policy: FetchPolicy): Promise<Answer | Failed> {
  const limits = { timeoutMs: policy.timeoutMs ?? 10_000, maxBytes: policy.maxBytes ?? 2 << 20 };
  try {
    const answer = await policy.fetch(url, {
      ...limits,
      ...(policy.signal === undefined ? {} : { signal: policy.signal }),
    });
    return answer.status === 200 ? answer : refused(url, answer);
  } catch (cause) {
    return thrown(url, cause);
  }
}

function refused(url: string, answer: Answer): Failed {
  const seconds = Number(answer.headers["retry-after"] ?? 0);
  return {
    failure: new EndorsementError("ENDORSEMENT_UNAVAILABLE", `${url} answered ${answer.status}`),
    passing: answer.status === 429 || answer.status >= 500,
    retryAfterMs: Number.isFinite(seconds) ? seconds * 1000 : 0,
  };
}

function thrown(url: string, cause: unknown): Failed {
  const lasting =
    cause instanceof ServiceError && ["SERVICE_ANSWER_INVALID", "SERVICE_ADDRESS_INVALID"].includes(cause.code);
  const code = lasting ? "ENDORSEMENT_INVALID" : "ENDORSEMENT_UNAVAILABLE";
  return {
    failure: new EndorsementError(code, `${url} gave no answer`, { cause }),
    passing: !lasting,
    retryAfterMs: 0,
  };
}

async function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(milliseconds, undefined, signal === undefined ? {} : { signal });
  } catch (cause) {
    throw new EndorsementError("ENDORSEMENT_UNAVAILABLE", "told to stop waiting for endorsements", { cause });
  }
}
