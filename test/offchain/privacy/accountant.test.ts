import { expect } from "chai";
import * as fc from "fast-check";
import { rational } from "../../../offchain/encoding/rational.ts";
import { composeRho, deltaOf, epsilonOf, rhoOf, rhoWithin } from "../../../offchain/privacy/accountant.ts";
import { gaussianCost, microRho } from "../../../offchain/privacy/cost.ts";
import { expAbove, FIXED_BITS, lnBounds, numberAbove } from "../../../offchain/privacy/fixed.ts";
import { gnMaxCost } from "../../../offchain/privacy/votes.ts";
import { codeOf } from "../../support/errors.ts";
import { DELTAS, EPSILONS, excessOver } from "../../../scripts/figures/zcdp.ts";
import { expectAbove, expectBetween, expectNear } from "../../support/near.ts";

const FIXED = 2 ** Number(FIXED_BITS);

describe("privacy/accountant", () => {
  describe("epsilonOf", () => {
    for (const [numerator, denominator, inverseDelta, reference] of EPSILONS) {
      it(`of rho ${numerator}/${denominator} at delta 1/${inverseDelta} is ${reference}, never below`, () => {
        const epsilon = epsilonOf(rational(numerator, denominator), rational(1n, inverseDelta));
        expectBetween(excessOver(epsilon, reference), 0, 1e-12);
      });
    }

    it("has the value of OpenDP's own test", () => {
      expectNear(epsilonOf(rational(1n, 32n), rational(1n, 1000n)), 0.6880024554878086, 1e-15);
    });

    it("is 0 where nothing was spent", () => {
      expect(epsilonOf(rational(0n), rational(1n, 1000n))).to.equal(0);
    });

    const refused: Readonly<Record<string, () => unknown>> = {
      "a delta of 0": () => epsilonOf(rational(1n), rational(0n)),
      "a delta of 1": () => epsilonOf(rational(1n), rational(1n)),
      "a delta above 1": () => epsilonOf(rational(1n), rational(3n, 2n)),
      "a negative rho": () => epsilonOf({ numerator: -1n, denominator: 1n }, rational(1n, 9n)),
      "a denominator of 0": () => epsilonOf({ numerator: 1n, denominator: 0n }, rational(1n, 9n)),
      "a rho beyond floats": () => epsilonOf(rational(1n << 2000n), rational(1n, 9n)),
      "a rho too small for floats": () => epsilonOf(rational(1n, 1n << 2000n), rational(1n, 9n)),
      "a negative epsilon": () => deltaOf(rational(1n), { numerator: -1n, denominator: 1n }),
      "a negative epsilon of a budget": () => rhoWithin({ numerator: -1n, denominator: 1n }, rational(1n, 9n)),
    };
    for (const [what, action] of Object.entries(refused)) {
      it(`refuses ${what}`, () => {
        expect(codeOf(action)).to.equal("PARAMETER_INVALID");
      });
    }
  });

  describe("deltaOf", () => {
    for (const [rhoTop, rhoBottom, epsTop, epsBottom, reference] of DELTAS) {
      it(`of rho ${rhoTop}/${rhoBottom} at epsilon ${epsTop}/${epsBottom} is ${reference}, never below`, () => {
        const delta = deltaOf(rational(rhoTop, rhoBottom), rational(epsTop, epsBottom));
        expectBetween(excessOver(delta, reference), 0, 1e-12);
      });
    }

    it("is 0 where nothing was spent, and at most 1", () => {
      expect(deltaOf(rational(0n), rational(1n))).to.equal(0);
      expectBetween(deltaOf(rational(1000n), rational(0n)), 0.999, 1);
      expect(deltaOf(rational(1n, 1_000_000n), rational(100n))).to.equal(2 ** -1000);
    });

    it("is the other way of epsilonOf", () => {
      fc.assert(
        fc.property(fc.bigInt(1n, 5_000_000n), fc.integer({ min: 2, max: 40 }), (cost, bits) => {
          const delta = rational(1n, 1n << BigInt(bits));
          const epsilon = epsilonOf(rhoOf(cost), delta);
          if (epsilon < 1e-3) return;
          const back = deltaOf(rhoOf(cost), rational(BigInt(Math.round(epsilon * 2 ** 50)), 1n << 50n));
          expectNear(back * 2 ** bits, 1, 1e-9);
        }),
        { numRuns: 60, seed: 1 },
      );
    });
  });

  describe("rhoWithin", () => {
    const delta = rational(1n, 1_000_000n);
    // Budgets in millionths of rho, and how many answers of GNMax with sigma 40 and 100 they allow.
    const budgets: readonly (readonly [bigint, bigint, bigint, bigint])[] = [
      [1n, 24_355n, 38n, 243n],
      [4n, 311_064n, 497n, 3110n],
      [8n, 1_052_358n, 1683n, 10_523n],
    ];
    for (const [epsilon, budget, at40, at100] of budgets) {
      it(`allows ${budget} millionths for epsilon ${epsilon}`, () => {
        expect(rhoWithin(rational(epsilon), delta)).to.equal(budget);
        expect(budget / gnMaxCost({ sigmaSquared: rational(1600n) })).to.equal(at40);
        expect(budget / gnMaxCost({ sigmaSquared: rational(10_000n) })).to.equal(at100);
        expectBetween(epsilonOf(rhoOf(budget), delta), -Infinity, Number(epsilon));
        expectAbove(epsilonOf(rhoOf(budget + 1n), delta), Number(epsilon));
      });
    }

    it("allows nothing for an epsilon too small", () => {
      expect(rhoWithin(rational(1n, 1_000_000n), delta)).to.equal(0n);
    });
  });

  describe("what holds for every rho", () => {
    const cost = fc.bigInt(1n, 20_000_000n);
    const delta = fc.integer({ min: 3, max: 60 }).map((bits) => rational(1n, 1n << BigInt(bits)));

    it("more rho or less delta is never less epsilon", () => {
      fc.assert(
        fc.property(cost, cost, delta, (a, b, at) => {
          const [less, more] = a < b ? [a, b] : [b, a];
          expectBetween(epsilonOf(rhoOf(less), at), -Infinity, epsilonOf(rhoOf(more), at));
          const stricter = rational(at.numerator, at.denominator * 2n);
          expectBetween(epsilonOf(rhoOf(a), stricter), epsilonOf(rhoOf(a), at), Infinity);
        }),
        { numRuns: 60, seed: 2 },
      );
    });

    it("is below Bun and Steinke's older bound", () => {
      fc.assert(
        fc.property(cost, delta, (spent, at) => {
          const rho = Number(spent) / 1e6;
          const older = rho + 2 * Math.sqrt(rho * Math.log(Number(at.denominator)));
          expectBetween(epsilonOf(rhoOf(spent), at), -Infinity, older);
        }),
        { numRuns: 60, seed: 3 },
      );
    });

    it("composes by addition, and rounding up never loses", () => {
      fc.assert(
        fc.property(fc.array(fc.tuple(fc.bigInt(1n, 1000n), fc.bigInt(1n, 1000n)), { maxLength: 8 }), (fractions) => {
          const total = composeRho(fractions.map(([top, bottom]) => microRho(rational(top, bottom))));
          const exact = fractions.reduce((sum, [top, bottom]) => sum + Number(top) / Number(bottom), 0);
          expectBetween(Number(total), exact * 1e6 * (1 - 1e-12), exact * 1e6 + fractions.length);
        }),
        { seed: 4 },
      );
      expect(gaussianCost(2n, { sigmaSquared: rational(3n) })).to.equal(333_334n);
    });
  });

  describe("fixed point", () => {
    it("bounds logarithms from both sides, closely", () => {
      fc.assert(
        fc.property(fc.bigInt(1n, 1n << 80n), fc.bigInt(1n, 1n << 80n), (top, bottom) => {
          const { low, high } = lnBounds(top, bottom);
          expect(high - low).to.equal(1n << 33n);
          expectNear(Number(low) / FIXED, Math.log(Number(top)) - Math.log(Number(bottom)), 1e-12);
        }),
        { seed: 5 },
      );
      expect(() => lnBounds(0n, 1n)).to.throw(RangeError);
      expect(() => lnBounds(1n << 70_000n, 1n)).to.throw(RangeError);
    });

    it("bounds exponentials from above, closely", () => {
      for (const exponent of [0, -1e-9, -0.5, -1, -40, -600]) {
        const above = expAbove(BigInt(Math.ceil(exponent * 2 ** 60)) << (FIXED_BITS - 60n));
        expectNear(above / Math.exp(exponent), 1, 1e-12);
      }
      expect(expAbove(1n)).to.equal(1);
    });

    it("rounds to the next number above", () => {
      expect(numberAbove(0n)).to.equal(0);
      expect(numberAbove(1n << FIXED_BITS)).to.equal(1);
      expect(numberAbove((1n << FIXED_BITS) + 1n)).to.equal(1 + Number.EPSILON);
      expect(numberAbove((1n << FIXED_BITS) - 1n)).to.equal(1);
    });
  });
});
