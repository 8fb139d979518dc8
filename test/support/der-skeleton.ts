const CONSTRUCTED = 0x20;
const WHOLE: ReadonlySet<number> = new Set([0x01, 0x03, 0x05, 0x06]);
const OCTET_STRING = 0x04;
/** Longer bit strings are keys and signatures. */
const MAX_BITS = 8;

/**
 * What DER consists of: every tag in its place, with the content of booleans, object identifiers and short bit strings; DER inside
 * an octet string is followed. Two certificates of one profile have the same skeleton.
 */
export function derSkeleton(der: Uint8Array): string {
  const parts: string[] = [];
  for (let offset = 0; offset < der.length;) {
    const { tag, start, end } = headAt(der, offset);
    parts.push(`${tag.toString(16)}${contentOf(tag, der.subarray(start, end))}`);
    offset = end;
  }
  return parts.join(" ");
}

function contentOf(tag: number, content: Uint8Array): string {
  if ((tag & CONSTRUCTED) !== 0) return `(${derSkeleton(content)})`;
  if (WHOLE.has(tag))
    return content.length > MAX_BITS && tag === 0x03 ? "" : `:${Buffer.from(content).toString("hex")}`;
  if (tag !== OCTET_STRING) return "";
  try {
    return `{${derSkeleton(content)}}`;
  } catch {
    return `[${content.length}]`;
  }
}

function headAt(der: Uint8Array, offset: number): { tag: number; start: number; end: number } {
  const [tag, first] = [der[offset], der[offset + 1]];
  if (tag === undefined || first === undefined) throw new RangeError("no DER");
  const count = first < 0x80 ? 0 : first & 0x7f;
  const length = count === 0 ? first : Buffer.from(der).readUIntBE(offset + 2, count);
  const start = offset + 2 + count;
  if (start + length > der.length) throw new RangeError("no DER");
  return { tag, start, end: start + length };
}
