import { expect } from "chai";
import { fuzz, inputOf } from "../../scripts/assurance/fuzz/run.ts";
import type { Target } from "../../scripts/assurance/fuzz/target.ts";
import { targetsOf } from "../../scripts/assurance/fuzz/targets.ts";
import { loadSubjects } from "../../scripts/assurance/subjects.ts";
import { needVectors, VECTORS } from "../support/vectors.ts";

/** Another seed than the long run's, so that both are worth something. */
const SEED = 2;
const INPUTS = 20_000;
/** For machines that have other things to do. */
const LONG = 600_000;

describe("fuzzed parsers and verifications", () => {
  let targets: readonly Target[] = [];

  before(async function () {
    needVectors(this);
    targets = targetsOf(await loadSubjects(VECTORS));
  });

  it("refuse with a code, or accept what nobody signed", async function () {
    this.timeout(LONG);
    const { crashes, forged, outcomes } = await fuzz(targets, { seed: SEED, from: 0, inputs: INPUTS });
    expect({ crashes, forged }).to.deep.equal({ crashes: [], forged: [] });
    const reached = new Set(Object.values(outcomes).flatMap((counts) => Object.keys(counts)));
    expect(reached).to.include.members(["accepted", "unsigned", "EVIDENCE_MALFORMED", "SIGNATURE_INVALID"]);
  });

  it("make any input again by its number", () => {
    const [first, again, other] = [17, 17, 18].map((input) => inputOf(targets, SEED, input));
    expect(again).to.deep.equal(first);
    expect(other?.bytes).to.not.deep.equal(first?.bytes);
  });

  it("report an error without a code, and a change that is accepted", async () => {
    const broken = (outcome: () => string): Target => ({
      name: "broken",
      seeds: [Uint8Array.of(1)],
      mutate: (bytes) => bytes,
      run: outcome,
      share: 1,
    });
    const options = { seed: SEED, from: 5, inputs: 1 };
    const thrown = await fuzz(
      [
        broken(() => {
          throw new RangeError("out of bounds");
        }),
      ],
      options,
    );
    expect(thrown.crashes).to.deep.equal([{ input: 5, target: "broken", detail: "CRASH RangeError: out of bounds" }]);
    const accepted = await fuzz([broken(() => "FORGED accepted")], options);
    expect(accepted.forged.map(({ input }) => input)).to.deep.equal([5]);
  });
});
