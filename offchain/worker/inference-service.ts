import { randomBytes, sha256 } from "#crypto";
import type { ChannelState } from "../chain/escrow.ts";
import { canonicalJson } from "../encoding/json.ts";
import { toHex, type Hex } from "../encoding/bytes.ts";
import type { Tensor } from "../encoding/tensor.ts";
import { CloisterError, ModelError, ReceiptError } from "../errors.ts";
import type { Model } from "../inference/session.ts";
import { commitTensors } from "../receipt/commitment.ts";
import { decodeRequest, encodeResponse, type InferenceRequest } from "../receipt/message.ts";
import { signReceipt, type Receipt } from "../receipt/receipt.ts";
import type { EscrowDomain } from "../receipt/typed.ts";
import { voucherToJson, type Voucher } from "../receipt/voucher.ts";
import { openRequest, type OpenedRequest } from "../sealing/request.ts";
import { sealResponse } from "../sealing/response.ts";
import type { Exchange, Vouchers } from "../store/vouchers.ts";
import type { EnclaveKeys } from "./keys.ts";
import { createLocks } from "../locks.ts";
import { checkAmount, checkPromise } from "./payment.ts";

const NO_COMMITMENT: Hex = `0x${"00".repeat(32)}`;
const SALT_BYTES = 32;

/** What the registry recorded for the keys of this process. */
export interface AttestedEpoch {
  readonly keyEpoch: number;
  readonly evidenceHash: Hex;
}

/** A loaded model and what one unit of it costs at this node. */
export interface ServedModel {
  readonly model: Model;
  /** Undefined while the node does not offer the model on chain. */
  readonly price: () => bigint | undefined;
}

export interface InferenceParts {
  readonly nodeId: Hex;
  readonly escrow: EscrowDomain;
  readonly keys: EnclaveKeys;
  /** Undefined while the node is not active under these keys. */
  readonly attested: () => AttestedEpoch | undefined;
  readonly models: ReadonlyMap<Hex, ServedModel>;
  readonly channelOf: (payer: Hex, needed: bigint) => Promise<ChannelState>;
  readonly vouchers: Vouchers;
  /** Told of every refusal inside the seal: the code only, never what was asked. */
  readonly onRefusal: (code: string) => void;
}

/**
 * Makes the function that turns a sealed request into a sealed response.
 * It throws `SealError` where the request cannot be opened; every refusal after that is sealed to the client like an answer. The
 * exchange is on the disk before the answer is returned, and a repeat of a request gets the stored answer.
 */
export function createInferenceService(parts: InferenceParts): (sealed: Uint8Array) => Promise<Uint8Array> {
  const locks = createLocks();
  return async (sealed) => {
    const attested = parts.attested();
    const opened = await openRequest(sealed, (keyEpoch) =>
      attested?.keyEpoch === keyEpoch ? parts.keys.sealingKey : undefined,
    );
    return locks.run(opened.channelId, async () => {
      try {
        return await respond(parts, { ...opened, requestHash: toHex(sha256(sealed)) }, attested);
      } catch (error) {
        return refuse(parts, opened, error);
      }
    });
  };
}

async function respond(
  parts: InferenceParts,
  opened: Received,
  attested: AttestedEpoch | undefined,
): Promise<Uint8Array> {
  if (attested === undefined) throw new ReceiptError("NODE_NOT_ATTESTED", "the node is not attested");
  const request = decodeRequest(opened.content);
  const payer = checkPromise({ ...parts, keyEpoch: attested.keyEpoch, channelId: opened.channelId }, request);
  // Before anything that can change: an answer that was given and may be paid is never taken back.
  const stored = await repeated(parts, request);
  if (stored !== undefined) return stored;
  const served = parts.models.get(request.modelId);
  const price = served?.price();
  if (served === undefined || price === undefined) {
    throw new ModelError("MODEL_MISMATCH", `this node does not offer the model ${request.modelId}`);
  }
  const units = unitsOf(request.inputs);
  const amount = await amountDue(parts, request, { payer, units, price });
  const outputs = await served.model.run(request.inputs);
  return release(parts, { opened, request, attested, payer, units, amount, outputs });
}

