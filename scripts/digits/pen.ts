import type { Point } from "./geometry.ts";
import type { Image } from "./image.ts";
import { SIDE } from "./image.ts";

/** A place of the pen in pixels, with the radius of its ink. */
export interface PenPoint extends Point {
  readonly radius: number;
}

/** Draws a line of the pen into an image: ink fades over one pixel at the edge of the pen's radius. */
export function drawLine(image: Image, line: readonly PenPoint[]): void {
  line.forEach((to, index) => {
    const from = line[index - 1];
    if (from !== undefined) drawSegment(image, from, to);
  });
}

function drawSegment(image: Image, from: PenPoint, to: PenPoint): void {
  const reach = Math.max(from.radius, to.radius) + 1;
  const [left, right] = pixelRange(from.x, to.x, reach);
  const [top, bottom] = pixelRange(from.y, to.y, reach);
  const [stepX, stepY] = [to.x - from.x, to.y - from.y];
  const square = stepX * stepX + stepY * stepY + 1e-12;
  for (let y = top; y <= bottom; y += 1) {
    for (let x = left; x <= right; x += 1) {
      const [offsetX, offsetY] = [x + 0.5 - from.x, y + 0.5 - from.y];
      const along = Math.min(Math.max((offsetX * stepX + offsetY * stepY) / square, 0), 1);
      const distance = Math.hypot(offsetX - along * stepX, offsetY - along * stepY);
      const ink = from.radius + along * (to.radius - from.radius) + 0.5 - distance;
      const index = y * SIDE + x;
      image[index] = Math.max(image[index] ?? 0, Math.min(ink, 1));
    }
  }
}

function pixelRange(a: number, b: number, reach: number): readonly [number, number] {
  return [Math.max(Math.floor(Math.min(a, b) - reach), 0), Math.min(Math.ceil(Math.max(a, b) + reach), SIDE - 1)];
}
