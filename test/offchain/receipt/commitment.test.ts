import { expect } from "chai";
import { createHash } from "node:crypto";
import { toHex } from "../../../offchain/encoding/bytes.ts";
import { canonicalTensors, float32Tensor } from "../../../offchain/encoding/tensor.ts";
import { commitTensors } from "../../../offchain/receipt/commitment.ts";
import { codeOf } from "../../support/errors.ts";

const SALT = new Uint8Array(32).fill(9);
const A = float32Tensor("a", [2], Float32Array.of(1, 2));
const B = float32Tensor("b", [1], Float32Array.of(3));

describe("receipt/commitment", () => {
  describe("commitTensors", () => {
    it("is SHA-256 over the salt and the canonical tensors", () => {
      const oracle = createHash("sha256")
        .update(SALT)
        .update(canonicalTensors([A, B]))
        .digest();
      expect(commitTensors(SALT, [A, B])).to.equal(toHex(oracle));
    });

    it("has the golden value", () => {
      expect(commitTensors(SALT, [A])).to.equal("0x6fb246e816c421b0040ce7017ff304a69a27c671874b44b268f02dee2fab9eac");
    });

    it("does not depend on the order of the tensors", () => {
      expect(commitTensors(SALT, [B, A])).to.equal(commitTensors(SALT, [A, B]));
    });

    it("depends on salt, name, shape, datatype and data", () => {
      const others = [
        commitTensors(new Uint8Array(32), [A]),
        commitTensors(SALT, [{ ...A, name: "b" }]),
        commitTensors(SALT, [{ ...A, shape: [2, 1] }]),
        commitTensors(SALT, [{ ...A, datatype: "INT32" }]),
        commitTensors(SALT, [float32Tensor("a", [2], Float32Array.of(1, 3))]),
        commitTensors(SALT, []),
      ];
      expect(new Set([...others, commitTensors(SALT, [A])]).size).to.equal(7);
    });

    it("refuses a salt of another length and bad tensors", () => {
      expect(codeOf(() => commitTensors(new Uint8Array(31), [A]))).to.equal("RECEIPT_MALFORMED");
      expect(codeOf(() => commitTensors(SALT, [A, A]))).to.equal("INPUT_INVALID");
    });
  });
});
