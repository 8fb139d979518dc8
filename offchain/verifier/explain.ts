import { isObject, parseJson } from "../encoding/members.ts";
import { CloisterError, EndorsementError } from "../errors.ts";
import type { Check } from "../evidence/scheme.ts";
import { parseCertificate } from "../x509/certificate.ts";
import { readRevocationList } from "../x509/crl.ts";
import { isPem, parsePem } from "../x509/pem.ts";
import type { Endorsements } from "./family.ts";
import type { AttestationResult, Failure } from "./result.ts";

/** When an endorsement holds, by what it says of itself; nothing of it is verified here. */
export interface EndorsementValidity {
  /** The member of its family's endorsements, such as `pckCrl`. */
  readonly name: string;
  /** ISO 8601; null where it says no time that is understood. */
  readonly from: string | null;
  readonly until: string | null;
  readonly state: "valid" | "expired" | "not yet valid" | "unknown";
}

/** A check with what was found of it before and after; null where there was no such check. */
export interface CheckChange {
  readonly id: string;
  readonly reference: string;
  readonly before: Pick<Check, "outcome" | "detail"> | null;
  readonly after: Pick<Check, "outcome" | "detail"> | null;
  /** The endorsements that decide this check. */
  readonly endorsements: readonly string[];
}

/** A failure with the endorsements that decide its check. */
export interface Reason extends Failure {
  readonly endorsements: readonly string[];
}

const TCB_INFO = ["tcbInfo"];
const QE_IDENTITY = ["qeIdentity"];
const MANIFESTS = ["driverRim", "vbiosRim"];

/** The endorsements by which each check is decided; the evidence alone decides the others. */
const DECIDED_BY: Readonly<Record<string, readonly string[]>> = {
  "root-crl": ["rootCaCrl"],
  "pck-ca-revocation": ["rootCaCrl"],
  "pck-crl-issuer": ["pckCrlIssuerChain", "pckCrl"],
  "pck-revocation": ["pckCrl"],
  "tcb-signer": ["tcbSigningChain"],
  "tcb-info": TCB_INFO,
  "tcb-info-match": TCB_INFO,
  "tdx-module": TCB_INFO,
  "tcb-level": [...TCB_INFO, ...QE_IDENTITY],
  "tcb-status": [...TCB_INFO, ...QE_IDENTITY],
  "tcb-evaluation": TCB_INFO,
  advisories: [...TCB_INFO, ...QE_IDENTITY],
  "qe-identity": QE_IDENTITY,
  "qe-identity-match": QE_IDENTITY,
  "vek-chain": ["vek", "ask", "ark"],
  "vek-extensions": ["vek"],
  "reported-tcb": ["vek"],
  "ark-crl": ["crl"],
  "platform-key": ["platformKey"],
  "platform-signature": ["platformKey"],
  "device-chain": ["certChain"],
  "device-revocation": ["ocspResponses"],
  "reference-measurements": MANIFESTS,
};

/** The endorsements by which a check is decided, without those that were not given where others were. */
export function decidedBy(id: string, given: readonly EndorsementValidity[]): readonly string[] {
  const names = DECIDED_BY[id.slice(id.indexOf("/") + 1)] ?? [];
  const present = names.filter((name) => given.some((endorsement) => endorsement.name === name));
  return present.length > 0 ? present : names;
}

/** Every failure of a result with the endorsements that decide its check. */
export function reasonsOf(result: AttestationResult, given: readonly EndorsementValidity[]): readonly Reason[] {
  return result.failures.map((failure) => ({ ...failure, endorsements: decidedBy(failure.id, given) }));
}

/** The checks that came out otherwise, in the order of the later result; another wording of the same outcome is no change. */
export function changedChecks(
  before: AttestationResult,
  after: AttestationResult,
  given: readonly EndorsementValidity[],
): readonly CheckChange[] {
  const [was, is] = [before, after].map(({ checks }) => new Map(checks.map((check) => [keyOf(check), check])));
  const keys = new Set([...(is?.keys() ?? []), ...(was?.keys() ?? [])]);
  return [...keys].flatMap((key): CheckChange[] => {
    const [old, now] = [was?.get(key), is?.get(key)];
    const check = now ?? old;
    if (check === undefined || (old?.outcome === now?.outcome && tierOf(before, key) === tierOf(after, key))) return [];
    return [{ ...named(check), before: found(old), after: found(now), endorsements: decidedBy(check.id, given) }];
  });
}

function named({ id, reference }: Check): Pick<Check, "id" | "reference"> {
  return { id, reference };
}

function found(check: Check | undefined): CheckChange["before"] {
  return check === undefined ? null : { outcome: check.outcome, detail: check.detail };
}

function keyOf({ id, layer }: Pick<Check, "id" | "layer">): string {
  return `${id} ${layer ?? ""}`;
}

/** A check can pass with a warning, so its outcome alone does not tell. */
function tierOf({ failures }: AttestationResult, key: string): Failure["tier"] | undefined {
  return failures.find((failure) => keyOf(failure) === key)?.tier;
}

/** When each endorsement says that it holds, and what that makes it at a time (milliseconds since 1970). */
export function validityOf(endorsements: Endorsements, now: number): readonly EndorsementValidity[] {
  return Object.values(endorsements).flatMap((family) =>
    Object.entries(family as Readonly<Record<string, Uint8Array | readonly Uint8Array[]>>).map(([name, bytes]) => {
      const [from, until] = (bytes instanceof Uint8Array ? periodOf(bytes) : undefined) ?? [];
      return { name, from: timeText(from), until: timeText(until), state: stateOf(from, until, now) };
    }),
  );
}

type Period = readonly [from: number, until: number];

function stateOf(from: number | undefined, until: number | undefined, now: number): EndorsementValidity["state"] {
  if (from === undefined || until === undefined || Number.isNaN(from + until)) return "unknown";
  if (now > until) return "expired";
  return now < from ? "not yet valid" : "valid";
}

function timeText(time: number | undefined): string | null {
  return time === undefined || Number.isNaN(time) ? null : new Date(time).toISOString();
}

/** Undefined where nothing in the bytes says a period. */
function periodOf(bytes: Uint8Array): Period | undefined {
  const readers = [statementPeriod, certificatesPeriod, listPeriod];
  for (const read of readers) {
    try {
      const period = read(bytes);
      if (period !== undefined) return period;
    } catch (error) {
      if (!(error instanceof CloisterError)) throw error;
    }
  }
  return undefined;
}

/** Intel's statements: TCB info and QE identity. */
function statementPeriod(bytes: Uint8Array): Period | undefined {
  const json = parseJson(bytes, "endorsement", (message) => new EndorsementError("ENDORSEMENT_INVALID", message));
  const statement = isObject(json) ? Object.values(json).find(isObject) : undefined;
  const { issueDate, nextUpdate } = statement ?? {};
  if (typeof issueDate !== "string" || typeof nextUpdate !== "string") return undefined;
  return [Date.parse(issueDate), Date.parse(nextUpdate)];
}

function certificatesPeriod(bytes: Uint8Array): Period {
  const ders = isPem(bytes) ? parsePem(bytes, "CERTIFICATE") : [bytes];
  const certificates = ders.map((der) => parseCertificate(der));
  return [
    Math.max(...certificates.map(({ notBefore }) => notBefore)),
    Math.min(...certificates.map(({ notAfter }) => notAfter)),
  ];
}

function listPeriod(bytes: Uint8Array): Period {
  const { thisUpdate, nextUpdate } = readRevocationList(bytes);
  return [thisUpdate, nextUpdate];
}
