import type { ConvolutionSize } from "./convolution.ts";
import { convolve, convolveBack, KERNEL } from "./convolution.ts";
import { SIDE } from "./image.ts";
import type { Layer } from "./layer.ts";
import { connect, connectBack, pool, poolBack, rectify, rectifyBack, softmaxLoss } from "./layer.ts";
import type { Random } from "./random.ts";

/** How wide the layers are: two convolutions, one hidden layer; the rest is fixed. */
export interface Widths {
  readonly first: number;
  readonly second: number;
  readonly hidden: number;
}

/** The names of the layers, from the image to the scores. */
export const LAYER_NAMES = ["first", "second", "hidden", "scores"] as const;

/** Every parameter in one array, and each layer as a view of it. */
export interface Parameters extends Readonly<Record<(typeof LAYER_NAMES)[number], Layer>> {
  readonly all: Float64Array;
}

/** A network with room for the values of one image. */
export interface Network {
  readonly widths: Widths;
  readonly parameters: Parameters;
  /** The scores (logits) of the ten digits; overwritten by the next call. */
  score(image: Float64Array): Float64Array;
  /** Adds one image's gradients to `gradients` and returns its cross entropy. */
  learn(image: Float64Array, digit: number, gradients: Parameters): number;
}

const CLASSES = 10;
const FIRST_SIDE = SIDE - KERNEL + 1;
const SECOND_SIDE = FIRST_SIDE / 2 - KERNEL + 1;
/** The side of a plane after the second pooling. */
export const LAST_SIDE = SECOND_SIDE / 2;

/** Parameters of zero. */
export function zeroParameters(widths: Widths): Parameters {
  const taps = KERNEL * KERNEL;
  const shapes = [
    [widths.first, taps],
    [widths.second, widths.first * taps],
    [widths.hidden, widths.second * LAST_SIDE * LAST_SIDE],
    [CLASSES, widths.hidden],
  ] as const;
  const all = new Float64Array(shapes.reduce((sum, [outputs, inputs]) => sum + outputs * (inputs + 1), 0));
  let offset = 0;
  const take = (length: number): Float64Array => all.subarray(offset, (offset += length));
  const [first, second, hidden, scores] = shapes.map(([outputs, inputs]) => ({
    weights: take(outputs * inputs),
    biases: take(outputs),
  })) as [Layer, Layer, Layer, Layer];
  return { all, first, second, hidden, scores };
}

/** Parameters to start from. @see He et al. 2015, Delving Deep into Rectifiers, section 2.2 */
export function randomParameters(widths: Widths, random: Random): Parameters {
  const parameters = zeroParameters(widths);
  for (const name of LAYER_NAMES) {
    const { weights, biases } = parameters[name];
    const deviation = Math.sqrt((2 * biases.length) / weights.length);
    for (let index = 0; index < weights.length; index += 1) weights[index] = random.normal(deviation);
  }
  return parameters;
}

/** Makes the network of these parameters. */
export function createNetwork(widths: Widths, parameters: Parameters): Network {
  const first: ConvolutionSize = { inputs: 1, outputs: widths.first, side: SIDE };
  const second: ConvolutionSize = { inputs: widths.first, outputs: widths.second, side: FIRST_SIDE / 2 };
  const values = roomFor(widths);
  const slopes = roomFor(widths);
  const score = (image: Float64Array): Float64Array => {
    convolve(first, parameters.first, image, values.first);
    rectify(values.first);
    pool(FIRST_SIDE, values.first, values.firstPooled, values.firstPlaces);
    convolve(second, parameters.second, values.firstPooled, values.second);
    rectify(values.second);
    pool(SECOND_SIDE, values.second, values.secondPooled, values.secondPlaces);
    connect(parameters.hidden, values.secondPooled, values.hidden);
    rectify(values.hidden);
    connect(parameters.scores, values.hidden, values.scores);
    return values.scores;
  };
  const learn = (image: Float64Array, digit: number, gradients: Parameters): number => {
    const loss = softmaxLoss(score(image), digit);
    connectBack(parameters.scores, gradients.scores, {
      input: values.hidden,
      outputGradient: values.scores,
      inputGradient: slopes.hidden,
    });
    rectifyBack(values.hidden, slopes.hidden);
    connectBack(parameters.hidden, gradients.hidden, {
      input: values.secondPooled,
      outputGradient: slopes.hidden,
      inputGradient: slopes.secondPooled,
    });
    poolBack(slopes.secondPooled, values.secondPlaces, slopes.second);
    rectifyBack(values.second, slopes.second);
    slopes.firstPooled.fill(0);
    convolveBack(second, parameters.second, gradients.second, {
      input: values.firstPooled,
      outputGradient: slopes.second,
      inputGradient: slopes.firstPooled,
    });
    poolBack(slopes.firstPooled, values.firstPlaces, slopes.first);
    rectifyBack(values.first, slopes.first);
    convolveBack(first, parameters.first, gradients.first, { input: image, outputGradient: slopes.first });
    return loss;
  };
  return { widths, parameters, score, learn };
}

interface Room {
  readonly first: Float64Array;
  readonly firstPooled: Float64Array;
  readonly firstPlaces: Int32Array;
  readonly second: Float64Array;
  readonly secondPooled: Float64Array;
  readonly secondPlaces: Int32Array;
  readonly hidden: Float64Array;
  readonly scores: Float64Array;
}

function roomFor(widths: Widths): Room {
  const first = widths.first * FIRST_SIDE ** 2;
  const second = widths.second * SECOND_SIDE ** 2;
  return {
    first: new Float64Array(first),
    firstPooled: new Float64Array(first / 4),
    firstPlaces: new Int32Array(first / 4),
    second: new Float64Array(second),
    secondPooled: new Float64Array(second / 4),
    secondPlaces: new Int32Array(second / 4),
    hidden: new Float64Array(widths.hidden),
    scores: new Float64Array(CLASSES),
  };
}
