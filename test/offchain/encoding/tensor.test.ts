import { expect } from "chai";
import * as fc from "fast-check";
import { toHex, utf8 } from "../../../offchain/encoding/bytes.ts";
import { canonicalParts, canonicalTensors, checkTensors } from "../../../offchain/encoding/tensor.ts";
import { float32Tensor, float32Values, isDatatype, MAX_TENSORS } from "../../../offchain/encoding/tensor.ts";
import type { Datatype, Tensor } from "../../../offchain/encoding/tensor.ts";
import { ReceiptError } from "../../../offchain/errors.ts";
import { codeOf } from "../../support/errors.ts";

const WIDTHS: readonly (readonly [Datatype, number])[] = [
  ["BOOL", 1],
  ["UINT8", 1],
  ["UINT16", 2],
  ["UINT32", 4],
  ["UINT64", 8],
  ["INT8", 1],
  ["INT16", 2],
  ["INT32", 4],
  ["INT64", 8],
  ["FP16", 2],
  ["FP32", 4],
  ["FP64", 8],
];

function tensor(change: Partial<Tensor> = {}): Tensor {
  return { name: "x", datatype: "UINT8", shape: [2], data: Uint8Array.of(1, 2), ...change };
}

describe("encoding/tensor", () => {
  describe("canonicalTensors", () => {
    it("has the golden bytes of docs/protocol.md section 6", () => {
      const tensors = [float32Tensor("a", [2], Float32Array.of(1, 2))];
      expect(toHex(canonicalTensors(tensors))).to.equal(
        "0x00000001000161044650333201000000000000000200000000000000080000803f00000040",
      );
      expect(toHex(canonicalTensors([]))).to.equal("0x00000000");
    });

    it("sorts by the bytes of the UTF-8 name, not by UTF-16 units", () => {
      const names = ["\u{1F600}", "\uFFFD", "b", "ab", "a", "aa"];
      const heads = canonicalParts(names.map((name) => tensor({ name }))).slice(1);
      const sorted = heads
        .filter((_, index) => index % 2 === 0)
        .map((head) => new TextDecoder().decode(head.subarray(2, 2 + (head[1] ?? 0))));
      expect(sorted).to.deep.equal(["a", "aa", "ab", "b", "\uFFFD", "\u{1F600}"]);
    });

    it("is the same for every order", () => {
      const names = fc.uniqueArray(fc.string({ unit: "binary", minLength: 1, maxLength: 12 }), { maxLength: 8 });
      fc.assert(
        fc.property(names, fc.integer(), (names, seed) => {
          const tensors = names.map((name, index) => tensor({ name, data: Uint8Array.of(index, seed & 0xff) }));
          const rotated = [...tensors.slice(1), ...tensors.slice(0, 1)].reverse();
          expect(canonicalTensors(rotated)).to.deep.equal(canonicalTensors(tensors));
        }),
      );
    });

    it("tells where one tensor ends and the next begins", () => {
      const one = canonicalTensors([tensor({ name: "ab", data: Uint8Array.of(1, 2) })]);
      const two = canonicalTensors([tensor({ name: "a" }), tensor({ name: "b" })]);
      expect(one).to.not.deep.equal(two);
    });

    it("refuses bad tensors", () => {
      expect(codeOf(() => canonicalTensors([tensor(), tensor()]))).to.equal("INPUT_INVALID");
    });
  });

  describe("checkTensors", () => {
    for (const [datatype, width] of WIDTHS) {
      it(`accepts ${datatype} of exactly ${width} bytes an element`, () => {
        const of = (length: number): string =>
          codeOf(() => checkTensors([{ name: "x", datatype, shape: [2, 3], data: new Uint8Array(length) }]));
        expect(of(6 * width)).to.equal("none");
        expect(of(6 * width - 1)).to.equal("INPUT_INVALID");
        expect(of(6 * width + 1)).to.equal("INPUT_INVALID");
      });
    }

    const accepted: Readonly<Record<string, Partial<Tensor>>> = {
      "a scalar": { shape: [], data: new Uint8Array(1) },
      "an empty tensor": { shape: [3, 0, 2], data: new Uint8Array(0) },
      "16 dimensions": { shape: Array<number>(16).fill(1), data: new Uint8Array(1) },
      "a name of 256 bytes": { name: "é".repeat(128) },
      "BYTES with lengths": { datatype: "BYTES", shape: [2], data: Uint8Array.of(1, 0, 0, 0, 65, 0, 0, 0, 0) },
      "no BYTES": { datatype: "BYTES", shape: [0], data: new Uint8Array(0) },
    };
    for (const [name, change] of Object.entries(accepted)) {
      it(`accepts ${name}`, () => {
        expect(codeOf(() => checkTensors([tensor(change)]))).to.equal("none");
      });
    }

    const refused: Readonly<Record<string, Partial<Tensor>>> = {
      "an empty name": { name: "" },
      "a name of 257 bytes": { name: `${"é".repeat(128)}a` },
      "a lone surrogate in a name": { name: "\uD800" },
      "an unknown datatype": { datatype: "BF16" as Datatype },
      "a datatype out of the prototype": { datatype: "constructor" as Datatype },
      "17 dimensions": { shape: Array<number>(17).fill(1), data: new Uint8Array(1) },
      "a negative dimension": { shape: [-2] },
      "two negative dimensions": { shape: [-1, -2] },
      "a fractional dimension": { shape: [0.5, 4] },
      "a dimension that is no number": { shape: [Number.NaN] },
      "an infinite dimension": { shape: [Number.POSITIVE_INFINITY, 0], data: new Uint8Array(0) },
      "dimensions beyond 2^53": { shape: [2 ** 30, 2 ** 30] },
      "BYTES without a length": { datatype: "BYTES", shape: [1], data: Uint8Array.of(1, 0, 0) },
      "BYTES with too long a length": { datatype: "BYTES", shape: [1], data: Uint8Array.of(2, 0, 0, 0, 65) },
      "BYTES with a rest": { datatype: "BYTES", shape: [1], data: Uint8Array.of(1, 0, 0, 0, 65, 66) },
      "fewer BYTES than the shape says": { datatype: "BYTES", shape: [2], data: Uint8Array.of(1, 0, 0, 0, 65) },
    };
    for (const [name, change] of Object.entries(refused)) {
      it(`refuses ${name}`, () => {
        expect(codeOf(() => checkTensors([tensor(change)]))).to.equal("INPUT_INVALID");
      });
    }

    it("allows 64 tensors and no more", () => {
      const many = Array.from({ length: MAX_TENSORS }, (_, index) => tensor({ name: `t${index}` }));
      expect(codeOf(() => checkTensors(many))).to.equal("none");
      expect(codeOf(() => checkTensors([...many, tensor()]))).to.equal("INPUT_INVALID");
    });

    it("throws the caller's error where it gives one", () => {
      const fail = (message: string): Error => new ReceiptError("RECEIPT_MALFORMED", message);
      expect(codeOf(() => checkTensors([tensor({ name: "" })], fail))).to.equal("RECEIPT_MALFORMED");
    });
  });

  describe("isDatatype", () => {
    it("knows the names of Open Inference Protocol v2 only", () => {
      expect([...WIDTHS.map(([name]) => name), "BYTES"].every(isDatatype)).to.equal(true);
      expect(["fp32", "BF16", "", "toString", 1, null, undefined].some(isDatatype)).to.equal(false);
    });
  });

  describe("float32Tensor and float32Values", () => {
    it("are little-endian and bring every bit back, also out of a view at an odd offset", () => {
      const values = Float32Array.of(1.5, -0, Number.POSITIVE_INFINITY, 1.401298464324817e-45);
      const made = float32Tensor("x", [2, 2], values);
      expect(toHex(made.data)).to.equal("0x0000c03f000000800000807f01000000");
      const shifted = new Uint8Array(17);
      shifted.set(made.data, 1);
      expect(float32Values({ ...made, data: shifted.subarray(1) })).to.deep.equal(values);
    });

    it("refuse a shape that does not hold the values, and other datatypes", () => {
      expect(codeOf(() => float32Tensor("x", [3], new Float32Array(2)))).to.equal("INPUT_INVALID");
      expect(codeOf(() => float32Values(tensor()))).to.equal("INPUT_INVALID");
      expect(codeOf(() => float32Values(tensor({ datatype: "FP32", data: utf8("abc") })))).to.equal("INPUT_INVALID");
    });
  });
});
