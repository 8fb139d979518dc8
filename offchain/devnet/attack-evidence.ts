import { createSigningKey, signDigest, signingAddress } from "#crypto";
import { latestBlock } from "../chain/provider.ts";
import { readNode } from "../chain/registry.ts";
import { endorsementService } from "../client/endorsement-service.ts";
import type { Device } from "../device/device.ts";
import { provisionPlatform } from "../device/simulated/intel/platform.ts";
import { simulatedDevice } from "../device/simulated/intel/quote.ts";
import { measureWorker } from "../device/simulated/measure.ts";
import { toHex } from "../encoding/bytes.ts";
import { ServiceError } from "../errors.ts";
import { judge, readAnchor } from "../relayer/judge.ts";
import { bindingDigest, reportDataOf, type NodeBinding, type RegistryDomain } from "../verifier/binding.ts";
import type { NodeEvidence } from "../verifier/node-evidence.ts";
import { ChainVerifier } from "../x509/chain.ts";
import { measuredConfiguration } from "../worker/config.ts";
import type { Attack } from "./attacks.ts";
import type { Network } from "./network.ts";
import { ROOT, servicesAt } from "./services.ts";
import type { Played } from "./story.ts";

/** An offset in the body of a quote: inside MRENCLAVE of SGX. */
const FLIPPED = 48 + 64;
const WORKER = "offchain/worker/main.ts";

/** Attacks on a node's evidence, judged by the very code of the relayers. */
export async function evidenceAttacks(network: Network, { answers }: Played): Promise<readonly Attack[]> {
  const genuine = answers[0]?.answer.node.nodeEvidence;
  if (genuine === undefined) throw new ServiceError("SERVICE_UNAVAILABLE", "there is no evidence to attack");
  const judged = (evidence: NodeEvidence): Promise<string> => judgedCode(network, evidence);
  return [
    {
      id: "flipped-byte",
      tries: "a quote with one flipped byte",
      refusedBy: "SIGNATURE_INVALID (quote-signature)",
      attempt: () => judged({ ...genuine, evidence: flip(genuine.evidence, FLIPPED) }),
    },
    {
      id: "old-quote-for-new-keys",
      tries: "an old quote replayed for new keys",
      refusedBy: "BINDING_MISMATCH (binding)",
      attempt: () => judged({ ...genuine, ...foreignKeys(network, genuine.binding) }),
    },
    {
      id: "debug-enclave",
      tries: "an enclave in debug mode",
      refusedBy: "POLICY (debug)",
      attempt: async () => judged(await freshEvidence(network, genuine, await rogueDevice(network, "debug"))),
    },
    {
      id: "unknown-measurement",
      tries: "a worker that nobody published",
      refusedBy: "POLICY (reference-values)",
      attempt: async () => judged(await freshEvidence(network, genuine, await rogueDevice(network, "unpublished"))),
    },
  ];
}

async function judgedCode(network: Network, evidence: NodeEvidence): Promise<string> {
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
  if ("verdict" in judgement) return "ACCEPTED";
  const [first] = judgement.refused;
  return `${first?.code ?? "NONE"} (${first?.id ?? "none"})`;
}

function flip(bytes: Uint8Array, offset: number): Uint8Array {
  return bytes.map((byte, index) => (index === offset ? byte ^ 0xff : byte));
}

/** The same node under keys of the attacker, with an honest proof that the attacker holds them. */
function foreignKeys(network: Network, binding: NodeBinding): Pick<NodeEvidence, "binding" | "possession"> {
  const key = createSigningKey();
  const foreign = { ...binding, signingKey: toHex(signingAddress(key)) };
  return { binding: foreign, possession: toHex(signDigest(key, bindingDigest(domainOf(network), foreign))) };
}

/** Genuine evidence of a device over the attacker's keys and the newest block. */
async function freshEvidence(network: Network, like: NodeEvidence, device: Device): Promise<NodeEvidence> {
  const anchor = await latestBlock(network.contracts.chain);
  const keys = foreignKeys(network, like.binding);
  const evidence = await device.quote(reportDataOf(domainOf(network), keys.binding, anchor));
  return { ...like, ...keys, evidence, anchor };
}

async function rogueDevice(network: Network, kind: "debug" | "unpublished"): Promise<Device> {
  const platform = provisionPlatform(network.vendors.intel, { tee: "intel-sgx", now: Date.now(), name: "rogue" });
  const models = kind === "debug" ? [network.model.root] : [];
  const configuration = { ...measuredConfiguration(models.map((root) => ({ root }))) };
  const measurements = await measureWorker({ root: ROOT, entry: WORKER, configuration });
  return simulatedDevice(platform, measurements, kind === "debug" ? { debug: true } : {});
}

function domainOf({ contracts }: Network): RegistryDomain {
  return { chainId: contracts.chain.chainId, verifyingContract: contracts.addresses.NodeRegistry };
}
