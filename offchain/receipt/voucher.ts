import { keccak256 } from "#crypto";
import { structType } from "../crypto/eip712.ts";
import { parseHex, toHex } from "../encoding/bytes.ts";
import type { Hex } from "../encoding/bytes.ts";
import { hexField, integerField, parseMembers, uintField, writeMembers } from "../encoding/members.ts";
import { ReceiptError } from "../errors.ts";
import { checkSigner, escrowDigest, malformed, signHex } from "./typed.ts";
import type { EscrowDomain } from "./typed.ts";

/** The payer's cumulative promise for one channel. @see docs/protocol.md section 5 */
export interface Voucher {
  readonly channelId: Hex;
  /** From 1, growing by 1. */
  readonly sequence: bigint;
  /** All that the channel owes after this request, in the token's smallest unit. */
  readonly amount: bigint;
  /** The key epoch of the node that the payer has checked and accepts. */
  readonly keyEpoch: number;
  readonly modelId: Hex;
  readonly requestCommitment: Hex;
}

const VOUCHER = structType<keyof Voucher>(
  "Voucher(bytes32 channelId,uint64 sequence,uint128 amount,uint32 keyEpoch,bytes32 modelId,bytes32 requestCommitment)",
);

const FIELDS = {
  channelId: hexField(32),
  sequence: uintField(64),
  amount: uintField(128),
  keyEpoch: integerField(0xffff_ffff),
  modelId: hexField(32),
  requestCommitment: hexField(32),
};

/** The id of the channel between a payer (20 bytes) and a node (32 bytes); throws `ReceiptError` `RECEIPT_MALFORMED`. */
export function channelId(payer: Hex, nodeId: Hex): Hex {
  const payerBytes = parseHex(payer, 20);
  const nodeBytes = parseHex(nodeId, 32);
  if (payerBytes === undefined || nodeBytes === undefined)
    throw malformed("a channel is named by a payer's address and a node's id");
  return toHex(keccak256(new Uint8Array(12), payerBytes, nodeBytes));
}

/** The digest a payer signs; throws `ReceiptError` `RECEIPT_MALFORMED` where a value does not fit its type. */
export function voucherDigest(domain: EscrowDomain, voucher: Voucher): Uint8Array {
  return escrowDigest(domain, VOUCHER, voucher);
}

/** Signs a voucher with the payer's secp256k1 key (32 bytes). */
export function signVoucher(domain: EscrowDomain, voucher: Voucher, privateKey: Uint8Array): Hex {
  return signHex(voucherDigest(domain, voucher), privateKey);
}

/**
 * Checks that the payer signed the voucher; throws `ReceiptError` `SIGNATURE_INVALID`, or `VOUCHER_INVALID` for sequence 0.
 * What the channel holds and what was promised before is for the caller to compare.
 */
export function checkVoucher(domain: EscrowDomain, voucher: Voucher, signature: Hex, payer: Hex): void {
  checkSigner(voucherDigest(domain, voucher), signature, payer);
  if (voucher.sequence === 0n) throw new ReceiptError("VOUCHER_INVALID", "a channel's first voucher has sequence 1");
}

/** The JSON object of a voucher. */
export function voucherToJson(voucher: Voucher): Readonly<Record<keyof Voucher, string | number>> {
  return writeMembers<keyof Voucher>(voucher, FIELDS);
}

/** Reads a voucher's JSON object; throws `ReceiptError` `RECEIPT_MALFORMED` for anything missing, unknown or out of range. */
export function parseVoucher(json: unknown): Voucher {
  return parseMembers(json, FIELDS, "voucher", malformed);
}
