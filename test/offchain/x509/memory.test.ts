import { expect } from "chai";
import { Memory } from "../../../offchain/x509/memory.ts";

describe("Memory", () => {
  const BYTES = Uint8Array.of(1, 2, 3);
  const copy = (bytes: Uint8Array) => ({ bytes });

  describe("parsed", () => {
    it("parses once for the same bytes of the same kind", () => {
      const memory = new Memory();
      const first = memory.parsed("a", BYTES, copy);
      expect(memory.parsed("a", BYTES.slice(), copy)).to.equal(first);
      expect(memory.parsed("b", BYTES, copy)).to.not.equal(first);
      expect(memory.parsed("a", Uint8Array.of(1, 2), copy)).to.not.equal(first);
      expect(new Memory().parsed("a", BYTES, copy)).to.not.equal(first);
    });

    it("keeps what it parsed when the given bytes change, and sees the change", () => {
      const memory = new Memory();
      for (const bytes of [BYTES.slice(), Buffer.from(BYTES)]) {
        const first = memory.parsed("a", bytes, copy);
        bytes[0] = 9;
        expect([...first.bytes]).to.deep.equal([...BYTES]);
        expect(memory.parsed("a", bytes, copy).bytes[0]).to.equal(9);
      }
    });

    it("does not remember a refusal", () => {
      const memory = new Memory();
      const refuse = (): never => {
        throw new RangeError("no");
      };
      expect(() => memory.parsed("a", BYTES, refuse)).to.throw(RangeError);
      expect(memory.parsed("a", BYTES, copy).bytes).to.deep.equal(BYTES);
    });

    it("remembers one thing beside another", () => {
      const memory = new Memory();
      const first = memory.parsed("a", BYTES, copy);
      memory.parsed("a", Uint8Array.of(4), copy);
      expect(memory.parsed("a", BYTES, copy)).to.equal(first);
    });

    it("forgets rather than grows without end", () => {
      const memory = new Memory();
      const first = memory.parsed("a", BYTES, copy);
      for (let i = 0; i < 256; i += 1) memory.parsed("a", Uint8Array.of(4, i), copy);
      expect(memory.parsed("a", BYTES, copy)).to.not.equal(first);
    });
  });

  describe("holds", () => {
    it("asks again for another key, and wherever it did not hold", async () => {
      const memory = new Memory();
      const [signed, key, other] = [{}, {}, {}];
      let asked = 0;
      const answer = (holds: boolean) => () => {
        asked += 1;
        return holds;
      };
      expect(await memory.holds(signed, key, answer(false))).to.equal(false);
      expect(await memory.holds(signed, key, answer(true))).to.equal(true);
      expect(await memory.holds(signed, key, answer(false))).to.equal(true);
      expect(asked).to.equal(2);
      expect(await memory.holds(signed, other, answer(false))).to.equal(false);
      expect(await memory.holds({}, key, answer(false))).to.equal(false);
    });
  });
});
