import type { Check, Claims, PolicyLayer } from "../evidence/scheme.ts";
import { layersOf, type Policy } from "./policy-layers.ts";
import type { Failure } from "./result.ts";
import { claimRules, GUEST_RULES } from "./rules/guest.ts";
import { ORIGIN_RULES } from "./rules/origin.ts";
import type { Circumstances, Finding, Rule } from "./rules/rule.ts";
import { TCB_RULES } from "./rules/tcb.ts";

/** One appraised check with what it means for the verdict. */
export interface Ruling {
  readonly check: Check;
  /** Undefined: nothing against the evidence. */
  readonly against?: Failure;
}

/** What claims are appraised by. */
export interface Appraisal extends Circumstances {
  readonly policy: Policy;
}

interface LayerFinding {
  /** Undefined where every layer found the same. */
  readonly layer: PolicyLayer | undefined;
  readonly finding: Finding;
}

const RULES: readonly Rule[] = [...ORIGIN_RULES, ...GUEST_RULES, ...TCB_RULES];

/** Holds verified claims against the policy of every layer; every rule is judged, none throws. */
export function appraise(claims: Claims, appraisal: Appraisal): readonly Ruling[] {
  const policies = layersOf(appraisal.policy).map(({ policy }) => policy);
  const rules = [...RULES, ...claimRules(claims.platform, policies)];
  return rules.flatMap((rule) => findings(rule, claims, appraisal).map((found) => ruling(rule, found)));
}

/** The checks of `appraise` where there is nothing to appraise. */
export function notAppraised(): readonly Check[] {
  const detail = "not checked: the evidence was not verified";
  return RULES.filter(({ id }) => !ON_REQUEST.has(id)).map(({ id, reference }) => ({
    id,
    outcome: "none",
    detail,
    reference,
  }));
}

/** Rules that have nothing to say unless a policy asks. */
const ON_REQUEST: ReadonlySet<string> = new Set([
  "accepted-root",
  "deny-list",
  "evidence-age",
  "endorsement-age",
  "minimum-tcb",
]);

/** What the layers found: once where they agree, otherwise each layer by itself, without those that did not ask. */
function findings(rule: Rule, claims: Claims, { policy, ...circumstances }: Appraisal): readonly LayerFinding[] {
  const layers = layersOf(policy);
  const all = layers.flatMap(({ layer, policy: own }): LayerFinding[] => {
    const finding = rule.judge(claims, { ...circumstances, policy: own });
    return finding === undefined ? [] : [{ layer, finding }];
  });
  const asked = all.filter(({ finding }) => finding.outcome !== "unasked");
  const told = asked.length === 0 ? all.slice(0, 1) : asked;
  const [first] = told;
  const agreed = told.length === layers.length && told.every(({ finding }) => isSame(finding, first?.finding));
  return first !== undefined && (agreed || asked.length === 0) ? [{ ...first, layer: undefined }] : told;
}

function isSame(a: Finding, b: Finding | undefined): boolean {
  return a.outcome === b?.outcome && a.detail === b.detail;
}

const OUTCOMES = { pass: "pass", warn: "pass", fail: "fail", missing: "none", unasked: "none" } as const;
const TIERS = { warn: "warning", fail: "contraindicated", missing: "none" } as const;

function ruling({ id, reference }: Rule, { layer, finding }: LayerFinding): Ruling {
  const { outcome, detail } = finding;
  const own = layer === undefined ? {} : { layer };
  const check: Check = { id, outcome: OUTCOMES[outcome], detail, reference, ...own };
  if (outcome === "pass" || outcome === "unasked") return { check };
  const code = finding.code ?? (outcome === "missing" ? "NOT_CHECKED" : "POLICY");
  return { check, against: { id, code, detail, tier: TIERS[outcome], ...own } };
}
