import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import type * as OpenType from "opentype.js";
import type { Point, WarpStrength } from "./geometry.ts";
import { fitSquare, randomWarp } from "./geometry.ts";
import type { Image } from "./image.ts";
import { BOX, centerByMass, SIDE } from "./image.ts";
import { fillOutline } from "./outline.ts";
import type { Random } from "./random.ts";

// The package is CommonJS whose names Node cannot list, so it has no named imports.
const { parse } = createRequire(import.meta.url)("opentype.js") as typeof OpenType;

/** Handwriting fonts under the SIL Open Font License, each by another hand; training never sees them. */
export const HELD_OUT_FONTS = [
  "architects-daughter",
  "gloria-hallelujah",
  "gochi-hand",
  "handlee",
  "indie-flower",
  "nothing-you-could-do",
  "patrick-hand",
  "reenie-beanie",
  "shadows-into-light",
  "short-stack",
] as const;

/** The closed contours of a glyph, y growing downwards. */
export type Outline = readonly (readonly Point[])[];

const CURVE_STEPS = 8;
const WARP: WarpStrength = { rotation: 0.1, slant: [-0.12, 0.12], aspect: [0.88, 1.12], proportion: 1.06, wave: 0.012 };

/** The ten digits of an installed font. */
export function loadDigits(font: string): Outline[] {
  const url = import.meta.resolve(`@fontsource/${font}/files/${font}-latin-400-normal.woff`);
  const file = readFileSync(fileURLToPath(url));
  const parsed = parse(file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength));
  return Array.from({ length: 10 }, (_, digit) => flatten(parsed.charToGlyph(String(digit)).getPath(0, 0, 1).commands));
}

/** Draws an outline with a mild random distortion, in the convention of the training images. */
export function drawOutline(outline: Outline, random: Random): Image {
  const toUnit = fitSquare(outline.flat(), 1, 0.5);
  const warp = randomWarp(random, WARP);
  const warped = outline.map((contour) => contour.map((point) => warp(toUnit(point))));
  const fit = fitSquare(warped.flat(), BOX, SIDE / 2);
  return centerByMass(fillOutline(warped.map((contour) => contour.map(fit))));
}

function flatten(commands: readonly OpenType.PathCommand[]): Outline {
  const contours: Point[][] = [];
  for (const command of commands) {
    const contour = contours.at(-1);
    if (command.type === "M") contours.push([{ x: command.x, y: command.y }]);
    else if (command.type !== "Z") contour?.push(...stepsOf(contour.at(-1) ?? { x: 0, y: 0 }, command));
  }
  return contours;
}

function stepsOf(from: Point, command: Exclude<OpenType.PathCommand, { type: "Z" }>): Point[] {
  if (command.type === "Q") {
    const control = { x: command.x1, y: command.y1 };
    return bezier([from, control, command]);
  }
  if (command.type === "C")
    return bezier([from, { x: command.x1, y: command.y1 }, { x: command.x2, y: command.y2 }, command]);
  return [{ x: command.x, y: command.y }];
}

function bezier(controls: readonly Point[]): Point[] {
  return Array.from({ length: CURVE_STEPS }, (_, step) => pointAt(controls, (step + 1) / CURVE_STEPS));
}

/** @see de Casteljau's algorithm */
function pointAt(controls: readonly Point[], t: number): Point {
  const [first = { x: 0, y: 0 }, ...rest] = controls;
  if (rest.length === 0) return { x: first.x, y: first.y };
  const between = rest.map((to, index) => {
    const from = controls[index] ?? to;
    return { x: from.x + t * (to.x - from.x), y: from.y + t * (to.y - from.y) };
  });
  return pointAt(between, t);
}
