/** Keeps vendors' documents for as long as they hold, in memory and, where one is given, in a store. */
import { CloisterError, EndorsementError, type EndorsementErrorCode } from "../errors.ts";
import { fetchDocument, type FetchPolicy } from "./fetching.ts";
import { keyOf, type Answer, type Document, type DocumentRequest } from "./request.ts";

/** A document with where it came from; times in milliseconds since 1970. */
export interface KeptDocument extends Document {
  readonly url: string;
  /** Such as `pcs` or `kds`; of which service's kind it is. */
  readonly service: string;
  /** What it is, for people. */
  readonly what: string;
  readonly fetchedAt: number;
  readonly validUntil: number;
}

/** Where documents outlive the process. */
export interface EndorsementStore {
  get(url: string): Promise<KeptDocument | undefined>;
  /** Replaces what is kept under the same URL. */
  put(document: KeptDocument): Promise<void>;
  /** In the order of their URLs. */
  list(): Promise<readonly KeptDocument[]>;
}

export interface DocumentsOptions {
  /** How services are asked; without it, only what is kept is given out. */
  readonly policy?: FetchPolicy;
  readonly store?: EndorsementStore;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** For how long a refusal that asking again would not change is remembered; one minute where not given. */
  readonly refusalMs?: number;
  /** Documents in memory at most; 256 where not given. */
  readonly capacity?: number;
}

export interface Documents {
  /**
   * The document that holds now, asked for where it is not kept or is due for a refresh; undefined where the service says that
   * it has none. Askers at the same time share one request. While a service does not answer, what it said before is
   * given out for as long as that holds, and nothing after. Throws EndorsementError.
   */
  get(request: DocumentRequest): Promise<KeptDocument | undefined>;
  /** What is kept for a request and fits it, whether it still holds or not; nothing is asked. */
  kept(request: DocumentRequest): Promise<KeptDocument | undefined>;
}

type Read = Pick<KeptDocument, "body" | "chain" | "fetchedAt" | "validUntil">;

interface Refused {
  readonly failure: EndorsementError;
}

interface Refusal {
  /** Undefined: the service has no such document. */
  readonly failure: EndorsementError | undefined;
  readonly until: number;
}

interface Parts extends DocumentsOptions {
  readonly memory: Map<string, KeptDocument>;
  readonly refusals: Map<string, Refusal>;
}

/** Makes an empty keeper over a store. */
export function createDocuments(options: DocumentsOptions): Documents {
  const parts: Parts = { ...options, memory: new Map(), refusals: new Map() };
  const inFlight = new Map<string, Promise<KeptDocument | undefined>>();
  return {
    kept: (request) => kept(request, parts),
    get: async (request) => {
      const key = keyOf(request);
      const running = inFlight.get(key) ?? get(request, parts).finally(() => inFlight.delete(key));
      inFlight.set(key, running);
      return running;
    },
  };
}

async function get(request: DocumentRequest, parts: Parts): Promise<KeptDocument | undefined> {
  const before = await kept(request, parts);
  const now = parts.now();
  const holds = before !== undefined && now < before.validUntil;
  const age = before === undefined ? 0 : now - before.fetchedAt;
  if (holds && age >= 0 && age < request.refreshMs) return before;
  try {
    return await fetchAnew(request, parts);
  } catch (error) {
    if (!(error instanceof EndorsementError) || error.code !== "ENDORSEMENT_UNAVAILABLE") throw error;
    if (holds) return before;
    throw before === undefined ? error : outlived(error, before);
  }
}

async function kept(request: DocumentRequest, parts: Parts): Promise<KeptDocument | undefined> {
  const key = keyOf(request);
  const remembered = parts.memory.get(key);
  if (remembered !== undefined) return remembered;
  const stored = await parts.store?.get(key);
  const validUntil = stored && inspected(request, stored);
  if (stored === undefined || validUntil === undefined) return undefined;
  const document = { ...stored, validUntil };
  remember(key, document, parts);
  return document;
}

/** Until when a kept document holds by its own words; undefined where it is no answer to this question. */
function inspected(request: DocumentRequest, document: KeptDocument): number | undefined {
  try {
    return request.inspect(document, document.fetchedAt);
  } catch (error) {
    if (error instanceof CloisterError) return undefined;
    throw error;
  }
}

async function fetchAnew(request: DocumentRequest, parts: Parts): Promise<KeptDocument | undefined> {
  const { policy, refusals, now, store } = parts;
  const key = keyOf(request);
  if (policy === undefined) {
    throw new EndorsementError("ENDORSEMENT_UNAVAILABLE", `${request.what} is not kept, and no service is asked`);
  }
  const refusal = refusals.get(key);
  if (refusal !== undefined && now() < refusal.until) return concluded(refusal);
  refusals.delete(key);
  const read = await readAnew(request, policy, now);
  if (read === undefined || "failure" in read) return concluded(refuse(key, read?.failure, parts));
  const document: KeptDocument = { ...read, url: key, service: request.service, what: request.what };
  remember(key, document, parts);
  await store?.put(document);
  return document;
}

/** The document that the service has now, or why asking again at once would not help; throws what asking again may help. */
async function readAnew(
  request: DocumentRequest,
  policy: FetchPolicy,
  now: () => number,
): Promise<Read | Refused | undefined> {
  const answer = await fetchDocument(request, policy);
  if (answer === undefined) return undefined;
  if (!("failure" in answer)) return readAnswer(request, answer, now());
  if (answer.passing) throw answer.failure;
  return answer;
}

function concluded({ failure }: Refusal): undefined {
  if (failure !== undefined) throw failure;
}

/** A moment of refusal: long enough that a loop does not ask all the time, short enough that a change is seen. */
function refuse(key: string, failure: EndorsementError | undefined, parts: Parts): Refusal {
  const refusal = { failure, until: parts.now() + (parts.refusalMs ?? 60_000) };
  keepOne(parts.refusals, key, refusal, parts);
  return refusal;
}

function remember(key: string, document: KeptDocument, parts: Parts): void {
  keepOne(parts.memory, key, document, parts);
}

function keepOne<T>(map: Map<string, T>, key: string, value: T, { capacity = 256 }: Pick<Parts, "capacity">): void {
  map.delete(key);
  map.set(key, value);
  const [oldest] = map.keys();
  if (map.size > capacity && oldest !== undefined) map.delete(oldest);
}

function readAnswer(request: DocumentRequest, answer: Answer, now: number): Read | Refused {
  const refused = (code: EndorsementErrorCode, reason: string, cause?: unknown): Refused => ({
    failure: new EndorsementError(code, `${request.what}: ${reason}`, { cause }),
  });
  try {
    const document = request.take(answer);
    const validUntil = request.inspect(document, now);
    if (validUntil > now) return { ...document, fetchedAt: now, validUntil };
    return refused("ENDORSEMENT_EXPIRED", `what is served was valid until ${timeText(validUntil)}`);
  } catch (cause) {
    if (!(cause instanceof CloisterError)) throw cause;
    return refused(cause instanceof EndorsementError ? cause.code : "ENDORSEMENT_INVALID", cause.message, cause);
  }
}

function outlived(error: EndorsementError, { validUntil }: KeptDocument): EndorsementError {
  const message = `${error.message}; the one that is kept was valid until ${timeText(validUntil)}`;
  return new EndorsementError(error.code, message, { cause: error });
}

/** A time for people; a date beyond all calendars is for ever. */
export function timeText(time: number): string {
  return Number.isFinite(time) && Math.abs(time) <= 8.64e15 ? new Date(time).toISOString() : "for ever";
}
