import type { Point, WarpStrength } from "./geometry.ts";
import { fitSquare, randomWarp, smooth } from "./geometry.ts";
import { handsOf } from "./hands.ts";
import type { Image } from "./image.ts";
import { blank, BOX, centerByMass, SIDE } from "./image.ts";
import type { PenPoint } from "./pen.ts";
import { drawLine } from "./pen.ts";
import type { Random } from "./random.ts";

const HANDS = Array.from({ length: 10 }, (_, digit) => handsOf(digit));
const DENSITY = 5;
const TREMOR = 0.035;
const WARP: WarpStrength = { rotation: 0.2, slant: [-0.3, 0.5], aspect: [0.3, 1.3], proportion: 1.4, wave: 0.04 };

/** A 7 that is narrower than this cannot be told from a 1 with a flag. */
const WARP_OF_7: WarpStrength = { ...WARP, aspect: [0.5, WARP.aspect[1]] };

/** Draws one digit as some hand with some pen would write it. */
export function drawStrokes(digit: number, random: Random): Image {
  const hand = random.pick(HANDS[digit] ?? []);
  const tremor = sharedTremor(random);
  const warp = randomWarp(random, digit === 7 ? WARP_OF_7 : WARP);
  const curves = hand.map((curve) => smooth(curve.map(tremor), DENSITY).map(warp));
  const pen = randomPen(random);
  const fit = fitSquare(curves.flat(), BOX - 2 * pen.radius, SIDE / 2);
  const image = blank();
  for (const curve of curves) drawLine(image, pen.trace(curve.map(fit)));
  return finish(centerByMass(image), random);
}

/** Moves each place a little, the same place always in the same way, so that joined curves stay joined. */
function sharedTremor(random: Random): (point: Point) => Point {
  const moved = new Map<string, Point>();
  return (point) => {
    const key = `${point.x},${point.y}`;
    const known = moved.get(key) ?? { x: point.x + random.normal(TREMOR), y: point.y + random.normal(TREMOR) };
    moved.set(key, known);
    return known;
  };
}

interface Pen {
  /** The largest radius, in pixels. */
  readonly radius: number;
  trace(curve: readonly Point[]): PenPoint[];
}

/** A round pen whose pressure changes along the curve, or a flat one whose width depends on the direction. */
function randomPen(random: Random): Pen {
  const radius = random.betweenRatios(0.42, 2.5);
  const contrast = random.below(3) === 0 ? random.between(0.2, 0.6) : random.between(0, 0.2);
  const [phase, pace] = [random.between(0, 2 * Math.PI), random.between(0, 5)];
  const flat = random.below(4) === 0;
  const angleOf = (curve: readonly Point[], index: number): number => {
    const [from, to] = [curve[Math.max(index - 1, 0)], curve[Math.min(index + 1, curve.length - 1)]];
    return from && to ? Math.atan2(to.y - from.y, to.x - from.x) : 0;
  };
  return {
    radius,
    trace: (curve) =>
      curve.map((point, index) => {
        const turn = flat ? 2 * angleOf(curve, index) : (pace * index) / curve.length;
        return { ...point, radius: radius * (1 - contrast * (0.5 + 0.5 * Math.sin(phase + turn))) };
      }),
  };
}

/** Paper and ink are not even: a strength of the ink, an edge harder or softer, and a grain. */
function finish(image: Image, random: Random): Image {
  const [strength, gamma, grain] = [random.between(0.75, 1.15), random.between(0.7, 1.5), random.between(0, 0.06)];
  return image.map((ink) => {
    const grained = strength * ink ** gamma + random.normal(grain);
    return ink === 0 ? 0 : Math.min(Math.max(grained, 0), 1);
  });
}
