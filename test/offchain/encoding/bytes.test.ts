import { expect } from "chai";
import * as fc from "fast-check";
import {
  asciiText,
  bytesToUint,
  concat,
  equal,
  isZero,
  parseHex,
  toHex,
  uintBytes,
  utf8,
} from "../../../offchain/encoding/bytes.ts";

describe("encoding/bytes", () => {
  describe("toHex and parseHex", () => {
    it("agree with Buffer and bring any bytes back", () => {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
          const hex = toHex(bytes);
          expect(hex).to.equal(`0x${Buffer.from(bytes).toString("hex")}`);
          expect(parseHex(hex)).to.deep.equal(bytes);
          expect(parseHex(`0x${hex.slice(2).toUpperCase()}`, bytes.length)).to.deep.equal(bytes);
        }),
      );
    });

    it("write the bytes of a view, not of what lies around it", () => {
      expect(toHex(Uint8Array.of(1, 2, 3, 4).subarray(1, 3))).to.equal("0x0203");
      expect(toHex(Buffer.from("abc").subarray(1))).to.equal("0x6263");
    });

    it("read many megabytes", () => {
      expect(parseHex(`0x${"ab".repeat(4_000_000)}`)).to.have.length(4_000_000);
    });

    const wrong = ["", "0", "0x0", "0x0g", "0xg0", "00", "0X00", " 0x00", "0x00 ", "0x00\n", "x000", "0x0x", "0x००"];
    for (const text of [...wrong, null, undefined, 1, {}, ["0x00"]]) {
      it(`refuse ${JSON.stringify(text) ?? "undefined"}`, () => {
        expect(parseHex(text)).to.equal(undefined);
      });
    }

    it("refuse another length", () => {
      expect(parseHex("0x", 0)).to.deep.equal(new Uint8Array(0));
      expect(parseHex("0x00", 0)).to.equal(undefined);
      expect(parseHex("0x0000", 1)).to.equal(undefined);
      expect(parseHex("0x00", 2)).to.equal(undefined);
    });
  });

  describe("uintBytes and bytesToUint", () => {
    it("bring any number back at any width that holds it", () => {
      fc.assert(
        fc.property(fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }), fc.integer({ min: 32, max: 40 }), (value, width) => {
          expect(bytesToUint(uintBytes(value, width))).to.equal(value);
        }),
      );
      expect(uintBytes(0x0102, 4)).to.deep.equal(Uint8Array.of(0, 0, 1, 2));
      expect(uintBytes(0, 0)).to.deep.equal(new Uint8Array(0));
    });

    const wrong: readonly (readonly [bigint | number, number])[] = [
      [256, 1],
      [-1, 4],
      [2n ** 64n, 8],
      [0.5, 4],
      [Number.NaN, 4],
      [1, 0],
    ];
    for (const [value, width] of wrong) {
      it(`refuse ${value} in ${width} bytes`, () => {
        expect(() => uintBytes(value, width)).to.throw(RangeError);
      });
    }
  });

  describe("equal", () => {
    it("sees every changed byte, at any length and offset", () => {
      for (let length = 1; length <= 9; length += 1) {
        const around = new Uint8Array(length + 1);
        const bytes = around.subarray(1);
        expect(equal(bytes, new Uint8Array(length))).to.equal(true);
        for (let at = 0; at < length; at += 1) {
          expect(equal(bytes, new Uint8Array(length).fill(1, at, at + 1))).to.equal(false);
        }
      }
    });
  });

  describe("asciiText", () => {
    it("keeps every byte's place and no byte that is not ASCII looks like one", () => {
      const text = asciiText(Uint8Array.from({ length: 256 }, (_, byte) => byte));
      expect(text).to.have.length(256);
      for (let byte = 0; byte < 128; byte += 1) expect(text.charCodeAt(byte)).to.equal(byte);
      expect(text.slice(128)).to.match(/^[^\0-\x7f]{128}$/);
    });
  });

  describe("concat, equal, isZero and utf8", () => {
    it("join, compare and encode", () => {
      expect(concat()).to.deep.equal(new Uint8Array(0));
      expect(concat(Uint8Array.of(1), new Uint8Array(0), Uint8Array.of(2, 3))).to.deep.equal(Uint8Array.of(1, 2, 3));
      expect(equal(Uint8Array.of(1, 2), Uint8Array.of(1, 2))).to.equal(true);
      expect(equal(Uint8Array.of(1, 2), Uint8Array.of(1, 3))).to.equal(false);
      expect(equal(Uint8Array.of(1, 2), Uint8Array.of(1))).to.equal(false);
      expect(equal(new Uint8Array(0), new Uint8Array(0))).to.equal(true);
      expect(isZero(new Uint8Array(3))).to.equal(true);
      expect(isZero(Uint8Array.of(0, 1))).to.equal(false);
      expect(utf8("é")).to.deep.equal(Uint8Array.of(0xc3, 0xa9));
    });
  });
});
