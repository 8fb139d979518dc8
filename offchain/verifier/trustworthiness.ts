import type { Check, Claims, Platform } from "../evidence/scheme.ts";
import type { Failure } from "./result.ts";

/**
 * The aspects in which a verifier vouches for an attester.
 * @see draft-ietf-rats-ar4si, trustworthiness claims
 */
export const TRUSTWORTHINESS_CLAIMS = [
  "instance-identity",
  "configuration",
  "executables",
  "file-system",
  "hardware",
  "runtime-opaque",
  "storage-opaque",
  "sourced-data",
] as const;

export type TrustworthinessClaim = (typeof TRUSTWORTHINESS_CLAIMS)[number];

/** A value of AR4SI, -128 to 127, for each aspect. */
export type TrustworthinessVector = Readonly<Record<TrustworthinessClaim, number>>;

/** A tier of AR4SI. */
export type TrustTier = "none" | "affirming" | "warning" | "contraindicated";

/** What is known of one attester, a node's own evidence or one device's. */
export interface Appraised {
  readonly claims: Claims | null;
  readonly checks: readonly Check[];
  readonly failures: readonly Failure[];
}

/** The values that are used, under the names of docs/verification.md, trustworthiness. */
const VALUES = {
  noClaim: 0,
  unknownElements: 1,
  affirmed: 2,
  knownSafe: 3,
  bootApproved: 3,
  knownVulnerable: 32,
  contraindicated: 96,
  unrecognised: 97,
  notAuthentic: 99,
  simulated: -2,
  notLookedAt: -33,
} as const;

/** What evidence can say something of; the other three aspects are never claimed. */
const EVIDENCED = ["instance-identity", "configuration", "executables", "hardware", "runtime-opaque"] as const;

interface Row {
  readonly claims: readonly TrustworthinessClaim[];
  /** Where a policy refuses it. */
  readonly refused: number;
  /** Where a policy accepts it with a warning. */
  readonly warned: number;
}

const row = (claim: TrustworthinessClaim, refused: number, warned: number): Row => ({
  claims: [claim],
  refused,
  warned,
});
const { contraindicated, unrecognised, knownVulnerable, notLookedAt } = VALUES;
const IDENTITY = row("instance-identity", unrecognised, notLookedAt);
const CONFIGURATION = row("configuration", contraindicated, knownVulnerable);
const EXECUTABLES = row("executables", contraindicated, notLookedAt);
/** Everything about the vendor's keys and statements, and whatever has no row of its own. */
const HARDWARE = row("hardware", contraindicated, notLookedAt);

/** What a check is about, by its id; docs/verification.md has the reasons. */
const ROWS: Readonly<Record<string, Row>> = {
  "accepted-root": row("hardware", unrecognised, notLookedAt),
  platform: row("hardware", unrecognised, notLookedAt),
  "tcb-status": row("hardware", contraindicated, knownVulnerable),
  "deny-list": row("instance-identity", contraindicated, notLookedAt),
  "chip-id": IDENTITY,
  "report-data": IDENTITY,
  "evidence-age": IDENTITY,
  nonce: IDENTITY,
  "document-nonce": IDENTITY,
  possession: IDENTITY,
  "declared-platform": IDENTITY,
  "gpu-evidence-hash": IDENTITY,
  "distinct-devices": IDENTITY,
  device: IDENTITY,
  gpu: CONFIGURATION,
  lifecycle: CONFIGURATION,
  "td-attributes": row("configuration", contraindicated, notLookedAt),
  "service-td": CONFIGURATION,
  "migration-agent": CONFIGURATION,
  "guest-policy": CONFIGURATION,
  "trailing-bytes": row("configuration", contraindicated, notLookedAt),
  debug: { ...CONFIGURATION, claims: ["configuration", "runtime-opaque"] },
  measured: EXECUTABLES,
  workload: EXECUTABLES,
  "reference-measurements": EXECUTABLES,
};

/** Claims that say how a guest is configured; every other one that a policy can name says what runs in it. */
const CONFIGURED =
  /^claim-(?:attributes|miscselect|td-attributes|xfam|seam-attributes|guest-policy|vmpl|config.*|mrconfigid|rpv|lifecycle)$/;
const CLAIM = /^claim-/;

function rowOf(id: string): Row {
  if (CONFIGURED.test(id)) return CONFIGURATION;
  return ROWS[id] ?? (CLAIM.test(id) ? EXECUTABLES : HARDWARE);
}

/**
 * The tier of a value.
 * @see draft-ietf-rats-ar4si, enumeration encoding
 */
