import { sha256 } from "#crypto";
import { expect } from "chai";
import { readFileSync } from "node:fs";
import { toHex } from "../../../offchain/encoding/bytes.ts";
import { encodeDigits } from "../../../offchain/model/digits.ts";
import { drawHeldOut } from "../../../scripts/digits/held-out.ts";
import { BOX, centerByMass, SIDE, toBytes } from "../../../scripts/digits/image.ts";
import type { Image } from "../../../scripts/digits/image.ts";
import { fillOutline } from "../../../scripts/digits/outline.ts";
import { createRandom } from "../../../scripts/digits/random.ts";
import { drawStrokes } from "../../../scripts/digits/strokes.ts";
import { expectNear } from "../../support/near.ts";

/** The mean place of the ink. */
function middleOf(image: Image): readonly [number, number] {
  const mass = image.reduce((sum, ink) => sum + ink, 0);
  const mean = (place: (index: number) => number): number =>
    image.reduce((sum, ink, index) => sum + ink * place(index), 0) / mass;
  return [mean((index) => index % SIDE), mean((index) => Math.floor(index / SIDE))];
}

function heightOf(image: Image): number {
  const rows = [...image.keys()].filter((index) => (image[index] ?? 0) > 0.1).map((index) => Math.floor(index / SIDE));
  return Math.max(...rows) - Math.min(...rows) + 1;
}

describe("digits/drawing", () => {
  describe("drawStrokes", () => {
    it("draws the same from the same seed, and never the same twice", () => {
      const [random, again] = [createRandom(1), createRandom(1)];
      const drawn = Array.from({ length: 20 }, () => toHex(toBytes(drawStrokes(3, random))));
      expect(Array.from({ length: 20 }, () => toHex(toBytes(drawStrokes(3, again))))).to.deep.equal(drawn);
      expect(new Set(drawn).size).to.equal(drawn.length);
    });

    it("keeps ink from 0 to 1, in a box of 20 pixels, with the mass in the middle", () => {
      const random = createRandom(2);
      for (let count = 0; count < 200; count += 1) {
        const image = drawStrokes(count % 10, random);
        expect(Math.min(...image)).to.equal(0);
        expect(Math.max(...image)).to.be.within(0.2, 1);
        expect(heightOf(image)).to.be.at.most(BOX + 2);
        for (const place of middleOf(image)) expectNear(place, (SIDE - 1) / 2, 1);
      }
    });
  });

  describe("fillOutline", () => {
    const square = (from: number, to: number): { x: number; y: number }[] => [
      { x: from, y: from },
      { x: to, y: from },
      { x: to, y: to },
      { x: from, y: to },
    ];

    it("fills by area, also in part of a pixel", () => {
      const ink = fillOutline([square(4.25, 10.5)]).reduce((sum, value) => sum + value, 0);
      expectNear(ink, 6.25 ** 2, 1e-9);
    });

    it("leaves a hole where the inner contour turns the other way", () => {
      const image = fillOutline([square(4, 12), square(6, 10).toReversed()]);
      expect(image[8 * SIDE + 8]).to.equal(0);
      expect(image[5 * SIDE + 5]).to.equal(1);
    });

    it("fills twice covered places once", () => {
      const image = fillOutline([square(4, 12), square(6, 14)]);
      expect(image[8 * SIDE + 8]).to.equal(1);
    });
  });

  describe("centerByMass", () => {
    it("moves by whole pixels", () => {
      const image = new Float64Array(SIDE * SIDE);
      image[0] = 1;
      expect(centerByMass(image).indexOf(1)).to.equal(14 * SIDE + 14);
    });
  });

  describe("drawHeldOut", () => {
    it("draws the committed set again, byte for byte", () => {
      const committed = readFileSync("models/digits/holdout.bin");
      expect(toHex(sha256(encodeDigits(drawHeldOut())))).to.equal(toHex(sha256(committed)));
    });
  });
});
