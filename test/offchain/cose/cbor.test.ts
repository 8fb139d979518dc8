import { expect } from "chai";
import { decodeCbor } from "../../../offchain/cose/cbor.ts";
import { expectRefusal } from "../../support/expect-refusal.ts";

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(" ", ""), "hex"));

describe("decodeCbor", () => {
  const refusals: readonly [string, string][] = [
    ["nothing", ""],
    ["a rest", "00 00"],
    ["an indefinite byte string", "5f 41 00 ff"],
    ["an indefinite text", "7f 61 61 ff"],
    ["an indefinite array", "9f 00 ff"],
    ["an indefinite map", "bf 00 00 ff"],
    ["a break alone", "ff"],
    ["an integer of one octet that fits the initial byte", "18 17"],
    ["an integer of two octets that fits one", "19 00 ff"],
    ["an integer of four octets that fits two", "1a 00 00 ff ff"],
    ["an integer of eight octets that fits four", "1b 00 00 00 00 ff ff ff ff"],
    ["a length that is not minimal", "58 01 00"],
    ["reserved additional information", "1c"],
    ["a key twice", "a2 01 00 01 00"],
    ["a key twice in a nested map", "81 a2 61 61 00 61 61 01"],
    ["a tag", "c0 61 61"],
    ["the shared-structure tag of one decoder", "d8 69 81 00"],
    ["a float", "f9 3c 00"],
    ["undefined", "f7"],
    ["an unassigned simple value", "f0"],
    ["a simple value in two octets", "f8 ff"],
    ["a text that is not UTF-8", "61 ff"],
    ["a byte order mark", "63 ef bb bf"],
    ["a byte order mark in front of a long text", `78 64 ef bb bf ${"61".repeat(97)}`],
    ["a byte string that overruns", "42 00"],
    ["an array that overruns", "82 00"],
    ["an array of 2^53 items", "9b 00 20 00 00 00 00 00 00"],
    ["a depth of 18", `${"81".repeat(17)}00`],
  ];
  for (const [what, hex] of refusals) {
    it(`refuses ${what}`, () => expectRefusal("EVIDENCE_MALFORMED", () => decodeCbor(bytes(hex))));
  }

  it("refuses more than 1 MiB", () =>
    expectRefusal("EVIDENCE_MALFORMED", () =>
      decodeCbor(Buffer.concat([bytes("5a 00 10 00 00"), Buffer.alloc(1 << 20)])),
    ));

  it("decodes what is left", () => {
    expect(decodeCbor(bytes("1b ff ff ff ff ff ff ff ff"))).to.equal(18_446_744_073_709_551_615n);
    expect(decodeCbor(bytes("38 22"))).to.equal(-35);
    expect(decodeCbor(bytes("84 f4 f5 f6 62 c3 bc"))).to.deep.equal([false, true, null, "ü"]);
    expect(decodeCbor(bytes("a2 61 62 00 61 61 41 ff"))).to.deep.equal(
      new Map<string, unknown>([
        ["b", 0],
        ["a", Buffer.of(0xff)],
      ]),
    );
    expect(decodeCbor(bytes(`${"81".repeat(16)}00`))).to.be.an("array");
  });
});
