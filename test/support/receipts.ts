import { signingAddress } from "#crypto";
import { parseHex, toHex } from "../../offchain/encoding/bytes.ts";
import type { Hex } from "../../offchain/encoding/bytes.ts";
import type { ExpectedReceipt, Receipt } from "../../offchain/receipt/receipt.ts";
import type { EscrowDomain } from "../../offchain/receipt/typed.ts";
import { channelId } from "../../offchain/receipt/voucher.ts";
import type { Voucher } from "../../offchain/receipt/voucher.ts";

/** 32 equal bytes as hex. */
export function word(byte: number): Hex {
  return toHex(new Uint8Array(32).fill(byte));
}

/** The same bytes with one bit changed. */
export function otherHex(hex: Hex): Hex {
  const bytes = parseHex(hex) ?? new Uint8Array(1);
  bytes[0] = (bytes[0] ?? 0) ^ 1;
  return toHex(bytes);
}

export const DOMAIN: EscrowDomain = { chainId: 31_337n, verifyingContract: `0x${"5c".repeat(20)}` };
export const PAYER_KEY = new Uint8Array(32).fill(0x11);
export const PAYER = toHex(signingAddress(PAYER_KEY));
export const ENCLAVE_KEY = new Uint8Array(32).fill(0x22);
export const SIGNING_KEY = toHex(signingAddress(ENCLAVE_KEY));
export const NODE_ID = word(0x0d);

export const VOUCHER: Voucher = {
  channelId: channelId(PAYER, NODE_ID),
  sequence: 7n,
  amount: 2n ** 100n + 1n,
  keyEpoch: 3,
  modelId: word(0xa1),
  requestCommitment: word(0xb2),
};

export const RECEIPT: Receipt = {
  channelId: VOUCHER.channelId,
  sequence: VOUCHER.sequence,
  amount: VOUCHER.amount - 1n,
  nodeId: NODE_ID,
  keyEpoch: VOUCHER.keyEpoch,
  modelId: VOUCHER.modelId,
  requestCommitment: VOUCHER.requestCommitment,
  responseCommitment: word(0xc3),
  rawCommitment: word(0),
  evidenceHash: word(0xe4),
  units: 1n,
  privacySpent: 0n,
};

export const EXPECTED: ExpectedReceipt = {
  signingKey: SIGNING_KEY,
  voucher: VOUCHER,
  nodeId: NODE_ID,
  requestCommitment: RECEIPT.requestCommitment,
  responseCommitment: RECEIPT.responseCommitment,
  evidenceHash: RECEIPT.evidenceHash,
};
