import { expect } from "chai";
import { tryPart } from "../../scripts/assurance/changes.ts";
import { loadSubjects, type Subject } from "../../scripts/assurance/subjects.ts";
import { needVectors, VECTORS } from "../support/vectors.ts";

/** Every position of the first bytes, then every so many; `npm run -s flips` takes them all. */
const SAMPLING = { head: 48, stride: 101 };
/** For machines that have other things to do. */
const LONG = 600_000;
const FAMILIES = ["SGX", "TDX", "SEV-SNP", "Nitro", "NVIDIA", "Arm CCA"];

describe("changed bytes of signed parts", () => {
  let subjects: readonly Subject[] = [];

  before(async function () {
    needVectors(this);
    subjects = await loadSubjects(VECTORS);
  });

  for (const family of FAMILIES) {
    it(`are refused with a code, whatever part of ${family} they are in`, async function () {
      this.timeout(LONG);
      const chosen = subjects.filter(({ name }) => name.startsWith(family));
      expect(chosen).to.not.be.empty;
      for (const subject of chosen) {
        for (const role of Object.keys(subject.parts)) {
          const { findings, refused } = await tryPart(subject, role, SAMPLING);
          expect(findings, `${subject.name} ${role}`).to.deep.equal([]);
          expect(refused).to.be.greaterThan(100);
        }
      }
    });
  }
});
