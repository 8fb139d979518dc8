import { expect } from "chai";
import { utf8 } from "../../../offchain/encoding/bytes.ts";
import { bytesField, hexField, integerField, isObject, listField } from "../../../offchain/encoding/members.ts";
import { parseJson, parseMembers, textField, uintField, writeMembers } from "../../../offchain/encoding/members.ts";
import { ReceiptError } from "../../../offchain/errors.ts";
import { codeOf } from "../../support/errors.ts";

const fail = (message: string): Error => new ReceiptError("RECEIPT_MALFORMED", message);
const FIELDS = { id: hexField(2), amount: uintField(128), epoch: integerField(10) };
const JSON_VALUE = { id: "0xABcd", amount: "12", epoch: 3 };

describe("encoding/members", () => {
  describe("parseMembers", () => {
    it("gives exactly the members of the table", () => {
      expect(parseMembers(JSON_VALUE, FIELDS, "thing", fail)).to.deep.equal({ id: "0xabcd", amount: 12n, epoch: 3 });
    });

    const wrong: Readonly<Record<string, unknown>> = {
      "a missing member": { id: "0xabcd", amount: "12" },
      "an undefined member": { ...JSON_VALUE, epoch: undefined },
      "a null member": { ...JSON_VALUE, epoch: null },
      "an unknown member": { ...JSON_VALUE, other: 1 },
      "a member that only the prototype has": Object.assign(Object.create({ epoch: 3 }), {
        id: "0xabcd",
        amount: "12",
      }),
      "an own member called __proto__": JSON.parse('{"id":"0xabcd","amount":"12","epoch":3,"__proto__":{}}'),
      "a list": [JSON_VALUE],
      null: null,
    };
    for (const [name, value] of Object.entries(wrong)) {
      it(`refuses ${name}`, () => {
        expect(codeOf(() => parseMembers(value, FIELDS, "thing", fail))).to.equal("RECEIPT_MALFORMED");
      });
    }
  });

  describe("writeMembers", () => {
    it("writes what parseMembers reads, and nothing else", () => {
      const value = { id: "0xabcd", amount: 12n, epoch: 3, other: "secret" } as const;
      const json = writeMembers<keyof typeof FIELDS>(value, FIELDS);
      expect(json).to.deep.equal({ id: "0xabcd", amount: "12", epoch: 3 });
      const { other: _other, ...rest } = value;
      expect(parseMembers(json, FIELDS, "thing", fail)).to.deep.equal(rest);
    });
  });

  describe("parseJson", () => {
    it("reads JSON and refuses other text, broken UTF-8 and a byte order mark", () => {
      expect(parseJson(utf8('{"a":"é"}'), "text", fail)).to.deep.equal({ a: "é" });
      const wrong = [utf8(""), utf8("{"), utf8("{}{}"), utf8("\uFEFF{}"), Uint8Array.of(0x22, 0xff, 0x22)];
      for (const bytes of wrong) expect(codeOf(() => parseJson(bytes, "text", fail))).to.equal("RECEIPT_MALFORMED");
    });
  });

  describe("fields", () => {
    it("read hex of one length, as text or as bytes", () => {
      expect(hexField(1)("0xFF")).to.equal("0xff");
      expect(bytesField(1)("0xFF")).to.deep.equal(Uint8Array.of(255));
      for (const wrong of ["0x", "0x0000", "ff", 255, null]) {
        expect(hexField(1)(wrong)).to.equal(undefined);
        expect(bytesField(1)(wrong)).to.equal(undefined);
      }
    });

    it("read decimal strings within their bits", () => {
      expect(uintField(8)("255")).to.equal(255n);
      expect(uintField(256)((2n ** 256n - 1n).toString())).to.equal(2n ** 256n - 1n);
      for (const wrong of ["256", "01", "-1", "+1", "1.0", "1e1", "0x1", "", " 1", "1n", "१", 1, 1n, null])
        expect(uintField(8)(wrong)).to.equal(undefined);
      expect(uintField(256)((2n ** 256n).toString())).to.equal(undefined);
      expect(uintField(256)("9".repeat(79))).to.equal(undefined);
    });

    it("read whole numbers up to a bound", () => {
      expect([0, 10].map(integerField(10))).to.deep.equal([0, 10]);
      for (const wrong of [11, -1, 0.5, Number.NaN, "1", null, 1n]) expect(integerField(10)(wrong)).to.equal(undefined);
    });

    it("read well-formed text up to a length", () => {
      expect(textField(2)("ab")).to.equal("ab");
      for (const wrong of ["abc", "\ud800", 1, null, {}]) expect(textField(2)(wrong)).to.equal(undefined);
    });

    it("read lists up to a length, of which every item must be right", () => {
      const field = listField(2, integerField(10));
      expect(field([1, 2])).to.deep.equal([1, 2]);
      expect(field([])).to.deep.equal([]);
      for (const wrong of [[1, 2, 3], [1, "2"], [undefined], { length: 0 }, "12", null])
        expect(field(wrong)).to.equal(undefined);
    });
  });

  describe("isObject", () => {
    it("knows objects from lists and null", () => {
      expect([{}, Object.create(null)].every(isObject)).to.equal(true);
      expect([[], null, 1, "a", undefined].some(isObject)).to.equal(false);
    });
  });
});
