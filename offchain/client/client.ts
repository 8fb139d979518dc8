import { signingAddress } from "#crypto";
import { openContracts, type Contracts } from "../chain/contracts.ts";
import { readDeployment } from "../chain/deployment.ts";
import { closeChannel, depositChannels, readChannel, withdrawChannels, type ChannelState } from "../chain/escrow.ts";
import { readOffer } from "../chain/models.ts";
import { blockAt, connectChain } from "../chain/provider.ts";
import { readNode, readReceiptKey } from "../chain/registry.ts";
import { openSender, type Sender, type Sent } from "../chain/sender.ts";
import { approve, readAllowance } from "../chain/token.ts";
import { parseHex, toHex, type Hex } from "../encoding/bytes.ts";
import type { Tensor } from "../encoding/tensor.ts";
import { ConfigError } from "../errors.ts";
import type { EndorsementServices } from "../endorsements/services.ts";
import type { EndorsementSource } from "../endorsements/source.ts";
import { createLocks, type Locks } from "../locks.ts";
import type { TrustRoot } from "../evidence/scheme.ts";
import type { EscrowDomain } from "../receipt/typed.ts";
import { CHANNEL_MIGRATIONS, channels } from "../store/channels.ts";
import { ENDORSEMENT_MIGRATIONS, endorsementDocuments } from "../store/endorsements.ts";
import { openStore, tieStore, type Store, type StoreLocation } from "../store/store.ts";
import type { Policy } from "../verifier/policy-layers.ts";
import { endorsementService } from "./endorsement-service.ts";
import type { EvidenceFile } from "./evidence-file.ts";
import { infer, type CheckedAnswer, type InferOptions } from "./infer.ts";
import { checkReferenceValues, listWithOffers, readyNode, type ListedNode } from "./nodes.ts";
import { resume, type Resumed } from "./resume.ts";
import { verifyNode, type VerifiedNode } from "./verify-node.ts";

export interface ClientOptions {
  readonly rpcUrl: string;
  /** Directory with `<chainId>.json`. */
  readonly deployments: string;
  readonly trustRoots: readonly TrustRoot[];
  /** The user's own appraisal policy. */
  readonly policy: Policy;
  /** Where vendors' endorsements are asked for; they are kept in the store. */
  readonly endorsements: EndorsementServices;
  /** The payer's private key, 0x-hex. */
  readonly payerKey: Hex;
  /** Where promises and open requests are kept. */
  readonly store: StoreLocation;
  readonly timeoutMs?: number;
  /** How often a wait for a transaction asks the chain; 250 ms where not given. */
  readonly pollingMs?: number;
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
  readonly evidenceFile: EvidenceFile;
}

/** Everything that a client's store holds. */
export const CLIENT_MIGRATIONS = [...CHANNEL_MIGRATIONS, ...ENDORSEMENT_MIGRATIONS];

/** Connects; throws `ConfigError` for settings that do not fit and `ChainError` where the chain does not answer. */
export async function openClient(options: ClientOptions): Promise<Client> {
  const payerKey = parseHex(options.payerKey, 32);
  if (payerKey === undefined) throw new ConfigError("CONFIG_INVALID", "the payer's key is not 32 bytes of 0x-hex");
  const chain = await connectChain(
    options.rpcUrl,
    options.pollingMs === undefined ? {} : { pollingMs: options.pollingMs },
  );
  const contracts = openContracts(chain, readDeployment(options.deployments, chain.chainId));
  const store = await openStore(options.store, CLIENT_MIGRATIONS);
  const payer = toHex(signingAddress(payerKey));
  await tieStore(store, `${chain.chainId}/${contracts.addresses.InferenceEscrow}/${payer}`);
  const sender = await openSender(chain, { privateKey: options.payerKey });
  return clientOf({
    options,
    contracts,
    store,
    sender,
    payer,
    payerKey,
    source: endorsementService(options.endorsements, endorsementDocuments(store)),
    verified: new Map(),
    prices: new Map(),
    locks: createLocks(),
  });
}

/** How long the registry's word on a verified node is taken as still true: a revocation is seen after this at the latest. */
const CONFIRM_MS = 2000;

interface Parts {
  readonly options: ClientOptions;
  readonly contracts: Contracts;
  readonly store: Store;
  readonly sender: Sender;
  readonly payer: Hex;
  readonly payerKey: Uint8Array;
  readonly source: EndorsementSource;
  /** What was verified, and when the registry last confirmed it (milliseconds since 1970). */
  readonly verified: Map<Hex, { readonly node: VerifiedNode; readonly confirmedAt: number }>;
  readonly prices: Map<string, { readonly price: bigint; readonly readAt: number }>;
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

/** The contract's word is one more check: what it does not call active is refused whatever the evidence says. */
async function verifyCached(parts: Parts, nodeId: Hex): Promise<VerifiedNode> {
  const known = parts.verified.get(nodeId);
  const now = Date.now();
  if (known !== undefined && known.confirmedAt + CONFIRM_MS > now && known.node.validUntil > now) return known.node;
  const record = await readyNode(parts.contracts, nodeId);
  if (known !== undefined && known.node.evidenceHash === record.evidenceHash && known.node.validUntil > now) {
    parts.verified.set(nodeId, { node: known.node, confirmedAt: now });
    return known.node;
  }
  const { contracts, options, source } = parts;
  const node = await verifyNode(record, {
    ...options,
    endorsementsFor: (evidence, given) => source.endorsementsFor(evidence, given),
    domain: { chainId: contracts.chain.chainId, verifyingContract: contracts.addresses.NodeRegistry },
    blockAt: (number) => blockAt(contracts.chain, number),
    now,
  });
  await checkReferenceValues(contracts, node);
  parts.verified.set(nodeId, { node, confirmedAt: now });
  return node;
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
  const price = await offeredPrice(parts, target);
  const verifyAgain = (): Promise<VerifiedNode> => {
    parts.verified.delete(target.nodeId);
    return verifyCached(parts, target.nodeId);
  };
  const options = { ...inferParts(parts), node, verifyAgain, modelId: target.modelId, price };
  const checked = await parts.locks.run(target.nodeId, () => infer(inputs, options));
  return { ...checked, evidenceFile: evidenceFileOf(parts, checked, inputs) };
}

/** What the node asks for one unit now; kept as long as the registry's word on the node. */
async function offeredPrice(
  parts: Parts,
  { nodeId, modelId }: { readonly nodeId: Hex; readonly modelId: Hex },
): Promise<bigint> {
  const known = parts.prices.get(`${nodeId}/${modelId}`);
  if (known !== undefined && known.readAt + CONFIRM_MS > Date.now()) return known.price;
  const price = await readOffer(parts.contracts, nodeId, modelId);
  if (price === undefined) {
    throw new ConfigError("CONFIG_INVALID", `${nodeId} does not offer the model ${modelId}`);
  }
  parts.prices.set(`${nodeId}/${modelId}`, { price, readAt: Date.now() });
  return price;
}

function evidenceFileOf(
  { contracts, payer }: Parts,
  { node, ...checked }: CheckedAnswer,
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
