import type { Random } from "./random.ts";

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** Moves a point of the plane. */
export type Warp = (point: Point) => Point;

/** How strong a random warp may be; all relative to a figure in the unit square. */
export interface WarpStrength {
  /** Radians either way. */
  readonly rotation: number;
  /** Least and most horizontal shear. */
  readonly slant: readonly [number, number];
  /** Least and most ratio of width to height. */
  readonly aspect: readonly [number, number];
  /** How far the proportions of the parts may shift: the largest exponent that bends an axis. */
  readonly proportion: number;
  /** Standard deviation of the wave-like displacement. */
  readonly wave: number;
}

/** A random affine map about the middle of the unit square, preceded by shifted proportions and a smooth wave-like displacement. */
export function randomWarp(random: Random, strength: WarpStrength): Warp {
  const angle = random.between(-strength.rotation, strength.rotation);
  const slant = random.between(...strength.slant);
  const aspect = random.betweenRatios(...strength.aspect);
  const exponents = [0, 1].map(() => random.betweenRatios(1 / strength.proportion, strength.proportion));
  const [exponentX = 1, exponentY = 1] = exponents;
  const waves = [0, 1, 2].map(() => randomWave(random, strength.wave));
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  return (place) => {
    const point = { x: signedPower(place.x, exponentX), y: signedPower(place.y, exponentY) };
    const shifts = waves.map((wave) => wave(point));
    const x = shifts.reduce((sum, shift) => sum + shift.x, point.x - 0.5);
    const y = shifts.reduce((sum, shift) => sum + shift.y, point.y - 0.5);
    const wide = (x - slant * y) * aspect;
    return { x: 0.5 + cos * wide - sin * y, y: 0.5 + sin * wide + cos * y };
  };
}

function signedPower(base: number, exponent: number): number {
  return Math.sign(base) * Math.abs(base) ** exponent;
}

function randomWave(random: Random, deviation: number): Warp {
  const [alongX, alongY] = [random.normal(3), random.normal(3)];
  const phase = random.between(0, 2 * Math.PI);
  const [x, y] = [random.normal(deviation), random.normal(deviation)];
  return (point) => {
    const height = Math.sin(phase + alongX * point.x + alongY * point.y);
    return { x: x * height, y: y * height };
  };
}

/** Scales and moves points so that they fill a square of `side` about (`middle`, `middle`), keeping their proportions. */
export function fitSquare(points: readonly Point[], side: number, middle: number): Warp {
  const xs = points.map((point) => point.x);
  const ys = points.map((point) => point.y);
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const scale = side / Math.max(right - left, bottom - top, 1e-6);
  const [centerX, centerY] = [(left + right) / 2, (top + bottom) / 2];
  return ({ x, y }) => ({ x: middle + scale * (x - centerX), y: middle + scale * (y - centerY) });
}

/** Points along a smooth curve that goes through all of `points` (a Catmull-Rom spline), `density` to each span. */
export function smooth(points: readonly Point[], density: number): Point[] {
  const at = (index: number): Point => points[Math.min(Math.max(index, 0), points.length - 1)] ?? { x: 0, y: 0 };
  const count = (points.length - 1) * density + 1;
  return Array.from({ length: count }, (_, step) => {
    const span = Math.floor(step / density);
    const t = step / density - span;
    const [before, from, to, after] = [at(span - 1), at(span), at(span + 1), at(span + 2)];
    return {
      x: spline([before.x, from.x, to.x, after.x], t),
      y: spline([before.y, from.y, to.y, after.y], t),
    };
  });
}

function spline([before, from, to, after]: readonly [number, number, number, number], t: number): number {
  const linear = to - before;
  const square = 2 * before - 5 * from + 4 * to - after;
  const cube = 3 * (from - to) + after - before;
  return from + 0.5 * t * (linear + t * (square + t * cube));
}
