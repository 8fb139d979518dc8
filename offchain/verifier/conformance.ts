import { JsonFields } from "../encoding/fields.ts";
import { ConfigError } from "../errors.ts";
import type { DcapEndorsements } from "../evidence/dcap/endorsements.ts";
import type { Claims } from "../evidence/scheme.ts";
import { DEFAULT_POLICY, type AppraisalPolicy } from "./policy.ts";
import type { AttestationResult } from "./result.ts";
import { INTEL_ROOT, trustRootOf } from "./trust-roots.ts";
import { verifyEvidence } from "./verify.ts";

/** One entry of a manifest of conformance vectors. */
export interface Vector {
  readonly id: string;
  readonly platform: string;
  readonly kind: string;
  /** Role to path, relative to the manifest. */
  readonly files: Readonly<Record<string, string>>;
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly expect: Expectation;
  readonly expectIfDebugAllowed: Expectation | undefined;
  readonly tolerant: boolean;
  readonly fields: Readonly<Record<string, unknown>>;
}

export type Expectation = "accept" | "reject";

/** How one vector came out. */
export interface VectorOutcome {
  readonly vector: Vector;
  readonly status: "agreed" | "disagreed" | "unsupported" | "tolerant";
  readonly got: string;
  readonly reason: string;
}

type Counts = Record<VectorOutcome["status"], number>;

/** What a run over a manifest found; the JSON of `npm run conformance -- MANIFEST --json`. */
export interface ConformanceReport extends Readonly<Counts> {
  readonly byPlatform: Readonly<Record<string, Readonly<Counts>>>;
  readonly byKind: Readonly<Record<string, Readonly<Counts>>>;
  readonly disagreements: readonly { id: string; expected: string; got: string; reason: string }[];
}

const DCAP_PLATFORMS: ReadonlySet<string> = new Set(["intel-sgx", "intel-tdx"]);
const DCAP_ROLES: ReadonlySet<string> = new Set<keyof DcapEndorsements>([
  "tcbInfo",
  "qeIdentity",
  "tcbSigningChain",
  "qeIdentityIssuerChain",
  "pckCrl",
  "pckCrlIssuerChain",
  "rootCaCrl",
  "pckCertChain",
]);

const invalid = (message: string): ConfigError => new ConfigError("CONFIG_INVALID", message);

/** Reads a manifest; throws `ConfigError` `CONFIG_INVALID`. `anyTime` stands for a `now` of null. */
export function parseManifest(json: unknown, anyTime: number): readonly Vector[] {
  if (!Array.isArray(json)) throw invalid("the manifest is not a list");
  return json.map((item, index) => parseVector(new JsonFields(item, `manifest[${index}]`, invalid), anyTime));
}

function parseVector(fields: JsonFields, anyTime: number): Vector {
  const files = fields.fields("files");
  const now = fields.value("now") === null ? anyTime : Date.parse(fields.text("now"));
  if (Number.isNaN(now)) throw invalid(`now of ${fields.text("id")} is no time`);
  return {
    id: fields.text("id"),
    platform: fields.text("platform"),
    kind: fields.text("kind"),
    files: Object.fromEntries(files.names().map((role) => [role, files.text(role)])),
    now,
    expect: expectation(fields, "expect"),
    expectIfDebugAllowed: fields.has("expectIfDebugAllowed") ? expectation(fields, "expectIfDebugAllowed") : undefined,
    tolerant: fields.has("tolerant") && fields.boolean("tolerant"),
    fields: fields.has("fields") ? (fields.value("fields") as Record<string, unknown>) : {},
  };
}

function expectation(fields: JsonFields, name: string): Expectation {
  const text = fields.text(name);
  if (text !== "accept" && text !== "reject") throw invalid(`${name} is neither accept nor reject`);
  return text;
}

/** Verifies one vector; `read` gives the bytes of a path of the manifest. */
export async function runVector(vector: Vector, read: (path: string) => Promise<Uint8Array>): Promise<VectorOutcome> {
  if (!DCAP_PLATFORMS.has(vector.platform)) {
    return { vector, status: "unsupported", got: "unsupported", reason: `platform ${vector.platform}` };
  }
  const result = await verify(vector, read, false);
  const reasons = compare(result, vector.expect, vector.fields);
  if (vector.expectIfDebugAllowed !== undefined) {
    reasons.push(...compare(await verify(vector, read, true), vector.expectIfDebugAllowed, vector.fields));
  }
  const agreement = reasons.length === 0 ? "agreed" : "disagreed";
  return {
    vector,
    status: vector.tolerant ? "tolerant" : agreement,
    got: result.verdict,
    reason: [...reasons, ...result.failures.map(({ id, code, detail }) => `${id} ${code}: ${detail}`)].join("; "),
  };
}

