import { concat, toHex, uintBytes, utf8 } from "../encoding/bytes.ts";
import type { Hex } from "../encoding/bytes.ts";
import {
  bytesField,
  hexField,
  integerField,
  isObject,
  listField,
  parseJson,
  parseMembers,
  textField,
} from "../encoding/members.ts";
import { ByteReader } from "../encoding/reader.ts";
import { checkTensors, isDatatype, MAX_NAME_LENGTH, MAX_RANK, MAX_TENSORS } from "../encoding/tensor.ts";
import type { Tensor } from "../encoding/tensor.ts";
import { SALT_LENGTH } from "./commitment.ts";
import { parseReceipt, receiptToJson } from "./receipt.ts";
import type { Receipt } from "./receipt.ts";
import { malformed } from "./typed.ts";
import { parseVoucher, voucherToJson } from "./voucher.ts";
import type { Voucher } from "./voucher.ts";

/** What a client asks, before sealing. @see docs/protocol.md section 8 */
export interface InferenceRequest {
  readonly modelId: Hex;
  /** 32 bytes. */
  readonly requestSalt: Uint8Array;
  readonly voucher: Voucher;
  readonly voucherSignature: Hex;
  readonly inputs: readonly Tensor[];
}

/** What a worker answers, before sealing. */
export interface InferenceAnswer {
  readonly receipt: Receipt;
  readonly receiptSignature: Hex;
  /** 32 bytes. */
  readonly responseSalt: Uint8Array;
  readonly outputs: readonly Tensor[];
}

/** Why a worker refuses a request that it has opened. */
export interface Refusal {
  readonly error: { readonly code: string; readonly message: string };
}

export type InferenceResponse = InferenceAnswer | Refusal;

/** The most bytes of one request's or response's content. */
export const MAX_MESSAGE_LENGTH = 32 * 1024 * 1024;
/** The most bytes of the JSON at its head. */
export const MAX_JSON_LENGTH = 256 * 1024;
const MAX_REFUSAL_LENGTH = 1024;

const ERROR_CODE = /^[A-Z][A-Z0-9_]{0,63}$/;
const CONTROL = /\p{Cc}/gu;

const TENSOR_FIELDS = {
  name: textField(MAX_NAME_LENGTH),
  datatype: (value: unknown) => (isDatatype(value) ? value : undefined),
  shape: listField(MAX_RANK, integerField(Number.MAX_SAFE_INTEGER)),
  bytes: integerField(MAX_MESSAGE_LENGTH),
};

type TensorHead = ReturnType<typeof parseTensorHead>;

const TENSORS = listField(MAX_TENSORS, parseTensorHead);

const REQUEST_FIELDS = {
  modelId: hexField(32),
  requestSalt: bytesField(SALT_LENGTH),
  voucher: parseVoucher,
  voucherSignature: hexField(65),
  inputs: TENSORS,
};

const ANSWER_FIELDS = {
  receipt: parseReceipt,
  receiptSignature: hexField(65),
  responseSalt: bytesField(SALT_LENGTH),
  outputs: TENSORS,
};

const ERROR_FIELDS = {
  code: (value: unknown) => (typeof value === "string" && ERROR_CODE.test(value) ? value : undefined),
  message: (value: unknown) => {
    const text = textField(MAX_REFUSAL_LENGTH)(value);
    return text === undefined || text.search(CONTROL) !== -1 ? undefined : text;
  },
};

/** Writes a request's content; throws `ReceiptError` `RECEIPT_MALFORMED` for what `decodeRequest` would refuse. */
export function encodeRequest(request: InferenceRequest): Uint8Array {
  const json = {
    modelId: request.modelId,
    requestSalt: toHex(request.requestSalt),
    voucher: voucherToJson(request.voucher),
    voucherSignature: request.voucherSignature,
    inputs: request.inputs.map(tensorHead),
  };
  parseMembers(json, REQUEST_FIELDS, "request", malformed);
  return encode(json, request.inputs);
}

