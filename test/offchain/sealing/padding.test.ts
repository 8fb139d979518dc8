import { expect } from "chai";
import * as fc from "fast-check";
import { concat, uintBytes } from "../../../offchain/encoding/bytes.ts";
import { bucketOf, MAX_CONTENT_LENGTH, pad, padme, unpad } from "../../../offchain/sealing/padding.ts";
import { codeOf } from "../../support/errors.ts";

const KIB = 1024;

describe("sealing/padding", () => {
  describe("padme", () => {
    it("has the known values", () => {
      const known: readonly (readonly [number, number])[] = [
        [1, 1],
        [2, 2],
        [9, 10],
        [65, 72],
        [100, 104],
        [129, 144],
        [1500, 1536],
        [602_231, 606_208],
        [1_048_576, 1_048_576],
        [1_048_577, 1_081_344],
      ];
      for (const [length, padded] of known) expect(padme(length)).to.equal(padded);
    });

    it("adds at most 12 % and never shortens", () => {
      fc.assert(
        fc.property(fc.integer({ min: 1, max: 2 ** 26 }), (length) => {
          const padded = padme(length);
          expect(padded).to.be.within(length, Math.floor(length * 1.12));
          expect(padme(padded)).to.equal(padded);
        }),
      );
    });

    it("shows 300 sizes up to 1 MiB", () => {
      const sizes = new Set(Array.from({ length: 2 ** 20 }, (_, index) => padme(index + 1)));
      expect(sizes.size).to.equal(300);
    });
  });

  describe("bucketOf", () => {
    it("is a power of two from 1 KiB to 64 KiB, Padmé above, with the length inside", () => {
      const known: readonly (readonly [number, number])[] = [
        [0, KIB],
        [KIB - 4, KIB],
        [KIB - 3, 2 * KIB],
        [2 * KIB - 4, 2 * KIB],
        [32 * KIB - 3, 64 * KIB],
        [64 * KIB - 4, 64 * KIB],
        [64 * KIB - 3, 67_584],
        [602_231 - 4, 606_208],
      ];
      for (const [content, bucket] of known) expect(bucketOf(content)).to.equal(bucket);
    });

    it("grows with the content", () => {
      fc.assert(
        fc.property(fc.nat(MAX_CONTENT_LENGTH - 1), (length) => {
          expect(bucketOf(length)).to.be.within(length + 4, bucketOf(length + 1));
        }),
      );
    });
  });

  describe("pad and unpad", () => {
    it("bring any content back", () => {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 3000 }), (content) => {
          const padded = pad(content);
          expect(padded.length).to.equal(bucketOf(content.length));
          expect(unpad(padded)).to.deep.equal(content);
        }),
      );
    });

    it("refuse a content over the limit", () => {
      expect(codeOf(() => pad(new Uint8Array(MAX_CONTENT_LENGTH + 1)))).to.equal("SEAL_INVALID");
    });

    const padded = pad(Uint8Array.of(1, 2, 3));
    const wrong: Readonly<Record<string, Uint8Array>> = {
      nothing: new Uint8Array(0),
      "a cut length": new Uint8Array(3),
      "a length beyond the end": concat(uintBytes(1021, 4), new Uint8Array(1020)),
      "a bucket that is too small": concat(uintBytes(3, 4), new Uint8Array(508)),
      "a bucket that is too large": concat(padded, new Uint8Array(1024)),
      "a bucket that is not rounded": concat(padded, new Uint8Array(1)),
      "a last byte that is not zero": concat(padded.subarray(0, 1023), Uint8Array.of(1)),
      "a first byte of padding that is not zero": Uint8Array.from(padded, (byte, at) => (at === 7 ? 0x80 : byte)),
    };
    for (const [name, bytes] of Object.entries(wrong)) {
      it(`refuse ${name}`, () => {
        expect(codeOf(() => unpad(bytes))).to.equal("SEAL_INVALID");
      });
    }
  });
});
