import type { Settlement } from "../../offchain/chain/packed.ts";
import type { Receipt } from "../../offchain/receipt/receipt.ts";
import type { SettlementList } from "../../offchain/receipt/settlement-list.ts";
import type { Voucher } from "../../offchain/receipt/voucher.ts";
import type { Gas } from "./operations.ts";
import type { GasNetwork, Party } from "./network.ts";
import type { GasNode } from "./nodes.ts";
import {
  allowList,
  closeChannel,
  depositChannels,
  reportConflictingReceipts,
  settle,
  settleBatch,
  settleList,
  settlePacked,
  withdrawChannels,
  withdrawEarnings,
} from "../../offchain/chain/escrow.ts";
import { registerModel, setOffer } from "../../offchain/chain/models.ts";
import { PRODUCTION } from "../../offchain/chain/deploy-parameters.ts";
import { signReceipt } from "../../offchain/receipt/receipt.ts";
import { channelId, signVoucher } from "../../offchain/receipt/voucher.ts";
import { packList } from "../../offchain/chain/packed.ts";
import { signList } from "../../offchain/receipt/settlement-list.ts";
import { party, word } from "./network.ts";
import { fund } from "./nodes.ts";

const UNIT = 10n ** 18n;
const PRICE = UNIT / 1000n;
const DEPOSIT = 5n * UNIT;
const CHANNELS = 100;
const NO_HASH = `0x${"00".repeat(32)}` as const;
const MODEL_ID = word("model");

/** Registers a model and offers it. */
export async function measureModels(
  network: GasNetwork,
  { nodeId, operator }: GasNode,
): Promise<Gas<"modelRegister" | "offer" | "offerPrice">> {
  const { contracts } = network;
  const terms = {
    pricePerUnit: PRICE,
    manifestHash: word("manifest"),
    privacyPolicyHash: NO_HASH,
    keyReleasePolicyHash: NO_HASH,
    uri: "https://models.example.org/digits/manifest.json",
  };
  const modelRegister = await network.send(operator, registerModel(contracts, MODEL_ID, terms));
  const offered = (pricePerUnit: bigint) =>
    network.send(operator, setOffer(contracts, nodeId, { modelId: MODEL_ID, pricePerUnit }));
  return { modelRegister, offer: await offered(PRICE), offerPrice: await offered(2n * PRICE) };
}

/** One payer's channels with several nodes, from opening to the payment of the rest. */
export async function measureChannels(
  network: GasNetwork,
  nodes: readonly GasNode[],
): Promise<Gas<"channelOpen" | "channelTopUp" | "channelOpenTen" | "channelClose" | "channelWithdraw">> {
  const { contracts } = network;
  const payer = party("payer of many");
  await fund(network, payer, "InferenceEscrow", 100n * UNIT);
  const deposits = nodes.map(({ nodeId }) => ({ nodeId, amount: DEPOSIT }));
  const [first, ...others] = deposits;
  if (first === undefined || others.length !== 10) throw new Error("eleven nodes are needed");
  const channelOpen = await network.send(payer, depositChannels(contracts, [first]));
  const channelTopUp = await network.send(payer, depositChannels(contracts, [first]));
  const channelOpenTen = await network.send(payer, depositChannels(contracts, others));
  const channelClose = await network.send(payer, closeChannel(contracts, first.nodeId));
  network.wait(PRODUCTION.channelThaw);
  const channelWithdraw = await network.send(payer, withdrawChannels(contracts, [first.nodeId]));
  return { channelOpen, channelTopUp, channelOpenTen, channelClose, channelWithdraw };
}

type SettlementGas = Gas<
  | "settleFirst"
  | "settleOne"
  | "settleTen"
  | "settleHundred"
  | "settlePackedTen"
  | "settlePackedHundred"
  | "allowList"
  | "listTen"
  | "listHundred"
  | "earnings"
>;

