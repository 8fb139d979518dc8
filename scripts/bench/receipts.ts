import { sha256 as ethersSha256, verifyTypedData, Wallet } from "ethers";
import { keccak256, signingAddress } from "#crypto";
import type { Figure } from "../figures/report.ts";
import type { Case, Run } from "./clock.ts";
import { toHex, utf8, type Hex } from "../../offchain/encoding/bytes.ts";
import { canonicalTensors, type Tensor } from "../../offchain/encoding/tensor.ts";
import { commitTensors } from "../../offchain/receipt/commitment.ts";
import { checkReceipt, signReceipt, type Receipt } from "../../offchain/receipt/receipt.ts";
import { channelId, checkVoucher, signVoucher, type Voucher } from "../../offchain/receipt/voucher.ts";
import { figureOf, roundTo } from "../figures/report.ts";
import { cpuTimes } from "./clock.ts";

const PEER = "ethers 6.17.0";
const BUDGET_MS = 15_000;
const DOMAIN = { chainId: 31_337n, verifyingContract: `0x${"5c".repeat(20)}` } as const;
const KEY = keccak256(utf8("cloister bench"));
const SIGNER = toHex(signingAddress(KEY));
const NODE_ID = word(0x0d);
const SALT = new Uint8Array(32).fill(3);

const VOUCHER: Voucher = {
  channelId: channelId(SIGNER, NODE_ID),
  sequence: 7n,
  amount: 10n ** 18n,
  keyEpoch: 3,
  modelId: word(0xa1),
  requestCommitment: word(0xb2),
};
const RECEIPT: Receipt = {
  ...VOUCHER,
  nodeId: NODE_ID,
  responseCommitment: word(0xc3),
  rawCommitment: word(0),
  evidenceHash: word(0xe4),
  units: 1n,
  privacySpent: 0n,
};
const MEMBER_TYPES: Readonly<Record<string, string>> = {
  sequence: "uint64",
  amount: "uint128",
  keyEpoch: "uint32",
  units: "uint64",
  privacySpent: "uint64",
};
const RECEIPT_MEMBERS =
  "channelId sequence amount nodeId keyEpoch modelId requestCommitment responseCommitment rawCommitment evidenceHash units privacySpent";

/** Most milliseconds for the verification of a receipt. */
const VERIFY_TARGET = 0.06;

/** Signing, checking and committing beside ethers: CPU milliseconds each. */
export async function benchReceipts(): Promise<readonly Figure[]> {
  const pairs = [
    ...(await receiptPairs()),
    voucherPair(),
    commitmentPair("1 KB", 256),
    commitmentPair("602 KB", 150_528),
  ];
  const cases = pairs.flatMap(({ what, own, peer }): Case[] => [
    { name: what, prepare: () => own },
    ...(peer === undefined ? [] : [{ name: `peer ${what}`, prepare: () => peer }]),
  ]);
  const times = await cpuTimes(cases, BUDGET_MS);
  const timeOf = (name: string): number => roundTo(times.get(name) ?? Number.NaN, 3);
  return pairs.map(({ what, peer, target }) =>
    figureOf(
      { what, value: timeOf(what), unit: "ms CPU" },
      { target, ...(peer === undefined ? {} : { peer: { name: PEER, value: timeOf(`peer ${what}`) } }) },
    ),
  );
}

interface Pair {
  readonly what: string;
  readonly own: Run;
  readonly peer?: Run;
  readonly target?: number;
}

async function receiptPairs(): Promise<readonly Pair[]> {
  const signature = signReceipt(DOMAIN, RECEIPT, KEY);
  const expected = { ...RECEIPT, signingKey: SIGNER, voucher: VOUCHER };
  const wallet = new Wallet(toHex(KEY));
  const domain = { name: "Cloister InferenceEscrow", version: "1", ...DOMAIN };
  const types = {
    Receipt: RECEIPT_MEMBERS.split(" ").map((name) => ({ name, type: MEMBER_TYPES[name] ?? "bytes32" })),
  };
  if ((await wallet.signTypedData(domain, types, RECEIPT)) !== signature)
    throw new Error("ethers signs another digest");
  return [
    {
      what: "sign a receipt",
      own: () => signReceipt(DOMAIN, RECEIPT, KEY),
      peer: () => wallet.signTypedData(domain, types, RECEIPT),
    },
    {
      what: "check a receipt",
      own: () => checkReceipt(DOMAIN, RECEIPT, signature, expected),
      peer: () => verifyTypedData(domain, types, RECEIPT, signature),
      target: VERIFY_TARGET,
    },
  ];
}

function voucherPair(): Pair {
  const signature = signVoucher(DOMAIN, VOUCHER, KEY);
  return { what: "check a voucher", own: () => checkVoucher(DOMAIN, VOUCHER, signature, SIGNER) };
}

/** The peer hashes the same bytes without putting them in canonical order first. */
function commitmentPair(size: string, floats: number): Pair {
  const data = new Uint8Array(4 * floats).fill(5);
  const tensors: readonly Tensor[] = [{ name: "input", datatype: "FP32", shape: [1, floats], data }];
  const bytes = Buffer.concat([SALT, canonicalTensors(tensors)]);
  return { what: `commit to ${size}`, own: () => commitTensors(SALT, tensors), peer: () => ethersSha256(bytes) };
}

function word(byte: number): Hex {
  return toHex(new Uint8Array(32).fill(byte));
}
