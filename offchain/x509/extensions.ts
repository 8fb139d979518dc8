import { EvidenceError } from "../errors.ts";
import { DER, DerReader } from "./der.ts";

/** The value of one extension: the DER inside its OCTET STRING. */
export interface Extension {
  readonly critical: boolean;
  readonly value: Uint8Array;
}

const AUTHORITY_KEY_ID = "2.5.29.35";

/**
 * Reads an Extensions value; refuses duplicates, and critical extensions outside `understood`.
 * @see RFC 5280 section 4.2
 */
export function readExtensions(outer: DerReader, understood: ReadonlySet<string>): ReadonlyMap<string, Extension> {
  const reader = outer.enter("extensions");
  outer.end("extensions");
  const extensions = new Map<string, Extension>();
  while (!reader.done) {
    const item = reader.enter("extension");
    const oid = item.oid("extension");
    const critical = item.nextTag === DER.boolean && item.boolean("critical");
    const value = item.octetString("extension value");
    item.end("extension");
    if (extensions.has(oid)) throw new EvidenceError("EVIDENCE_MALFORMED", `extension ${oid} twice`);
    if (critical && !understood.has(oid)) {
      throw new EvidenceError("EVIDENCE_UNSUPPORTED", `critical extension ${oid}`);
    }
    extensions.set(oid, { critical, value });
  }
  return extensions;
}

/**
 * The key identifier of an authority key identifier extension; undefined where either is absent.
 * @see RFC 5280 section 4.2.1.1
 */
export function readKeyIdentifier(extensions: ReadonlyMap<string, Extension>): Uint8Array | undefined {
  const extension = extensions.get(AUTHORITY_KEY_ID);
  if (extension === undefined) return undefined;
  const outer = new DerReader(extension.value);
  const reader = outer.enter("authority key identifier");
  outer.end("authority key identifier");
  return reader.nextTag === 0x80 ? reader.any("key identifier").content : undefined;
}
