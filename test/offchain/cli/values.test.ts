import { expect } from "chai";
import { classesOf } from "../../../offchain/cli/answer.ts";
import { formatAmount, parseAmount } from "../../../offchain/cli/amount.ts";
import { timeArgument } from "../../../offchain/cli/arguments.ts";
import { failureOf } from "../../../offchain/cli/failure.ts";
import { decodeBytes } from "../../../offchain/cli/files.ts";
import { platformName, selectNode, tcbName } from "../../../offchain/cli/node-select.ts";
import { parseInputs, tensorToJson } from "../../../offchain/cli/tensor-json.ts";
import { toHex, utf8, type Hex } from "../../../offchain/encoding/bytes.ts";
import { float32Tensor, type Datatype } from "../../../offchain/encoding/tensor.ts";
import {
  ChainError,
  ConfigError,
  EndorsementError,
  EvidenceError,
  ModelError,
  ReceiptError,
  SealError,
  ServiceError,
  StoreError,
} from "../../../offchain/errors.ts";
import { codeOf } from "../../support/errors.ts";

describe("values of the command line", () => {
  describe("parseAmount", () => {
    const exact: readonly (readonly [string, number, bigint])[] = [
      ["1.5", 18, 1_500_000_000_000_000_000n],
      ["0.000000000000000001", 18, 1n],
      ["1.50", 1, 15n],
      ["007", 0, 7n],
      ["123456789012345678901234567890.1", 18, 123_456_789_012_345_678_901_234_567_890_100_000_000_000_000_000n],
      ["0", 6, 0n],
    ];
    for (const [text, decimals, units] of exact) {
      it(`reads ${text} with ${decimals} decimals exactly`, () => {
        expect(parseAmount(text, decimals)).to.equal(units);
      });
    }

    for (const text of ["", "-1", "+1", "1e3", "1,5", ".5", "1.", "0x10", " 1", "1.0000001", "Infinity"]) {
      it(`refuses ${JSON.stringify(text)} with 6 decimals`, () => {
        expect(codeOf(() => parseAmount(text, 6))).to.equal("CONFIG_INVALID");
      });
    }

    it("is undone by formatAmount", () => {
      for (const text of ["0", "1", "1.5", "0.000001", "1000000", "12.3456"]) {
        expect(formatAmount(parseAmount(text, 6), 6)).to.equal(text);
      }
      expect(formatAmount(7n, 0)).to.equal("7");
    });
  });

  describe("timeArgument", () => {
    it("reads ISO 8601 with a zone", () => {
      expect(timeArgument("2026-02-11T09:25:52Z")).to.equal(Date.UTC(2026, 1, 11, 9, 25, 52));
      expect(timeArgument("2026-02-11T09:25:52.500+01:00")).to.equal(Date.UTC(2026, 1, 11, 8, 25, 52, 500));
    });

    for (const text of ["2026-02-11", "2026-02-11T09:25:52", "11 Feb 2026", "2026-13-11T00:00Z", "1739265952"]) {
      it(`refuses ${text}`, () => {
        expect(() => timeArgument(text))
          .to.throw()
          .with.property("code", "commander.invalidArgument");
      });
    }
  });

  describe("decodeBytes", () => {
    it("leaves what is neither hex nor base64 as it is", () => {
      const raw = Uint8Array.of(3, 0, 2, 0, 255, 10);
      expect(decodeBytes(raw)).to.deep.equal(raw);
    });

    it("reads hex before base64", () => {
      expect(decodeBytes(utf8("00ff\n"))).to.deep.equal(Uint8Array.of(0, 255));
      expect(decodeBytes(utf8("AP8="))).to.deep.equal(Uint8Array.of(0, 255));
    });
  });

  describe("selectNode", () => {
    const id = (start: string): Hex => `0x${start.padEnd(64, "0")}`;
    const nodes = ["aabb01", "aabb02", "cc"].map((start) => ({ nodeId: id(start) }));
    const named: readonly (readonly [string, number])[] = [
      ["1", 0],
      ["3", 2],
      ["0xaabb01", 0],
      ["0xAABB02", 1],
      [id("cc"), 2],
    ];
    for (const [name, index] of named) {
      it(`finds ${name}`, () => {
        expect(selectNode(nodes, name)).to.equal(nodes[index]);
      });
    }

    for (const name of ["0", "4", "0xaabb", "0xcc", "0xdd0000", "aabb01", "", "-1", "1.5"]) {
      it(`refuses ${JSON.stringify(name)}`, () => {
        expect(codeOf(() => selectNode(nodes, name))).to.equal("CONFIG_INVALID");
      });
    }
  });

  describe("names of the registry's numbers", () => {
    it("marks simulated platforms", () => {
      expect([1, 2, 0x82, 0].map(platformName)).to.deep.equal([
        "intel-sgx",
        "intel-tdx",
        "SIMULATED intel-tdx",
        "not attested",
      ]);
    });

    it("names TCB statuses", () => {
      expect([0, 1, 5, 7].map(tcbName)).to.deep.equal(["none", "UpToDate", "OutOfDate", "Revoked"]);
    });
  });

  describe("inference requests", () => {
    const request = (datatype: string, shape: unknown, data: unknown): unknown => ({
      inputs: [{ name: "x", datatype, shape, data }],
    });
    const written: readonly (readonly [Datatype, readonly unknown[], Hex])[] = [
      ["BOOL", [true, false], "0x0100"],
      ["UINT8", [0, 255], "0x00ff"],
      ["INT8", [-128, 127], "0x807f"],
      ["UINT16", [1, 65_535], "0x0100ffff"],
      ["INT16", [-2, 1], "0xfeff0100"],
      ["UINT32", [1, 4_294_967_295], "0x01000000ffffffff"],
      ["INT32", [-1, 1], "0xffffffff01000000"],
      ["UINT64", ["18446744073709551615", 1], "0xffffffffffffffff0100000000000000"],
      ["INT64", ["-9223372036854775808", -1], "0x0000000000000080ffffffffffffffff"],
      ["FP32", [1, -0.5], "0x0000803f000000bf"],
      ["FP64", [1, -0.5], "0x000000000000f03f000000000000e0bf"],
    ];
    for (const [datatype, data, bytes] of written) {
      it(`reads and writes ${datatype}`, () => {
        const [tensor] = parseInputs(request(datatype, [2], data));
        expect(toHex(tensor?.data ?? new Uint8Array(0))).to.equal(bytes);
        const again = tensor && tensorToJson(tensor);
        expect(again?.data.map(String)).to.deep.equal(data.map(String));
      });
    }

    it("takes nested lists row by row", () => {
      const [tensor] = parseInputs(
        request(
          "UINT8",
          [2, 2],
          [
            [1, 2],
            [3, 4],
          ],
        ),
      );
      expect(tensor?.data).to.deep.equal(Uint8Array.of(1, 2, 3, 4));
    });

    const refused: Readonly<Record<string, unknown>> = {
      "no inputs": { inputs: [] },
      "no object": [],
      "too few elements": request("UINT8", [3], [1, 2]),
      "an element out of range": request("UINT8", [1], [256]),
      "a fraction for a whole number": request("INT32", [1], [1.5]),
      "a text for a number": request("FP32", [1], ["1"]),
      "a number for a truth value": request("BOOL", [1], [1]),
      "a number that JSON cannot hold": request("UINT64", [1], [2 ** 60]),
      "a type without a plain form": request("FP16", [1], [1]),
      "an unknown type": request("FP128", [1], [1]),
      "a negative dimension": request("UINT8", [-1], [1]),
    };
    for (const [what, json] of Object.entries(refused)) {
      it(`refuses ${what}`, () => {
        expect(codeOf(() => parseInputs(json))).to.equal("INPUT_INVALID");
      });
    }
  });

  describe("classesOf", () => {
    it("names the likeliest label of each item", () => {
      const scores = float32Tensor("logits", [2, 3], Float32Array.of(0, 100, 0, 5, 5, 6));
      const [first, second] = classesOf([scores], ["a", "b", "c"]);
      expect([first?.label, second?.label]).to.deep.equal(["b", "c"]);
      expect((first?.share ?? 0) > 0.999_999).to.equal(true);
    });

    it("says nothing of outputs that have no score for each label", () => {
      expect(classesOf([float32Tensor("y", [1, 2], Float32Array.of(1, 2))], ["a", "b", "c"])).to.deep.equal([]);
    });
  });

  describe("failureOf", () => {
    const exits: readonly (readonly [Error, number])[] = [
      [new ConfigError("CONFIG_MISSING", "-"), 2],
      [new ConfigError("CONFIG_INVALID", "-"), 2],
      [new ModelError("INPUT_INVALID", "-"), 2],
      [new ModelError("MODEL_MALFORMED", "-"), 2],
      [new ModelError("MODEL_MISMATCH", "-"), 1],
      [new EvidenceError("CHAIN_UNTRUSTED", "-"), 1],
      [new EvidenceError("EVIDENCE_MALFORMED", "-"), 1],
      [new ReceiptError("SIGNATURE_INVALID", "-"), 1],
      [new SealError("SEAL_INVALID", "-"), 1],
      [new EndorsementError("ENDORSEMENT_INVALID", "-"), 1],
      [new EndorsementError("ENDORSEMENT_UNAVAILABLE", "-"), 3],
      [new ChainError("RPC_UNAVAILABLE", "-"), 3],
      [new ChainError("TX_REVERTED", "-"), 1],
      [new ServiceError("SERVICE_UNAVAILABLE", "-"), 3],
      [new ServiceError("SERVICE_BUSY", "-"), 3],
      [new ServiceError("SERVICE_REFUSED", "-"), 1],
      [new ServiceError("SERVICE_ANSWER_INVALID", "-"), 1],
      [new StoreError("STORE_CONFLICT", "-"), 1],
      [new StoreError("STORE_UNAVAILABLE", "-"), 3],
      [new TypeError("a fault"), 1],
    ];
    for (const [error, exit] of exits) {
      it(`ends with ${exit} for ${"code" in error ? String(error.code) : error.name}`, () => {
        const failure = failureOf(error);
        expect(failure.exit).to.equal(exit);
        expect(failure.next).to.not.equal("");
      });
    }

    it("keeps the next step that the error knows", () => {
      expect(failureOf(new ConfigError("CONFIG_MISSING", "-", { next: "Do this." })).next).to.equal("Do this.");
    });
  });
});
