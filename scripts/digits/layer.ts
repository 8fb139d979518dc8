/** The parameters of a layer, or their gradients: weights by output first, and one bias an output. */
export interface Layer {
  readonly weights: Float64Array;
  readonly biases: Float64Array;
}

/** Computes every output of a fully connected layer. */
export function connect(layer: Layer, input: Float64Array, output: Float64Array): void {
  const width = input.length;
  for (let out = 0; out < output.length; out += 1) {
    let sum = layer.biases[out]!;
    for (let from = 0; from < width; from += 1) sum += layer.weights[out * width + from]! * input[from]!;
    output[out] = sum;
  }
}

/** Adds to the layer's gradients and writes the input's. */
export function connectBack(
  layer: Layer,
  gradients: Layer,
  planes: { readonly input: Float64Array; readonly outputGradient: Float64Array; readonly inputGradient: Float64Array },
): void {
  const { input, inputGradient } = planes;
  inputGradient.fill(0);
  planes.outputGradient.forEach((gradient, out) => {
    if (gradient === 0) return;
    gradients.biases[out]! += gradient;
    const start = out * input.length;
    for (let from = 0; from < input.length; from += 1) {
      gradients.weights[start + from]! += gradient * input[from]!;
      inputGradient[from]! += gradient * layer.weights[start + from]!;
    }
  });
}

/** Replaces negative values by zero. */
export function rectify(values: Float64Array): void {
  for (let index = 0; index < values.length; index += 1) if (values[index]! < 0) values[index] = 0;
}

/** Stops the gradient where the rectified value is zero. */
export function rectifyBack(values: Float64Array, gradient: Float64Array): void {
  for (let index = 0; index < values.length; index += 1) if (values[index] === 0) gradient[index] = 0;
}

/** Keeps the largest of each 2x2 square of every plane (of the even side `side`) and remembers where it stood. */
export function pool(side: number, input: Float64Array, output: Float64Array, places: Int32Array): void {
  const half = side / 2;
  for (let index = 0; index < output.length; index += 1) {
    const row = Math.floor(index / half);
    const corner = 2 * (row * side + (index % half));
    let best = corner;
    for (const place of [corner + 1, corner + side, corner + side + 1]) if (input[place]! > input[best]!) best = place;
    output[index] = input[best]!;
    places[index] = best;
  }
}

/** Sends each gradient back to the place that was kept. */
export function poolBack(outputGradient: Float64Array, places: Int32Array, inputGradient: Float64Array): void {
  inputGradient.fill(0);
  outputGradient.forEach((gradient, index) => {
    inputGradient[places[index]!] = gradient;
  });
}

/** Turns scores into the gradient of the cross entropy against the true class, in place, and returns the loss. */
export function softmaxLoss(scores: Float64Array, truth: number): number {
  const largest = Math.max(...scores);
  const powers = scores.map((score) => Math.exp(score - largest));
  const sum = powers.reduce((total, power) => total + power, 0);
  const loss = Math.log(sum) + largest - scores[truth]!;
  powers.forEach((power, index) => {
    scores[index] = power / sum - (index === truth ? 1 : 0);
  });
  return loss;
}
