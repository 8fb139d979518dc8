import { ModelError } from "../errors.ts";
import { concat, uintBytes, utf8 } from "./bytes.ts";

/** Element types of a tensor. @see Open Inference Protocol v2, tensor data types */
export type Datatype =
  | "BOOL"
  | "UINT8"
  | "UINT16"
  | "UINT32"
  | "UINT64"
  | "INT8"
  | "INT16"
  | "INT32"
  | "INT64"
  | "FP16"
  | "FP32"
  | "FP64"
  | "BYTES";

/** A named array: `data` is little-endian and row-major, without padding. */
export interface Tensor {
  readonly name: string;
  readonly datatype: Datatype;
  /** Dimensions, outermost first; empty for a scalar. */
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

/** The most tensors one message may carry. */
export const MAX_TENSORS = 64;
/** The most bytes of UTF-8 in a tensor's name. */
export const MAX_NAME_LENGTH = 256;
/** The most dimensions of a tensor. */
export const MAX_RANK = 16;

/** Bytes of one element; `BYTES` elements say their own length. */
const WIDTHS: ReadonlyMap<string, number | "own"> = new Map<Datatype, number | "own">([
  ["BOOL", 1],
  ["UINT8", 1],
  ["UINT16", 2],
  ["UINT32", 4],
  ["UINT64", 8],
  ["INT8", 1],
  ["INT16", 2],
  ["INT32", 4],
  ["INT64", 8],
  ["FP16", 2],
  ["FP32", 4],
  ["FP64", 8],
  ["BYTES", "own"],
]);

type Fail = (message: string) => Error;

const inputInvalid: Fail = (message) => new ModelError("INPUT_INVALID", message);

/** Says whether a text names an element type that Cloister carries. */
export function isDatatype(text: unknown): text is Datatype {
  return typeof text === "string" && WIDTHS.has(text);
}

/**
 * Refuses tensors that break a limit, repeat a name, or whose data is not as long as shape and element type say.
 * `fail` makes the coded error; without it `ModelError` `INPUT_INVALID`.
 */
export function checkTensors(tensors: readonly Tensor[], fail: Fail = inputInvalid): void {
  if (tensors.length > MAX_TENSORS) throw fail(`${tensors.length} tensors: at most ${MAX_TENSORS} are allowed`);
  for (const tensor of tensors) checkTensor(tensor, fail);
  if (new Set(tensors.map((tensor) => tensor.name)).size !== tensors.length) throw fail("two tensors share one name");
}

/**
 * The canonical bytes of tensors in pieces, in the order in which they are hashed; throws `ModelError` `INPUT_INVALID`.
 * @see docs/protocol.md section 6
 */
export function canonicalParts(tensors: readonly Tensor[]): readonly Uint8Array[] {
  checkTensors(tensors);
  const named = tensors.map((tensor) => ({ tensor, name: utf8(tensor.name) }));
  named.sort((a, b) => compareBytes(a.name, b.name));
  return [
    uintBytes(tensors.length, 4),
    ...named.flatMap(({ tensor, name }) => [tensorHead(tensor, name), tensor.data]),
  ];
}

/**
 * The canonical bytes of tensors, whatever their order; throws `ModelError` `INPUT_INVALID`.
 * @see docs/protocol.md section 6
 */
export function canonicalTensors(tensors: readonly Tensor[]): Uint8Array {
  return concat(...canonicalParts(tensors));
}

/** Makes an FP32 tensor; throws `ModelError` `INPUT_INVALID` where the shape does not hold the values. */
export function float32Tensor(name: string, shape: readonly number[], values: Float32Array): Tensor {
  const data = new Uint8Array(4 * values.length);
  const view = new DataView(data.buffer);
  values.forEach((value, index) => view.setFloat32(4 * index, value, true));
  const tensor: Tensor = { name, datatype: "FP32", shape, data };
  checkTensor(tensor, inputInvalid);
  return tensor;
}

/** The values of an FP32 tensor; throws `ModelError` `INPUT_INVALID` for any other element type. */
export function float32Values(tensor: Tensor): Float32Array {
  if (tensor.datatype !== "FP32") throw inputInvalid(`tensor ${tensor.name} is ${tensor.datatype}, not FP32`);
  checkTensor(tensor, inputInvalid);
  const view = new DataView(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength);
  return Float32Array.from({ length: tensor.data.length / 4 }, (_, index) => view.getFloat32(4 * index, true));
}

function checkTensor({ name, datatype, shape, data }: Tensor, fail: Fail): void {
  const nameLength = utf8(name).length;
  if (!name.isWellFormed() || nameLength === 0 || nameLength > MAX_NAME_LENGTH)
    throw fail(`a tensor's name must be 1 to ${MAX_NAME_LENGTH} bytes of UTF-8`);
  const width = WIDTHS.get(datatype);
  if (width === undefined) throw fail(`tensor ${name}: unknown datatype`);
  if (shape.length > MAX_RANK)
    throw fail(`tensor ${name}: ${shape.length} dimensions, at most ${MAX_RANK} are allowed`);
  const count = shape.reduce((product, size) => product * size, 1);
  if (!shape.every((size) => Number.isSafeInteger(size) && size >= 0) || !Number.isSafeInteger(count))
    throw fail(`tensor ${name}: a dimension is no whole number, or they are too large together`);
  const fits = width === "own" ? holdsElements(data, count) : data.length === count * width;
  if (!fits) throw fail(`tensor ${name}: ${data.length} bytes do not hold ${count} elements of ${datatype}`);
}

/** `BYTES` elements stand one after another, each behind its length in four little-endian bytes. */
function holdsElements(data: Uint8Array, count: number): boolean {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  let offset = 0;
  let found = 0;
  while (offset + 4 <= data.length && found < count) {
    offset += 4 + view.getUint32(offset, true);
    found += 1;
  }
  return found === count && offset === data.length;
}

function tensorHead(tensor: Tensor, name: Uint8Array): Uint8Array {
  const datatype = utf8(tensor.datatype);
  return concat(
    uintBytes(name.length, 2),
    name,
    uintBytes(datatype.length, 1),
    datatype,
    uintBytes(tensor.shape.length, 1),
    ...tensor.shape.map((size) => uintBytes(size, 8)),
    uintBytes(tensor.data.length, 8),
  );
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const at = a.findIndex((byte, index) => byte !== b[index]);
  if (at === -1) return a.length - b.length;
  return at >= b.length ? 1 : (a[at] ?? 0) - (b[at] ?? 0);
}
