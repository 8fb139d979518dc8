import { expect } from "chai";
import * as fc from "fast-check";
import { ByteReader } from "../../../offchain/encoding/reader.ts";
import { EvidenceError } from "../../../offchain/errors.ts";
import { codeOf } from "../../support/errors.ts";

function readerOf(bytes: Uint8Array): ByteReader {
  return new ByteReader(bytes, (message) => new EvidenceError("EVIDENCE_MALFORMED", message));
}

const EIGHT = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);

describe("encoding/ByteReader", () => {
  it("reads integers of every width in both orders", () => {
    const bytes = Uint8Array.of(0xff, 1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6);
    const reader = readerOf(bytes);
    expect(reader.uint8("a")).to.equal(0xff);
    expect(reader.uint16le("b")).to.equal(0x0201);
    expect(reader.uint32le("c")).to.equal(0x06050403);
    expect(reader.uint16be("d")).to.equal(0x0102);
    expect(reader.uint32be("e")).to.equal(0x03040506);
    reader.end("all");
    expect(readerOf(EIGHT).uint64le("f")).to.equal(0x0807060504030201n);
    expect(readerOf(EIGHT).uint64be("g")).to.equal(0x0102030405060708n);
    expect(readerOf(new Uint8Array(4).fill(0xff)).uint32be("h")).to.equal(0xffffffff);
  });

  it("reads a view from its own beginning, with offsets counted from there", () => {
    const reader = readerOf(EIGHT.subarray(2, 6));
    expect(reader.uint16be("a")).to.equal(0x0304);
    expect([reader.offset, reader.remaining]).to.deep.equal([2, 2]);
    expect(reader.rest()).to.deep.equal(Uint8Array.of(5, 6));
    reader.end("view");
  });

  const short: Readonly<Record<string, (reader: ByteReader) => unknown>> = {
    uint8: (reader) => reader.uint8("x"),
    uint16le: (reader) => reader.uint16le("x"),
    uint16be: (reader) => reader.uint16be("x"),
    uint32le: (reader) => reader.uint32le("x"),
    uint32be: (reader) => reader.uint32be("x"),
    uint64le: (reader) => reader.uint64le("x"),
    uint64be: (reader) => reader.uint64be("x"),
    "take(9)": (reader) => reader.take(9, "x"),
    "take(-1)": (reader) => reader.take(-1, "x"),
    "take(0.5)": (reader) => reader.take(0.5, "x"),
    "take(NaN)": (reader) => reader.take(Number.NaN, "x"),
    "take(2^53)": (reader) => reader.take(2 ** 53, "x"),
  };
  for (const [name, read] of Object.entries(short)) {
    it(`refuses ${name} beyond the end and stays where it was`, () => {
      const reader = readerOf(name.startsWith("take") ? EIGHT : new Uint8Array(0));
      expect(codeOf(() => read(reader))).to.equal("EVIDENCE_MALFORMED");
      expect(reader.offset).to.equal(0);
    });
  }

  it("refuses an unread rest", () => {
    const reader = readerOf(EIGHT);
    expect(codeOf(() => reader.end("x"))).to.equal("EVIDENCE_MALFORMED");
    reader.take(7, "x");
    expect(codeOf(() => reader.end("x"))).to.equal("EVIDENCE_MALFORMED");
    reader.uint8("x");
    expect(codeOf(() => reader.end("x"))).to.equal("none");
  });

  it("gives every byte once, whatever the cuts", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.array(fc.nat(20)), (bytes, cuts) => {
        const reader = readerOf(bytes);
        const taken = cuts.map((cut) => [...reader.take(Math.min(cut, reader.remaining), "x")]);
        expect([...taken.flat(), ...reader.rest()]).to.deep.equal([...bytes]);
      }),
    );
  });
});
