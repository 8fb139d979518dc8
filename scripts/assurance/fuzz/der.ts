import { concat } from "../../../offchain/encoding/bytes.ts";
import type { Element, Encoding } from "./mutate-tree.ts";

const OCTET_STRING = 0x04;
const BIT_STRING = 0x03;
const CONSTRUCTED = 0x20;
const NOTHING = new Uint8Array();

function read(bytes: Uint8Array): Element[] | undefined {
  const elements: Element[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = lengthAt(bytes, at + 1);
    if (length === undefined || length.end + length.value > bytes.length) return undefined;
    elements.push(elementOf(bytes[at] ?? 0, bytes.slice(length.end, length.end + length.value)));
    at = length.end + length.value;
  }
  return elements.length === 0 ? undefined : elements;
}

/** Strings that hold elements themselves, such as extensions and keys, are entered as well. */
function elementOf(head: number, content: Uint8Array): Element {
  const lead = head === BIT_STRING ? content.slice(0, 1) : NOTHING;
  const nested = (head & CONSTRUCTED) !== 0 || head === OCTET_STRING || head === BIT_STRING;
  return { head, content, lead, children: nested ? read(content.subarray(lead.length)) : undefined };
}

function lengthAt(bytes: Uint8Array, at: number): { value: number; end: number } | undefined {
  const first = bytes[at];
  if (first === undefined || first === 0x80 || first > 0x83) return undefined;
  if (first < 0x80) return { value: first, end: at + 1 };
  const octets = bytes.subarray(at + 1, at + 1 + (first & 0x7f));
  return { value: octets.reduce((value, octet) => value * 256 + octet, 0), end: at + 1 + (first & 0x7f) };
}

function write({ head, children, content, lead, lie }: Element): Uint8Array {
  const inner = children === undefined ? content : concat(lead, ...children.map(write));
  const claimed = Math.max(0, inner.length + (lie === "longer" ? 1 : lie === "shorter" ? -1 : 0));
  if (lie === "indefinite") return concat(Uint8Array.of(head, 0x80), inner, Uint8Array.of(0, 0));
  return concat(Uint8Array.of(head), lengthOctets(claimed, lie === "wide" ? 4 : 0), inner);
}

function lengthOctets(length: number, least: number): Uint8Array {
  if (length < 0x80 && least === 0) return Uint8Array.of(length);
  const octets: number[] = [];
  for (let rest = length; rest > 0 || octets.length < least; rest = Math.floor(rest / 256)) octets.unshift(rest % 256);
  return Uint8Array.of(0x80 | octets.length, ...octets);
}

/** DER as in certificates and revocation lists. */
export const DER_ENCODING: Encoding = { read, write };
