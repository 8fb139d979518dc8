const CONSTRUCTED = 0x20;
const BIT_STRING = 0x03;
const OCTET_STRING = 0x04;
const NULL = Buffer.of(0x05, 0x00);

/** DER in which one structure has a NULL after its last member, and where that is: the index of each element on the way. */
export interface Trailing {
  readonly path: string;
  readonly bytes: Buffer;
}

interface Element {
  readonly tag: number;
  readonly content: Buffer;
}

/** Every way to put a NULL after the last member of a structure, the structures inside strings among them; all lengths fit. */
export function withTrailing(der: Uint8Array, path = ""): readonly Trailing[] {
  const elements = elementsOf(Buffer.from(der)) ?? [];
  return elements.flatMap((element, index) =>
    insideOf(element, `${path}/${index}`).map(({ path: inner, bytes }) => ({
      path: inner,
      bytes: Buffer.concat(elements.map((other, at) => (at === index ? bytes : encode(other)))),
    })),
  );
}

function insideOf({ tag, content }: Element, path: string): readonly Trailing[] {
  const lead = tag === BIT_STRING ? 1 : 0;
  const inner = content.subarray(lead);
  const nests = (tag & CONSTRUCTED) !== 0 || ((tag === OCTET_STRING || lead === 1) && elementsOf(inner) !== undefined);
  if (!nests) return [];
  const own = { path: `${path}+`, bytes: Buffer.concat([inner, NULL]) };
  return [own, ...withTrailing(inner, path)].map((changed) => ({
    path: changed.path,
    bytes: encode({ tag, content: Buffer.concat([content.subarray(0, lead), changed.bytes]) }),
  }));
}

function encode({ tag, content }: Element): Buffer {
  const { length } = content;
  const octets = Buffer.from(length.toString(16).padStart(length > 0xff ? 4 : 2, "0"), "hex");
  return Buffer.concat([
    Buffer.of(tag),
    length < 0x80 ? Buffer.of(length) : Buffer.of(0x80 | octets.length, ...octets),
    content,
  ]);
}

/** Undefined where the bytes are not DER elements and nothing else. */
function elementsOf(bytes: Buffer): readonly Element[] | undefined {
  const elements: Element[] = [];
  for (let at = 0; at < bytes.length;) {
    const first = bytes[at + 1] ?? 0x80;
    const count = first < 0x80 ? 0 : first & 0x7f;
    if (first === 0x80 || count > 2 || at + 2 + count > bytes.length) return undefined;
    const start = at + 2 + count;
    const length = count === 0 ? first : bytes.readUIntBE(at + 2, count);
    if (start + length > bytes.length) return undefined;
    elements.push({ tag: bytes[at] ?? 0, content: bytes.subarray(start, start + length) });
    at = start + length;
  }
  return elements.length === 0 ? undefined : elements;
}
