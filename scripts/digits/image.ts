/** Pixels to a side of an image. */
export const SIDE = 28;

/** The side of the square that the ink fills. @see MNIST, Yann LeCun: 20x20 box, centred by mass in 28x28 */
export const BOX = 20;

/** Ink from 0 to 1, row by row, SIDE x SIDE. */
export type Image = Float64Array;

/** A blank image. */
export function blank(): Image {
  return new Float64Array(SIDE * SIDE);
}

/** The image moved by whole pixels so that its mass is in the middle. */
export function centerByMass(image: Image): Image {
  let [mass, sumX, sumY] = [1e-9, 0, 0];
  image.forEach((ink, index) => {
    mass += ink;
    sumX += ink * (index % SIDE);
    sumY += ink * Math.floor(index / SIDE);
  });
  const middle = (SIDE - 1) / 2;
  const moved = blank();
  const [right, down] = [Math.round(middle - sumX / mass), Math.round(middle - sumY / mass)];
  image.forEach((ink, index) => {
    const [x, y] = [(index % SIDE) + right, Math.floor(index / SIDE) + down];
    if (x >= 0 && x < SIDE && y >= 0 && y < SIDE) moved[y * SIDE + x] = ink;
  });
  return moved;
}

/** The image as bytes, 0 for paper and 255 for full ink. */
export function toBytes(image: Image): Uint8Array {
  return Uint8Array.from(image, (ink) => Math.round(255 * Math.min(Math.max(ink, 0), 1)));
}
