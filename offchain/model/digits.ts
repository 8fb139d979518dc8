import { concat, equal, uintBytes, utf8 } from "../encoding/bytes.ts";
import { ByteReader } from "../encoding/reader.ts";
import { float32Tensor, float32Values } from "../encoding/tensor.ts";
import type { Tensor } from "../encoding/tensor.ts";
import { ModelError } from "../errors.ts";

/** Pixels to a side of a digit's image. */
export const DIGIT_SIDE = 28;

const PIXELS = DIGIT_SIDE * DIGIT_SIDE;
const CLASSES = 10;
const MAGIC = utf8("CLDG\u0001");

/** An image of a handwritten digit and which one it is. */
export interface Digit {
  /** 0 to 9. */
  readonly label: number;
  /** 28 x 28 bytes, row by row, 0 for paper and 255 for full ink. */
  readonly pixels: Uint8Array;
}

/** Writes digits as `"CLDG" || 0x01 || u32 count || count x (u8 label || 784 pixels)`; throws `INPUT_INVALID` for a digit that is none. */
export function encodeDigits(digits: readonly Digit[]): Uint8Array {
  for (const digit of digits) checkDigit(digit);
  const records = digits.flatMap(({ label, pixels }) => [Uint8Array.of(label), pixels]);
  return concat(MAGIC, uintBytes(digits.length, 4), ...records);
}

/** Reads what `encodeDigits` wrote; anything else throws `ModelError` `INPUT_INVALID`. */
export function parseDigits(bytes: Uint8Array): Digit[] {
  const reader = new ByteReader(bytes, invalid);
  if (!equal(reader.take(MAGIC.length, "magic"), MAGIC)) throw invalid("these are no digits of this version");
  const count = reader.uint32be("count");
  if (reader.remaining !== count * (1 + PIXELS)) throw invalid(`the file is not as long as ${count} digits are`);
  return Array.from({ length: count }, () => {
    const digit = { label: reader.uint8("label"), pixels: reader.take(PIXELS, "pixels") };
    checkDigit(digit);
    return digit;
  });
}

/** The recogniser's input for images: `image`, FP32 [n, 1, 28, 28] from 0 to 1; an image of another size throws `INPUT_INVALID`. */
export function digitTensor(images: readonly Uint8Array[]): Tensor {
  if (images.some((pixels) => pixels.length !== PIXELS)) throw invalid(`an image is not ${PIXELS} bytes`);
  const values = Float32Array.from(concat(...images), (pixel) => pixel / 255);
  return float32Tensor("image", [images.length, 1, DIGIT_SIDE, DIGIT_SIDE], values);
}

/** The likeliest digit of each image, from the recogniser's `logits` or `probabilities` (FP32 [n, 10]); else throws `INPUT_INVALID`. */
export function likeliestDigits(scores: Tensor): number[] {
  const values = float32Values(scores);
  const [count = 0, classes] = scores.shape;
  if (scores.shape.length !== 2 || classes !== CLASSES)
    throw invalid(`${scores.name} has not ${CLASSES} scores an image`);
  return Array.from({ length: count }, (_, index) => {
    const row = values.subarray(index * CLASSES, (index + 1) * CLASSES);
    return row.indexOf(Math.max(...row));
  });
}

function checkDigit({ label, pixels }: Digit): void {
  if (!Number.isInteger(label) || label < 0 || label >= CLASSES) throw invalid(`${label} is no digit`);
  if (pixels.length !== PIXELS) throw invalid(`an image is not ${PIXELS} bytes`);
}

function invalid(message: string): ModelError {
  return new ModelError("INPUT_INVALID", message);
}
