import { expect } from "chai";
import * as fc from "fast-check";
import { canonicalJson, prettyJson } from "../../../offchain/encoding/json.ts";
import type { Json } from "../../../offchain/encoding/json.ts";

describe("encoding/json", () => {
  describe("canonicalJson", () => {
    it("writes the example of RFC 8785 section 3.2.3", () => {
      const value: Json = {
        "\u20ac": "Euro Sign",
        "\r": "Carriage Return",
        "\ufb33": "Hebrew Letter Dalet With Dagesh",
        "1": "One",
        "\ud83d\ude00": "Emoji: Grinning Face",
        "\u0080": "Control",
        "\u00f6": "Latin Small Letter O With Diaeresis",
      };
      const names = [...canonicalJson(value).matchAll(/:"([^"]*)"/g)].map((match) => match[1]);
      expect(names).to.deep.equal([
        "Carriage Return",
        "One",
        "Control",
        "Latin Small Letter O With Diaeresis",
        "Euro Sign",
        "Emoji: Grinning Face",
        "Hebrew Letter Dalet With Dagesh",
      ]);
    });

    it("writes the literals and strings of RFC 8785 section 3.2.2", () => {
      const value: Json = {
        numbers: [JSON.parse("333333333.33333329") as number, 1e30, 4.5, 2e-3, 0.000000000000000000000000001, -0],
        string: "\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\"/",
        literals: [null, true, false],
      };
      expect(canonicalJson(value)).to.equal(
        '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27,0],' +
          '"string":"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
      );
    });

    it("does not depend on the order of members, and says the same thing", () => {
      fc.assert(
        fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
          const reversed = Object.fromEntries(Object.entries(value).reverse());
          const text = canonicalJson(value);
          expect(canonicalJson(reversed)).to.equal(text);
          expect(JSON.parse(text)).to.deep.equal(JSON.parse(JSON.stringify(value)));
          expect(canonicalJson(JSON.parse(text) as Json)).to.equal(text);
        }),
      );
    });

    it("writes bigint as a decimal string and leaves undefined members out", () => {
      expect(canonicalJson({ b: 2n ** 64n, a: undefined, c: [1n] })).to.equal('{"b":"18446744073709551616","c":["1"]}');
    });

    const wrong: Readonly<Record<string, unknown>> = {
      NaN: Number.NaN,
      infinity: [Number.POSITIVE_INFINITY],
      "a lone surrogate": "\ud800",
      "a lone surrogate in a name": { "\udc00": 1 },
      undefined: undefined,
      "undefined in a list": [undefined],
      "a function": { a: () => 1 },
    };
    for (const [name, value] of Object.entries(wrong)) {
      it(`refuses ${name}`, () => {
        expect(() => canonicalJson(value as Json)).to.throw(RangeError);
      });
    }
  });

  describe("prettyJson", () => {
    it("writes bigint as a decimal string, at any depth", () => {
      expect(prettyJson({ a: [1n, { b: 2n }] })).to.equal(
        '{\n  "a": [\n    "1",\n    {\n      "b": "2"\n    }\n  ]\n}',
      );
    });
  });
});
