import { AssertionError } from "chai";

/** Asserts that two numbers differ by at most `tolerance`: Hardhat's `closeTo` takes integers only. */
export function expectNear(actual: number | undefined, expected: number, tolerance: number): void {
  if (actual !== undefined && Math.abs(actual - expected) <= tolerance) return;
  throw new AssertionError(`expected ${actual} to be within ${tolerance} of ${expected}`);
}
