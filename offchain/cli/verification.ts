import { loadEndorsements } from "../endorsements/bundle.ts";
import { endorsementsOfNode } from "../endorsements/node.ts";
import type { Hex } from "../encoding/bytes.ts";
import { ConfigError, EvidenceError } from "../errors.ts";
import type { Check } from "../evidence/scheme.ts";
import type { RegistryDomain } from "../verifier/binding.ts";
import type { Endorsements, NodeEndorsements } from "../verifier/family.ts";
import type { NodeEvidence } from "../verifier/node-evidence.ts";
import type { AttestationResult } from "../verifier/result.ts";
import type { VerifyNodeOptions } from "../verifier/verify-devices.ts";
import { verifyNodeEvidence, verifyNodeParts } from "../verifier/verify-node.ts";
import { verifyEvidence } from "../verifier/verify.ts";
import type { GivenEvidence } from "./evidence-input.ts";

/** The registry that a worker's keys must be bound for. */
export interface RegistryOptions {
  readonly registry?: Hex;
  readonly chainId?: bigint;
}

/** What is given for evidence and each of its devices; none for what cannot be parsed, whose result says so by itself. */
export function givenEndorsements(
  path: string | undefined,
  { evidence, devices }: Pick<GivenEvidence, "evidence" | "devices">,
  now: number,
): Promise<NodeEndorsements> {
  return endorsementsOfNode({ evidence, devices }, (of, given) =>
    endorsementsOf(path, { evidence: of, now, ...(given && { given }) }),
  );
}

async function endorsementsOf(
  path: string | undefined,
  wanted: Parameters<typeof loadEndorsements>[1],
): Promise<Endorsements> {
  if (path === undefined) return {};
  try {
    return await loadEndorsements(path, wanted);
  } catch (error) {
    if (error instanceof EvidenceError) return {};
    throw error;
  }
}

/** Whether a program may rely on a result. */
export function isAcceptable({ verdict }: AttestationResult): boolean {
  return verdict === "affirming" || verdict === "warning";
}

/** The domain of the registry that is named; throws `ConfigError` where half of it is. */
export function domainOf({ registry, chainId }: RegistryOptions): RegistryDomain | undefined {
  if (registry === undefined && chainId === undefined) return undefined;
  if (registry !== undefined && chainId !== undefined) return { chainId, verifyingContract: registry };
  throw new ConfigError("CONFIG_INVALID", "--registry and --chain-id go together");
}

/** Verifies what a file holds, a node's evidence with its devices'; throws `ConfigError` for a registry beside raw evidence. */
export async function verifyGiven(
  { evidence, nodeEvidence }: GivenEvidence,
  domain: RegistryDomain | undefined,
  verification: VerifyNodeOptions,
): Promise<AttestationResult> {
  if (nodeEvidence !== undefined) return verifyOfNode(nodeEvidence, domain, verification);
  if (domain === undefined) return verifyEvidence(evidence, verification);
  throw new ConfigError("CONFIG_INVALID", "nothing in raw evidence says what --registry would check", {
    next: "Give the JSON of a worker's GET /v1/evidence, or leave --registry and --chain-id out.",
  });
}

/** A file alone does not say which registry its keys are for, and never how old its anchor is: both are told as not checked. */
async function verifyOfNode(
  nodeEvidence: NodeEvidence,
  domain: RegistryDomain | undefined,
  verification: VerifyNodeOptions,
): Promise<AttestationResult> {
  const result =
    domain === undefined
      ? await verifyNodeParts(nodeEvidence, verification)
      : await verifyNodeEvidence(domain, nodeEvidence, verification);
  const { blockNumber } = nodeEvidence.anchor;
  const unchecked = [
    ...(domain === undefined ? [notRequired("binding", "--registry and --chain-id say what to check it against")] : []),
    notRequired("anchor", `a chain is needed to look at block ${blockNumber}`),
  ];
  return { ...result, checks: [...unchecked, ...result.checks] };
}

function notRequired(id: string, why: string): Check {
  return {
    id,
    outcome: "none",
    detail: `not checked and not required: ${why}`,
    reference: "docs/protocol.md section 3",
  };
}
