import { expect } from "chai";
import { TypedDataEncoder } from "ethers";
import * as fc from "fast-check";
import { structType, typedDataDigest } from "../../../offchain/crypto/eip712.ts";
import type { Domain } from "../../../offchain/crypto/eip712.ts";
import { toHex } from "../../../offchain/encoding/bytes.ts";

const DOMAIN: Domain = { name: "Cloister", chainId: 1n, verifyingContract: new Uint8Array(20).fill(1) };
const SAMPLE = structType<"owner" | "id" | "small" | "large">(
  "Sample(address owner,bytes32 id,uint8 small,uint256 large)",
);
const VALUE = { owner: new Uint8Array(20), id: new Uint8Array(32), small: 1, large: 2n };

describe("crypto/eip712", () => {
  describe("typedDataDigest", () => {
    it("agrees with ethers for any domain and any value", () => {
      const word = fc.uint8Array({ minLength: 32, maxLength: 32 });
      const address = fc.uint8Array({ minLength: 20, maxLength: 20 });
      const domains = fc.record({
        name: fc.string(),
        chainId: fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }),
        verifyingContract: address,
      });
      const values = fc.record({
        owner: address,
        id: word,
        small: fc.nat(255),
        large: fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }),
      });
      const types = {
        Sample: [
          { name: "owner", type: "address" },
          { name: "id", type: "bytes32" },
          { name: "small", type: "uint8" },
          { name: "large", type: "uint256" },
        ],
      };
      fc.assert(
        fc.property(domains, values, (domain, value) => {
          const oracle = TypedDataEncoder.hash(
            { ...domain, version: "1", verifyingContract: toHex(domain.verifyingContract) },
            types,
            { ...value, owner: toHex(value.owner) },
          );
          expect(toHex(typedDataDigest(domain, SAMPLE, value))).to.equal(oracle);
        }),
        { numRuns: 50 },
      );
    });

    it("does not mistake one domain for another of the same name, nor a changed array for the old one", () => {
      const contract = new Uint8Array(20).fill(7);
      const digest = (domain: Domain): string => toHex(typedDataDigest(domain, SAMPLE, VALUE));
      const first = digest({ ...DOMAIN, verifyingContract: contract });
      expect(digest({ ...DOMAIN, chainId: 2n, verifyingContract: contract })).to.not.equal(first);
      contract[0] = 8;
      expect(digest({ ...DOMAIN, verifyingContract: contract })).to.not.equal(first);
      contract[0] = 7;
      expect(digest({ ...DOMAIN, verifyingContract: contract })).to.equal(first);
    });

    it("refuses values that do not fit their type", () => {
      const wrong: readonly Partial<Record<keyof typeof VALUE, Uint8Array | bigint | number>>[] = [
        { owner: new Uint8Array(32) },
        { owner: 1 },
        { id: new Uint8Array(31) },
        { id: 0n },
        { small: 256 },
        { small: -1 },
        { small: 1.5 },
        { small: new Uint8Array(1) },
        { large: 2n ** 256n },
      ];
      for (const change of wrong)
        expect(() => typedDataDigest(DOMAIN, SAMPLE, { ...VALUE, ...change })).to.throw(RangeError);
      const short = { ...DOMAIN, verifyingContract: new Uint8Array(19) };
      expect(() => typedDataDigest(short, SAMPLE, VALUE)).to.throw(RangeError);
      expect(() => typedDataDigest({ ...DOMAIN, chainId: 2n ** 256n }, SAMPLE, VALUE)).to.throw(RangeError);
    });
  });

  describe("structType", () => {
    it("reads name, members and types in order", () => {
      expect(SAMPLE.name).to.equal("Sample");
      expect(SAMPLE.members.map(({ type, name }) => `${type} ${name}`)).to.deep.equal([
        "address owner",
        "bytes32 id",
        "uint8 small",
        "uint256 large",
      ]);
    });

    const wrong = [
      "",
      "Sample",
      "Sample()",
      "Sample(uint8)",
      "Sample(uint8 a, uint8 b)",
      "Sample(uint8 a)Other(uint8 b)",
    ];
    const types = ["uint", "uint0", "uint7", "uint264", "uint512", "int8", "bool", "string", "bytes4", "Other"];
    for (const text of [...wrong, ...types.map((type) => `Sample(${type} a)`)]) {
      it(`refuses ${JSON.stringify(text)}`, () => {
        expect(() => structType(text)).to.throw(RangeError);
      });
    }
  });
});
