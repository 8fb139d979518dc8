import type { Field } from "./members.ts";
import { isObject, uintField } from "./members.ts";

/** An exact non-negative fraction; the denominator is at least 1. */
export interface Rational {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

/** The fraction in lowest terms; throws `RangeError` for a negative numerator or a denominator below 1. */
export function rational(numerator: bigint, denominator = 1n): Rational {
  if (numerator < 0n || denominator < 1n)
    throw new RangeError("a fraction needs a numerator >= 0 and a denominator >= 1");
  const divisor = greatestCommonDivisor(numerator, denominator);
  return { numerator: numerator / divisor, denominator: denominator / divisor };
}

/** The least integer that is not below `dividend / divisor`, for a divisor above 0. */
export function ceilDivide(dividend: bigint, divisor: bigint): bigint {
  const quotient = dividend / divisor;
  return quotient * divisor < dividend ? quotient + 1n : quotient;
}

/** The greatest integer whose square is not above `value`; throws `RangeError` for a negative value. */
export function floorSqrt(value: bigint): bigint {
  if (value < 0n) throw new RangeError("a negative number has no square root");
  if (value < 2n) return value;
  let root = 1n << BigInt((value.toString(2).length + 1) >> 1);
  for (;;) {
    const next = (root + value / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}

/** A field with a fraction above 0 as `{numerator, denominator}`, unsigned decimal strings in lowest terms: one text for one value. */
export function rationalField(bits: number): Field<Rational> {
  const uint = uintField(bits);
  return (value) => {
    if (!isObject(value) || Object.keys(value).length !== 2) return undefined;
    const numerator = uint(value["numerator"]);
    const denominator = uint(value["denominator"]);
    if (!numerator || !denominator) return undefined;
    return greatestCommonDivisor(numerator, denominator) === 1n ? { numerator, denominator } : undefined;
  };
}

function greatestCommonDivisor(a: bigint, b: bigint): bigint {
  let [larger, smaller] = [a, b];
  while (smaller !== 0n) [larger, smaller] = [smaller, larger % smaller];
  return larger;
}
