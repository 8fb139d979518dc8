import { expect } from "chai";
import { globalOptions } from "hardhat";
import { readFileSync } from "node:fs";
import { figureOf, type FiguresReport } from "../../scripts/figures/report.ts";
import { measureGas } from "../../scripts/gas/measure.ts";
import { OPERATIONS } from "../../scripts/gas/operations.ts";
import { compareWithSnapshot, snapshotOf, type GasSnapshot } from "../../scripts/gas/snapshot.ts";

const committed = JSON.parse(readFileSync("snapshots/gas.json", "utf8")) as GasSnapshot;

describe("gas", () => {
  describe("compareWithSnapshot", () => {
    const snapshot = { hardfork: "osaka", compiler: "solc", gas: { register: 100_000, exit: 40_000 } };
    const faultsOf = (gas: Readonly<Record<string, number>>): readonly string[] =>
      compareWithSnapshot(
        Object.entries(gas).map(([what, value]) => figureOf({ what, value, unit: "gas" })),
        snapshot,
      );

    it("accepts the same figures, lower ones and one per cent more", () => {
      expect(faultsOf({ register: 100_000, exit: 40_000 })).to.deep.equal([]);
      expect(faultsOf({ register: 101_000, exit: 1 })).to.deep.equal([]);
    });

    it("names a figure that grew by more than one per cent", () => {
      expect(faultsOf({ register: 101_001, exit: 40_000 })).to.deep.equal(["register: 101001, above 100000 by 1.0 %"]);
    });

    it("names what only one side has", () => {
      expect(faultsOf({ register: 100_000, slash: 1 })).to.deep.equal([
        "slash: not in the snapshot",
        "exit: in the snapshot and not measured",
      ]);
    });
  });

  describe("measureGas", () => {
    let report: FiguresReport;

    before(async function measure() {
      // Instrumented code costs more.
      if (globalOptions.coverage) this.skip();
      report = await measureGas();
    });

    it("stays within one per cent of the committed snapshot", () => {
      expect(compareWithSnapshot(report.figures, committed)).to.deep.equal([]);
    });

    it("raises a fault where the snapshot is lower", () => {
      const [first] = report.figures;
      if (first === undefined) throw new Error("no figure");
      const lower = { ...committed, gas: { ...committed.gas, [first.what]: Math.floor(first.value / 1.02) } };
      expect(compareWithSnapshot(report.figures, lower)).to.have.lengthOf(1);
    });

    it("gives the same figures again, but for what random signatures cost", async () => {
      const random = new Set<string>(
        Object.values(OPERATIONS).flatMap((each) => ("random" in each ? [each.what] : [])),
      );
      const fixed = ({ figures }: FiguresReport) => figures.filter(({ what }) => !random.has(what));
      const again = await measureGas();
      expect(fixed(again)).to.deep.equal(fixed(report));
      expect(fixed(again).length).to.be.greaterThan(20);
      expect(compareWithSnapshot(again.figures, JSON.parse(snapshotOf(report)) as GasSnapshot)).to.deep.equal([]);
    });
  });
});
