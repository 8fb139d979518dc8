import type { Tensor } from "../encoding/tensor.ts";
import { checkTensors } from "../encoding/tensor.ts";
import { ModelError } from "../errors.ts";
import type { ModelManifest, TensorSpec } from "./manifest.ts";

/**
 * Checks tensors against a manifest's inputs and limits and returns the batch (1 where no input has one): every input once,
 * by name, with its element type and shape and the same batch everywhere; anything else throws `ModelError` `INPUT_INVALID`.
 */
export function checkInputs(manifest: ModelManifest, tensors: readonly Tensor[]): number {
  const { maxRequestBytes, maxBatch } = manifest.limits;
  const bytes = tensors.reduce((sum, tensor) => sum + tensor.data.length, 0);
  if (bytes > maxRequestBytes) throw invalid(`the inputs have ${bytes} bytes, at most ${maxRequestBytes} are allowed`);
  checkTensors(tensors);
  if (tensors.length !== manifest.inputs.length)
    throw invalid(`${tensors.length} inputs, the model takes ${manifest.inputs.length}`);
  const batches = manifest.inputs.map((spec) => batchOf(spec, tensors));
  const [batch = 1, ...others] = batches.filter((size) => size !== undefined);
  if (others.some((other) => other !== batch)) throw invalid("the inputs have different batches");
  if (batch < 1 || batch > maxBatch) throw invalid(`the batch is ${batch}, allowed are 1 to ${maxBatch}`);
  return batch;
}

/** The batch of one input; undefined where it has none. */
function batchOf(spec: TensorSpec, tensors: readonly Tensor[]): number | undefined {
  const tensor = tensors.find((candidate) => candidate.name === spec.name);
  if (tensor === undefined) throw invalid(`the input ${spec.name} is missing`);
  if (tensor.datatype !== spec.datatype) throw invalid(`${spec.name} is ${tensor.datatype}, not ${spec.datatype}`);
  const fits =
    tensor.shape.length === spec.shape.length &&
    spec.shape.every((size, index) => size === -1 || size === tensor.shape[index]);
  if (!fits) throw invalid(`${spec.name} has the shape [${tensor.shape.join()}], not [${spec.shape.join()}]`);
  if (spec.datatype === "BOOL" && tensor.data.some((byte) => byte > 1))
    throw invalid(`${spec.name} is not all 0 and 1`);
  return spec.shape[0] === -1 ? tensor.shape[0] : undefined;
}

function invalid(message: string): ModelError {
  return new ModelError("INPUT_INVALID", message);
}
