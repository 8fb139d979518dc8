import { structType } from "../crypto/eip712.ts";
import type { Hex } from "../encoding/bytes.ts";
import { hexField, integerField, parseMembers, uintField, writeMembers } from "../encoding/members.ts";
import { ReceiptError } from "../errors.ts";
import type { ReceiptErrorCode } from "../errors.ts";
import { checkSigner, escrowDigest, malformed, sameHex, signHex } from "./typed.ts";
import type { EscrowDomain } from "./typed.ts";
import type { Voucher } from "./voucher.ts";

/** The enclave's signed statement about one answer. @see docs/protocol.md section 5 */
export interface Receipt {
  readonly channelId: Hex;
  readonly sequence: bigint;
  /** What the channel owes after this answer, at most the voucher's amount. */
  readonly amount: bigint;
  readonly nodeId: Hex;
  readonly keyEpoch: number;
  readonly modelId: Hex;
  readonly requestCommitment: Hex;
  readonly responseCommitment: Hex;
  /** The commitment to the output before noise; zero where no noise was added. */
  readonly rawCommitment: Hex;
  readonly evidenceHash: Hex;
  /** The number of inferences. */
  readonly units: bigint;
  /** In millionths of rho. */
  readonly privacySpent: bigint;
}

/** What the holder of a voucher knows of the receipt it must get. */
export interface ExpectedReceipt {
  /** The address of the enclave's key in the attested key epoch, 20 bytes. */
  readonly signingKey: Hex;
  readonly voucher: Voucher;
  readonly nodeId: Hex;
  readonly requestCommitment: Hex;
  readonly responseCommitment: Hex;
  readonly evidenceHash: Hex;
}

const RECEIPT = structType<keyof Receipt>(
  "Receipt(bytes32 channelId,uint64 sequence,uint128 amount,bytes32 nodeId,uint32 keyEpoch,bytes32 modelId," +
    "bytes32 requestCommitment,bytes32 responseCommitment,bytes32 rawCommitment,bytes32 evidenceHash,uint64 units,uint64 privacySpent)",
);

const FIELDS = {
  channelId: hexField(32),
  sequence: uintField(64),
  amount: uintField(128),
  nodeId: hexField(32),
  keyEpoch: integerField(0xffff_ffff),
  modelId: hexField(32),
  requestCommitment: hexField(32),
  responseCommitment: hexField(32),
  rawCommitment: hexField(32),
  evidenceHash: hexField(32),
  units: uintField(64),
  privacySpent: uintField(64),
};

/** The digest the enclave signs; throws `ReceiptError` `RECEIPT_MALFORMED` where a value does not fit its type. */
export function receiptDigest(domain: EscrowDomain, receipt: Receipt): Uint8Array {
  return escrowDigest(domain, RECEIPT, receipt);
}

/** Signs a receipt with the enclave's secp256k1 key (32 bytes). */
export function signReceipt(domain: EscrowDomain, receipt: Receipt, privateKey: Uint8Array): Hex {
  return signHex(receiptDigest(domain, receipt), privateKey);
}

/**
 * Checks a receipt against the voucher it answers, the attested node, and the request and response as the caller has them.
 * Throws `ReceiptError`: `SIGNATURE_INVALID` another signer, `NODE_NOT_ATTESTED` another node, key epoch or evidence,
 * `VOUCHER_INVALID` another channel or sequence or more than was promised, `MODEL_MISMATCH`, `REQUEST_MISMATCH`, `OUTPUT_MISMATCH`.
 */
export function checkReceipt(domain: EscrowDomain, receipt: Receipt, signature: Hex, expected: ExpectedReceipt): void {
  checkSigner(receiptDigest(domain, receipt), signature, expected.signingKey);
  const broken = mismatches(receipt, expected).find(([holds]) => !holds);
  if (broken !== undefined) throw new ReceiptError(broken[1], `the receipt names another ${broken[2]}`);
}

/** The JSON object of a receipt. */
export function receiptToJson(receipt: Receipt): Readonly<Record<keyof Receipt, string | number>> {
  return writeMembers<keyof Receipt>(receipt, FIELDS);
}

/** Reads a receipt's JSON object; throws `ReceiptError` `RECEIPT_MALFORMED` for anything missing, unknown or out of range. */
export function parseReceipt(json: unknown): Receipt {
  return parseMembers(json, FIELDS, "receipt", malformed);
}

function mismatches(
  receipt: Receipt,
  { voucher, ...expected }: ExpectedReceipt,
): readonly (readonly [holds: boolean, code: ReceiptErrorCode, what: string])[] {
  return [
    [sameHex(receipt.nodeId, expected.nodeId), "NODE_NOT_ATTESTED", "node"],
    [receipt.keyEpoch === voucher.keyEpoch, "NODE_NOT_ATTESTED", "key epoch"],
    [sameHex(receipt.evidenceHash, expected.evidenceHash), "NODE_NOT_ATTESTED", "evidence"],
    [sameHex(receipt.channelId, voucher.channelId), "VOUCHER_INVALID", "channel"],
    [receipt.sequence === voucher.sequence, "VOUCHER_INVALID", "sequence"],
    [receipt.amount <= voucher.amount, "VOUCHER_INVALID", "amount than the voucher allows"],
    [sameHex(receipt.modelId, voucher.modelId), "MODEL_MISMATCH", "model"],
    [sameHex(voucher.requestCommitment, expected.requestCommitment), "REQUEST_MISMATCH", "request than the voucher"],
    [sameHex(receipt.requestCommitment, expected.requestCommitment), "REQUEST_MISMATCH", "request"],
    [sameHex(receipt.responseCommitment, expected.responseCommitment), "OUTPUT_MISMATCH", "output"],
  ];
}
