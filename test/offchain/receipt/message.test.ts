import { expect } from "chai";
import * as fc from "fast-check";
import { concat, uintBytes, utf8 } from "../../../offchain/encoding/bytes.ts";
import { float32Tensor } from "../../../offchain/encoding/tensor.ts";
import type { Tensor } from "../../../offchain/encoding/tensor.ts";
import { decodeRequest, decodeResponse, encodeRequest } from "../../../offchain/receipt/message.ts";
import { encodeResponse, MAX_JSON_LENGTH, MAX_MESSAGE_LENGTH } from "../../../offchain/receipt/message.ts";
import type { InferenceAnswer, InferenceRequest } from "../../../offchain/receipt/message.ts";
import { codeOf } from "../../support/errors.ts";
import { RECEIPT, VOUCHER } from "../../support/receipts.ts";

const IMAGE = float32Tensor("image", [1, 2], Float32Array.of(0.25, -1));
const MASK: Tensor = { name: "mask", datatype: "BOOL", shape: [3], data: Uint8Array.of(1, 0, 1) };
const SIGNATURE = `0x${"5a".repeat(65)}` as const;

const REQUEST: InferenceRequest = {
  modelId: VOUCHER.modelId,
  requestSalt: new Uint8Array(32).fill(7),
  voucher: VOUCHER,
  voucherSignature: SIGNATURE,
  inputs: [MASK, IMAGE],
};

const ANSWER: InferenceAnswer = {
  receipt: RECEIPT,
  receiptSignature: SIGNATURE,
  responseSalt: new Uint8Array(32).fill(8),
  outputs: [IMAGE],
};

type JsonObject = Record<string, unknown>;

function jsonOf(content: Uint8Array): JsonObject {
  const length = new DataView(content.buffer, content.byteOffset).getUint32(0);
  return JSON.parse(new TextDecoder().decode(content.subarray(4, 4 + length))) as JsonObject;
}

function contentOf(json: unknown, data: Uint8Array = new Uint8Array(0)): Uint8Array {
  const text = typeof json === "string" ? utf8(json) : utf8(JSON.stringify(json));
  return concat(uintBytes(text.length, 4), text, data);
}

const REQUEST_DATA = concat(MASK.data, IMAGE.data);

