import { fileURLToPath } from "node:url";
import type { ChannelState } from "../../offchain/chain/escrow.ts";
import { toHex, type Hex } from "../../offchain/encoding/bytes.ts";
import type { Tensor } from "../../offchain/encoding/tensor.ts";
import { listen, type Listening } from "../../offchain/http/server.ts";
import { loadPackage } from "../../offchain/inference/package.ts";
import { openModel, type Model } from "../../offchain/inference/session.ts";
import { digitTensor } from "../../offchain/model/digits.ts";
import { commitTensors } from "../../offchain/receipt/commitment.ts";
import { decodeResponse, encodeRequest, type InferenceAnswer } from "../../offchain/receipt/message.ts";
import { channelId, signVoucher, type Voucher } from "../../offchain/receipt/voucher.ts";
import { sealRequest } from "../../offchain/sealing/request.ts";
import { openResponse, type ResponseContext } from "../../offchain/sealing/response.ts";
import { openStore, type Store } from "../../offchain/store/store.ts";
import { VOUCHER_MIGRATIONS, vouchers } from "../../offchain/store/vouchers.ts";
import { workerApp, type WorkerFace } from "../../offchain/worker/http.ts";
import type { InferenceParts } from "../../offchain/worker/inference-service.ts";
import { createEnclaveKeys, type EnclaveKeys } from "../../offchain/worker/keys.ts";
import { DOMAIN, NODE_ID, PAYER, PAYER_KEY, word } from "./receipts.ts";

/** The price of one unit at the test's worker. */
export const UNIT_PRICE = 1000n;
export const KEY_EPOCH = 3;
export const EVIDENCE_HASH = word(0xe4);
export const CHANNEL = channelId(PAYER, NODE_ID);
export const REQUEST_SALT = new Uint8Array(32).fill(5);

const OPEN_CHANNEL: ChannelState = { deposit: 100n * UNIT_PRICE, spent: 0n, withdrawableAt: 0, listCap: 0n };

/** Everything that an inference service works with, real but for the chain. */
export interface TestWorker {
  readonly modelId: Hex;
  readonly model: Model;
  readonly keys: EnclaveKeys;
  readonly store: Store;
  /** What the chain says of every channel; a test may change it. */
  readonly channel: { -readonly [Name in keyof ChannelState]: ChannelState[Name] };
  /** Codes of the refusals so far. */
  readonly refused: string[];
  readonly parts: InferenceParts;
  /** Forgets every exchange, refusal and change of the channel. */
  reset(): Promise<void>;
  close(): Promise<void>;
}

/** The digit model, fresh enclave keys and an empty store in memory. */
export async function createTestWorker(): Promise<TestWorker> {
  const pkg = await loadPackage(fileURLToPath(new URL("../../models/digits", import.meta.url)));
  const model = await openModel(pkg);
  const keys = await createEnclaveKeys();
  const store = await openStore({ memory: true }, VOUCHER_MIGRATIONS);
  const channel = { ...OPEN_CHANNEL };
  const refused: string[] = [];
  return {
    modelId: pkg.root,
    model,
    keys,
    store,
    channel,
    refused,
    parts: {
      nodeId: NODE_ID,
      escrow: DOMAIN,
      keys,
      attested: () => ({ keyEpoch: KEY_EPOCH, evidenceHash: EVIDENCE_HASH }),
      models: new Map([[pkg.root, { model, price: () => UNIT_PRICE }]]),
      channelOf: async () => channel,
      vouchers: vouchers(store),
      onRefusal: (code) => refused.push(code),
    },
    reset: async () => {
      await store.query("DELETE FROM vouchers");
      refused.length = 0;
      Object.assign(channel, OPEN_CHANNEL);
    },
    close: async () => {
      await store.close();
      await model.close();
    },
  };
}

/** An image for each ink, all of one shade. */
export function shades(...inks: readonly number[]): readonly Tensor[] {
  return [digitTensor(inks.map((ink) => new Uint8Array(784).fill(ink)))];
}

/** What differs from a good first request for one image. */
export interface RequestChange {
  readonly voucher?: Partial<Voucher>;
  readonly signature?: Hex;
  readonly payerKey?: Uint8Array;
  readonly modelId?: Hex;
  /** What is sent; the voucher commits to `committed`, or to this. */
  readonly inputs?: readonly Tensor[];
  readonly committed?: readonly Tensor[];
  /** In the header of the sealed request. */
  readonly header?: { readonly channelId?: Hex; readonly keyEpoch?: number };
  readonly content?: Uint8Array;
}

/** A sealed request, and what its sender keeps. */
export interface SentRequest {
  readonly sealed: Uint8Array;
  readonly context: ResponseContext;
  readonly voucher: Voucher;
}

/** Seals a request to a test's worker. */
export async function sealedRequest(worker: TestWorker, change: RequestChange = {}): Promise<SentRequest> {
  const inputs = change.inputs ?? shades(0);
  const voucher: Voucher = {
    channelId: CHANNEL,
    sequence: 1n,
    amount: UNIT_PRICE * BigInt(inputs[0]?.shape[0] ?? 0),
    keyEpoch: KEY_EPOCH,
    modelId: worker.modelId,
    requestCommitment: commitTensors(REQUEST_SALT, change.committed ?? inputs),
    ...change.voucher,
  };
  const content = encodeRequest({
    modelId: change.modelId ?? worker.modelId,
    requestSalt: REQUEST_SALT,
    voucher,
    voucherSignature: change.signature ?? signVoucher(DOMAIN, voucher, change.payerKey ?? PAYER_KEY),
    inputs,
  });
  const sealed = await sealRequest({
    sealingKey: worker.keys.sealingKey.publicKey,
    keyEpoch: KEY_EPOCH,
    channelId: CHANNEL,
    content: change.content ?? content,
    ...change.header,
  });
  return { ...sealed, voucher };
}

/** Opens a sealed response: the answer, or the code of the refusal. */
export async function openedResponse(
  { context }: SentRequest,
  response: Uint8Array,
): Promise<InferenceAnswer | string> {
  const opened = decodeResponse(await openResponse(context, response));
  return "error" in opened ? opened.error.code : opened;
}

/** `openedResponse` for a response that must be an answer. */
export async function openedAnswer(sent: SentRequest, response: Uint8Array): Promise<InferenceAnswer> {
  const opened = await openedResponse(sent, response);
  if (typeof opened === "string") throw new RangeError(`the request was refused: ${opened}`);
  return opened;
}

/** 65 bytes that are no signature. */
export const NO_SIGNATURE = toHex(new Uint8Array(65));

/** Serves a test's worker on loopback; `infer` stands in its place, and may lie. */
export function serveTestWorker(
  worker: TestWorker,
  infer: (sealed: Uint8Array) => Promise<Uint8Array>,
): Promise<Listening> {
  const face: WorkerFace = {
    name: "a worker",
    evidence: {
      renew: async () => undefined,
      newest: () => undefined,
      byHash: () => undefined,
      anchor: () => undefined,
    },
    ready: () => true,
    manifests: [worker.model.manifest],
    infer,
    responseTo: (hash) => worker.parts.vouchers.responseTo(hash),
    onError: () => undefined,
  };
  return listen(workerApp(face), { port: 0 });
}
