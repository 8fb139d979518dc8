import type { CheckName } from "../evidence/check-log.ts";
import { NODE_PLATFORMS, type Claims } from "../evidence/scheme.ts";
import { reportDataOf, type RegistryDomain } from "./binding.ts";
import { found, held, notMade, refused, type Finding } from "./finding.ts";
import { checkPossession, type NodeEvidence } from "./node-evidence.ts";
import type { AttestationResult, Verdict } from "./result.ts";
import { verifyDevices, type VerifyNodeOptions } from "./verify-devices.ts";
import { verifyEvidence } from "./verify.ts";

const POSSESSION: CheckName = { id: "possession", reference: "docs/protocol.md section 3" };
const DECLARED: CheckName = { id: "declared-platform", reference: "docs/protocol.md section 9" };

/** From the best to the worst. */
const VERDICTS: readonly Verdict[] = ["affirming", "warning", "none", "contraindicated"];

/**
 * Verifies all that a node says of itself: its evidence and that of each of its devices, that both carry binding and anchor,
 * and that the signing key signed the binding. The worst verdict of the parts is the node's. Freshness is the caller's: the
 * anchor must be a recent block of the registry's chain.
 * Never throws for a bad node; throws `RangeError` where the binding was not parsed.
 * @see docs/protocol.md sections 3 and 9
 */
export async function verifyNodeEvidence(
  domain: RegistryDomain,
  nodeEvidence: NodeEvidence,
  options: VerifyNodeOptions,
): Promise<AttestationResult> {
  const expectedReportData = reportDataOf(domain, nodeEvidence.binding, nodeEvidence.anchor);
  const own = await verifyEvidence(nodeEvidence.evidence, { ...options, expectedReportData });
  const { results, findings } = await verifyDevices(domain, nodeEvidence, options);
  const result = together(own, results);
  return withFindings(result, [possession(domain, nodeEvidence), declared(nodeEvidence, result), ...findings]);
}

/**
 * Verifies what a node says of itself as far as that can be told without a registry: its own evidence and that of each of its
 * devices, but not for which keys and node it was made. Who relies on a node calls `verifyNodeEvidence`.
 */
export async function verifyNodeParts(
  nodeEvidence: NodeEvidence,
  options: VerifyNodeOptions,
): Promise<AttestationResult> {
  const own = await verifyEvidence(nodeEvidence.evidence, options);
  const { results, findings } = await verifyDevices(undefined, nodeEvidence, options);
  return withFindings(together(own, results), findings);
}

function withFindings(result: AttestationResult, all: readonly Finding[]): AttestationResult {
  const failures = all.flatMap(({ failure }) => (failure === undefined ? [] : [failure]));
  return {
    ...result,
    verdict: failures.length > 0 ? "contraindicated" : result.verdict,
    checks: [...all.map(({ check }) => check), ...result.checks],
    failures: [...failures, ...result.failures],
  };
}

/** The node's own result with its devices': simulated where any part is, and valid until the first ends. */
function together(own: AttestationResult, devices: readonly AttestationResult[]): AttestationResult {
  if (devices.length === 0) return own;
  const parts = [own, ...devices];
  const simulated = parts.some((part) => part.simulated);
  return {
    ...own,
    verdict: VERDICTS[Math.max(...parts.map(({ verdict }) => VERDICTS.indexOf(verdict)))] ?? "contraindicated",
    simulated,
    claims: own.claims && { ...own.claims, simulated, validUntil: validUntilOf(parts) },
    devices: devices.map(({ claims }) => claims),
    checks: parts.flatMap(({ checks }) => checks),
    failures: parts.flatMap(({ failures }) => failures),
  };
}

function validUntilOf(parts: readonly AttestationResult[]): Claims["validUntil"] {
  return Math.min(...parts.flatMap(({ claims }) => claims?.validUntil ?? []));
}

function possession(domain: RegistryDomain, nodeEvidence: NodeEvidence): Finding {
  return found(POSSESSION, "the signing key signed the binding", () => checkPossession(domain, nodeEvidence));
}

/** What a node says of its platform decides nothing, but it must not lie; a device is no node. */
function declared(nodeEvidence: NodeEvidence, { platform, claims }: AttestationResult): Finding {
  const { platform: named, simulated } = nodeEvidence;
  if (platform === null || claims === null) return notMade(DECLARED, "the evidence was not verified");
  if (!(NODE_PLATFORMS as readonly string[]).includes(platform)) {
    return refused(DECLARED, "BINDING_MISMATCH", `${platform} is no node by itself`);
  }
  if (platform !== named || claims.simulated !== simulated) {
    return refused(DECLARED, "BINDING_MISMATCH", `the node says ${named}, simulated ${simulated}`);
  }
  return held(DECLARED, named);
}
