import { randomBytes } from "#crypto";
import { parseHex, toHex, type Hex } from "../encoding/bytes.ts";
import type { Tensor } from "../encoding/tensor.ts";
import { ReceiptError, SealError, ServiceError } from "../errors.ts";
import { commitTensors } from "../receipt/commitment.ts";
import { decodeResponse, encodeRequest, type InferenceAnswer } from "../receipt/message.ts";
import { checkReceipt } from "../receipt/receipt.ts";
import type { EscrowDomain } from "../receipt/typed.ts";
import { channelId, signVoucher, type Voucher } from "../receipt/voucher.ts";
import { sealRequest } from "../sealing/request.ts";
import { openResponse, type ResponseContext } from "../sealing/response.ts";
import type { Channels, ClientChannel } from "../store/channels.ts";
import { exchange } from "./exchange.ts";
import type { VerifiedNode } from "./verify-node.ts";

/** A checked answer with all that proves it. */
export interface CheckedAnswer {
  /** The node, with the evidence that the receipt names. */
  readonly node: VerifiedNode;
  readonly outputs: readonly Tensor[];
  readonly voucher: Voucher;
  readonly voucherSignature: Hex;
  readonly requestSalt: Uint8Array;
  readonly answer: InferenceAnswer;
}

export interface InferOptions {
  readonly node: VerifiedNode;
  /** Verifies the node anew: its evidence may have been renewed since. */
  readonly verifyAgain: () => Promise<VerifiedNode>;
  readonly escrow: EscrowDomain;
  /** The payer's secp256k1 private key. */
  readonly payerKey: Uint8Array;
  /** The payer's address. */
  readonly payer: Hex;
  readonly modelId: Hex;
  /** Per unit, as the node offers it and the user accepts it. */
  readonly price: bigint;
  readonly channels: Channels;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

const SALT_BYTES = 32;

/**
 * Sends one request to a verified node and checks the answer; requests of one channel must follow each other.
 * The promise is stored before its voucher leaves, so that a crash never signs two vouchers for one sequence. Throws `ReceiptError` for
 * an answer that does not hold, `SealError` for one that cannot be opened, `ServiceError` where the node refuses or does not answer.
 */
export async function infer(inputs: readonly Tensor[], options: InferOptions): Promise<CheckedAnswer> {
  const promised = await promise(inputs, options);
  const { channelId: channel, sequence } = promised.voucher;
  const response = decodeResponse(
    await openResponse(
      promised.context,
      await exchange({ sealed: promised.sealed, endpoint: options.node.endpoint }, options),
    ),
  );
  if ("error" in response) {
    await options.channels.finish(channel, sequence, 0n);
    throw new ServiceError("SERVICE_REFUSED", `the worker refused: ${response.error.code}: ${response.error.message}`);
  }
  const renewed = response.receipt.evidenceHash !== options.node.evidenceHash;
  const node = renewed ? await options.verifyAgain() : options.node;
  checkAnswer(response, promised.voucher, { ...options, node });
  await options.channels.finish(channel, sequence, response.receipt.amount);
  return { ...promised, node, outputs: response.outputs, answer: response };
}

interface Promised {
  readonly voucher: Voucher;
  readonly voucherSignature: Hex;
  readonly requestSalt: Uint8Array;
  readonly sealed: Uint8Array;
  readonly context: ResponseContext;
}

async function promise(inputs: readonly Tensor[], options: InferOptions): Promise<Promised> {
  const { node, escrow, channels } = options;
  const channel = channelId(options.payer, node.nodeId);
  const before = await knownChannel(options, channel);
  const open = await channels.openRequests(channel);
  const owed = open.reduce((most, { voucher: { amount } }) => (amount > most ? amount : most), before.owed);
  const requestSalt = randomBytes(SALT_BYTES);
  const voucher: Voucher = {
    channelId: channel,
    sequence: before.sequence + 1n,
    amount: owed + options.price * BigInt(inputs[0]?.shape[0] ?? 0),
    keyEpoch: node.keyEpoch,
    modelId: options.modelId,
    requestCommitment: commitTensors(requestSalt, inputs),
  };
  const voucherSignature = signVoucher(escrow, voucher, options.payerKey);
  const content = encodeRequest({ modelId: options.modelId, requestSalt, voucher, voucherSignature, inputs });
  const { sealed, context } = await sealRequest({
    sealingKey: bytesOf(node.nodeEvidence.binding.sealingKey),
    keyEpoch: node.keyEpoch,
    channelId: channel,
    content,
  });
  await channels.promise({
    voucher,
    voucherSignature,
    requestSalt: toHex(requestSalt),
    sealed,
    responseContext: JSON.stringify(context),
  });
  return { voucher, voucherSignature, requestSalt, sealed, context };
}

async function knownChannel(
  { channels, payer, node }: InferOptions,
  channel: Hex,
): Promise<Pick<ClientChannel, "sequence" | "owed">> {
  const known = await channels.get(channel);
  if (known !== undefined) return known;
  await channels.add({ channelId: channel, payer, nodeId: node.nodeId });
  return { sequence: 0n, owed: 0n };
}

/** Checks the receipt against the voucher and against the bytes that were received. */
function checkAnswer(answer: InferenceAnswer, voucher: Voucher, { node, escrow }: InferOptions): void {
  checkReceipt(escrow, answer.receipt, answer.receiptSignature, {
    signingKey: node.nodeEvidence.binding.signingKey,
    nodeId: node.nodeId,
    voucher,
    requestCommitment: voucher.requestCommitment,
    responseCommitment: commitTensors(answer.responseSalt, answer.outputs),
    evidenceHash: node.evidenceHash,
  });
  if (answer.receipt.units === 0n) throw new ReceiptError("OUTPUT_MISMATCH", "the receipt is for no inference");
}

function bytesOf(sealingKey: Hex): Uint8Array {
  const bytes = parseHex(sealingKey, 32);
  if (bytes === undefined) throw new SealError("SEAL_INVALID", "the node's sealing key is not 32 bytes");
  return bytes;
}
