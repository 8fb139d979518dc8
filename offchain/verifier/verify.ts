import { CloisterError, EndorsementError } from "../errors.ts";
import { CheckLog } from "../evidence/check-log.ts";
import type { Check, Claims, Platform, PolicyLayer, TrustRoot } from "../evidence/scheme.ts";
import { ChainVerifier } from "../x509/chain.ts";
import { appraise, notAppraised } from "./appraise.ts";
import { detect } from "./detect.ts";
import type { DetectedEvidence, Endorsements } from "./family.ts";
import type { AppraisalPolicy } from "./policy.ts";
import { layersOf, type Policy } from "./policy-layers.ts";
import { verdictOf, worstOf, type AttestationResult, type Failure } from "./result.ts";

/** Everything that a verification depends on beside the evidence. */
export interface VerifyOptions {
  readonly endorsements: Endorsements;
  readonly trustRoots: readonly TrustRoot[];
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly policy: Policy;
  /** 64 bytes that the evidence must carry. */
  readonly expectedReportData?: Uint8Array;
  /** The nonce that the evidence must carry, for the families whose evidence has one beside the report data. */
  readonly expectedNonce?: Uint8Array;
  /** Milliseconds since 1970: when the evidence was made, such as the time of its anchor block. */
  readonly evidenceTime?: number;
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
  const { policy, now, expectedReportData, evidenceTime } = options;
  const rulings = claims === null ? [] : appraise(claims, { policy, now, expectedReportData, evidenceTime });
  const failures = [...logged(log, policy), ...rulings.flatMap(({ against }) => (against ? [against] : []))];
  return {
    verdict: verdictOf(failures, claims),
    simulated: claims?.simulated ?? false,
    platform,
    claims,
    checks: [...log.checks, ...(claims === null ? notAppraised() : rulings.map(({ check }) => check))],
    failures,
  };
}

/** What the checks of the verification have against the evidence; a bad endorsement says nothing of the evidence. */
function logged(log: CheckLog, policy: Policy): readonly Failure[] {
  const errors = new Map<string, CloisterError>(log.failures.map(({ id, error }) => [id, error]));
  return log.checks.flatMap((check): Failure[] => {
    const { id, outcome, detail } = check;
    if (outcome === "pass" || log.isUnasked(check)) return [];
    const error = errors.get(id);
    if (error !== undefined) {
      return [{ id, code: error.code, detail, tier: error instanceof EndorsementError ? "none" : "contraindicated" }];
    }
    return [{ id, code: "NOT_CHECKED", detail, ...notMade(check, log.isOptional(check), policy) }];
  });
}

/** What a check that was not made is to the strictest layer, which is named where not all are as strict. */
function notMade(check: Check, optional: boolean, policy: Policy): Pick<Failure, "tier" | "layer"> {
  const layers = layersOf(policy).map(({ layer, policy: own }) => ({ layer, tier: tierOf(check, optional, own) }));
  const tier = worstOf(layers) ?? "none";
  const strictest = layers.filter((found) => found.tier === tier);
  const layer: PolicyLayer | undefined = strictest.length < layers.length ? strictest[0]?.layer : undefined;
  return { tier, ...(layer === undefined ? {} : { layer }) };
}

/** Checks of revocation, which a policy can ask for where the family leaves it open. */
const REVOCATION: ReadonlySet<string> = new Set([
  "root-crl",
  "pck-ca-revocation",
  "pck-crl-issuer",
  "pck-revocation",
  "ark-crl",
  "device-revocation",
  "rim-revocation",
]);

function tierOf({ id }: Check, optional: boolean, policy: AppraisalPolicy): "none" | "warning" {
  const required =
    (policy.endorsements === "required" && !optional) || (policy.revocation === "required" && REVOCATION.has(id));
  return required ? "none" : "warning";
}