describe("receipt/message", () => {
  describe("encodeRequest and decodeRequest", () => {
    it("bring a request back, tensors in the order of the list", () => {
      expect(decodeRequest(encodeRequest(REQUEST))).to.deep.equal(REQUEST);
    });

    it("write the JSON of docs/protocol.md section 8 and then the data", () => {
      const content = encodeRequest(REQUEST);
      const json = jsonOf(content);
      expect(json).to.deep.equal({
        modelId: VOUCHER.modelId,
        requestSalt: `0x${"07".repeat(32)}`,
        voucher: {
          channelId: VOUCHER.channelId,
          sequence: "7",
          amount: "1267650600228229401496703205377",
          keyEpoch: 3,
          modelId: VOUCHER.modelId,
          requestCommitment: VOUCHER.requestCommitment,
        },
        voucherSignature: SIGNATURE,
        inputs: [
          { name: "mask", datatype: "BOOL", shape: [3], bytes: 3 },
          { name: "image", datatype: "FP32", shape: [1, 2], bytes: 8 },
        ],
      });
      expect(content.subarray(-11)).to.deep.equal(REQUEST_DATA);
    });

    it("bring any tensors back", () => {
      const data = fc.uint8Array({ maxLength: 64 });
      const names = fc.uniqueArray(fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 }), { maxLength: 64 });
      fc.assert(
        fc.property(names, data, (names, data) => {
          const inputs = names.map((name): Tensor => ({ name, datatype: "UINT8", shape: [data.length], data }));
          const request = { ...REQUEST, inputs };
          expect(decodeRequest(encodeRequest(request))).to.deep.equal(request);
        }),
        { numRuns: 50 },
      );
    });

    it("refuse a message cut at any byte, or with one byte more", () => {
      const content = encodeRequest(REQUEST);
      for (let length = 0; length < content.length; length += 1)
        expect(codeOf(() => decodeRequest(content.subarray(0, length)))).to.equal("RECEIPT_MALFORMED");
      expect(codeOf(() => decodeRequest(concat(content, Uint8Array.of(0))))).to.equal("RECEIPT_MALFORMED");
    });

    it("throw nothing but RECEIPT_MALFORMED for arbitrary bytes", () => {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
          const length = uintBytes(Math.max(0, bytes.length - 4), 4);
          expect(codeOf(() => decodeRequest(bytes))).to.equal("RECEIPT_MALFORMED");
          expect(codeOf(() => decodeResponse(concat(length, bytes)))).to.equal("RECEIPT_MALFORMED");
        }),
      );
    });

    const json = jsonOf(encodeRequest(REQUEST));
    const inputs = json["inputs"] as readonly JsonObject[];
    const [mask, image] = inputs;
    const wrong: Readonly<Record<string, unknown>> = {
      "broken JSON": "{",
      "two JSON values": `${JSON.stringify(json)}{}`,
      "a byte order mark": `\uFEFF${JSON.stringify(json)}`,
      "a list": [json],
      "an unknown member": { ...json, priority: 1 },
      "an unknown member of the voucher": { ...json, voucher: { ...(json["voucher"] as JsonObject), extra: 1 } },
      "an unknown member of a tensor": { ...json, inputs: [{ ...mask, parameters: {} }, image] },
      "no inputs member": { ...json, inputs: undefined },
      "inputs that are no list": { ...json, inputs: { mask, image } },
      "65 inputs": { ...json, inputs: Array.from({ length: 65 }, () => ({ ...mask, shape: [0], bytes: 0 })) },
      "one name twice": { ...json, inputs: [mask, { ...image, name: "mask" }] },
      "a length that is not the shape's": {
        ...json,
        inputs: [
          { ...mask, bytes: 4 },
          { ...image, bytes: 7 },
        ],
      },
      "a negative length": { ...json, inputs: [{ ...mask, bytes: -3 }, image] },
      "a length as text": { ...json, inputs: [{ ...mask, bytes: "3" }, image] },
      "an unknown datatype": { ...json, inputs: [{ ...mask, datatype: "BF16" }, image] },
      "a fractional dimension": { ...json, inputs: [{ ...mask, shape: [1.5, 2] }, image] },
      "a shape that is no list": { ...json, inputs: [{ ...mask, shape: 3 }, image] },
      "17 dimensions": { ...json, inputs: [{ ...mask, shape: [3, ...Array<number>(16).fill(1)] }, image] },
      "a name as a number": { ...json, inputs: [{ ...mask, name: 1 }, image] },
      "a short salt": { ...json, requestSalt: "0x00" },
      "a short signature": { ...json, voucherSignature: `0x${"00".repeat(64)}` },
      "a model that is no id": { ...json, modelId: "digits" },
      "a null voucher": { ...json, voucher: null },
    };
    for (const [name, value] of Object.entries(wrong)) {
      it(`refuse ${name}`, () => {
        expect(codeOf(() => decodeRequest(contentOf(value, REQUEST_DATA)))).to.equal("RECEIPT_MALFORMED");
      });
    }

    it("refuse broken UTF-8", () => {
      const content = encodeRequest(REQUEST);
      content[5] = 0xff;
      expect(codeOf(() => decodeRequest(content))).to.equal("RECEIPT_MALFORMED");
    });

    it("refuse JSON and content over the limits, in both directions", () => {
      const spaces = contentOf(
        " ".repeat(MAX_JSON_LENGTH - JSON.stringify(json).length) + JSON.stringify(json),
        REQUEST_DATA,
      );
      expect(decodeRequest(spaces)).to.deep.equal(REQUEST);
      const over = contentOf(" ".repeat(MAX_JSON_LENGTH + 1 - JSON.stringify(json).length) + JSON.stringify(json));
      expect(codeOf(() => decodeRequest(over))).to.equal("RECEIPT_MALFORMED");
      const large: Tensor = {
        name: "x",
        datatype: "UINT8",
        shape: [MAX_MESSAGE_LENGTH],
        data: new Uint8Array(MAX_MESSAGE_LENGTH),
      };
      expect(codeOf(() => encodeRequest({ ...REQUEST, inputs: [large] }))).to.equal("RECEIPT_MALFORMED");
      expect(codeOf(() => decodeRequest(new Uint8Array(MAX_MESSAGE_LENGTH + 1)))).to.equal("RECEIPT_MALFORMED");
    });

    it("write nothing that would be refused", () => {
      const bad: readonly Partial<InferenceRequest>[] = [
        { modelId: "0x00" },
        { requestSalt: new Uint8Array(31) },
        { voucherSignature: "0x" },
        { voucher: { ...VOUCHER, sequence: 2n ** 64n } },
        { inputs: [MASK, MASK] },
        { inputs: [{ ...MASK, shape: [2] }] },
      ];
      for (const change of bad)
        expect(codeOf(() => encodeRequest({ ...REQUEST, ...change }))).to.equal("RECEIPT_MALFORMED");
    });
  });

  describe("encodeResponse and decodeResponse", () => {
    it("bring an answer back", () => {
      expect(decodeResponse(encodeResponse(ANSWER))).to.deep.equal(ANSWER);
    });

    it("bring a refusal back", () => {
      const refusal = { error: { code: "VOUCHER_INVALID", message: "sequence 4 was used before" } };
      const content = encodeResponse(refusal);
      expect(jsonOf(content)).to.deep.equal(refusal);
      expect(decodeResponse(content)).to.deep.equal(refusal);
    });

    it("make any refusal's message printable and short enough", () => {
      const messages = ["tensor \u001B[2J\n\0x", "\u{1F600}".repeat(600), "\uD800", `a${"\u{1F600}".repeat(600)}`, ""];
      for (const message of messages) {
        const decoded = decodeResponse(encodeResponse({ error: { code: "INPUT_INVALID", message } }));
        const text = "error" in decoded ? decoded.error.message : "";
        expect(text.length).to.equal(Math.min(message.length, 1024));
        expect(text).to.not.match(/\p{Cc}/u);
      }
    });

    const error = { code: "SERVICE_BUSY", message: "try again" };
    const wrong: Readonly<Record<string, unknown>> = {
      "a refusal with an answer": { ...jsonOf(encodeResponse(ANSWER)), error },
      "a refusal with an unknown member": { error: { ...error, next: "" } },
      "a refusal without a message": { error: { code: "SERVICE_BUSY" } },
      "a code in lower case": { error: { ...error, code: "busy" } },
      "a code that is too long": { error: { ...error, code: "A".repeat(65) } },
      "a message that is too long": { error: { ...error, message: "a".repeat(1025) } },
      "a message that steers a terminal": { error: { ...error, message: "\u001B[2J" } },
      "a null refusal": { error: null },
      "no receipt": { ...jsonOf(encodeResponse(ANSWER)), receipt: undefined },
      "an unknown member": { ...jsonOf(encodeResponse(ANSWER)), note: "" },
    };
    for (const [name, value] of Object.entries(wrong)) {
      it(`refuse ${name}`, () => {
        const data = "error" in (value as JsonObject) ? new Uint8Array(0) : IMAGE.data;
        expect(codeOf(() => decodeResponse(contentOf(value, data)))).to.equal("RECEIPT_MALFORMED");
      });
    }

    it("refuse data after a refusal", () => {
      expect(codeOf(() => decodeResponse(contentOf({ error }, Uint8Array.of(0))))).to.equal("RECEIPT_MALFORMED");
      expect(decodeResponse(contentOf({ error }))).to.deep.equal({ error });
    });

    it("write nothing that would be refused", () => {
      const refusal = { error: { code: "lower", message: "" } };
      expect(codeOf(() => encodeResponse(refusal))).to.equal("RECEIPT_MALFORMED");
      expect(codeOf(() => encodeResponse({ ...ANSWER, receiptSignature: "0x" }))).to.equal("RECEIPT_MALFORMED");
      expect(codeOf(() => encodeResponse({ ...ANSWER, outputs: [{ ...IMAGE, name: "" }] }))).to.equal(
        "RECEIPT_MALFORMED",
      );
    });
  });
});