export function tierOf(value: number): TrustTier {
  if (value >= -1 && value <= 1) return "none";
  if (value > 0) return value < 32 ? "affirming" : value < 96 ? "warning" : "contraindicated";
  return value >= -32 ? "affirming" : value >= -96 ? "warning" : "contraindicated";
}

/**
 * What a verifier says of each aspect of an attester: what its evidence affirms, or the worst that was found against it.
 * @see draft-ietf-rats-ar4si, assigning a trustworthiness claim value; docs/verification.md, trustworthiness
 */
export function trustworthinessOf(appraised: Appraised): TrustworthinessVector {
  const affirmed = affirmedBy(appraised);
  const found = appraised.failures.flatMap((failure) => valuesOf(failure, appraised.claims));
  const entries = TRUSTWORTHINESS_CLAIMS.map((claim) => {
    const against = found.filter((value) => value.claim === claim).map(({ value }) => value);
    return [claim, against.reduce(worse, affirmed[claim] ?? VALUES.noClaim)] as const;
  });
  return Object.fromEntries(entries) as TrustworthinessVector;
}

type Affirmed = Partial<Record<TrustworthinessClaim, number>>;

const OPAQUE_PLATFORMS: ReadonlySet<Platform> = new Set(["intel-sgx", "intel-tdx", "amd-sev-snp", "arm-cca"] as const);

/** A standard value would let a simulated vendor pass for hardware wherever only values are looked at. */
function affirmedBy({ claims, checks }: Appraised): Affirmed {
  if (claims === null) return {};
  const passed = (wanted: (id: string) => boolean): boolean =>
    checks.some(({ id, outcome }) => outcome === "pass" && wanted(id));
  const affirmed: Affirmed = {
    hardware: VALUES.affirmed,
    ...(claims.platformId === undefined ? {} : { "instance-identity": VALUES.affirmed }),
    ...(passed((id) => id === "debug") && { configuration: VALUES.knownSafe }),
    ...(passed((id) => CONFIGURED.test(id)) && { configuration: VALUES.affirmed }),
    ...(passed((id) => id === "workload" || id === "reference-measurements") && { executables: VALUES.bootApproved }),
    ...(OPAQUE_PLATFORMS.has(claims.platform) && { "runtime-opaque": VALUES.affirmed }),
  };
  if (!claims.simulated) return affirmed;
  return Object.fromEntries(Object.keys(affirmed).map((claim) => [claim, VALUES.simulated]));
}

interface Value {
  readonly claim: TrustworthinessClaim;
  readonly value: number;
}

function valuesOf(failure: Failure, claims: Claims | null): readonly Value[] {
  const found = rowOf(failure.id);
  if (failure.tier === "none") return found.claims.map((claim) => ({ claim, value: VALUES.noClaim }));
  if (failure.tier === "warning") return warned(failure, found, claims);
  const general = NOT_GENUINE[failure.code];
  if (general === undefined || found === IDENTITY)
    return found.claims.map((claim) => ({ claim, value: found.refused }));
  return EVIDENCED.map((claim) => ({ claim, value: general[claim] ?? general.others }));
}

/** A status such as ConfigurationNeeded is as much about the configuration. */
function warned({ id }: Failure, found: Row, claims: Claims | null): readonly Value[] {
  const configuration = id === "tcb-status" && claims?.tcb?.status.includes("Configuration") === true;
  const about = configuration ? [...found.claims, "configuration" as const] : found.claims;
  return about.map((claim) => ({ claim, value: found.warned }));
}

type NotGenuine = { readonly others: number } & Affirmed;

const BROKEN: NotGenuine = { others: VALUES.notAuthentic };
/** What is said of evidence that is not genuine, by the reason. */
const NOT_GENUINE: Readonly<Record<string, NotGenuine>> = {
  EVIDENCE_MALFORMED: BROKEN,
  SIGNATURE_INVALID: BROKEN,
  BINDING_MISMATCH: BROKEN,
  CERTIFICATE_EXPIRED: BROKEN,
  CHAIN_UNTRUSTED: { ...BROKEN, hardware: unrecognised, "instance-identity": unrecognised },
  CERTIFICATE_REVOKED: { ...BROKEN, hardware: contraindicated, "instance-identity": contraindicated },
  EVIDENCE_UNSUPPORTED: { others: VALUES.unknownElements, hardware: unrecognised },
};

const SEVERITY: Readonly<Record<TrustTier, number>> = { affirming: 0, warning: 1, none: 2, contraindicated: 3 };

/** The worse tier; within one a standard value before one of our own, and then the stronger statement. */
function worse(a: number, b: number): number {
  return severity(b) > severity(a) ? b : a;
}

function severity(value: number): number {
  return SEVERITY[tierOf(value)] * 1000 + (value < -1 ? 0 : 500) + Math.abs(value);
}
