import { expect } from "chai";
import * as fc from "fast-check";
import { parseBase64, parseBase64Url, parseUnpaddedBase64, toBase64 } from "../../../offchain/encoding/base64.ts";

const ONE = Uint8Array.of(0xfb);

describe("encoding/base64", () => {
  it("agrees with Buffer and brings any bytes back", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const text = toBase64(bytes);
        expect(text).to.equal(Buffer.from(bytes).toString("base64"));
        expect(parseBase64(text)).to.deep.equal(bytes);
        expect(parseUnpaddedBase64(text.replace(/=+$/, ""))).to.deep.equal(bytes);
        expect(parseBase64Url(Buffer.from(bytes).toString("base64url"))).to.deep.equal(bytes);
      }),
    );
  });

  describe("parseBase64", () => {
    for (const text of [
      "+w",
      "+w=",
      "+w===",
      "+x==",
      "+w ==",
      " +w==",
      "+w==\n",
      "-w==",
      "+w==+w==",
      "A",
      "é",
      "====",
    ]) {
      it(`refuses ${JSON.stringify(text)}`, () => {
        expect(parseBase64(text)).to.equal(undefined);
      });
    }
    it("reads its canonical form", () => {
      expect(parseBase64("+w==")).to.deep.equal(ONE);
    });
  });

  describe("parseUnpaddedBase64", () => {
    for (const text of ["+x", "A", "+w===", "-w", "+w =", "===="]) {
      it(`refuses ${JSON.stringify(text)}`, () => {
        expect(parseUnpaddedBase64(text)).to.equal(undefined);
      });
    }
    it("reads it with and without padding", () => {
      for (const text of ["+w==", "+w=", "+w"]) expect(parseUnpaddedBase64(text)).to.deep.equal(ONE);
    });
  });

  describe("parseBase64Url", () => {
    for (const text of ["-w==", "-w=", "+w", "-x", "A", "-w\n", " -w"]) {
      it(`refuses ${JSON.stringify(text)}`, () => {
        expect(parseBase64Url(text)).to.equal(undefined);
      });
    }
    it("reads its canonical form", () => {
      expect(parseBase64Url("-w")).to.deep.equal(ONE);
    });
  });
});
