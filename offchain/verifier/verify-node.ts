import { CloisterError } from "../errors.ts";
import type { Check } from "../evidence/scheme.ts";
import { reportDataOf, type RegistryDomain } from "./binding.ts";
import { checkPossession, type NodeEvidence } from "./node-evidence.ts";
import type { AttestationResult, Failure } from "./result.ts";
import { verifyEvidence, type VerifyOptions } from "./verify.ts";

const POSSESSION = { id: "possession", reference: "docs/protocol.md section 3" };
const DECLARED = { id: "declared-platform", reference: "docs/protocol.md section 9" };

interface Finding {
  readonly check: Check;
  readonly failure?: Failure;
}

/**
 * Verifies all that a node says of itself: its evidence, that the evidence carries binding and anchor, and that the
 * signing key signed the binding. Freshness is the caller's: the anchor must be a recent block of the registry's chain.
 * Never throws for a bad node; throws `RangeError` where the binding was not parsed.
 * @see docs/protocol.md sections 3 and 9
 */
export async function verifyNodeEvidence(
  domain: RegistryDomain,
  nodeEvidence: NodeEvidence,
  options: Omit<VerifyOptions, "expectedReportData">,
): Promise<AttestationResult> {
  const expectedReportData = reportDataOf(domain, nodeEvidence.binding, nodeEvidence.anchor);
  const result = await verifyEvidence(nodeEvidence.evidence, { ...options, expectedReportData });
  const findings = [possession(domain, nodeEvidence), declared(nodeEvidence, result)];
  const failures = findings.flatMap(({ failure }) => (failure === undefined ? [] : [failure]));
  return {
    ...result,
    verdict: failures.length > 0 ? "contraindicated" : result.verdict,
    checks: [...findings.map(({ check }) => check), ...result.checks],
    failures: [...failures, ...result.failures],
  };
}

function possession(domain: RegistryDomain, nodeEvidence: NodeEvidence): Finding {
  try {
    checkPossession(domain, nodeEvidence);
    return { check: { ...POSSESSION, outcome: "pass", detail: "the signing key signed the binding" } };
  } catch (error) {
    if (!(error instanceof CloisterError)) throw error;
    return refused(POSSESSION, error.code, error.message);
  }
}

/** What a node says of its platform decides nothing, but it must not lie. */
function declared(nodeEvidence: NodeEvidence, { platform, claims }: AttestationResult): Finding {
  const { platform: named, simulated } = nodeEvidence;
  if (platform === null || claims === null) {
    return { check: { ...DECLARED, outcome: "none", detail: "not checked: the evidence was not verified" } };
  }
  if (platform !== named || claims.simulated !== simulated) {
    return refused(DECLARED, "BINDING_MISMATCH", `the node says ${named}, simulated ${simulated}`);
  }
  return { check: { ...DECLARED, outcome: "pass", detail: named } };
}

function refused(name: typeof POSSESSION, code: Failure["code"], detail: string): Finding {
  return { check: { ...name, outcome: "fail", detail }, failure: { id: name.id, code, detail } };
}
