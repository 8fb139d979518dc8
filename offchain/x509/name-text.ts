import type { Name } from "./certificate.ts";
import { DER, DerReader } from "./der.ts";

const SHORT_NAMES: Readonly<Record<string, string>> = {
  "2.5.4.3": "CN",
  "2.5.4.6": "C",
  "2.5.4.7": "L",
  "2.5.4.8": "ST",
  "2.5.4.10": "O",
  "2.5.4.11": "OU",
};

/**
 * A distinguished name as text, its last part first; values are written as text, without the escapes of unusual characters.
 * Throws `EvidenceError` `EVIDENCE_MALFORMED`.
 * @see RFC 4514 section 2
 */
export function nameText({ raw }: Name): string {
  const names = new DerReader(raw).enter("name");
  const parts: string[] = [];
  while (!names.done) {
    const set = names.enter("name", DER.set);
    const attributes: string[] = [];
    while (!set.done) attributes.push(readAttribute(set.enter("name")));
    parts.unshift(attributes.join("+"));
  }
  return parts.join(",");
}

function readAttribute(attribute: DerReader): string {
  const type = attribute.oid("name");
  const value = new TextDecoder().decode(attribute.any("name").content);
  attribute.end("name");
  return `${SHORT_NAMES[type] ?? type}=${value.replaceAll(/[\\,+"<>;]/g, String.raw`\$&`)}`;
}
