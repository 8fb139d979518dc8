import { bytesToUint, concat, isZero, parseHex, toHex, uintBytes, type Hex } from "../encoding/bytes.ts";
import { ByteReader } from "../encoding/reader.ts";
import { ChainError } from "../errors.ts";
import type { Receipt } from "../receipt/receipt.ts";

/** The latest voucher and receipt of one channel, ready to be paid. */
export interface Settlement {
  readonly payer: Hex;
  readonly voucherAmount: bigint;
  readonly voucherSignature: Hex;
  readonly receipt: Receipt;
  readonly receiptSignature: Hex;
}

/** One payer of a list or of the events `SettledPacked` and `ListSettled`: what it owes in all, or what was credited now. */
export interface ListEntry {
  readonly payer: Hex;
  readonly amount: bigint;
}

/** Half of secp256k1's order: a signature with a higher s is nobody's on chain. */
const HALF_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n;

/** Whether a settlement's receipt commits to an output before noise, so that its packed entry is longer. */
export function hasRaw({ receipt }: Settlement): boolean {
  return !isZero(bytesOf(receipt.rawCommitment, 32));
}

/**
 * The packed entry of a settlement: 268 bytes, 300 with a raw commitment; undefined where a signature is not of the 65 bytes of a key
 * with a low s, as that of a contract wallet. Throws `ChainError` `TX_REVERTED` for values that fit no entry.
 * @see docs/protocol.md section 5
 */
export function packSettlement(settlement: Settlement): Uint8Array | undefined {
  const { receipt } = settlement;
  const voucherSignature = compactSignature(settlement.voucherSignature);
  const receiptSignature = compactSignature(settlement.receiptSignature);
  if (voucherSignature === undefined || receiptSignature === undefined) return undefined;
  return concat(
    bytesOf(settlement.payer, 20),
    uintBytes(receipt.sequence, 8),
    uintBytes(settlement.voucherAmount, 16),
    uintBytes(receipt.amount, 16),
    uintBytes(receipt.units, 8),
    uintBytes(receipt.privacySpent, 8),
    bytesOf(receipt.requestCommitment, 32),
    bytesOf(receipt.responseCommitment, 32),
    voucherSignature,
    receiptSignature,
    hasRaw(settlement) ? bytesOf(receipt.rawCommitment, 32) : new Uint8Array(0),
  );
}

/** A 65-byte signature in the 64 bytes `r || yParityAndS`; undefined where it is none of a key, or has a high s. @see EIP-2098 */
export function compactSignature(signature: Hex): Uint8Array | undefined {
  const bytes = parseHex(signature, 65);
  const parity = bytes === undefined ? -1 : (bytes[64] ?? 0) - 27;
  if (bytes === undefined || (parity !== 0 && parity !== 1)) return undefined;
  const s = bytesToUint(bytes.subarray(32, 64));
  if (s > HALF_ORDER) return undefined;
  return concat(bytes.subarray(0, 32), uintBytes((BigInt(parity) << 255n) | s, 32));
}

/** The entries of a list: payers ascend, and each is named once. Throws `ChainError` `TX_REVERTED` for a payer named twice. */
export function packList(entries: readonly ListEntry[]): Hex {
  const sorted = entries.toSorted((a, b) =>
    bytesToUint(bytesOf(a.payer, 20)) < bytesToUint(bytesOf(b.payer, 20)) ? -1 : 1,
  );
  const payers = new Set(sorted.map(({ payer }) => payer.toLowerCase()));
  if (payers.size !== sorted.length) throw new ChainError("TX_REVERTED", "a payer is named twice in a list");
  return toHex(concat(...sorted.map(({ payer, amount }) => concat(bytesOf(payer, 20), uintBytes(amount, 12)))));
}

/**
 * Reads the entries of a list, or of an event `SettledPacked` or `ListSettled`; throws `ChainError` `TX_REVERTED` where they are no
 * whole number of entries.
 */
export function parseList(entries: Hex): readonly ListEntry[] {
  const reader = new ByteReader(bytesOf(entries), misfit);
  const found: ListEntry[] = [];
  while (reader.remaining > 0) {
    found.push({ payer: toHex(reader.take(20, "payer")), amount: bytesToUint(reader.take(12, "amount")) });
  }
  return found;
}

function bytesOf(hex: Hex, length?: number): Uint8Array {
  const bytes = parseHex(hex, length);
  if (bytes === undefined) throw misfit(`${hex} is not ${length === undefined ? "0x-hex" : `${length} bytes`}`);
  return bytes;
}

function misfit(message: string): ChainError {
  return new ChainError("TX_REVERTED", message);
}
