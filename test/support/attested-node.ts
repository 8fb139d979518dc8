import { keccak256, signDigest, createSigningKey } from "#crypto";
import { submitVerdict } from "../../offchain/chain/committee.ts";
import { latestBlock } from "../../offchain/chain/provider.ts";
import { readWorkload } from "../../offchain/chain/reference-values.ts";
import { register } from "../../offchain/chain/registry.ts";
import { eventsOf, type Sender } from "../../offchain/chain/sender.ts";
import { provisionPlatform } from "../../offchain/device/simulated/intel/platform.ts";
import { simulatedDevice, type QuoteDefects } from "../../offchain/device/simulated/intel/quote.ts";
import type { WorkerMeasurements } from "../../offchain/device/simulated/measure.ts";
import { toHex, utf8, type Hex } from "../../offchain/encoding/bytes.ts";
import { bindingDigest, reportDataOf } from "../../offchain/verifier/binding.ts";
import type { NodeEvidence } from "../../offchain/verifier/node-evidence.ts";
import { signVerdict, type Verdict } from "../../offchain/verifier/verdict.ts";
import type { EnclaveKeys } from "../../offchain/worker/keys.ts";
import { word } from "./receipts.ts";
import { TEST_MEASUREMENTS } from "./simulated-intel.ts";
import { fundedSender, workloadIdOf, type TestNetwork } from "./test-network.ts";

/** A node that the registry calls active, with evidence that a test made. */
export interface AttestedNode {
  readonly nodeId: Hex;
  readonly operator: Sender;
  readonly evidence: NodeEvidence;
  /** What the registry recorded. */
  readonly evidenceHash: Hex;
}

export interface Attestation {
  readonly keys: EnclaveKeys;
  readonly endpoint: string;
  /** What the enclave really is; the committee's verdict names the accepted workload all the same. */
  readonly measurements?: Partial<WorkerMeasurements>;
  readonly defects?: QuoteDefects;
}

const TTL_SECONDS = 3600;

/** Registers a simulated SGX node of a new operator and has two members sign that it is what the reference values accept. */
export async function attestNode(network: TestNetwork, attestation: Attestation): Promise<AttestedNode> {
  const { contracts, local } = network;
  const operator = await fundedSender(local, contracts, createSigningKey());
  const sent = await operator.send(register(contracts, toHex(createSigningKey()), attestation.endpoint));
  const nodeId = eventsOf(contracts, sent)[0]?.args["nodeId"] as Hex;
  const evidence = await evidenceOf(network, nodeId, operator.address, attestation);
  await submit(network, evidence);
  return { nodeId, operator, evidence, evidenceHash: toHex(keccak256(evidence.evidence)) };
}

async function evidenceOf(
  { contracts, vendor }: TestNetwork,
  nodeId: Hex,
  operator: Hex,
  { keys, measurements, defects }: Attestation,
): Promise<NodeEvidence> {
  const domain = { chainId: contracts.chain.chainId, verifyingContract: contracts.addresses.NodeRegistry };
  const { blockNumber, blockHash } = await latestBlock(contracts.chain);
  const anchor = { blockNumber, blockHash };
  const binding = {
    nodeId,
    operator,
    signingKey: keys.signingAddress,
    sealingKey: toHex(keys.sealingKey.publicKey),
    gpuEvidenceHash: word(0),
    configHash: word(0xcf),
  };
  const platform = provisionPlatform(vendor, { tee: "intel-sgx", now: Date.now(), name: nodeId });
  const device = simulatedDevice(platform, { ...TEST_MEASUREMENTS, ...measurements }, defects);
  return {
    platform: device.platform,
    simulated: device.simulated,
    evidence: await device.quote(reportDataOf(domain, binding, anchor)),
    devices: [],
    binding,
    anchor,
    possession: toHex(signDigest(keys.signingKey, bindingDigest(domain, binding))),
    keyEpoch: 1,
  };
}

async function submit({ contracts, members }: TestNetwork, evidence: NodeEvidence): Promise<void> {
  const [first, second] = members;
  if (first === undefined || second === undefined) throw new RangeError("two members are needed");
  const workloadId = workloadIdOf("intel-sgx", TEST_MEASUREMENTS);
  const { timestamp } = await latestBlock(contracts.chain);
  const verdict: Verdict = {
    ...evidence.binding,
    platform: 0x81,
    tcbStatus: 1,
    evaluationNumber: 17,
    workloadId,
    platformId: toHex(keccak256(utf8(`platform of ${evidence.binding.nodeId}`))),
    evidenceHash: toHex(keccak256(evidence.evidence)),
    policyVersion: (await readWorkload(contracts, workloadId))?.version ?? 0,
    ...evidence.anchor,
    issuedAt: timestamp,
    expiresAt: timestamp + TTL_SECONDS,
  };
  const domain = { chainId: contracts.chain.chainId, verifyingContract: contracts.addresses.VerifierCommittee };
  const signatures = [first, second]
    .sort((left, right) => (left.sender.address < right.sender.address ? -1 : 1))
    .map(({ privateKey }) => signVerdict(domain, verdict, privateKey));
  await first.sender.send(submitVerdict(contracts, verdict, evidence.possession, signatures));
}
