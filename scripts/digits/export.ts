import { KERNEL } from "./convolution.ts";
import { SIDE } from "./image.ts";
import { LAST_SIDE, LAYER_NAMES } from "./network.ts";
import type { Network } from "./network.ts";
import type { Graph, Initializer, Operation } from "./onnx.ts";

/** The network as a graph from `image` (FP32 [batch, 1, 28, 28], 0 to 1) to `logits` and `probabilities` (FP32 [batch, 10]). */
export function digitGraph(network: Network): Graph {
  return {
    name: "digits",
    inputs: [{ name: "image", shape: ["batch", 1, SIDE, SIDE] }],
    outputs: [
      { name: "logits", shape: ["batch", 10] },
      { name: "probabilities", shape: ["batch", 10] },
    ],
    initializers: initializersOf(network),
    operations: [
      ...convolution("first", "image"),
      ...convolution("second", "first_pooled"),
      { type: "Flatten", inputs: ["second_pooled"], output: "flat", attributes: { axis: 1 } },
      dense("hidden", "flat", "hidden_sums"),
      { type: "Relu", inputs: ["hidden_sums"], output: "hidden" },
      dense("scores", "hidden", "logits"),
      { type: "Softmax", inputs: ["logits"], output: "probabilities", attributes: { axis: 1 } },
    ],
  };
}

function convolution(name: string, input: string): Operation[] {
  const sums: Operation = {
    type: "Conv",
    inputs: [input, `${name}_weights`, `${name}_biases`],
    output: `${name}_sums`,
    attributes: { kernel_shape: [KERNEL, KERNEL] },
  };
  const pooling = { kernel_shape: [2, 2], strides: [2, 2] };
  return [
    sums,
    { type: "Relu", inputs: [sums.output], output: `${name}_rectified` },
    { type: "MaxPool", inputs: [`${name}_rectified`], output: `${name}_pooled`, attributes: pooling },
  ];
}

function dense(name: string, input: string, output: string): Operation {
  return { type: "Gemm", inputs: [input, `${name}_weights`, `${name}_biases`], output, attributes: { transB: 1 } };
}

function initializersOf({ widths, parameters }: Network): Initializer[] {
  const shapes = {
    first: [widths.first, 1, KERNEL, KERNEL],
    second: [widths.second, widths.first, KERNEL, KERNEL],
    hidden: [widths.hidden, widths.second * LAST_SIDE * LAST_SIDE],
    scores: [10, widths.hidden],
  };
  return LAYER_NAMES.flatMap((name) => {
    const { weights, biases } = parameters[name];
    return [
      { name: `${name}_weights`, shape: shapes[name], values: Float32Array.from(weights) },
      { name: `${name}_biases`, shape: [biases.length], values: Float32Array.from(biases) },
    ];
  });
}
