import { parseHex } from "../../encoding/bytes.ts";
import { attributeOf, elementsOf, parseXml, type XmlElement } from "../../encoding/xml.ts";
import { EvidenceError } from "../../errors.ts";
import { readEnvelopedSignature, type EnvelopedSignature } from "./xml-signature.ts";

/** What one measurement must be. */
export interface ReferenceMeasurement {
  /** From 0: the block of a report is one higher. */
  readonly index: number;
  /** False where the device leaves the measurement out. */
  readonly isActive: boolean;
  /** At least one, each of which is good. */
  readonly digests: readonly Uint8Array[];
}

/** A reference integrity manifest of a driver or of firmware, as parsed; nothing in it is verified. */
export interface ReferenceManifest {
  readonly tagId: string;
  /** The chip family, such as `GH100`. */
  readonly product: string;
  /** Of the driver or the firmware. */
  readonly version: string;
  /** In ascending order of their indices. */
  readonly measurements: readonly ReferenceMeasurement[];
  /** Types of resources that are not known here: what they ask for is not compared. */
  readonly unknownTypes: readonly string[];
  readonly signature: EnvelopedSignature;
}

const SWID = "http://standards.iso.org/iso/19770/-2/2015/schema.xsd";
const SHA384 = "http://www.w3.org/2001/04/xmlenc#sha384";
const DSIG = "http://www.w3.org/2000/09/xmldsig#";
const MEASUREMENT = "Measurement";
const KNOWN_CHILDREN: ReadonlySet<string> = new Set(["Entity", "Meta", "Payload"]);
const MAX_INDEX = 254;
const HASH_NAME = /^Hash\d+$/;

const malformed = (message: string): EvidenceError => new EvidenceError("EVIDENCE_MALFORMED", `RIM: ${message}`);
const unsupported = (message: string): EvidenceError => new EvidenceError("EVIDENCE_UNSUPPORTED", `RIM: ${message}`);

/**
 * Parses a reference integrity manifest: a primary SWID tag with one payload, and the signature over it.
 * Throws `EvidenceError` `EVIDENCE_MALFORMED` or `EVIDENCE_UNSUPPORTED`.
 * @see TCG Reference Integrity Manifest Information Model; ISO/IEC 19770-2:2015
 */
export function parseRim(bytes: Uint8Array): ReferenceManifest {
  const document = parseXml(bytes, malformed);
  if (document.namespace !== SWID || document.local !== "SoftwareIdentity") throw malformed("no SoftwareIdentity");
  for (const kind of ["corpus", "patch", "supplemental"]) {
    if ((attributeOf(document, kind) ?? "false") !== "false") throw unsupported(`a ${kind} tag`);
  }
  const signature = readEnvelopedSignature(document);
  const [meta, payload] = [soleChild(document, "Meta"), soleChild(document, "Payload")];
  const resources = elementsOf(payload);
  if (resources === undefined) throw malformed("text in the payload");
  const measured = resources.filter((resource) => typeOf(resource) === MEASUREMENT);
  return {
    tagId: text(document, "tagId"),
    product: text(meta, "product"),
    version: text(meta, "colloquialVersion"),
    measurements: inOrder(measured.map(readMeasurement)),
    unknownTypes: [...new Set(resources.map(typeOf).filter((type) => type !== MEASUREMENT))],
    signature,
  };
}

/** The only child of a name; beside the signature and entities nothing else may stand there. */
function soleChild(document: XmlElement, local: string): XmlElement {
  const children = elementsOf(document);
  if (children === undefined) throw malformed("text outside of the payload");
  const stranger = children.find(
    ({ namespace, local: name }) => !(namespace === SWID && KNOWN_CHILDREN.has(name)) && namespace !== DSIG,
  );
  if (stranger !== undefined) throw unsupported(`${stranger.local} in SoftwareIdentity`);
  const [child, ...others] = children.filter(({ namespace, local: name }) => namespace === SWID && name === local);
  if (child === undefined || others.length > 0) throw malformed(`not exactly one ${local}`);
  return child;
}

function typeOf(resource: XmlElement): string {
  if (resource.namespace !== SWID || resource.local !== "Resource")
    throw unsupported(`${resource.local} in the payload`);
  return attributeOf(resource, "type") ?? "";
}

function readMeasurement(resource: XmlElement): ReferenceMeasurement {
  const index = number(resource, "index");
  if (index > MAX_INDEX) throw malformed(`measurement ${index}`);
  const active = text(resource, "active");
  if (active !== "True" && active !== "False") throw malformed(`measurement ${index} is active "${active}"`);
  return { index, isActive: active === "True", digests: readDigests(resource, index) };
}

function readDigests(resource: XmlElement, index: number): readonly Uint8Array[] {
  const [count, size] = [number(resource, "alternatives"), number(resource, "size")];
  const given = resource.attributes.filter(({ namespace, local }) => namespace === SHA384 && HASH_NAME.test(local));
  if (count === 0 || given.length !== count) throw malformed(`measurement ${index} has not ${count} alternatives`);
  return given.map((_attribute, place) => {
    const digest = parseHex(`0x${attributeOf(resource, `Hash${place}`, SHA384) ?? "-"}`, size);
    if (digest === undefined)
      throw malformed(`alternative ${place} of measurement ${index} is not ${size} bytes of hex`);
    return digest;
  });
}

function inOrder(measurements: readonly ReferenceMeasurement[]): readonly ReferenceMeasurement[] {
  const sorted = [...measurements].sort((a, b) => a.index - b.index);
  const twice = sorted.find(({ index }, place) => sorted[place + 1]?.index === index);
  if (twice !== undefined) throw malformed(`measurement ${twice.index} twice`);
  return sorted;
}

function text(element: XmlElement, name: string): string {
  const value = attributeOf(element, name);
  if (value === undefined || value === "") throw malformed(`${element.local} without ${name}`);
  return value;
}

function number(element: XmlElement, name: string): number {
  const value = text(element, name);
  if (!/^(?:0|[1-9]\d{0,4})$/.test(value)) throw malformed(`${name} "${value}" is no number`);
  return Number(value);
}
