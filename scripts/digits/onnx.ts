import { concat } from "../../offchain/encoding/bytes.ts";
import { bytes, integer, message } from "./protobuf.ts";

/** A constant of the graph: FP32, row-major. */
export interface Initializer {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** One operation; attributes are lists of integers or one integer. */
export interface Operation {
  readonly type: string;
  readonly inputs: readonly string[];
  readonly output: string;
  readonly attributes?: Readonly<Record<string, number | readonly number[]>>;
}

/** An FP32 input or output of the graph; a text in `shape` is a free dimension. */
export interface Port {
  readonly name: string;
  readonly shape: readonly (number | string)[];
}

/** A graph of standard operators over FP32 tensors. */
export interface Graph {
  readonly name: string;
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  readonly initializers: readonly Initializer[];
  readonly operations: readonly Operation[];
}

const IR_VERSION = 8;
const OPSET = 17;
const FLOAT = 1;
const ATTRIBUTE_INT = 2;
const ATTRIBUTE_INTS = 7;

/**
 * Writes a graph as an ONNX model, the same bytes for the same graph.
 * @see https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
 */
export function encodeOnnx(graph: Graph): Uint8Array {
  return concat(
    integer(1, IR_VERSION),
    bytes(2, "cloister"),
    message(
      7,
      ...graph.operations.map(encodeOperation),
      bytes(2, graph.name),
      ...graph.initializers.map(encodeInitializer),
      ...graph.inputs.map((port) => encodePort(11, port)),
      ...graph.outputs.map((port) => encodePort(12, port)),
    ),
    message(8, bytes(1, ""), integer(2, OPSET)),
  );
}

function encodeOperation(operation: Operation): Uint8Array {
  return message(
    1,
    ...operation.inputs.map((input) => bytes(1, input)),
    bytes(2, operation.output),
    bytes(3, operation.output),
    bytes(4, operation.type),
    ...Object.entries(operation.attributes ?? {}).map(([name, value]) => encodeAttribute(name, value)),
  );
}

function encodeAttribute(name: string, value: number | readonly number[]): Uint8Array {
  return typeof value === "number"
    ? message(5, bytes(1, name), integer(3, value), integer(20, ATTRIBUTE_INT))
    : message(5, bytes(1, name), ...value.map((item) => integer(8, item)), integer(20, ATTRIBUTE_INTS));
}

function encodeInitializer(initializer: Initializer): Uint8Array {
  return message(
    5,
    ...initializer.shape.map((dimension) => integer(1, dimension)),
    integer(2, FLOAT),
    bytes(8, initializer.name),
    bytes(9, littleEndian(initializer.values)),
  );
}

function encodePort(field: number, port: Port): Uint8Array {
  const dimensions = port.shape.map((dimension) =>
    message(1, typeof dimension === "number" ? integer(1, dimension) : bytes(2, dimension)),
  );
  return message(field, bytes(1, port.name), message(2, message(1, integer(1, FLOAT), message(2, ...dimensions))));
}

function littleEndian(values: Float32Array): Uint8Array {
  const view = new DataView(new ArrayBuffer(values.length * 4));
  values.forEach((value, index) => view.setFloat32(index * 4, value, true));
  return new Uint8Array(view.buffer);
}
