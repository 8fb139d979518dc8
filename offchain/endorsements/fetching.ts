/** Asks vendors' services: only those that are configured, within limits, and again after a passing failure. */
import { EndorsementError, ServiceError } from "../errors.ts";
import { pause, type HostGate } from "./gate.ts";
import type { Answer, DocumentRequest } from "./request.ts";
import { isServiceUrl, type EndorsementServices } from "./services.ts";

/** Sends one request under limits; follows nothing, and throws where there is no answer within them. */
export type Fetch = (
  url: string,
  options: {
    readonly timeoutMs: number;
    readonly maxBytes: number;
    readonly method?: "GET" | "POST";
    readonly body?: Uint8Array;
    readonly headers?: Readonly<Record<string, string>>;
    readonly signal?: AbortSignal;
  },
) => Promise<Answer>;

/** How vendors' services are asked. */
export interface FetchPolicy {
  readonly fetch: Fetch;
  readonly services: EndorsementServices;
  readonly gate: HostGate;
  /** For one request; 10 s where not given. */
  readonly timeoutMs?: number;
  /** For one answer; 2 MiB where not given. */
  readonly maxBytes?: number;
  /** Requests in all before it gives up; 3 where not given. */
  readonly attempts?: number;
  /** Before the second request, doubled before each further one; 500 ms where not given. */
  readonly retryDelayMs?: number;
  /** For one turn at a host; 30 s where not given. */
  readonly longestWaitMs?: number;
  readonly signal?: AbortSignal;
}

/** Why there is no answer: `ENDORSEMENT_UNAVAILABLE`, or `ENDORSEMENT_INVALID` for one beyond its limits or of another kind. */
export interface Failed {
  readonly failure: EndorsementError;
  /** Whether asking again may help. */
  readonly passing: boolean;
}

/**
 * Asks for one document, again after a passing failure; undefined where the service says that it has none.
 * Throws EndorsementError `ENDORSEMENT_INVALID` for a URL of no configured service, `ENDORSEMENT_UNAVAILABLE` where the host may not be asked now.
 */
export async function fetchDocument(
  request: DocumentRequest,
  policy: FetchPolicy,
): Promise<Answer | Failed | undefined> {
  if (!isServiceUrl(request.url, policy.services)) {
    throw new EndorsementError("ENDORSEMENT_INVALID", `${request.url} is of no configured service`);
  }
  const attempts = policy.attempts ?? 3;
  for (let attempt = 1; ; attempt += 1) {
    const outcome = await tryFetch(request, policy);
    const over = attempt >= attempts || policy.signal?.aborted === true;
    if (outcome === undefined || !("failure" in outcome) || !outcome.passing || over) return outcome;
    await pause((policy.retryDelayMs ?? 500) * 2 ** (attempt - 1), policy.signal);
  }
}

async function tryFetch(request: DocumentRequest, policy: FetchPolicy): Promise<Answer | Failed | undefined> {
  const { host } = new URL(request.url);
  const { signal, longestWaitMs: longestMs = 30_000 } = policy;
  await policy.gate.enter(host, { spacingMs: request.spacingMs ?? 0, longestMs, signal });
  try {
    return judged(request, await policy.fetch(request.url, optionsOf(request, policy)), policy.gate);
  } catch (cause) {
    return thrown(request, cause);
  }
}

function optionsOf({ post }: DocumentRequest, policy: FetchPolicy): Parameters<Fetch>[1] {
  return {
    timeoutMs: policy.timeoutMs ?? 10_000,
    maxBytes: policy.maxBytes ?? 2 << 20,
    ...(policy.signal === undefined ? {} : { signal: policy.signal }),
    ...(post === undefined ? {} : { method: "POST", body: post.body, headers: { "content-type": post.contentType } }),
  };
}

function judged(request: DocumentRequest, answer: Answer, gate: HostGate): Answer | Failed | undefined {
  const { what, url, mediaTypes } = request;
  const { status, headers } = answer;
  const { host } = new URL(url);
  if (status === 404 && request.mayBeAbsent === true) return undefined;
  if (status !== 200) {
    const passing = status === 429 || status >= 500;
    if (passing) gate.close(host, retryAfterMs(headers["retry-after"]));
    return { failure: new EndorsementError("ENDORSEMENT_UNAVAILABLE", `${what}: ${host} answered ${status}`), passing };
  }
  const [mediaType = ""] = (headers["content-type"] ?? "").toLowerCase().split(";");
  // A service that names no type is not held to one: the document itself is read strictly.
  if (mediaType === "" || mediaTypes.includes(mediaType.trim())) return answer;
  const message = `${what}: ${host} answered with ${mediaType.trim()}`;
  return { failure: new EndorsementError("ENDORSEMENT_INVALID", message), passing: false };
}

/** Seconds, or the time of a date from now on. @see RFC 9110 section 10.2.3 */
function retryAfterMs(header = ""): number {
  const wait = /^\d{1,9}$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isNaN(wait) ? 0 : Math.max(0, wait);
}

function thrown({ what, url }: DocumentRequest, cause: unknown): Failed {
  const lasting =
    cause instanceof ServiceError && ["SERVICE_ANSWER_INVALID", "SERVICE_ADDRESS_INVALID"].includes(cause.code);
  const code = lasting ? "ENDORSEMENT_INVALID" : "ENDORSEMENT_UNAVAILABLE";
  const reason = cause instanceof ServiceError ? cause.message : `no answer from ${new URL(url).host}`;
  return { failure: new EndorsementError(code, `${what}: ${reason}`, { cause }), passing: !lasting };
}
