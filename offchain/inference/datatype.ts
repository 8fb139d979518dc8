import type { Tensor as OrtTensor } from "onnxruntime-node";
import type { Datatype } from "../encoding/tensor.ts";

/** How onnxruntime names an element type, and the view of its elements. */
interface Element {
  readonly type: OrtTensor.Type;
  readonly view: new (buffer: ArrayBuffer) => ArrayBufferView;
}

/** The element types that a graph's inputs and outputs may have. */
const ELEMENTS: Readonly<Partial<Record<Datatype, Element>>> = {
  BOOL: { type: "bool", view: Uint8Array },
  UINT8: { type: "uint8", view: Uint8Array },
  UINT16: { type: "uint16", view: Uint16Array },
  UINT32: { type: "uint32", view: Uint32Array },
  UINT64: { type: "uint64", view: BigUint64Array },
  INT8: { type: "int8", view: Int8Array },
  INT16: { type: "int16", view: Int16Array },
  INT32: { type: "int32", view: Int32Array },
  INT64: { type: "int64", view: BigInt64Array },
  FP32: { type: "float32", view: Float32Array },
  FP64: { type: "float64", view: Float64Array },
};

/** The element of a datatype; undefined where the runtime has no plain view of it (`FP16`, `BYTES`). */
export function elementOf(datatype: Datatype): Element | undefined {
  return ELEMENTS[datatype];
}

/** The datatype of an element type of onnxruntime; undefined where packages cannot have it. */
export function datatypeOf(type: string): Datatype | undefined {
  return (Object.keys(ELEMENTS) as Datatype[]).find((datatype) => ELEMENTS[datatype]?.type === type);
}
