import { expect } from "chai";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { float32Values } from "../../../offchain/encoding/tensor.ts";
import { loadPackage } from "../../../offchain/inference/package.ts";
import { openModel } from "../../../offchain/inference/session.ts";
import { digitTensor, parseDigits } from "../../../offchain/model/digits.ts";
import type { Digit } from "../../../offchain/model/digits.ts";
import { toBytes } from "../../../scripts/digits/image.ts";
import { createNetwork, randomParameters } from "../../../scripts/digits/network.ts";
import { publishDigits } from "../../../scripts/digits/publish.ts";
import { createRandom } from "../../../scripts/digits/random.ts";
import { drawStrokes } from "../../../scripts/digits/strokes.ts";
import { temporaryDirectory } from "../../support/directories.ts";
import { expectNear } from "../../support/near.ts";

const WIDTHS = { first: 4, second: 6, hidden: 24 };
const SAMPLES = 70;

describe("digits/publish", () => {
  const dir = join(temporaryDirectory(), "digits");
  const random = createRandom(11);
  const network = createNetwork(WIDTHS, randomParameters(WIDTHS, random));
  const digits: readonly Digit[] = Array.from({ length: SAMPLES }, (_, index) => ({
    label: index % 10,
    pixels: toBytes(drawStrokes(index % 10, random)),
  }));
  const scoresOf = (digit: Digit): Float64Array =>
    network.score(Float64Array.from(digit.pixels, (pixel) => pixel / 255)).slice();

  before(() => publishDigits(dir, network, digits, 42));

  describe("publishDigits", () => {
    it("writes a package that computes what the trained network computes", async () => {
      const model = await openModel(await loadPackage(dir));
      const batch = digits.slice(0, 8);
      const [logits] = await model.run([digitTensor(batch.map((digit) => digit.pixels))]);
      await model.close();
      const values = logits === undefined ? [] : [...float32Values(logits)];
      const expected = batch.flatMap((digit) => Array.from(scoresOf(digit)));
      expect(values.length).to.equal(expected.length);
      values.forEach((value, index) => expectNear(value, expected[index] ?? Number.NaN, 1e-4));
    });

    it("states the accuracy that it counted over every batch, and the seed", async () => {
      const { manifest } = await loadPackage(dir);
      const right = digits.filter((digit) => {
        const scores = scoresOf(digit);
        return scores.indexOf(Math.max(...scores)) === digit.label;
      });
      expect(manifest.evaluation).to.deep.include({
        samples: SAMPLES,
        correct: right.length,
        accuracy: right.length / SAMPLES,
        seed: 42,
      });
      expect(manifest.labels).to.deep.equal(["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
    });

    it("writes the held-out set beside the package", async () => {
      expect(parseDigits(readFileSync(join(dir, "holdout.bin")))).to.deep.equal(digits);
      expect([...(await loadPackage(dir)).files.keys()]).to.deep.equal(["model.onnx"]);
    });
  });
});