/** A hundred payers with one channel each to one node: single settlements, batches, lists, and what the operator earned. */
export async function measureSettlements(network: GasNetwork, node: GasNode): Promise<SettlementGas> {
  const { contracts } = network;
  const { operator, nodeId } = node;
  const payers = Array.from({ length: CHANNELS }, (_, i) => party(`payer ${i}`));
  for (const payer of payers) {
    await fund(network, payer, "InferenceEscrow", DEPOSIT);
    await network.send(payer, depositChannels(contracts, [{ nodeId, amount: DEPOSIT }]));
  }
  const [first, second] = payers;
  if (first === undefined || second === undefined) throw new Error("no payers");
  const single = (payer: Party) => network.send(operator, settle(contracts, settlementOf(network, node, payer, 1n)));
  const batch = (count: number, sequence: bigint) => {
    const settlements = payers.slice(0, count).map((payer) => settlementOf(network, node, payer, sequence));
    return network.send(operator, settleBatch(contracts, settlements));
  };
  const packed = async (count: number, sequence: bigint) => {
    const settlements = payers.slice(0, count).map((payer) => settlementOf(network, node, payer, sequence));
    const call = settlePacked(contracts, settlements);
    if (call === undefined) throw new Error("a settlement has no packed form");
    return Math.ceil((await network.send(operator, call)) / count);
  };
  const settleFirst = await single(first);
  const settleOne = await single(second);
  const settleTen = Math.ceil((await batch(10, 2n)) / 10);
  const settleHundred = Math.ceil((await batch(CHANNELS, 3n)) / CHANNELS);
  const [settlePackedTen, settlePackedHundred] = [await packed(10, 4n), await packed(CHANNELS, 5n)];
  const lists = await measureLists(network, node, payers);
  await fund(network, operator, "InferenceEscrow", 1n);
  const earnings = await network.send(operator, withdrawEarnings(contracts));
  return {
    ...lists,
    settleFirst,
    settleOne,
    settleTen,
    settleHundred,
    settlePackedTen,
    settlePackedHundred,
    earnings,
  };
}

/** The same payers allow lists, and the node's enclave signs two for some and one for all. */
async function measureLists(
  network: GasNetwork,
  { operator, nodeId, key }: GasNode,
  payers: readonly Party[],
): Promise<Gas<"allowList" | "listTen" | "listHundred">> {
  const { contracts } = network;
  let allowed = 0;
  for (const payer of payers) allowed = await network.send(payer, allowList(contracts, nodeId, DEPOSIT));
  const list = async (count: number, sequence: bigint) => {
    const owed = payers
      .slice(0, count)
      .map(({ address }) => ({ payer: address, amount: 100n * (5n + sequence) * PRICE }));
    const signed: SettlementList = { nodeId, keyEpoch: 1, sequence, entries: packList(owed) };
    return network.send(operator, settleList(contracts, signed, signList(escrow(network), signed, key.privateKey)));
  };
  // The first list of a key epoch makes the slot that remembers the sequence.
  await list(1, 1n);
  return {
    allowList: allowed,
    listTen: Math.ceil((await list(10, 2n)) / 10),
    listHundred: Math.ceil((await list(CHANNELS, 3n)) / CHANNELS),
  };
}

/** Convicts a node of two receipts for one sequence. */
export async function measureConflict(network: GasNetwork, node: GasNode): Promise<Gas<"slashReceipts">> {
  const { receipt, receiptSignature } = settlementOf(network, node, party("payer 0"), 4n);
  const other = { ...receipt, responseCommitment: word("another response") };
  const report = reportConflictingReceipts(
    network.contracts,
    { receipt, signature: receiptSignature },
    { receipt: other, signature: signReceipt(escrow(network), other, node.key.privateKey) },
  );
  return { slashReceipts: await network.send(party("sponsor"), report) };
}

function settlementOf(network: GasNetwork, node: GasNode, payer: Party, sequence: bigint): Settlement {
  const voucher: Voucher = {
    channelId: channelId(payer.address, node.nodeId),
    sequence,
    amount: 100n * sequence * PRICE,
    keyEpoch: 1,
    modelId: MODEL_ID,
    requestCommitment: word(`request ${sequence} of ${payer.address}`),
  };
  const receipt: Receipt = {
    ...voucher,
    nodeId: node.nodeId,
    responseCommitment: word(`response ${sequence} to ${payer.address}`),
    rawCommitment: NO_HASH,
    evidenceHash: word("settled evidence"),
    units: 100n * sequence,
    privacySpent: 0n,
  };
  return {
    payer: payer.address,
    voucherAmount: voucher.amount,
    voucherSignature: signVoucher(escrow(network), voucher, payer.privateKey),
    receipt,
    receiptSignature: signReceipt(escrow(network), receipt, node.key.privateKey),
  };
}

function escrow({ contracts: { chain, addresses } }: GasNetwork) {
  return { chainId: chain.chainId, verifyingContract: addresses.InferenceEscrow };
}
