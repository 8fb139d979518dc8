import { sha256 } from "#crypto";
import { concat, toHex } from "../../offchain/encoding/bytes.ts";
import type { ModelManifest } from "../../offchain/model/manifest.ts";
import { MANIFEST_SCHEMA } from "../../offchain/model/manifest.ts";
import { encodeOnnx } from "../../scripts/digits/onnx.ts";
import { bytes, integer, message } from "../../scripts/digits/protobuf.ts";

/** A graph that gives `y = x * w` for rows of two numbers, with `w` = (2, 3). */
export function tinyGraph(): Uint8Array {
  return encodeOnnx({
    name: "tiny",
    inputs: [{ name: "x", shape: ["batch", 2] }],
    outputs: [{ name: "y", shape: ["batch", 2] }],
    initializers: [{ name: "w", shape: [2], values: Float32Array.of(2, 3) }],
    operations: [{ type: "Mul", inputs: ["x", "w"], output: "y" }],
  });
}

/** The manifest of a package of the tiny graph and any further files. */
export function tinyManifest(files: ReadonlyMap<string, Uint8Array>): ModelManifest {
  return {
    schema: MANIFEST_SCHEMA,
    name: "tiny",
    version: "1.0.0",
    description: "Multiplies two numbers",
    files: [...files].map(([path, content]) => ({ path, bytes: content.length, sha256: toHex(sha256(content)) })),
    graph: "model.onnx",
    inputs: [{ name: "x", datatype: "FP32", shape: [-1, 2] }],
    outputs: [{ name: "y", datatype: "FP32", shape: [-1, 2] }],
    runtime: {
      engine: "onnxruntime",
      version: "1.30.0",
      executionProvider: "cpu",
      intraOpThreads: 1,
      graphOptimization: "all",
    },
    limits: { maxRequestBytes: 64, maxBatch: 4, timeoutMs: 1000 },
    privacy: null,
  };
}

/** The files of the tiny package: the graph, and one that is longer than two chunks. */
export function tinyFiles(): Map<string, Uint8Array> {
  const notes = Uint8Array.from({ length: 150_000 }, (_, index) => (index * 7) % 251);
  return new Map([
    ["model.onnx", tinyGraph()],
    ["docs/notes.bin", notes],
  ]);
}

/** The tiny graph with `w` in another file. @see onnx.proto, TensorProto.external_data */
export function externalGraph(location: string): Uint8Array {
  const port = (field: number, name: string): Uint8Array => {
    const shape = message(2, message(1, bytes(2, "batch")), message(1, integer(1, 2)));
    return message(field, bytes(1, name), message(2, message(1, integer(1, 1), shape)));
  };
  const external = message(13, bytes(1, "location"), bytes(2, location));
  return concat(
    integer(1, 8),
    message(
      7,
      message(1, bytes(1, "x"), bytes(1, "w"), bytes(2, "y"), bytes(4, "Mul")),
      bytes(2, "external"),
      message(5, integer(1, 2), integer(2, 1), bytes(8, "w"), external, integer(14, 1)),
      port(11, "x"),
      port(12, "y"),
    ),
    message(8, bytes(1, ""), integer(2, 17)),
  );
}
