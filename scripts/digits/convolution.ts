import type { Layer } from "./layer.ts";

/** The side of every kernel. */
export const KERNEL = 5;

const TAPS = KERNEL * KERNEL;

/** Sizes of a convolution without padding over square planes. */
export interface ConvolutionSize {
  readonly inputs: number;
  readonly outputs: number;
  /** The side of an input plane; an output plane's is `KERNEL - 1` less. */
  readonly side: number;
}

/** Computes output planes from input planes. */
export function convolve(size: ConvolutionSize, layer: Layer, input: Float64Array, output: Float64Array): void {
  const { inputs, outputs, side } = size;
  const outSide = side - KERNEL + 1;
  for (let out = 0; out < outputs; out += 1) {
    const plane = output.subarray(out * outSide * outSide, (out + 1) * outSide * outSide);
    plane.fill(layer.biases[out] ?? 0);
    for (let from = 0; from < inputs; from += 1) {
      const weights = layer.weights.subarray((out * inputs + from) * TAPS, (out * inputs + from + 1) * TAPS);
      addPlane(weights, input.subarray(from * side * side, (from + 1) * side * side), plane);
    }
  }
}

/** Adds one plane's share to an output plane, a row of the kernel at a time. */
function addPlane(weights: Float64Array, input: Float64Array, plane: Float64Array): void {
  const side = Math.sqrt(input.length);
  const outSide = side - KERNEL + 1;
  for (let row = 0; row < KERNEL; row += 1) {
    const [w0 = 0, w1 = 0, w2 = 0, w3 = 0, w4 = 0] = weights.subarray(row * KERNEL, (row + 1) * KERNEL);
    for (let y = 0; y < outSide; y += 1) {
      const start = (y + row) * side;
      for (let x = 0; x < outSide; x += 1) {
        const at = start + x;
        plane[y * outSide + x]! +=
          w0 * input[at]! + w1 * input[at + 1]! + w2 * input[at + 2]! + w3 * input[at + 3]! + w4 * input[at + 4]!;
      }
    }
  }
}

/** The planes of one convolution on its way back. */
export interface BackPlanes {
  readonly input: Float64Array;
  readonly outputGradient: Float64Array;
  /** Absent where nobody needs it. */
  readonly inputGradient?: Float64Array;
}

/**
 * Adds to the layer's gradients, and to the input's where it is asked for. Most of an output's gradient is zero after
 * pooling and rectifying, so the work goes by the places where it is not.
 */
export function convolveBack(size: ConvolutionSize, layer: Layer, gradients: Layer, planes: BackPlanes): void {
  const outSide = size.side - KERNEL + 1;
  planes.outputGradient.forEach((gradient, index) => {
    if (gradient === 0) return;
    const out = Math.floor(index / (outSide * outSide));
    const place = index % (outSide * outSide);
    gradients.biases[out]! += gradient;
    for (let from = 0; from < size.inputs; from += 1) {
      const kernel = (out * size.inputs + from) * TAPS;
      const corner = (from * size.side + Math.floor(place / outSide)) * size.side + (place % outSide);
      addTaps(gradients.weights.subarray(kernel, kernel + TAPS), planes.input, { gradient, corner, side: size.side });
      if (planes.inputGradient) {
        const weights = layer.weights.subarray(kernel, kernel + TAPS);
        addWindow(planes.inputGradient, weights, { gradient, corner, side: size.side });
      }
    }
  });
}

interface Place {
  readonly gradient: number;
  readonly corner: number;
  readonly side: number;
}

function addTaps(sums: Float64Array, plane: Float64Array, { gradient, corner, side }: Place): void {
  for (let row = 0; row < KERNEL; row += 1)
    for (let column = 0; column < KERNEL; column += 1)
      sums[row * KERNEL + column]! += gradient * plane[corner + row * side + column]!;
}

function addWindow(plane: Float64Array, weights: Float64Array, { gradient, corner, side }: Place): void {
  for (let row = 0; row < KERNEL; row += 1)
    for (let column = 0; column < KERNEL; column += 1)
      plane[corner + row * side + column]! += gradient * weights[row * KERNEL + column]!;
}