async function verify(
  { files, now, kind }: Vector,
  read: (path: string) => Promise<Uint8Array>,
  allowDebug: boolean,
): Promise<AttestationResult> {
  const roles = Object.entries(files).filter(([role]) => DCAP_ROLES.has(role));
  const parts = await Promise.all(roles.map(async ([role, path]) => [role, await read(path)] as const));
  const policy: AppraisalPolicy = {
    ...DEFAULT_POLICY,
    endorsements: kind === "quote-only" ? "quote-only" : "required",
    allowSimulated: files["trustRoot"] !== undefined,
    allowDebug,
  };
  const root =
    files["trustRoot"] === undefined ? INTEL_ROOT : trustRootOf(await read(files["trustRoot"]), "manifest", true);
  const endorsements = { dcap: Object.fromEntries(parts) as DcapEndorsements };
  return verifyEvidence(await read(files["quote"] ?? ""), { endorsements, trustRoots: [root], now, policy });
}

/** What speaks against agreement: another verdict, or a field of accepted evidence that differs. */
function compare(result: AttestationResult, expect: Expectation, fields: Vector["fields"]): string[] {
  const got: Expectation = result.verdict === "affirming" || result.verdict === "warning" ? "accept" : "reject";
  if (got !== expect) return [`expected ${expect}`];
  const { claims } = result;
  if (claims === null) return [];
  return Object.entries(fields).flatMap(([name, expected]) => {
    const reported = reportedField(claims, name);
    return sameField(reported, expected)
      ? []
      : [`${name} is ${JSON.stringify(reported)}, not ${JSON.stringify(expected)}`];
  });
}

/** A claim under the manifest's name, which may be in snake case. */
function reportedField(claims: Claims, name: string): unknown {
  const { tcb, details, measurements } = claims;
  const camel = name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
  const special: Readonly<Record<string, unknown>> = {
    reportData: claims.reportData,
    debug: claims.debug,
    tcbStatus: tcb?.status,
    tcbDate: tcb?.date,
    advisoryIds: tcb?.advisoryIds,
    tcbEvaluationDataNumber: tcb?.evaluationDataNumber,
    tcbDetail: details,
  };
  return special[camel] ?? measurements[camel] ?? details[camel];
}

function sameField(reported: unknown, expected: unknown): boolean {
  if (expected === null) return reported === undefined;
  if (Array.isArray(expected)) {
    return Array.isArray(reported) && JSON.stringify(sorted(reported)) === JSON.stringify(sorted(expected));
  }
  if (typeof expected === "object") {
    const members = reported as Readonly<Record<string, unknown>>;
    return Object.entries(expected).every(([name, value]) => sameField(members[name], value));
  }
  return reported === expected;
}

function sorted(list: readonly unknown[]): readonly string[] {
  return list.map(String).sort();
}

/** Counts outcomes. */
export function summarise(outcomes: readonly VectorOutcome[]): ConformanceReport {
  const disagreed = outcomes.filter(({ status }) => status === "disagreed");
  return {
    ...count(outcomes),
    byPlatform: countBy(outcomes, ({ vector }) => vector.platform),
    byKind: countBy(outcomes, ({ vector }) => `${vector.platform} ${vector.kind}`),
    disagreements: disagreed.map(({ vector, got, reason }) => ({
      id: vector.id,
      expected: vector.expect,
      got,
      reason,
    })),
  };
}

function countBy(outcomes: readonly VectorOutcome[], key: (outcome: VectorOutcome) => string): Record<string, Counts> {
  const keys = [...new Set(outcomes.map(key))];
  return Object.fromEntries(keys.map((name) => [name, count(outcomes.filter((outcome) => key(outcome) === name))]));
}

function count(outcomes: readonly VectorOutcome[]): Counts {
  const counts: Counts = { agreed: 0, disagreed: 0, unsupported: 0, tolerant: 0 };
  for (const { status } of outcomes) counts[status] += 1;
  return counts;
}
