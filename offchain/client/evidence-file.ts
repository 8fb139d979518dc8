import { JsonFields } from "../encoding/fields.ts";
import { parseHex, toHex, type Hex } from "../encoding/bytes.ts";
import { isDatatype, type Tensor } from "../encoding/tensor.ts";
import { ReceiptError } from "../errors.ts";
import { parseReceipt, receiptToJson, type Receipt } from "../receipt/receipt.ts";
import { parseVoucher, voucherToJson, type Voucher } from "../receipt/voucher.ts";
import { endorsementsToJson, parseEndorsements } from "../verifier/endorsements-json.ts";
import type { NodeEndorsements } from "../verifier/family.ts";
import { nodeEvidenceToJson, parseNodeEvidence, type NodeEvidence } from "../verifier/node-evidence.ts";

/** Where the contracts are that the signed messages name. */
export interface ChainReference {
  readonly chainId: bigint;
  readonly nodeRegistry: Hex;
  readonly inferenceEscrow: Hex;
}

/** The bytes behind one commitment; they belong to the user, who may leave them out of a file that is passed on. */
export interface CommittedTensors {
  readonly salt: Uint8Array;
  /** Undefined where they were left out. */
  readonly tensors?: readonly Tensor[];
}

/**
 * Everything that is needed to check one answer offline, years later.
 * @see docs/evidence-file.md
 */
export interface EvidenceFile {
  /** Milliseconds since 1970: when the client checked the answer; evidence and endorsements are judged as of then. */
  readonly checkedAt: number;
  readonly simulated: boolean;
  readonly chain: ChainReference;
  readonly nodeEvidence: NodeEvidence;
  readonly endorsements: NodeEndorsements;
  readonly voucher: Voucher;
  readonly voucherSignature: Hex;
  /** Who signed the voucher. */
  readonly payer: Hex;
  readonly receipt: Receipt;
  readonly receiptSignature: Hex;
  readonly request: CommittedTensors;
  readonly response: CommittedTensors;
  /** The transaction that settled it, where it is known. */
  readonly settlement?: Hex;
}

const SCHEMA = "cloister-evidence-file/1";
const MAX_TIME = 8.64e15;

const malformed = (message: string): ReceiptError => new ReceiptError("RECEIPT_MALFORMED", message);

/** Writes an evidence file as a JSON value. */
export function evidenceFileToJson(file: EvidenceFile): Record<string, unknown> {
  return {
    schema: SCHEMA,
    checkedAt: new Date(file.checkedAt).toISOString(),
    simulated: file.simulated,
    chain: { ...file.chain, chainId: file.chain.chainId.toString() },
    nodeEvidence: nodeEvidenceToJson(file.nodeEvidence),
    endorsements: endorsementsToJson(file.endorsements),
    voucher: voucherToJson(file.voucher),
    voucherSignature: file.voucherSignature,
    payer: file.payer,
    receipt: receiptToJson(file.receipt),
    receiptSignature: file.receiptSignature,
    request: tensorsToJson(file.request),
    response: tensorsToJson(file.response),
    ...(file.settlement === undefined ? {} : { settlement: file.settlement }),
  };
}

/** Reads an evidence file; throws a coded error that names what is wrong. Nothing in it is checked yet. */
export function parseEvidenceFile(json: unknown): EvidenceFile {
  const fields = new JsonFields(json, "evidence file", malformed);
  if (fields.text("schema") !== SCHEMA) throw malformed(`evidence file.schema is not ${SCHEMA}`);
  return {
    checkedAt: parseTime(fields.text("checkedAt")),
    simulated: fields.boolean("simulated"),
    chain: parseChain(fields.fields("chain")),
    nodeEvidence: parseNodeEvidence(fields.value("nodeEvidence")),
    endorsements: parseEndorsements(fields.value("endorsements")),
    voucher: parseVoucher(fields.value("voucher")),
    voucherSignature: hexOf(fields, "voucherSignature", 65),
    payer: hexOf(fields, "payer", 20),
    receipt: parseReceipt(fields.value("receipt")),
    receiptSignature: hexOf(fields, "receiptSignature", 65),
    request: parseTensors(fields.fields("request")),
    response: parseTensors(fields.fields("response")),
    ...(fields.has("settlement") ? { settlement: hexOf(fields, "settlement", 32) } : {}),
  };
}

function parseChain(fields: JsonFields): ChainReference {
  return {
    chainId: fields.decimal("chainId"),
    nodeRegistry: hexOf(fields, "nodeRegistry", 20),
    inferenceEscrow: hexOf(fields, "inferenceEscrow", 20),
  };
}

function tensorsToJson({ salt, tensors }: CommittedTensors): Record<string, unknown> {
  const list = tensors?.map((tensor) => ({ ...tensor, data: toHex(tensor.data) }));
  return { salt: toHex(salt), ...(list === undefined ? {} : { tensors: list }) };
}

function parseTensors(fields: JsonFields): CommittedTensors {
  const salt = fields.hex("salt", { prefix: true, length: 32 });
  return fields.has("tensors") ? { salt, tensors: fields.fieldsList("tensors").map(parseTensor) } : { salt };
}

function parseTensor(fields: JsonFields): Tensor {
  const datatype = fields.text("datatype");
  if (!isDatatype(datatype)) throw malformed(`datatype ${datatype} is unknown`);
  const shape = fields.list("shape").map((size) => {
    if (!Number.isSafeInteger(size) || Number(size) < 0) throw malformed("a dimension is not an unsigned integer");
    return Number(size);
  });
  return { name: fields.text("name"), datatype, shape, data: parseHex(fields.text("data")) ?? refuseData() };
}

function refuseData(): never {
  throw malformed("a tensor's data is not 0x-hex");
}

function parseTime(text: string): number {
  const time = Date.parse(text);
  if (!(Math.abs(time) <= MAX_TIME) || new Date(time).toISOString() !== text) {
    throw malformed("evidence file.checkedAt is not an ISO 8601 time in UTC with milliseconds");
  }
  return time;
}

function hexOf(fields: JsonFields, name: string, length: number): Hex {
  return toHex(fields.hex(name, { prefix: true, length }));
}
