import { concat } from "../../../offchain/encoding/bytes.ts";
import type { Element, Encoding } from "./mutate-tree.ts";

const [BYTES, TEXT, ARRAY, MAP, TAG] = [2, 3, 4, 5, 6];
const SIGN1_TAG = 0xd2;
const NOTHING = new Uint8Array();

interface Read {
  readonly element: Element;
  readonly end: number;
}

function read(bytes: Uint8Array): Element[] | undefined {
  const elements: Element[] = [];
  for (let at = 0; at < bytes.length;) {
    const found = itemAt(bytes, at);
    if (found === undefined) return undefined;
    elements.push(found.element);
    at = found.end;
  }
  return elements.length === 0 ? undefined : elements;
}

/** The head of an element is its initial byte; integers keep their argument as content. */
function itemAt(bytes: Uint8Array, at: number): Read | undefined {
  const head = bytes[at];
  if (head === undefined || (head & 0x1f) > 27) return undefined;
  const info = head & 0x1f;
  const begin = at + 1 + (info < 24 ? 0 : 1 << (info - 24));
  if (begin > bytes.length) return undefined;
  const content = bytes.slice(at + 1, begin);
  const argument = info < 24 ? info : content.reduce((value, octet) => value * 256 + octet, 0);
  const major = head >> 5;
  if (major === BYTES || major === TEXT) return stringAt(bytes, { head, begin, length: argument });
  const plain = { head, content, lead: NOTHING };
  const count = itemsIn(major, argument);
  if (count === undefined) return { element: { ...plain, children: undefined }, end: begin };
  return containerAt(bytes, { plain, begin, count });
}

/** Undefined where the type holds no items. */
function itemsIn(major: number, argument: number): number | undefined {
  if (major === ARRAY) return argument;
  if (major === MAP) return 2 * argument;
  return major === TAG ? 1 : undefined;
}

interface StringHead {
  readonly head: number;
  readonly begin: number;
  readonly length: number;
}

/** Byte strings that hold an item, such as a payload, are entered as well. */
function stringAt(bytes: Uint8Array, { head, begin, length }: StringHead): Read | undefined {
  const end = begin + length;
  if (end > bytes.length) return undefined;
  const content = bytes.slice(begin, end);
  const first = content[0] ?? 0;
  const holds = first >> 5 === MAP || first >> 5 === ARRAY || first === SIGN1_TAG;
  const nested = head >> 5 === BYTES && holds ? read(content) : undefined;
  return { element: { head, content, lead: NOTHING, children: nested }, end };
}

interface ContainerHead {
  readonly plain: Omit<Element, "children">;
  readonly begin: number;
  readonly count: number;
}

function containerAt(bytes: Uint8Array, { plain, begin, count }: ContainerHead): Read | undefined {
  const children: Element[] = [];
  let end = begin;
  for (let index = 0; index < count; index += 1) {
    const found = itemAt(bytes, end);
    if (found === undefined) return undefined;
    children.push(found.element);
    end = found.end;
  }
  return { element: { ...plain, children }, end };
}

function write({ head, children, content, lie }: Element): Uint8Array {
  const major = head >> 5;
  const inner = children === undefined ? content : concat(...children.map(write));
  if (major === BYTES || major === TEXT) return concat(headOf(major, inner.length, lie), inner);
  if (major === ARRAY) return concat(headOf(major, children?.length ?? 0, lie), inner);
  if (major === MAP) return concat(headOf(major, Math.floor((children?.length ?? 0) / 2), lie), inner);
  if (major === TAG && children !== undefined) return concat(Uint8Array.of(head), content, inner);
  return concat(Uint8Array.of(head), inner);
}

function headOf(major: number, argument: number, lie: Element["lie"]): Uint8Array {
  const value = Math.max(0, argument + (lie === "longer" ? 1 : lie === "shorter" ? -1 : 0));
  if (lie === "indefinite") return Uint8Array.of((major << 5) | 31);
  if (value < 24 && lie !== "wide") return Uint8Array.of((major << 5) | value);
  if (value < 0x100 && lie !== "wide") return Uint8Array.of((major << 5) | 24, value);
  if (value < 0x1_0000) return Uint8Array.of((major << 5) | 25, value >> 8, value & 0xff);
  return Uint8Array.of((major << 5) | 26, 0, (value >> 16) & 0xff, (value >> 8) & 0xff, value & 0xff);
}

/** CBOR as in attestation documents and tokens. */
export const CBOR_ENCODING: Encoding = { read, write };
