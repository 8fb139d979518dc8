import { expect } from "chai";
import * as fc from "fast-check";
import { ceilDivide, floorSqrt, rational, rationalField } from "../../../offchain/encoding/rational.ts";

describe("encoding/rational", () => {
  it("reduces fractions and refuses what is none", () => {
    expect(rational(6n, 4n)).to.deep.equal({ numerator: 3n, denominator: 2n });
    expect(rational(0n, 9n)).to.deep.equal({ numerator: 0n, denominator: 1n });
    expect(() => rational(-1n)).to.throw(RangeError);
    expect(() => rational(1n, 0n)).to.throw(RangeError);
  });

  it("rounds quotients up and roots down", () => {
    const divisions: readonly (readonly [bigint, bigint, bigint])[] = [
      [7n, 2n, 4n],
      [6n, 2n, 3n],
      [0n, 5n, 0n],
      [-7n, 2n, -3n],
      [-6n, 2n, -3n],
    ];
    for (const [dividend, divisor, quotient] of divisions) expect(ceilDivide(dividend, divisor)).to.equal(quotient);
    fc.assert(
      fc.property(fc.bigInt(0n, 1n << 300n), (value) => {
        const root = floorSqrt(value);
        expect(root * root <= value && (root + 1n) * (root + 1n) > value).to.equal(true);
      }),
    );
    expect(() => floorSqrt(-1n)).to.throw(RangeError);
  });

  it("reads one text for one value", () => {
    const field = rationalField(64);
    expect(field({ numerator: "3", denominator: "2" })).to.deep.equal({ numerator: 3n, denominator: 2n });
    const refused: readonly unknown[] = [
      null,
      "3/2",
      1.5,
      {},
      { numerator: "3" },
      { numerator: "3", denominator: "2", sign: "+" },
      { numerator: "6", denominator: "4" },
      { numerator: "0", denominator: "1" },
      { numerator: "1", denominator: "0" },
      { numerator: "-1", denominator: "1" },
      { numerator: 3, denominator: 2 },
      { numerator: "03", denominator: "2" },
      { numerator: (1n << 64n).toString(), denominator: "1" },
    ];
    expect(refused.map(field).filter((value) => value !== undefined)).to.deep.equal([]);
  });
});
