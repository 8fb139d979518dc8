import type { Point } from "./geometry.ts";
import type { Image } from "./image.ts";
import { blank, SIDE } from "./image.ts";

const LINES_PER_PIXEL = 8;

interface Crossing {
  readonly x: number;
  /** +1 where the edge goes down, -1 where it goes up. */
  readonly winding: number;
}

/** Fills closed contours (in pixels) by the non-zero rule, with the exact share of each scan line in each pixel. */
export function fillOutline(contours: readonly (readonly Point[])[]): Image {
  const image = blank();
  for (let line = 0; line < SIDE * LINES_PER_PIXEL; line += 1) {
    const y = (line + 0.5) / LINES_PER_PIXEL;
    const crossings = contours.flatMap((contour) => crossingsOf(contour, y));
    crossings.sort((a, b) => a.x - b.x);
    fillSpans(image.subarray(Math.floor(y) * SIDE, (Math.floor(y) + 1) * SIDE), crossings);
  }
  return image;
}

function crossingsOf(contour: readonly Point[], y: number): Crossing[] {
  return contour.flatMap((to, index) => {
    const from = contour.at(index - 1) ?? to;
    if (from.y <= y === to.y <= y) return [];
    const x = from.x + ((y - from.y) / (to.y - from.y)) * (to.x - from.x);
    return [{ x, winding: to.y > from.y ? 1 : -1 }];
  });
}

function fillSpans(row: Float64Array, crossings: readonly Crossing[]): void {
  let winding = 0;
  crossings.forEach((crossing, index) => {
    winding += crossing.winding;
    const next = crossings[index + 1];
    if (winding !== 0 && next !== undefined) fillSpan(row, crossing.x, next.x);
  });
}

function fillSpan(row: Float64Array, from: number, to: number): void {
  const [first, last] = [Math.max(Math.floor(from), 0), Math.min(Math.floor(to), SIDE - 1)];
  for (let x = first; x <= last; x += 1) {
    const share = Math.min(to, x + 1) - Math.max(from, x);
    row[x] = (row[x] ?? 0) + Math.max(share, 0) / LINES_PER_PIXEL;
  }
}
