import { expect } from "chai";
import { float32Tensor } from "../../../offchain/encoding/tensor.ts";
import type { Tensor } from "../../../offchain/encoding/tensor.ts";
import { checkInputs } from "../../../offchain/model/inputs.ts";
import type { ModelManifest } from "../../../offchain/model/manifest.ts";
import { codeOf } from "../../support/errors.ts";
import { tinyFiles, tinyManifest } from "../../support/models.ts";

const TINY = tinyManifest(tinyFiles());
const MANIFEST: ModelManifest = {
  ...TINY,
  inputs: [...TINY.inputs, { name: "mask", datatype: "BOOL", shape: [-1] }],
};
const X = float32Tensor("x", [2, 2], Float32Array.of(1, 2, 3, 4));
const MASK: Tensor = { name: "mask", datatype: "BOOL", shape: [2], data: Uint8Array.of(0, 1) };
const x = (rows: number, columns = 2): Tensor => float32Tensor("x", [rows, columns], new Float32Array(rows * columns));
const mask = (...data: readonly number[]): Tensor => ({ ...MASK, shape: [data.length], data: Uint8Array.from(data) });

const REFUSED: Readonly<Record<string, readonly Tensor[]>> = {
  "no inputs": [],
  "a missing input": [X],
  "an input twice": [X, X],
  "an input too many": [X, MASK, { ...MASK, name: "other" }],
  "another name": [{ ...X, name: "X" }, MASK],
  "another datatype": [{ ...X, datatype: "INT32" }, MASK],
  "another dimension": [x(2, 3), MASK],
  "another rank": [{ ...X, shape: [2, 2, 1] }, MASK],
  "data that is too short": [{ ...X, data: X.data.subarray(4) }, MASK],
  "batches that differ": [X, mask(1, 1, 1)],
  "a batch of zero": [x(0), mask()],
  "a batch over the limit": [x(5), mask(0, 0, 0, 0, 0)],
  "more bytes than the limit": [x(8), mask(0, 0, 0, 0, 0, 0, 0, 0)],
  "a BOOL that is neither 0 nor 1": [X, mask(0, 2)],
};

describe("model/inputs", () => {
  describe("checkInputs", () => {
    it("returns the batch, in whatever order the inputs come", () => {
      expect(checkInputs(MANIFEST, [X, MASK])).to.equal(2);
      expect(checkInputs(MANIFEST, [MASK, X])).to.equal(2);
    });

    it("returns 1 where no input has a batch", () => {
      const fixed: ModelManifest = { ...MANIFEST, inputs: [{ name: "x", datatype: "FP32", shape: [2, 2] }] };
      expect(checkInputs(fixed, [X])).to.equal(1);
    });

    for (const [what, inputs] of Object.entries(REFUSED)) {
      it(`refuses ${what}`, () => {
        expect(codeOf(() => checkInputs(MANIFEST, inputs))).to.equal("INPUT_INVALID");
      });
    }
  });
});
