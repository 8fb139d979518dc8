import { JsonFields } from "../encoding/fields.ts";
import { checkTensors, isDatatype, type Datatype, type Tensor } from "../encoding/tensor.ts";
import { ModelError } from "../errors.ts";

/** A tensor as the Open Inference Protocol writes it in JSON; 64-bit integers are decimal strings. */
export interface TensorJson {
  readonly name: string;
  readonly datatype: Datatype;
  readonly shape: readonly number[];
  readonly data: readonly (number | string | boolean)[];
}

interface Element {
  readonly bytes: number;
  readonly write: (view: DataView, offset: number, value: unknown) => void;
  readonly read: (view: DataView, offset: number) => number | string | boolean;
}

const invalid = (message: string): ModelError => new ModelError("INPUT_INVALID", message);

/**
 * Reads the inputs of an inference request; throws `ModelError` `INPUT_INVALID`.
 * @see Open Inference Protocol v2, inference request JSON object
 */
export function parseInputs(json: unknown): readonly Tensor[] {
  const tensors = new JsonFields(json, "request", invalid).fieldsList("inputs").map(parseTensor);
  if (tensors.length === 0) throw invalid("request.inputs is empty");
  checkTensors(tensors);
  return tensors;
}

/** Writes a tensor with its elements in a flat list; throws `ModelError` `INPUT_INVALID` for a type that JSON has no plain form of. */
export function tensorToJson({ name, datatype, shape, data }: Tensor): TensorJson {
  const { bytes, read } = elementOf(datatype);
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  return { name, datatype, shape, data: Array.from({ length: data.length / bytes }, (_, i) => read(view, i * bytes)) };
}

function parseTensor(fields: JsonFields): Tensor {
  const name = fields.text("name");
  const datatype = fields.text("datatype");
  if (!isDatatype(datatype)) throw invalid(`${name} has the unknown datatype ${datatype}`);
  const shape = fields.list("shape").map((size) => {
    if (!Number.isSafeInteger(size) || Number(size) < 0) throw invalid(`${name}.shape is no list of dimensions`);
    return Number(size);
  });
  const values = fields.list("data").flat(Number.POSITIVE_INFINITY) as readonly unknown[];
  const { bytes, write } = elementOf(datatype);
  const data = new Uint8Array(bytes * values.length);
  const view = new DataView(data.buffer);
  values.forEach((value, index) => write(view, index * bytes, value));
  return { name, datatype, shape, data };
}

function elementOf(datatype: Datatype): Element {
  const element = ELEMENTS[datatype];
  if (element === undefined) throw invalid(`${datatype} has no plain form in JSON`);
  return element;
}

/** A whole number in range, as a JSON number or, for what JSON numbers cannot hold, a decimal string. */
function whole(value: unknown, least: bigint, most: bigint): bigint {
  const isText = typeof value === "string" && /^-?\d{1,20}$/.test(value);
  const number = isText || Number.isSafeInteger(value) ? BigInt(value as string | number) : undefined;
  if (number === undefined || number < least || number > most) {
    throw invalid(`${JSON.stringify(value)} is no whole number from ${least} to ${most}`);
  }
  return number;
}

function real(value: unknown): number {
  if (typeof value !== "number") throw invalid(`${JSON.stringify(value)} is no number`);
  return value;
}

function unsigned(bits: 8 | 16 | 32): Element {
  const most = (1n << BigInt(bits)) - 1n;
  return {
    bytes: bits / 8,
    write: (view, offset, value) => view[`setUint${bits}`](offset, Number(whole(value, 0n, most)), true),
    read: (view, offset) => view[`getUint${bits}`](offset, true),
  };
}

function signed(bits: 8 | 16 | 32): Element {
  const most = (1n << BigInt(bits - 1)) - 1n;
  return {
    bytes: bits / 8,
    write: (view, offset, value) => view[`setInt${bits}`](offset, Number(whole(value, -most - 1n, most)), true),
    read: (view, offset) => view[`getInt${bits}`](offset, true),
  };
}

function floating(bits: 32 | 64): Element {
  return {
    bytes: bits / 8,
    write: (view, offset, value) => view[`setFloat${bits}`](offset, real(value), true),
    read: (view, offset) => view[`getFloat${bits}`](offset, true),
  };
}

const MAX_UINT64 = (1n << 64n) - 1n;
const MAX_INT64 = (1n << 63n) - 1n;

const ELEMENTS: Readonly<Partial<Record<Datatype, Element>>> = {
  BOOL: {
    bytes: 1,
    write: (view, offset, value) => {
      if (typeof value !== "boolean") throw invalid(`${JSON.stringify(value)} is not true or false`);
      view.setUint8(offset, value ? 1 : 0);
    },
    read: (view, offset) => view.getUint8(offset) !== 0,
  },
  UINT8: unsigned(8),
  UINT16: unsigned(16),
  UINT32: unsigned(32),
  UINT64: {
    bytes: 8,
    write: (view, offset, value) => view.setBigUint64(offset, whole(value, 0n, MAX_UINT64), true),
    read: (view, offset) => view.getBigUint64(offset, true).toString(),
  },
  INT8: signed(8),
  INT16: signed(16),
  INT32: signed(32),
  INT64: {
    bytes: 8,
    write: (view, offset, value) => view.setBigInt64(offset, whole(value, -MAX_INT64 - 1n, MAX_INT64), true),
    read: (view, offset) => view.getBigInt64(offset, true).toString(),
  },
  FP32: floating(32),
  FP64: floating(64),
};
