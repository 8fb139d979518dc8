import type { Hex } from "../encoding/bytes.ts";
import type { Tensor } from "../encoding/tensor.ts";
import { SealError } from "../errors.ts";
import { commitTensors } from "../receipt/commitment.ts";
import { decodeResponse } from "../receipt/message.ts";
import { checkReceipt, type Receipt } from "../receipt/receipt.ts";
import type { EscrowDomain } from "../receipt/typed.ts";
import { channelId } from "../receipt/voucher.ts";
import { openResponse, type ResponseContext } from "../sealing/response.ts";
import type { Channels, OpenRequest } from "../store/channels.ts";
import { exchange } from "./exchange.ts";

export interface ResumeOptions {
  readonly node: { readonly nodeId: Hex; readonly endpoint: string };
  readonly escrow: EscrowDomain;
  readonly payer: Hex;
  readonly channels: Channels;
  readonly timeoutMs: number;
  /** The attested signing key of an epoch, by the registry; the zero address where its receipts cannot be settled any more. */
  readonly signingKey: (keyEpoch: number) => Promise<Hex>;
}

/** What became of one open request. */
export type Resumed =
  | {
      readonly outcome: "answered";
      readonly sequence: bigint;
      readonly receipt: Receipt;
      readonly outputs: readonly Tensor[];
    }
  | { readonly outcome: "refused" | "lost"; readonly sequence: bigint };

/**
 * Sends the open requests of a channel again, byte for byte, and checks what comes back. Only the enclave that the request was sealed to
 * can answer under its context; the registry says which key signs. A request whose keys are gone and that has no stored answer is lost:
 * its promise may still be paid, so it counts as owed. Throws `ServiceError` where the node does not answer; everything stays open then.
 */
export async function resume(options: ResumeOptions): Promise<readonly Resumed[]> {
  const channel = channelId(options.payer, options.node.nodeId);
  const resumed: Resumed[] = [];
  for (const request of await options.channels.openRequests(channel)) resumed.push(await resumeOne(request, options));
  return resumed;
}

async function resumeOne(request: OpenRequest, options: ResumeOptions): Promise<Resumed> {
  const { voucher } = request;
  const { sequence } = voucher;
  const sealed = await exchangeAgain(request, options);
  if (sealed === undefined) {
    await options.channels.finish(voucher.channelId, sequence, voucher.amount);
    return { outcome: "lost", sequence };
  }
  const context = JSON.parse(request.responseContext) as ResponseContext;
  const response = decodeResponse(await openResponse(context, sealed));
  if ("error" in response) {
    await options.channels.finish(voucher.channelId, sequence, 0n);
    return { outcome: "refused", sequence };
  }
  checkReceipt(options.escrow, response.receipt, response.receiptSignature, {
    signingKey: await options.signingKey(voucher.keyEpoch),
    nodeId: options.node.nodeId,
    voucher,
    requestCommitment: voucher.requestCommitment,
    responseCommitment: commitTensors(response.responseSalt, response.outputs),
    evidenceHash: response.receipt.evidenceHash,
  });
  await options.channels.finish(voucher.channelId, sequence, response.receipt.amount);
  return { outcome: "answered", sequence, receipt: response.receipt, outputs: response.outputs };
}

/** The sealed answer; undefined where the node's keys are others by now and nothing was stored. */
async function exchangeAgain(request: OpenRequest, options: ResumeOptions): Promise<Uint8Array | undefined> {
  try {
    return await exchange({ sealed: request.sealed, endpoint: options.node.endpoint }, options);
  } catch (error) {
    if (error instanceof SealError && error.code === "KEY_UNKNOWN") return undefined;
    throw error;
  }
}
