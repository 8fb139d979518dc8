import { expect } from "chai";
import { concat } from "../../../offchain/encoding/bytes.ts";
import { float32Tensor, float32Values } from "../../../offchain/encoding/tensor.ts";
import { digitTensor, encodeDigits, likeliestDigits, parseDigits } from "../../../offchain/model/digits.ts";
import type { Digit } from "../../../offchain/model/digits.ts";
import { codeOf } from "../../support/errors.ts";

const PIXELS = Uint8Array.from({ length: 784 }, (_, index) => index % 256);
const DIGITS: readonly Digit[] = [
  { label: 7, pixels: PIXELS },
  { label: 0, pixels: PIXELS.toReversed() },
];

describe("model/digits", () => {
  describe("parseDigits", () => {
    const bytes = encodeDigits(DIGITS);

    it("reads what encodeDigits wrote", () => {
      expect(bytes.length).to.equal(9 + 2 * 785);
      expect(parseDigits(bytes)).to.deep.equal(DIGITS);
      expect(parseDigits(encodeDigits([]))).to.deep.equal([]);
    });

    const refused: Readonly<Record<string, Uint8Array>> = {
      "no bytes": new Uint8Array(),
      "another magic": bytes.with(0, 0),
      "another version": bytes.with(4, 2),
      "a count that is too small": bytes.with(8, 1),
      "a count that is too large": bytes.with(5, 0xff),
      "a cut end": bytes.subarray(0, -1),
      "a rest": concat(bytes, Uint8Array.of(0)),
      "a label over 9": bytes.with(9, 10),
    };
    for (const [what, wrong] of Object.entries(refused)) {
      it(`refuses ${what}`, () => {
        expect(codeOf(() => parseDigits(wrong))).to.equal("INPUT_INVALID");
      });
    }
  });

  describe("encodeDigits", () => {
    it("refuses a label that is no digit and an image of another size", () => {
      for (const wrong of [{ label: 10 }, { label: -1 }, { label: 1.5 }, { pixels: new Uint8Array(783) }])
        expect(codeOf(() => encodeDigits([{ label: 1, pixels: PIXELS, ...wrong }]))).to.equal("INPUT_INVALID");
    });
  });

  describe("digitTensor", () => {
    it("scales bytes to 0..1 and puts the images one after another", () => {
      const tensor = digitTensor(DIGITS.map((digit) => digit.pixels));
      expect(tensor.shape).to.deep.equal([2, 1, 28, 28]);
      const values = float32Values(tensor);
      expect([values[0], values[255], values[783], values[784]]).to.deep.equal([
        0,
        1,
        Math.fround(15 / 255),
        values[783],
      ]);
    });

    it("refuses an image of another size", () => {
      expect(codeOf(() => digitTensor([new Uint8Array(783)]))).to.equal("INPUT_INVALID");
    });
  });

  describe("likeliestDigits", () => {
    it("names the largest score of each row", () => {
      const scores = new Float32Array(20).fill(-3);
      scores[4] = 1;
      scores[19] = 0.5;
      expect(likeliestDigits(float32Tensor("logits", [2, 10], scores))).to.deep.equal([4, 9]);
    });

    it("refuses scores of another shape or datatype", () => {
      const wrong = [
        float32Tensor("logits", [2, 5], new Float32Array(10)),
        float32Tensor("x", [10], new Float32Array(10)),
      ];
      for (const tensor of wrong) expect(codeOf(() => likeliestDigits(tensor))).to.equal("INPUT_INVALID");
      const bytes = { name: "logits", datatype: "UINT8", shape: [1, 10], data: new Uint8Array(10) } as const;
      expect(codeOf(() => likeliestDigits(bytes))).to.equal("INPUT_INVALID");
    });
  });
});
