import { CloisterError, EndorsementError } from "../errors.ts";
import { CheckLog } from "../evidence/check-log.ts";
import type { Claims, Platform, TrustRoot } from "../evidence/scheme.ts";
import { ChainVerifier } from "../x509/chain.ts";
import { appraise, notAppraised, type Ruling, type Weight } from "./appraise.ts";
import { detect } from "./detect.ts";
import type { DetectedEvidence, Endorsements } from "./family.ts";
import type { AppraisalPolicy } from "./policy.ts";
import type { AttestationResult, Failure, Verdict } from "./result.ts";

/** Everything that a verification depends on beside the evidence. */
export interface VerifyOptions {
  readonly endorsements: Endorsements;
  readonly trustRoots: readonly TrustRoot[];
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly policy: AppraisalPolicy;
  /** 64 bytes that the evidence must carry. */
  readonly expectedReportData?: Uint8Array;
  /** The nonce that the evidence must carry, for the families whose evidence has one beside the report data. */
  readonly expectedNonce?: Uint8Array;
  /** Remembers certificates between verifications; without it nothing is remembered. */
  readonly chains?: ChainVerifier;
}

interface Outcome {
  readonly platform: Platform | null;
  readonly claims: Claims | null;
  readonly log: CheckLog;
}

const FORMAT = { id: "evidence-format", reference: "docs/verification.md, formats" };

/**
 * Verifies raw evidence and appraises it; bad evidence or endorsements are failures of the result and never thrown.
 * @see RFC 9334 section 8
 */
export async function verifyEvidence(evidence: Uint8Array, options: VerifyOptions): Promise<AttestationResult> {
  const log = new CheckLog();
  const detected = await log.check(FORMAT, () => {
    const value = detect(evidence);
    return { value, detail: value.summary };
  });
  const platform = detected?.platform ?? null;
  const claims = detected === undefined ? null : await verifiedClaims(detected, options, log);
  return result({ platform, claims, log }, options);
}

async function verifiedClaims(
  evidence: DetectedEvidence,
  options: VerifyOptions,
  log: CheckLog,
): Promise<Claims | null> {
  const { endorsements, trustRoots, now, expectedNonce, chains = new ChainVerifier() } = options;
  const roots = trustRoots.filter(({ family }) => family === undefined || family === evidence.family);
  const context = {
    endorsements,
    trustRoots: roots.filter(({ purpose }) => purpose !== "reference-values"),
    referenceRoots: roots.filter(({ purpose }) => purpose !== "evidence"),
    now,
    log,
    chains,
  };
  const nonce = expectedNonce === undefined ? {} : { expectedNonce };
  try {
    return await evidence.verify({ ...context, ...nonce });
  } catch (error) {
    const told = log.checks.some(({ outcome }) => outcome !== "pass");
    if (!(error instanceof CloisterError) || !told) throw error;
    return null;
  }
}

function result({ platform, claims, log }: Outcome, options: VerifyOptions): AttestationResult {
  const { policy, expectedReportData } = options;
  const rulings = claims === null ? [] : appraise(claims, { policy, expectedReportData });
  const against = [...logged(log, policy), ...rulings.flatMap(({ against: found }) => (found ? [found] : []))];
  return {
    verdict: verdictOf(
      against.map(({ weight }) => weight),
      claims,
    ),
    simulated: claims?.simulated ?? false,
    platform,
    claims,
    checks: [...log.checks, ...(claims === null ? notAppraised() : rulings.map(({ check }) => check))],
    failures: against.map(({ failure }) => failure),
  };
}

type Against = NonNullable<Ruling["against"]>;

/** What the checks of the verification have against the evidence; a bad endorsement says nothing of the evidence. */
function logged(log: CheckLog, policy: AppraisalPolicy): readonly Against[] {
  const errors = new Map<string, CloisterError>(log.failures.map(({ id, error }) => [id, error]));
  return log.checks.flatMap((check): Against[] => {
    const { id, outcome, detail } = check;
    if (outcome === "pass" || log.isUnasked(check)) return [];
    const error = errors.get(id);
    const failure: Failure = { id, code: error?.code ?? "NOT_CHECKED", detail };
    const missing = policy.endorsements === "required" && !log.isOptional(check) ? "missing" : "warning";
    const weight = error === undefined ? missing : error instanceof EndorsementError ? "missing" : "refused";
    return [{ failure, weight }];
  });
}

function verdictOf(weights: readonly Weight[], claims: Claims | null): Verdict {
  if (weights.includes("refused")) return "contraindicated";
  if (weights.includes("missing") || claims === null) return "none";
  return weights.includes("warning") ? "warning" : "affirming";
}