/** An opened request and the SHA-256 of the bytes that it came in. */
type Received = OpenedRequest & { readonly requestHash: Hex };

interface Answer {
  readonly opened: Received;
  readonly request: InferenceRequest;
  readonly attested: AttestedEpoch;
  readonly payer: Hex;
  readonly units: bigint;
  readonly amount: bigint;
  readonly outputs: readonly Tensor[];
}

/** Signs, seals and stores the answer, in this order, and only then lets it go. */
async function release(parts: InferenceParts, answer: Answer): Promise<Uint8Array> {
  const { request, outputs } = answer;
  const responseSalt = randomBytes(SALT_BYTES);
  const receipt = receiptOf(parts, answer, commitTensors(responseSalt, outputs));
  const receiptSignature = signReceipt(parts.escrow, receipt, parts.keys.signingKey);
  const content = encodeResponse({ receipt, receiptSignature, responseSalt, outputs });
  const exchange: Omit<Exchange, "settledBy"> = {
    payer: answer.payer,
    voucher: request.voucher,
    voucherSignature: request.voucherSignature,
    receipt,
    receiptSignature,
    sealedResponse: await sealResponse(answer.opened.context, content),
    requestHash: answer.opened.requestHash,
  };
  return (await parts.vouchers.put(exchange)).sealedResponse;
}

function receiptOf(parts: InferenceParts, answer: Answer, responseCommitment: Hex): Receipt {
  const { voucher } = answer.request;
  return {
    channelId: voucher.channelId,
    sequence: voucher.sequence,
    amount: answer.amount,
    nodeId: parts.nodeId,
    keyEpoch: answer.attested.keyEpoch,
    modelId: voucher.modelId,
    requestCommitment: voucher.requestCommitment,
    responseCommitment,
    rawCommitment: NO_COMMITMENT,
    evidenceHash: answer.attested.evidenceHash,
    units: answer.units,
    privacySpent: 0n,
  };
}

async function repeated(parts: InferenceParts, { voucher }: InferenceRequest): Promise<Uint8Array | undefined> {
  const stored = await parts.vouchers.get(voucher.channelId, voucher.sequence);
  return stored !== undefined && sameVoucher(stored.voucher, voucher) ? stored.sealedResponse : undefined;
}

function sameVoucher(a: Voucher, b: Voucher): boolean {
  return canonicalJson(voucherToJson(a)) === canonicalJson(voucherToJson(b));
}

async function amountDue(
  parts: InferenceParts,
  { voucher }: InferenceRequest,
  owed: { readonly payer: Hex; readonly units: bigint; readonly price: bigint },
): Promise<bigint> {
  const [last, channel] = await Promise.all([
    parts.vouchers.latest(voucher.channelId),
    parts.channelOf(owed.payer, voucher.amount),
  ]);
  return checkAmount(voucher, channel, { last: last?.receipt, cost: owed.price * owed.units });
}

/** The size of the batch: the first dimension that all inputs share. */
function unitsOf(inputs: readonly Tensor[]): bigint {
  const batch = inputs[0]?.shape[0] ?? 0;
  if (batch < 1 || inputs.some((input) => input.shape[0] !== batch)) {
    throw new ModelError("INPUT_INVALID", "the inputs do not share a batch size of at least 1");
  }
  return BigInt(batch);
}

function refuse(parts: InferenceParts, opened: OpenedRequest, error: unknown): Promise<Uint8Array> {
  const known = error instanceof CloisterError;
  const code = known ? error.code : "INFERENCE_FAILED";
  parts.onRefusal(code);
  const message = known ? error.message : "the request failed inside the worker";
  return sealResponse(opened.context, encodeResponse({ error: { code, message: message.slice(0, 500) } }));
}
