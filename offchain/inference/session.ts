import type { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import type { Json } from "../encoding/json.ts";
import { canonicalJson } from "../encoding/json.ts";
import type { Datatype, Tensor } from "../encoding/tensor.ts";
import { ModelError } from "../errors.ts";
import { checkInputs } from "../model/inputs.ts";
import type { ModelManifest, TensorSpec } from "../model/manifest.ts";
import type { ModelPackage } from "../model/package.ts";
import { datatypeOf, elementOf } from "./datatype.ts";
import { openGraph } from "./graph.ts";
import type { OpenGraph } from "./graph.ts";
import { loadRuntime } from "./runtime.ts";

/** A verified model, ready to answer; it holds native memory until it is closed. */
export interface Model {
  readonly manifest: ModelManifest;
  /**
   * Computes the outputs in the manifest's order; wrong inputs throw `ModelError` `INPUT_INVALID`, everything else `INFERENCE_FAILED`.
   * The computation blocks the thread and gives the same bytes for the same inputs.
   */
  run(inputs: readonly Tensor[]): Promise<Tensor[]>;
  /** Frees the native memory once; after that `run` throws `INFERENCE_FAILED`. */
  close(): Promise<void>;
}

type TensorClass = typeof OrtTensor;

/**
 * Opens a verified package; a graph whose inputs or outputs are not those of the manifest, or another version of the
 * runtime, throws `MODEL_MISMATCH`, an unreadable graph `MODEL_MALFORMED`, a privacy policy `MODEL_UNSUPPORTED`: its noise is not added yet.
 */
export async function openModel(pkg: ModelPackage): Promise<Model> {
  const { manifest } = pkg;
  if (manifest.privacy !== null)
    throw new ModelError("MODEL_UNSUPPORTED", "the model asks for a privacy mechanism that no worker applies yet");
  const graph = await openGraph(pkg.files, manifest.graph, manifest.runtime);
  const { Tensor: TensorClass } = await loadRuntime();
  let session: InferenceSession | undefined = graph.session;
  const close = async (): Promise<void> => {
    const open = session;
    session = undefined;
    await open?.release();
  };
  if (!describes(manifest, graph)) {
    await close();
    throw new ModelError("MODEL_MISMATCH", "the graph's inputs and outputs are not those of the manifest");
  }
  return {
    manifest,
    close,
    async run(inputs) {
      const batch = checkInputs(manifest, inputs);
      if (session === undefined) throw new ModelError("INFERENCE_FAILED", "the model is closed");
      const feeds = Object.fromEntries(inputs.map((input) => [input.name, toNative(TensorClass, input)]));
      const results = await compute(session, feeds);
      return manifest.outputs.map((output) => fromNative(output, results[output.name], batch));
    },
  };
}

async function compute(
  session: InferenceSession,
  feeds: InferenceSession.FeedsType,
): Promise<InferenceSession.ReturnType> {
  try {
    return await session.run(feeds);
  } catch (cause) {
    throw new ModelError("INFERENCE_FAILED", "onnxruntime could not run the graph on these inputs", { cause });
  }
}

function describes(manifest: ModelManifest, graph: OpenGraph): boolean {
  return sameSpecs(manifest.inputs, graph.inputs) && sameSpecs(manifest.outputs, graph.outputs);
}

function sameSpecs(stated: readonly TensorSpec[], found: readonly TensorSpec[]): boolean {
  return canonicalJson(stated as unknown as Json) === canonicalJson(found as unknown as Json);
}

/** Copies the data: a fresh buffer is aligned for every element type and nobody else writes to it. */
function toNative(TensorClass: TensorClass, input: Tensor): OrtTensor {
  const element = elementOf(input.datatype);
  if (element === undefined) throw new ModelError("INPUT_INVALID", `${input.datatype} cannot be computed on`);
  const elements = new element.view(input.data.slice().buffer);
  return new TensorClass(element.type as "float32", elements as Float32Array, input.shape);
}

function fromNative(spec: TensorSpec, result: OrtTensor | undefined, batch: number): Tensor {
  const shape = spec.shape.map((size) => (size === -1 ? batch : size));
  const datatype: Datatype | undefined = result && datatypeOf(result.type);
  if (result === undefined || datatype !== spec.datatype || String(result.dims) !== String(shape))
    throw new ModelError("INFERENCE_FAILED", `the output ${spec.name} is not as the manifest says`);
  const { buffer, byteOffset, byteLength } = result.data as Exclude<OrtTensor.DataType, string[]>;
  return { name: spec.name, datatype, shape, data: new Uint8Array(buffer, byteOffset, byteLength).slice() };
}
