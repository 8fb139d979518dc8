import { expect } from "chai";
import { toHex } from "../../../offchain/encoding/bytes.ts";
import { digitGraph } from "../../../scripts/digits/export.ts";
import { createNetwork, LAYER_NAMES, randomParameters, zeroParameters } from "../../../scripts/digits/network.ts";
import type { Network, Widths } from "../../../scripts/digits/network.ts";
import { encodeOnnx } from "../../../scripts/digits/onnx.ts";
import { createRandom } from "../../../scripts/digits/random.ts";
import { drawStrokes } from "../../../scripts/digits/strokes.ts";
import { softmaxLoss } from "../../../scripts/digits/layer.ts";
import { trainDigits } from "../../../scripts/digits/training.ts";
import { expectNear } from "../../support/near.ts";

const WIDTHS: Widths = { first: 4, second: 6, hidden: 24 };

function train(seed: number, steps: number): { network: Network; losses: number[] } {
  const losses: number[] = [];
  const plan = { seed, widths: WIDTHS, steps, batch: 16, rate: 0.005 };
  const network = trainDigits(plan, (_step, loss) => losses.push(loss));
  return { network, losses };
}

const graphOf = (network: Network): string => toHex(encodeOnnx(digitGraph(network)));
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

describe("digits/training", () => {
  describe("trainDigits", () => {
    it("gives a byte-identical graph for the same seed, and another for another seed", () => {
      const graph = graphOf(train(1, 5).network);
      expect(graphOf(train(1, 5).network)).to.equal(graph);
      expect(graphOf(train(2, 5).network)).not.to.equal(graph);
    });

    it("learns: a tiny network names most new digits after five thousand drawn ones", () => {
      const { network, losses } = train(1, 320);
      expect(mean(losses.slice(-10))).to.be.below(mean(losses.slice(0, 10)) / 2);
      const random = createRandom(3);
      const right = Array.from({ length: 200 }, (_, index) => index % 10).filter((digit) => {
        const scores = network.score(drawStrokes(digit, random));
        return scores.indexOf(Math.max(...scores)) === digit;
      });
      expect(right.length).to.be.above(120);
    });
  });

  describe("learn", () => {
    it("adds the gradients that small changes of the parameters show", () => {
      const random = createRandom(5);
      const parameters = randomParameters(WIDTHS, random);
      // With biases of zero every blank place would stand exactly on the edge of the rectifier.
      for (const name of LAYER_NAMES)
        parameters[name].biases.forEach((_, at, biases) => (biases[at] = random.normal(0.1)));
      const network = createNetwork(WIDTHS, parameters);
      const gradients = zeroParameters(WIDTHS);
      const image = drawStrokes(4, createRandom(6));
      const loss = (): number => softmaxLoss(network.score(image), 4);
      expect(network.learn(image, 4, gradients)).to.equal(loss());
      const change = 1e-6;
      for (let index = 0; index < parameters.all.length; index += 7) {
        const value = parameters.all[index] ?? 0;
        parameters.all[index] = value + change;
        const above = loss();
        parameters.all[index] = value - change;
        const below = loss();
        parameters.all[index] = value;
        expectNear(gradients.all[index], (above - below) / (2 * change), 1e-5);
      }
    });
  });
});
