import { signingAddress } from "#crypto";
import { openContracts, type Contracts } from "../chain/contracts.ts";
import { readDeployment } from "../chain/deployment.ts";
import { closeChannel, depositChannels, readChannel, withdrawChannels, type ChannelState } from "../chain/escrow.ts";
import { listOffers, readOffer, type Offer } from "../chain/models.ts";
import { blockAt, connectChain } from "../chain/provider.ts";
import { isDenied, readWorkload } from "../chain/reference-values.ts";
import { isActive, listNodes, readNode, readReceiptKey, type NodeRecord } from "../chain/registry.ts";
import { openSender, type Sender, type Sent } from "../chain/sender.ts";
import { approve, readAllowance } from "../chain/token.ts";
import { parseHex, toHex, type Hex } from "../encoding/bytes.ts";
import type { Tensor } from "../encoding/tensor.ts";
import { ConfigError, EvidenceError } from "../errors.ts";
import { createLocks, type Locks } from "../locks.ts";
import type { DcapEndorsements } from "../evidence/dcap/endorsements.ts";
import type { TrustRoot } from "../evidence/scheme.ts";
import type { EscrowDomain } from "../receipt/typed.ts";
import { CHANNEL_MIGRATIONS, channels } from "../store/channels.ts";
import { openStore, tieStore, type Store, type StoreLocation } from "../store/store.ts";
import type { AppraisalPolicy } from "../verifier/policy.ts";
import type { EvidenceFile } from "./evidence-file.ts";
import { infer, type CheckedAnswer, type InferOptions } from "./infer.ts";
import { resume, type Resumed } from "./resume.ts";
import { verifyNode, type VerifiedNode } from "./verify-node.ts";

export interface ClientOptions {
  readonly rpcUrl: string;
  /** Directory with `<chainId>.json`. */
  readonly deployments: string;
  readonly trustRoots: readonly TrustRoot[];
  /** The user's own appraisal policy. */
  readonly policy: AppraisalPolicy;
  readonly endorsementsFor: (evidence: Uint8Array) => Promise<DcapEndorsements>;
  /** The payer's private key, 0x-hex. */
  readonly payerKey: Hex;
  /** Where promises and open requests are kept. */
  readonly store: StoreLocation;
  readonly timeoutMs?: number;
  /** How often a wait for a transaction asks the chain; 250 ms where not given. */
  readonly pollingMs?: number;
}

/** A node as the registry lists it, with what it offers. */
export interface ListedNode extends NodeRecord {
  readonly active: boolean;
  readonly offers: readonly Offer[];
}

/** A user of the network: holds a connection, a store and the payer's key until closed. */
export interface Client {
  readonly payer: Hex;
  readonly contracts: Contracts;
  nodes(): Promise<readonly ListedNode[]>;
  /** Verifies a node, once per key epoch and attestation; throws `EvidenceError` where it is refused. */
  verify(nodeId: Hex): Promise<VerifiedNode>;
  /** Opens channels or tops them up, in one transaction after the approval. */
  deposit(deposits: readonly { readonly nodeId: Hex; readonly amount: bigint }[]): Promise<Sent>;
  channel(nodeId: Hex): Promise<ChannelState>;
  /** Verifies the node, sends one sealed request and checks the answer. */
  infer(nodeId: Hex, modelId: Hex, inputs: readonly Tensor[]): Promise<ClientAnswer>;
  /** Fetches the answers of requests that an earlier process left open. */
  resume(nodeId: Hex): Promise<readonly Resumed[]>;
  closeChannel(nodeId: Hex): Promise<Sent>;
  withdraw(nodeIds: readonly Hex[]): Promise<Sent>;
  close(): Promise<void>;
}

/** A checked answer and the evidence file that proves it. */
export interface ClientAnswer extends CheckedAnswer {
  readonly node: VerifiedNode;
  readonly evidenceFile: EvidenceFile;
}

/** Connects; throws `ConfigError` for settings that do not fit and `ChainError` where the chain does not answer. */
export async function openClient(options: ClientOptions): Promise<Client> {
  const payerKey = parseHex(options.payerKey, 32);
  if (payerKey === undefined) throw new ConfigError("CONFIG_INVALID", "the payer's key is not 32 bytes of 0x-hex");
  const chain = await connectChain(
    options.rpcUrl,
    options.pollingMs === undefined ? {} : { pollingMs: options.pollingMs },
  );
  const contracts = openContracts(chain, readDeployment(options.deployments, chain.chainId));
  const store = await openStore(options.store, CHANNEL_MIGRATIONS);
  const payer = toHex(signingAddress(payerKey));
  await tieStore(store, `${chain.chainId}/${contracts.addresses.InferenceEscrow}/${payer}`);
  const sender = await openSender(chain, { privateKey: options.payerKey });
  return clientOf({ options, contracts, store, sender, payer, payerKey, verified: new Map(), locks: createLocks() });
}

interface Parts {
  readonly options: ClientOptions;
  readonly contracts: Contracts;
  readonly store: Store;
  readonly sender: Sender;
  readonly payer: Hex;
  readonly payerKey: Uint8Array;
  readonly verified: Map<Hex, VerifiedNode>;
  readonly locks: Locks;
}

function clientOf(parts: Parts): Client {
  const { contracts, payer, sender, store } = parts;
  return {
    payer,
    contracts,
    nodes: () => listWithOffers(contracts),
    verify: (nodeId) => verifyCached(parts, nodeId),
    deposit: (deposits) => deposit(parts, deposits),
    channel: (nodeId) => readChannel(contracts, payer, nodeId),
    infer: (nodeId, modelId, inputs) => inferChecked(parts, { nodeId, modelId }, inputs),
    resume: (nodeId) => resumeOpen(parts, nodeId),
    closeChannel: (nodeId) => sender.send(closeChannel(contracts, nodeId)),
    withdraw: (nodeIds) => sender.send(withdrawChannels(contracts, nodeIds)),
    close: async () => {
      await store.close();
      contracts.chain.close();
    },
  };
}

