import { decodeCbor, type CborValue } from "../../cose/cbor.ts";
import { parseCoseSign1, type CoseSign1 } from "../../cose/sign1.ts";
import { EvidenceError } from "../../errors.ts";

/** An attestation document as parsed; nothing in it is verified. */
export interface NitroDocument {
  /** The whole signed message as given. */
  readonly bytes: Uint8Array;
  readonly message: CoseSign1;
  readonly moduleId: string;
  /** Milliseconds since 1970. */
  readonly timestamp: number;
  /** Number 0 to 31 to 32, 48 or 64 bytes, in the document's order; 0, 1 and 2 are there and of one length. */
  readonly pcrs: ReadonlyMap<number, Uint8Array>;
  /** PCR0, PCR1 and PCR2: what the enclave image, its kernel and its application measure. */
  readonly imagePcrs: readonly [Uint8Array, Uint8Array, Uint8Array];
  /** DER of the certificate whose key signed the document. */
  readonly certificate: Uint8Array;
  /** DER of the issuing certificates, root first. */
  readonly cabundle: readonly Uint8Array[];
  readonly publicKey: Uint8Array | undefined;
  readonly userData: Uint8Array | undefined;
  readonly nonce: Uint8Array | undefined;
}

/** The one digest that registers are computed with. */
export const NITRO_DIGEST = "SHA384";

type Fields = ReadonlyMap<CborValue, CborValue>;

const MAX_PAYLOAD = 16_384;
/** Room for headers and signature around the payload, so that nothing larger is decoded first. */
const MAX_MESSAGE = MAX_PAYLOAD + 1024;
const MAX_CERTIFICATE = 1024;
const MAX_PUBLIC_KEY = 1024;
const MAX_USER_DATA = 512;
const MAX_NONCE = 512;
const MAX_PCR = 31;
const PCR_LENGTHS: ReadonlySet<number> = new Set([32, 48, 64]);
/** The last millisecond that ECMAScript has a date for. */
const MAX_TIME = 8.64e15;
const ALLOWED: ReadonlySet<CborValue> = new Set([
  "module_id",
  "digest",
  "timestamp",
  "pcrs",
  "certificate",
  "cabundle",
  "public_key",
  "user_data",
  "nonce",
]);

const malformed = (message: string): EvidenceError =>
  new EvidenceError("EVIDENCE_MALFORMED", `attestation document: ${message}`);

/**
 * Parses a signed attestation document, tagged or untagged, within the limits of its specification. Real documents write an
 * absent optional field as null and may carry an empty public key; both are accepted.
 * Throws `EvidenceError` `EVIDENCE_MALFORMED` or `EVIDENCE_UNSUPPORTED`.
 * @see AWS Nitro Enclaves Attestation Process, sections 2.2, 3.1 and 3.2.2
 */
export function parseDocument(bytes: Uint8Array): NitroDocument {
  if (bytes.length > MAX_MESSAGE) throw malformed(`a message of ${bytes.length} bytes`);
  const message = parseCoseSign1(bytes);
  const { payload } = message;
  if (payload.length === 0 || payload.length > MAX_PAYLOAD) throw malformed(`a payload of ${payload.length} bytes`);
  const fields = decodeCbor(payload);
  if (!(fields instanceof Map)) throw malformed("the payload is not a map");
  return { bytes, message, ...readFields(fields as Fields) };
}

function readFields(fields: Fields): Omit<NitroDocument, "bytes" | "message"> {
  for (const name of fields.keys()) {
    if (!ALLOWED.has(name)) throw malformed("a field that is not allowed");
  }
  if (fields.get("digest") !== NITRO_DIGEST) throw malformed(`the digest is not ${NITRO_DIGEST}`);
  const pcrs = readPcrs(fields.get("pcrs"));
  return {
    moduleId: readModuleId(fields.get("module_id")),
    timestamp: readTimestamp(fields.get("timestamp")),
    pcrs,
    imagePcrs: readImagePcrs(pcrs),
    certificate: readBytes(fields.get("certificate"), "certificate", { least: 1, most: MAX_CERTIFICATE }),
    cabundle: readBundle(fields.get("cabundle")),
    publicKey: readOptional(fields, "public_key", MAX_PUBLIC_KEY),
    userData: readOptional(fields, "user_data", MAX_USER_DATA),
    nonce: readOptional(fields, "nonce", MAX_NONCE),
  };
}

function readModuleId(value: CborValue | undefined): string {
  if (typeof value !== "string" || value === "") throw malformed("module_id is not a text or empty");
  return value;
}

/** Eight octets are decoded as a bigint whatever they hold; its rounding only matters above the last date. */
function readTimestamp(value: CborValue | undefined): number {
  const time = typeof value === "bigint" ? Number(value) : value;
  if (typeof time !== "number" || time <= 0 || time > MAX_TIME) throw malformed("timestamp is not a time");
  return time;
}

function readPcrs(value: CborValue | undefined): ReadonlyMap<number, Uint8Array> {
  if (!(value instanceof Map)) throw malformed("pcrs is not a map");
  const pcrs = new Map<number, Uint8Array>();
  for (const [index, content] of value as Fields) {
    if (typeof index !== "number" || index < 0 || index > MAX_PCR) throw malformed("a PCR's number is not 0 to 31");
    const bytes = readBytes(content, `PCR${index}`, { least: 32, most: 64 });
    if (!PCR_LENGTHS.has(bytes.length)) throw malformed(`PCR${index} has ${bytes.length} bytes`);
    pcrs.set(index, bytes);
  }
  return pcrs;
}

/** With lengths that may differ, two workloads could join to the same bytes. */
function readImagePcrs(pcrs: ReadonlyMap<number, Uint8Array>): NitroDocument["imagePcrs"] {
  const [pcr0, pcr1, pcr2] = [pcrs.get(0), pcrs.get(1), pcrs.get(2)];
  if (pcr0 === undefined || pcr1 === undefined || pcr2 === undefined) throw malformed("PCR0, PCR1 or PCR2 is missing");
  if (pcr0.length !== pcr1.length || pcr0.length !== pcr2.length) throw malformed("PCR0 to PCR2 differ in length");
  return [pcr0, pcr1, pcr2];
}

function readBundle(value: CborValue | undefined): readonly Uint8Array[] {
  if (!Array.isArray(value) || value.length === 0) throw malformed("cabundle is not a list or empty");
  return (value as readonly CborValue[]).map((item) =>
    readBytes(item, "a certificate of cabundle", { least: 1, most: MAX_CERTIFICATE }),
  );
}

function readOptional(fields: Fields, name: string, most: number): Uint8Array | undefined {
  const value = fields.get(name);
  return value === undefined || value === null ? undefined : readBytes(value, name, { least: 0, most });
}

function readBytes(
  value: CborValue | undefined,
  what: string,
  { least, most }: { readonly least: number; readonly most: number },
): Uint8Array {
  if (!(value instanceof Uint8Array)) throw malformed(`${what} is not a byte string`);
  if (value.length < least || value.length > most) throw malformed(`${what} has ${value.length} bytes`);
  return value;
}
