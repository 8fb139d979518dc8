import { expect } from "chai";
import { DerReader } from "../../../offchain/x509/der.ts";
import { expectRefusal } from "../../support/expect-refusal.ts";

const reader = (hex: string): DerReader => new DerReader(Uint8Array.from(Buffer.from(hex.replaceAll(" ", ""), "hex")));

describe("DerReader", () => {
  const refusals: readonly [string, string, (reader: DerReader) => unknown][] = [
    ["an indefinite length", "30 80 00 00", (r) => r.any("x")],
    ["a long length below 128", "04 81 01 00", (r) => r.any("x")],
    ["a length with a leading zero", `04 82 00 80 ${"00".repeat(128)}`, (r) => r.any("x")],
    ["a length of more than four octets", "04 85 01 00 00 00 00", (r) => r.any("x")],
    ["an element that overruns", "04 02 00", (r) => r.any("x")],
    ["a multi-octet tag", "1f 81 00 00", (r) => r.any("x")],
    ["nothing", "", (r) => r.any("x")],
    ["another tag", "05 00", (r) => r.enter("x")],
    ["an empty integer", "02 00", (r) => r.unsigned("x")],
    ["a padded positive integer", "02 02 00 7f", (r) => r.unsigned("x")],
    ["a padded negative integer", "02 02 ff 80", (r) => r.integer("x")],
    ["a negative integer", "02 01 80", (r) => r.unsigned("x")],
    ["an integer beyond 32 bits", "02 05 01 00 00 00 00", (r) => r.uint32("x")],
    ["a boolean that is neither 00 nor ff", "01 01 01", (r) => r.boolean("x")],
    ["an object identifier that ends early", "06 02 2a 86", (r) => r.oid("x")],
    ["an object identifier with a padded arc", "06 03 2a 80 01", (r) => r.oid("x")],
    ["an empty object identifier", "06 00", (r) => r.oid("x")],
    ["a bit string with unused bits as octets", "03 02 01 80", (r) => r.octetsOfBitString("x")],
    ["named bits with a trailing zero bit", "03 02 00 06", (r) => r.namedBits("x")],
    ["named bits with unused bits set", "03 02 05 27", (r) => r.namedBits("x")],
    ["bits with unused bits set", "03 02 05 27", (r) => r.bits("x")],
    ["bits with eight unused", "03 02 08 00", (r) => r.bits("x")],
    ["no bits but unused ones", "03 01 01", (r) => r.bits("x")],
    ["bits without their count", "03 00", (r) => r.bits("x")],
    ["a time without seconds", `17 0b ${Buffer.from("2601150000Z").toString("hex")}`, (r) => r.time("x")],
    ["a time with an offset", `17 11 ${Buffer.from("260115000000+0100").toString("hex")}`, (r) => r.time("x")],
    ["the 30th of February", `17 0d ${Buffer.from("260230000000Z").toString("hex")}`, (r) => r.time("x")],
    ["a rest", "05 00 00", (r) => [r.any("x"), r.end("x")]],
  ];
  for (const [what, hex, read] of refusals) {
    it(`refuses ${what}`, () => expectRefusal("EVIDENCE_MALFORMED", () => read(reader(hex))));
  }

  it("reads each canonical form", () => {
    expect(reader("02 02 00 ff").uint32("x")).to.equal(255);
    expect(reader("02 01 00").uint32("x")).to.equal(0);
    expect(reader("06 0a 2a 86 48 86 f8 4d 01 0d 01 02").oid("x")).to.equal("1.2.840.113741.1.13.1.2");
    expect(reader("06 03 88 37 03").oid("x")).to.equal("2.999.3");
    expect([...reader("03 02 01 06").namedBits("x")]).to.deep.equal([5, 6]);
    expect([...reader("03 02 00 06").bits("x")]).to.deep.equal([5, 6]);
    expect([...reader("03 01 00").bits("x")]).to.deep.equal([]);
    expect(reader(`17 0d ${Buffer.from("491231235959Z").toString("hex")}`).time("x")).to.equal(
      Date.UTC(2049, 11, 31, 23, 59, 59),
    );
    expect(reader(`17 0d ${Buffer.from("500101000000Z").toString("hex")}`).time("x")).to.equal(Date.UTC(1950, 0, 1));
    expect(reader(`18 0f ${Buffer.from("20991231235959Z").toString("hex")}`).time("x")).to.equal(
      Date.UTC(2099, 11, 31, 23, 59, 59),
    );
  });
});
