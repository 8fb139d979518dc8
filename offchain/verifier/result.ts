import type { Check, Claims, PolicyLayer } from "../evidence/scheme.ts";
import type { ErrorCode } from "../errors.ts";

/**
 * How far the evidence can be relied on, in the tiers of EAR.
 * @see draft-ietf-rats-ar4si, trustworthiness tiers
 */
export type Verdict = "affirming" | "warning" | "contraindicated" | "none";

/** One reason why a result is not affirming. */
export interface Failure {
  /** The check that failed or could not be made. */
  readonly id: string;
  /** An error code for evidence that is not genuine, `POLICY` for genuine evidence that is not acceptable, `NOT_CHECKED` for a check that was not made. */
  readonly code: ErrorCode | "POLICY" | "NOT_CHECKED";
  readonly detail: string;
  /** What this alone makes of the verdict. */
  readonly tier: Exclude<Verdict, "affirming">;
  /** Whose policy it fails, where not all layers ask for it. */
  readonly layer?: PolicyLayer;
}

/** The tiers of findings against evidence, the worst first. */
const TIERS = ["contraindicated", "none", "warning"] as const;

/** The worst of some tiers; undefined without any. */
export function worstOf(findings: readonly Pick<Failure, "tier">[]): Failure["tier"] | undefined {
  return TIERS.find((tier) => findings.some((finding) => finding.tier === tier));
}

/** The verdict that failures amount to: the worst of their tiers; `none` where there is nothing to rely on. */
export function verdictOf(failures: readonly Pick<Failure, "tier">[], claims: object | null): Verdict {
  const worst = worstOf(failures);
  if (worst === "contraindicated") return worst;
  return claims === null ? "none" : (worst ?? "affirming");
}

/** What a verifier says of evidence; the same JSON from the command line, relayers and clients. */
export interface AttestationResult {
  readonly verdict: Verdict;
  readonly simulated: boolean;
  /** Null where the format was not recognised. */
  readonly platform: Claims["platform"] | null;
  /** Null where the evidence is not genuine. */
  readonly claims: Claims | null;
  /** Of a node with devices: the claims of each in the node's order, null where its evidence is not genuine. */
  readonly devices?: readonly (Claims | null)[];
  readonly checks: readonly Check[];
  /** Every failure, in the order of the checks; empty for `affirming`. */
  readonly failures: readonly Failure[];
}