/**
 * Reads a request's content without judging it; throws `ReceiptError` `RECEIPT_MALFORMED`.
 * The tensors' data are views of the content.
 */
export function decodeRequest(content: Uint8Array): InferenceRequest {
  const reader = readerOf(content);
  const { inputs, ...request } = parseMembers(readJson(reader), REQUEST_FIELDS, "request", malformed);
  return { ...request, inputs: readTensors(reader, inputs) };
}

/**
 * Writes a response's content, an answer or a refusal; throws `ReceiptError` `RECEIPT_MALFORMED` for what `decodeResponse` would refuse.
 * A refusal's message, which may quote what the client sent, is made printable and cut to its limit instead.
 */
export function encodeResponse(response: InferenceResponse): Uint8Array {
  if ("error" in response) {
    const { code, message } = response.error;
    return encode({ error: parseError({ code, message: printable(message) }) }, []);
  }
  const json = {
    receipt: receiptToJson(response.receipt),
    receiptSignature: response.receiptSignature,
    responseSalt: toHex(response.responseSalt),
    outputs: response.outputs.map(tensorHead),
  };
  parseMembers(json, ANSWER_FIELDS, "response", malformed);
  return encode(json, response.outputs);
}

/**
 * Reads a response's content without judging it; throws `ReceiptError` `RECEIPT_MALFORMED`.
 * The tensors' data are views of the content.
 */
export function decodeResponse(content: Uint8Array): InferenceResponse {
  const reader = readerOf(content);
  const json = readJson(reader);
  if (isObject(json) && Object.hasOwn(json, "error")) {
    reader.end("refusal");
    return parseMembers(json, { error: parseError }, "response", malformed);
  }
  const { outputs, ...answer } = parseMembers(json, ANSWER_FIELDS, "response", malformed);
  return { ...answer, outputs: readTensors(reader, outputs) };
}

function parseError(value: unknown) {
  return parseMembers(value, ERROR_FIELDS, "error", malformed);
}

function printable(text: string): string {
  return text.replaceAll(CONTROL, " ").slice(0, MAX_REFUSAL_LENGTH).toWellFormed();
}

function parseTensorHead(value: unknown) {
  return parseMembers(value, TENSOR_FIELDS, "tensor", malformed);
}

function tensorHead({ name, datatype, shape, data }: Tensor): TensorHead {
  return { name, datatype, shape, bytes: data.length };
}

function encode(json: unknown, tensors: readonly Tensor[]): Uint8Array {
  checkTensors(tensors, malformed);
  const text = utf8(JSON.stringify(json));
  if (text.length > MAX_JSON_LENGTH) throw malformed(`the JSON is longer than ${MAX_JSON_LENGTH} bytes`);
  const content = concat(uintBytes(text.length, 4), text, ...tensors.map((tensor) => tensor.data));
  if (content.length > MAX_MESSAGE_LENGTH) throw malformed(`the content is longer than ${MAX_MESSAGE_LENGTH} bytes`);
  return content;
}

function readerOf(content: Uint8Array): ByteReader {
  if (content.length > MAX_MESSAGE_LENGTH) throw malformed(`the content is longer than ${MAX_MESSAGE_LENGTH} bytes`);
  return new ByteReader(content, malformed);
}

function readJson(reader: ByteReader): unknown {
  const length = reader.uint32be("JSON length");
  if (length > MAX_JSON_LENGTH) throw malformed(`the JSON is longer than ${MAX_JSON_LENGTH} bytes`);
  return parseJson(reader.take(length, "JSON"), "the message", malformed);
}

function readTensors(reader: ByteReader, heads: readonly TensorHead[]): readonly Tensor[] {
  const tensors = heads.map(({ name, datatype, shape, bytes }) => ({
    name,
    datatype,
    shape,
    data: reader.take(bytes, "tensor data"),
  }));
  reader.end("tensors");
  checkTensors(tensors, malformed);
  return tensors;
}
