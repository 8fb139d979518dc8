import { expect } from "chai";
import { figureOf, tableOf } from "../../scripts/figures/report.ts";

const MEMBERS = ["what", "value", "unit", "peer", "peerValue", "ratio", "target", "holds"];

describe("figures report", () => {
  describe("figureOf", () => {
    it("has the same members in the same order with and without a peer and a target, null for none", () => {
      const bare = figureOf({ what: "a", value: 2, unit: "ms" });
      const full = figureOf({ what: "a", value: 2, unit: "ms" }, { peer: { name: "b", value: 6 }, target: 2 });
      expect(Object.keys(bare)).to.deep.equal(MEMBERS);
      expect(Object.keys(full)).to.deep.equal(MEMBERS);
      expect(Object.values(bare).slice(3)).to.deep.equal([null, null, null, null, null]);
    });

    it("says how many times less than the peer, and whether the target holds", () => {
      const against = { peer: { name: "b", value: 6 }, target: 2 };
      expect(figureOf({ what: "a", value: 2, unit: "ms" }, against)).to.include({ ratio: 3, holds: true });
      expect(figureOf({ what: "a", value: 2.1, unit: "ms" }, against)).to.include({ ratio: 2.86, holds: false });
    });
  });

  describe("tableOf", () => {
    it("prints a missed target as missed", () => {
      const figures = [
        figureOf({ what: "a", value: 2, unit: "ms" }, { target: 1 }),
        figureOf({ what: "b", value: 1, unit: "ms" }, { target: 1 }),
        figureOf({ what: "c", value: 1, unit: "ms" }),
      ];
      const lines = tableOf({ name: "test", machine: { cores: 2 }, figures }).split("\n");
      expect(lines[0]).to.equal("test: cores 2");
      expect(lines.slice(3).map((line) => line.split(/\s+/).at(-1))).to.deep.equal(["MISSED", "holds", "ms"]);
    });
  });
});
