import { JsonFields } from "../encoding/fields.ts";
import { ConfigError } from "../errors.ts";
import type { Claims, TrustRoot } from "../evidence/scheme.ts";
import { isPem, parsePem } from "../x509/pem.ts";
import { VECTOR_KINDS, type VectorFiles, type VectorKind, type VectorResult } from "./conformance-kinds.ts";
import { trustRootOf, VENDOR_ROOTS } from "./trust-roots.ts";

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
    expectIfDebugAllowed: isGiven(fields, "expectIfDebugAllowed")
      ? expectation(fields, "expectIfDebugAllowed")
      : undefined,
    tolerant: isGiven(fields, "tolerant") && fields.boolean("tolerant"),
    fields: isGiven(fields, "fields") ? (fields.value("fields") as Record<string, unknown>) : {},
  };
}

/** A manifest may write null for what it leaves open. */
function isGiven(fields: JsonFields, name: string): boolean {
  return fields.has(name) && fields.value(name) !== null;
}

function expectation(fields: JsonFields, name: string): Expectation {
  const text = fields.text(name);
  if (text !== "accept" && text !== "reject") throw invalid(`${name} is neither accept nor reject`);
  return text;
}

/** Verifies one vector; `read` gives the bytes of a path of the manifest. */
export async function runVector(vector: Vector, read: (path: string) => Promise<Uint8Array>): Promise<VectorOutcome> {
  const kind = VECTOR_KINDS[`${vector.platform} ${vector.kind}`];
  if (kind === undefined) {
    const reason = `${vector.kind} of platform ${vector.platform}`;
    return { vector, status: "unsupported", got: "unsupported", reason };
  }
  const files = await readFiles(vector, read);
  const result = await verify(vector, { kind, files, allowDebug: false });
  const reasons = compare(result, vector.expect, { vector, kind });
  if (vector.expectIfDebugAllowed !== undefined) {
    const debug = await verify(vector, { kind, files, allowDebug: true });
    reasons.push(...compare(debug, vector.expectIfDebugAllowed, { vector, kind }));
  }
  const agreement = reasons.length === 0 ? "agreed" : "disagreed";
  return {
    vector,
    status: vector.tolerant ? "tolerant" : agreement,
    got: result.verdict,
    reason: [...reasons, ...result.failures.map(({ id, code, detail }) => `${id} ${code}: ${detail}`)].join("; "),
  };
}

/** What is said of a vector whose files are those given, under the default policy; undefined where its kind is not supported. */
export async function verifyVector(vector: Vector, files: VectorFiles): Promise<VectorResult | undefined> {
  const kind = VECTOR_KINDS[`${vector.platform} ${vector.kind}`];
  return kind === undefined ? undefined : verify(vector, { kind, files, allowDebug: false });
}

async function readFiles({ files }: Vector, read: (path: string) => Promise<Uint8Array>): Promise<VectorFiles> {
  const parts = Object.entries(files).map(async ([role, path]) => [role, await read(path)] as const);
  return Object.fromEntries(await Promise.all(parts));
}

interface Run {
  readonly kind: VectorKind;
  readonly files: VectorFiles;
  readonly allowDebug: boolean;
}

async function verify({ now, fields }: Vector, { kind, files, allowDebug }: Run): Promise<VectorResult> {
  const { trustRoot } = files;
  const trustRoots = trustRoot === undefined ? VENDOR_ROOTS : [rootOf(trustRoot)];
  const allowSimulated = trustRoots.some(({ simulated }) => simulated);
  return kind.verify({ files, now, trustRoots, allowDebug, allowSimulated, fields });
}

/** The root in a file: the vendor's own where it has the vendor's key, otherwise one of a throw-away PKI. */
function rootOf(file: Uint8Array): TrustRoot {
  const [certificate = file] = isPem(file) ? parsePem(file, "CERTIFICATE") : [file];
  const root = trustRootOf(certificate, "manifest", true);
  return VENDOR_ROOTS.find(({ spkiSha256 }) => spkiSha256 === root.spkiSha256) ?? root;
}

interface Compared {
  readonly vector: Vector;
  readonly kind: VectorKind;
}

/** What speaks against agreement: another verdict, or a field of accepted evidence that differs. */
function compare(result: VectorResult, expect: Expectation, { vector, kind }: Compared): string[] {
  const got: Expectation = result.verdict === "affirming" || result.verdict === "warning" ? "accept" : "reject";
  if (got !== expect) return [`expected ${expect}`];
  const { claims } = result;
  if (claims === null) return [];
  const special = kind.fields?.(claims) ?? {};
  return Object.entries(vector.fields).flatMap(([name, expected]) => {
    if (kind.uncompared?.includes(name) === true) return [];
    const reported = special[name] ?? reportedField(claims, name);
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
    if (typeof reported !== "object" || reported === null) return false;
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
