import { recoverAddress } from "#crypto";
import type { ChannelState } from "../chain/escrow.ts";
import { parseHex, toHex, type Hex } from "../encoding/bytes.ts";
import { ReceiptError } from "../errors.ts";
import { commitTensors } from "../receipt/commitment.ts";
import type { InferenceRequest } from "../receipt/message.ts";
import type { Receipt } from "../receipt/receipt.ts";
import type { EscrowDomain } from "../receipt/typed.ts";
import { channelId, voucherDigest, type Voucher } from "../receipt/voucher.ts";

/** What the worker knows when it looks at a voucher. */
export interface PaymentContext {
  readonly escrow: EscrowDomain;
  readonly nodeId: Hex;
  readonly keyEpoch: number;
  /** The channel that the request's header names. */
  readonly channelId: Hex;
}

/**
 * Checks what a voucher says by itself and returns the payer who signed it.
 * Throws `ReceiptError`: `REQUEST_MISMATCH` where it promises for another channel, key epoch or input, `MODEL_MISMATCH` for another
 * model, `SIGNATURE_INVALID` where nobody or another than the channel's payer signed it, `VOUCHER_INVALID` for sequence 0.
 */
export function checkPromise(context: PaymentContext, request: InferenceRequest): Hex {
  const { voucher } = request;
  if (voucher.channelId !== context.channelId) throw mismatch("channel");
  if (voucher.keyEpoch !== context.keyEpoch) throw mismatch("key epoch");
  if (voucher.modelId !== request.modelId) throw new ReceiptError("MODEL_MISMATCH", "the voucher names another model");
  if (voucher.sequence === 0n) throw new ReceiptError("VOUCHER_INVALID", "sequences start at 1");
  const payer = payerOf(context.escrow, request);
  if (payer === undefined || channelId(payer, context.nodeId) !== context.channelId) {
    throw new ReceiptError("SIGNATURE_INVALID", "the voucher is not signed by the channel's payer");
  }
  if (commitTensors(request.requestSalt, request.inputs) !== voucher.requestCommitment) throw mismatch("input");
  return payer;
}

/**
 * Checks that a voucher pays for what costs `cost` more in its channel and returns what the channel will then owe.
 * Throws `ReceiptError` `VOUCHER_INVALID` for a sequence already used, an amount too low, a deposit too small or a closing channel.
 */
export function checkAmount(
  voucher: Pick<Voucher, "sequence" | "amount">,
  channel: ChannelState,
  owed: { readonly last: Pick<Receipt, "sequence" | "amount"> | undefined; readonly cost: bigint },
): bigint {
  const last = owed.last ?? { sequence: 0n, amount: 0n };
  if (voucher.sequence <= last.sequence) throw invalid(`sequence ${voucher.sequence} is used`);
  const before = last.amount > channel.spent ? last.amount : channel.spent;
  const due = before + owed.cost;
  if (voucher.amount < due) throw invalid(`the voucher promises ${voucher.amount}, ${due} are due`);
  if (channel.withdrawableAt !== 0) throw invalid("the channel is closing");
  if (voucher.amount > channel.deposit)
    throw invalid(`the voucher promises more than the deposit of ${channel.deposit}`);
  return due;
}

function payerOf(escrow: EscrowDomain, request: InferenceRequest): Hex | undefined {
  const signature = parseHex(request.voucherSignature, 65);
  const signer = signature && recoverAddress(voucherDigest(escrow, request.voucher), signature);
  return signer && toHex(signer);
}

function mismatch(what: string): ReceiptError {
  return new ReceiptError("REQUEST_MISMATCH", `the voucher promises for another ${what}`);
}

function invalid(message: string): ReceiptError {
  return new ReceiptError("VOUCHER_INVALID", message);
}
