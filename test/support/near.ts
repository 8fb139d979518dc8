import { AssertionError } from "chai";

/** Asserts that two numbers differ by at most `tolerance`: Hardhat's `closeTo` takes integers only. */
export function expectNear(actual: number | undefined, expected: number, tolerance: number): void {
  if (actual !== undefined && Math.abs(actual - expected) <= tolerance) return;
  throw new AssertionError(`expected ${actual} to be within ${tolerance} of ${expected}`);
}

/** Asserts that a number lies between two others or on them. */
export function expectBetween(actual: number, low: number, high: number): void {
  if (actual >= low && actual <= high) return;
  throw new AssertionError(`expected ${actual} to be between ${low} and ${high}`);
}

/** Asserts that a number is larger than another. */
export function expectAbove(actual: number, limit: number): void {
  if (actual > limit) return;
  throw new AssertionError(`expected ${actual} to be above ${limit}`);
}
