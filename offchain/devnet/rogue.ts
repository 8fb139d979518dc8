import { createSigningKey, signingAddress } from "#crypto";
import { latestBlock } from "../chain/provider.ts";
import { readNode } from "../chain/registry.ts";
import { endorsementService } from "../client/endorsement-service.ts";
import type { Device } from "../device/device.ts";
import type { Gpu } from "../device/gpu.ts";
import { measureWorker, type WorkerMeasurements } from "../device/simulated/measure.ts";
import { toHex } from "../encoding/bytes.ts";
import { endorsementsOfNode } from "../endorsements/node.ts";
import { ServiceError } from "../errors.ts";
import { judge, readAnchor } from "../relayer/judge.ts";
import type { RegistryDomain } from "../verifier/binding.ts";
import type { NodeEvidence } from "../verifier/node-evidence.ts";
import type { AppraisalPolicy } from "../verifier/policy.ts";
import type { Failure } from "../verifier/result.ts";
import { verifyNodeEvidence } from "../verifier/verify-node.ts";
import { ChainVerifier } from "../x509/chain.ts";
import { measuredConfiguration } from "../worker/config.ts";
import { createEvidenceSource } from "../worker/evidence-source.ts";
import type { Network } from "./network.ts";
import type { NodeKind } from "./nodes.ts";
import { ROOT, servicesAt } from "./services.ts";
import type { Played } from "./story.ts";

/** What an attacker runs in a node's place. */
export interface RogueMachine {
  readonly device: Device;
  readonly gpu?: Gpu;
}

const WORKER = "offchain/worker/main.ts";

/** The evidence that the user's client verified of a node of this kind; throws `ServiceError` where there is none. */
export function evidenceOfKind({ answers }: Pick<Played, "answers">, kind: NodeKind): NodeEvidence {
  const found = answers.find(({ node }) => node.kind === kind)?.answer.node.nodeEvidence;
  if (found === undefined) throw new ServiceError("SERVICE_UNAVAILABLE", `there is no evidence of ${kind} to attack`);
  return found;
}

/** What the very code of the relayers says of evidence: the first reason against it, or `ACCEPTED`. */
export async function judgedCode(network: Network, evidence: NodeEvidence): Promise<string> {
  const { contracts } = network;
  const node = await readNode(contracts, evidence.binding.nodeId);
  if (node === undefined) throw new ServiceError("SERVICE_UNAVAILABLE", "the node is unknown");
  const source = endorsementService(servicesAt(network.endorsements.url));
  const judgement = await judge(
    {
      contracts,
      trustRoots: network.vendors.trustRoots,
      chains: new ChainVerifier(),
      endorsementsOf: (of, given) => source.endorsementsFor(of, given),
      now: Date.now,
    },
    { node, evidence, anchor: await readAnchor({ contracts }, evidence), head: await latestBlock(contracts.chain) },
  );
  return "verdict" in judgement ? "ACCEPTED" : firstOf(judgement.refused);
}

/** What a user's own policy says of evidence: the first reason against it, or `ACCEPTED`. */
export async function codeUnder(network: Network, policy: AppraisalPolicy, evidence: NodeEvidence): Promise<string> {
  const source = endorsementService(servicesAt(network.endorsements.url));
  const anchor = await readAnchor(network, evidence);
  const result = await verifyNodeEvidence(domainOf(network), evidence, {
    endorsements: await endorsementsOfNode(evidence, (of, given) => source.endorsementsFor(of, given)),
    trustRoots: network.vendors.trustRoots,
    now: Date.now(),
    evidenceTime: anchor.timestamp * 1000,
    policy,
  });
  return result.verdict === "affirming" || result.verdict === "warning" ? "ACCEPTED" : firstOf(result.failures);
}

function firstOf(failures: readonly Failure[]): string {
  const [first] = failures;
  return `${first?.code ?? "NONE"} (${first?.id ?? "none"})`;
}

/** What an attacker's machine says of a node, in the node's name, over the newest block and keys of the attacker. */
export async function rogueEvidence(
  network: Network,
  { binding }: Pick<NodeEvidence, "binding">,
  machine: RogueMachine,
): Promise<NodeEvidence> {
  const signingKey = createSigningKey();
  const foreign = { ...binding, signingKey: toHex(signingAddress(signingKey)) };
  const source = createEvidenceSource(
    { domain: domainOf(network), binding: foreign, signingKey, ...machine },
    () => undefined,
  );
  await source.renew(await latestBlock(network.contracts.chain));
  const made = source.newest();
  if (made === undefined) throw new ServiceError("SERVICE_UNAVAILABLE", "the machine made no evidence");
  return made;
}

/** What a machine measures that runs this clone's worker, for the published model or for none. */
export function measurementsOf({ model }: Network, code: "published" | "unpublished"): Promise<WorkerMeasurements> {
  const models = code === "published" ? [model.root] : [];
  const configuration = { ...measuredConfiguration(models.map((root) => ({ root }))) };
  return measureWorker({ root: ROOT, entry: WORKER, configuration });
}

/** The registry that evidence binds its keys for. */
export function domainOf({ contracts }: Network): RegistryDomain {
  return { chainId: contracts.chain.chainId, verifyingContract: contracts.addresses.NodeRegistry };
}