async function listWithOffers(contracts: Contracts): Promise<readonly ListedNode[]> {
  const records = await listNodes(contracts);
  return Promise.all(
    records.map(async (record) => {
      const [active, offers] = await Promise.all([
        isActive(contracts, record.nodeId),
        listOffers(contracts, record.nodeId),
      ]);
      return Object.assign({ active, offers }, record);
    }),
  );
}

/** The contract's word is one more check: what it does not call active is refused whatever the evidence says. */
async function verifyCached(parts: Parts, nodeId: Hex): Promise<VerifiedNode> {
  const record = await readyNode(parts, nodeId);
  const known = parts.verified.get(nodeId);
  const now = Date.now();
  if (known !== undefined && known.evidenceHash === record.evidenceHash && known.validUntil > now) return known;
  const { contracts, options } = parts;
  const node = await verifyNode(record, {
    ...options,
    domain: { chainId: contracts.chain.chainId, verifyingContract: contracts.addresses.NodeRegistry },
    blockHash: async (number) => (await blockAt(contracts.chain, number))?.blockHash,
    now,
  });
  await checkReferenceValues(contracts, node);
  parts.verified.set(nodeId, node);
  return node;
}

async function readyNode({ contracts }: Parts, nodeId: Hex): Promise<NodeRecord> {
  const record = await readNode(contracts, nodeId);
  if (record === undefined) throw new ConfigError("CONFIG_INVALID", `the registry knows no node ${nodeId}`);
  if (await isActive(contracts, nodeId)) return record;
  throw new EvidenceError("EVIDENCE_STALE", `the registry does not call ${nodeId} active (${record.status})`);
}

/** What the evidence measures has to be what the reference values accept; the record alone could name another workload. */
async function checkReferenceValues(contracts: Contracts, node: VerifiedNode): Promise<void> {
  const workloadId: Hex = `0x${node.result.claims?.workloadId ?? ""}`;
  const entry = await readWorkload(contracts, workloadId);
  if (entry === undefined || entry.removed || (await isDenied(contracts, workloadId))) {
    throw new EvidenceError("CHAIN_UNTRUSTED", `the reference values do not accept the workload ${workloadId}`);
  }
}

async function deposit(
  { contracts, sender, payer }: Parts,
  deposits: readonly { readonly nodeId: Hex; readonly amount: bigint }[],
): Promise<Sent> {
  const total = deposits.reduce((sum, { amount }) => sum + amount, 0n);
  if ((await readAllowance(contracts, payer, "InferenceEscrow")) < total) {
    await sender.send(approve(contracts, "InferenceEscrow", total));
  }
  return sender.send(depositChannels(contracts, deposits));
}

function escrowOf(contracts: Contracts): EscrowDomain {
  return { chainId: contracts.chain.chainId, verifyingContract: contracts.addresses.InferenceEscrow };
}

function inferParts(parts: Parts): Pick<InferOptions, "escrow" | "payerKey" | "payer" | "channels" | "timeoutMs"> {
  const { contracts, payer, payerKey, store, options } = parts;
  const timeoutMs = options.timeoutMs ?? 30_000;
  return { escrow: escrowOf(contracts), payer, payerKey, channels: channels(store), timeoutMs };
}

async function resumeOpen(parts: Parts, nodeId: Hex): Promise<readonly Resumed[]> {
  const node = await readNode(parts.contracts, nodeId);
  if (node === undefined) throw new ConfigError("CONFIG_INVALID", `the registry knows no node ${nodeId}`);
  const signingKey = async (keyEpoch: number): Promise<Hex> =>
    (await readReceiptKey(parts.contracts, nodeId, keyEpoch)).signingKey;
  return resume({ ...inferParts(parts), node, signingKey });
}

async function inferChecked(
  parts: Parts,
  target: { readonly nodeId: Hex; readonly modelId: Hex },
  inputs: readonly Tensor[],
): Promise<ClientAnswer> {
  const node = await verifyCached(parts, target.nodeId);
  const price = await readOffer(parts.contracts, target.nodeId, target.modelId);
  if (price === undefined) {
    throw new ConfigError("CONFIG_INVALID", `${target.nodeId} does not offer the model ${target.modelId}`);
  }
  const options = { ...inferParts(parts), node, modelId: target.modelId, price };
  const checked = await parts.locks.run(target.nodeId, () => infer(inputs, options));
  return { ...checked, node, evidenceFile: evidenceFileOf(parts, node, checked, inputs) };
}

function evidenceFileOf(
  { contracts, payer }: Parts,
  node: VerifiedNode,
  checked: CheckedAnswer,
  inputs: readonly Tensor[],
): EvidenceFile {
  return {
    checkedAt: Date.now(),
    simulated: node.result.simulated,
    chain: {
      chainId: contracts.chain.chainId,
      nodeRegistry: contracts.addresses.NodeRegistry,
      inferenceEscrow: contracts.addresses.InferenceEscrow,
    },
    nodeEvidence: node.nodeEvidence,
    endorsements: node.endorsements,
    voucher: checked.voucher,
    voucherSignature: checked.voucherSignature,
    payer,
    receipt: checked.answer.receipt,
    receiptSignature: checked.answer.receiptSignature,
    request: { salt: checked.requestSalt, tensors: inputs },
    response: { salt: checked.answer.responseSalt, tensors: checked.outputs },
  };
}
