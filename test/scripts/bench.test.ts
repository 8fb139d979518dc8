import { expect } from "chai";
import { spawnSync } from "node:child_process";
import { cpuTimes, medianOf } from "../../scripts/bench/clock.ts";
import { describeMachine } from "../../scripts/bench/machine.ts";

describe("bench", () => {
  describe("medianOf", () => {
    it("is the middle, or the mean of the two in the middle", () => {
      expect(medianOf([9])).to.equal(9);
      expect(medianOf([3, 1, 100])).to.equal(3);
      expect(medianOf([4, 1, 2, 100])).to.equal(3);
    });
  });

  describe("cpuTimes", () => {
    it("gives a time for every case, and makes each run ready anew", async () => {
      let [prepared, run] = [0, 0];
      const counting = {
        name: "counting",
        prepare: async () => {
          prepared += 1;
          return () => (run += 1);
        },
      };
      const idle = { name: "idle", prepare: () => async () => undefined };
      const times = await cpuTimes([counting, idle], 0);
      expect([...times.keys()]).to.deep.equal(["counting", "idle"]);
      expect([...times.values()].every((time) => time >= 0)).to.equal(true);
      expect(prepared).to.equal(run).and.to.be.greaterThan(0);
    });

    it("throws what a run throws", async () => {
      const broken = {
        name: "broken",
        prepare: () => () => {
          throw new RangeError("no");
        },
      };
      const thrown = await cpuTimes([broken], 0).catch((error: unknown) => error);
      expect(thrown).to.be.instanceOf(RangeError);
    });
  });

  it("names the machine and its load", () => {
    expect(Object.keys(describeMachine())).to.deep.equal(["cpu", "cores", "node", "load"]);
  });

  it("knows no other benches than those it lists", () => {
    const { status, stderr } = spawnSync(process.execPath, ["scripts/bench.ts", "nothing"], { encoding: "utf8" });
    expect(status).to.equal(2);
    expect(stderr).to.include("evidence|browser|sealing|receipts|privacy");
  });
});
