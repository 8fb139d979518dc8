import type { Digit } from "../../offchain/model/digits.ts";
import { drawOutline, HELD_OUT_FONTS, loadDigits } from "./fonts.ts";
import { toBytes } from "./image.ts";
import { createRandom } from "./random.ts";

/** What the held-out set is, for people. */
export const HELD_OUT_TEXT = `${HELD_OUT_FONTS.length} handwriting fonts that training never sees (${HELD_OUT_FONTS.join(", ")}), ten digits each, ten mild distortions each, 28x28 pixels`;

const SEED = 20_241_017;
const DRAWINGS = 10;

/** Draws the held-out set; it is always the same, whatever seed the training has. */
export function drawHeldOut(): Digit[] {
  const random = createRandom(SEED);
  return HELD_OUT_FONTS.flatMap((font) => {
    const outlines = loadDigits(font);
    return Array.from({ length: DRAWINGS }, () => outlines).flatMap((digits) =>
      digits.map((outline, label) => ({ label, pixels: toBytes(drawOutline(outline, random)) })),
    );
  });
}
