/** Gets what evidence of any family needs from its vendor, from what is kept or from the vendor's service. */
import { EndorsementError } from "../errors.ts";
import { parseKeySet, type KeySet } from "../evidence/nvidia/key-set.ts";
import type { Endorsements } from "../verifier/family.ts";
import { createDocuments, type Documents, type EndorsementStore, type KeptDocument } from "./documents.ts";
import type { FetchPolicy } from "./fetching.ts";
import { createHostGate } from "./gate.ts";
import { keySetRequest } from "./nras.ts";
import { partsOf, type Plan } from "./plan.ts";
import { plansFor } from "./plans.ts";
import { keyOf, type DocumentRequest } from "./request.ts";
import type { EndorsementServices } from "./services.ts";

export interface EndorsementSourceOptions extends Partial<Omit<FetchPolicy, "services">> {
  readonly services: EndorsementServices;
  /** Where documents outlive the process; memory alone where not given. */
  readonly store?: EndorsementStore;
  /** Milliseconds since 1970; the clock's where not given. */
  readonly now?: () => number;
  /** For how long a refusal that asking again would not change is remembered; one minute where not given. */
  readonly refusalMs?: number;
}

/** Gives out endorsements; all users of one source share what it keeps and how often it asks. */
export interface EndorsementSource {
  /**
   * Everything that verifies evidence, which is not verified yet: what came with it (`given`) and what its vendor's service says.
   * Throws EndorsementError: `ENDORSEMENT_UNAVAILABLE` naming what is missing, `ENDORSEMENT_INVALID` for an answer that is
   * none or another's, `ENDORSEMENT_EXPIRED` for one that holds no more; `EvidenceError` where the evidence cannot be read.
   */
  endorsementsFor(evidence: Uint8Array, given?: Endorsements): Promise<Endorsements>;
  /** The keys of NVIDIA's remote attestation service. Throws EndorsementError. */
  nvidiaKeySet(): Promise<KeySet>;
  /** What evidence needs and what of it is kept; nothing is asked. Throws `EvidenceError` where the evidence cannot be read. */
  needsOf(evidence: Uint8Array, given?: Endorsements): Promise<readonly Need[]>;
}

/** One document that evidence needs. */
export interface Need {
  readonly what: string;
  /** What it is kept under. */
  readonly key?: string;
  /** Where it is asked for; undefined where no service has it and it comes with the evidence. */
  readonly url?: string;
  readonly service?: string;
  readonly state: "held" | "expired" | "missing";
  /** Until when the one that is kept holds, in milliseconds since 1970. */
  readonly validUntil?: number;
  /** Whether verification cannot do without it. */
  readonly required: boolean;
}

/** Makes a source; without `fetch` it gives out only what the store has. */
export function createEndorsementSource(options: EndorsementSourceOptions): EndorsementSource {
  const { services, now = Date.now, store, refusalMs } = options;
  const { fetch, gate = createHostGate() } = options;
  const policy = fetch === undefined ? undefined : { ...options, fetch, gate };
  const documents = createDocuments({
    now,
    ...(policy && { policy }),
    ...(store && { store }),
    ...(refusalMs === undefined ? {} : { refusalMs }),
  });
  return {
    endorsementsFor: async (evidence, given = {}) => firstOf(plansFor(services, evidence, given), documents),
    nvidiaKeySet: async () => {
      const keys = await documents.get(keySetRequest(services));
      if (keys === undefined) throw new EndorsementError("ENDORSEMENT_UNAVAILABLE", "the service has no keys");
      return parseKeySet(keys.body);
    },
    needsOf: async (evidence, given = {}) => {
      const plans = await Promise.all(
        plansFor(services, evidence, given).map((plan) => needsOf(plan, documents, now())),
      );
      const missing = (needs: readonly Need[]): number => needs.filter(({ state }) => state !== "held").length;
      return plans.toSorted((a, b) => missing(a) - missing(b))[0] ?? [];
    },
  };
}

/** Evidence that leaves open what it is of has several plans: the first that can be carried out is right. */
async function firstOf([plan, ...others]: readonly Plan[], documents: Documents): Promise<Endorsements> {
  if (plan === undefined) return {};
  try {
    return await carriedOut(plan, documents);
  } catch (error) {
    if (others.length === 0 || !(error instanceof EndorsementError)) throw error;
    return firstOf(others, documents);
  }
}

async function carriedOut(plan: Plan, documents: Documents): Promise<Endorsements> {
  if (plan.lacking.length > 0) {
    const what = plan.lacking.join(", ");
    throw new EndorsementError("ENDORSEMENT_UNAVAILABLE", `${what}: no service has it, and it did not come along`);
  }
  const first = await documentsOf(plan.requests, documents);
  const further = await documentsOf(plan.further?.(partsOf(first)) ?? [], documents);
  return plan.assemble(partsOf([...first, ...further]));
}

/** Asks for all at once; a failure is told only when nothing runs on behind it. */
async function documentsOf(
  requests: readonly DocumentRequest[],
  documents: Documents,
): Promise<readonly (readonly [string, KeptDocument])[]> {
  const asked = requests.map((request) => documents.get(request));
  await Promise.allSettled(asked);
  const answers = await Promise.all(asked);
  return requests.flatMap(({ role }, index) => {
    const answer = answers[index];
    return answer === undefined ? [] : [[role, answer] as const];
  });
}

async function needsOf(plan: Plan, documents: Documents, now: number): Promise<readonly Need[]> {
  const lacks = plan.lacking.map((what): Need => ({ what, state: "missing", required: true }));
  const first = await keptOf(plan.requests, documents);
  const found = first.flatMap(([{ role }, kept]) => (kept === undefined ? [] : [[role, kept] as const]));
  const further = await keptOf(plan.further?.(partsOf(found)) ?? [], documents);
  return [...lacks, ...[...first, ...further].map(([request, kept]) => needOf(request, kept, now))];
}

function keptOf(
  requests: readonly DocumentRequest[],
  documents: Documents,
): Promise<readonly (readonly [DocumentRequest, KeptDocument | undefined])[]> {
  return Promise.all(requests.map(async (request) => [request, await documents.kept(request)] as const));
}

function needOf(request: DocumentRequest, kept: KeptDocument | undefined, now: number): Need {
  const { what, url, service, mayBeAbsent } = request;
  const known = { what, key: keyOf(request), url, service, required: mayBeAbsent !== true };
  if (kept === undefined) return { ...known, state: "missing" };
  const { validUntil } = kept;
  return { ...known, validUntil, state: now < validUntil ? "held" : "expired" };
}
