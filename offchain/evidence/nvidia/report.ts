import { ByteReader } from "../../encoding/reader.ts";
import { EvidenceError } from "../../errors.ts";
import { OPAQUE, parseOpaque, type OpaqueRecords } from "./opaque.ts";

/** One measurement in DMTF's format. */
export interface MeasurementBlock {
  /** From 1. */
  readonly index: number;
  /** What was measured; bit 7 says a raw value instead of a digest. */
  readonly type: number;
  readonly value: Uint8Array;
}

/** A request for signed measurements and the device's response, as parsed; nothing in it is verified. */
export interface DeviceReport {
  /** A GPU names its driver, a switch its own device id. */
  readonly kind: "gpu" | "switch";
  /** 32 bytes that the verifier chose. */
  readonly requestNonce: Uint8Array;
  /** 32 bytes that the device chose. */
  readonly responseNonce: Uint8Array;
  /** The certificate slot of the signing key. */
  readonly slot: number;
  /** In ascending order of their indices. */
  readonly measurements: readonly MeasurementBlock[];
  readonly measurementRecord: Uint8Array;
  readonly opaque: OpaqueRecords;
  /** Request and response up to the signature. */
  readonly signedPart: Uint8Array;
  /** `r || s` on P-384. */
  readonly signature: Uint8Array;
  readonly bytes: Uint8Array;
}

type Request = Pick<DeviceReport, "requestNonce" | "slot">;
type Response = Pick<DeviceReport, "measurements" | "measurementRecord" | "responseNonce" | "opaque">;

const SPDM_1_1 = 0x11;
const GET_MEASUREMENTS = 0xe0;
const MEASUREMENTS = 0x60;
const SIGNATURE_REQUESTED = 1;
const ALL_MEASUREMENTS = 0xff;
const DMTF_SPECIFICATION = 1;
const DMTF_HEADER_LENGTH = 3;
const NONCE_LENGTH = 32;
const SIGNATURE_LENGTH = 96;
const MAX_OPAQUE_LENGTH = 1024;
const MAX_SLOT = 7;

const malformed = (message: string): EvidenceError => new EvidenceError("EVIDENCE_MALFORMED", `SPDM: ${message}`);
const unsupported = (message: string): EvidenceError => new EvidenceError("EVIDENCE_UNSUPPORTED", `SPDM: ${message}`);

/** Says whether bytes start as a request for measurements does. */
export function looksLikeDeviceReport(bytes: Uint8Array): boolean {
  return bytes.length >= 2 && (bytes[0] ?? 0) >> 4 === 1 && bytes[1] === GET_MEASUREMENTS;
}

/**
 * Parses a GET_MEASUREMENTS request and the MEASUREMENTS response to it, one after the other, of SPDM 1.1 with a signature on P-384.
 * Throws `EvidenceError` `EVIDENCE_MALFORMED` or `EVIDENCE_UNSUPPORTED`.
 * @see DMTF DSP0274 1.1, GET_MEASUREMENTS request and MEASUREMENTS response messages
 */
export function parseDeviceReport(bytes: Uint8Array): DeviceReport {
  const reader = new ByteReader(bytes, malformed);
  const request = readRequest(reader);
  const response = readResponse(reader, request.slot);
  const signedPart = bytes.subarray(0, reader.offset);
  const signature = reader.take(SIGNATURE_LENGTH, "signature");
  reader.end("report");
  return { ...request, ...response, kind: kindOf(response.opaque), signedPart, signature, bytes };
}

function readRequest(reader: ByteReader): Request {
  readHeader(reader, GET_MEASUREMENTS);
  const attributes = reader.uint8("request attributes");
  if (attributes !== SIGNATURE_REQUESTED) throw unsupported(`request attributes ${attributes}`);
  const operation = reader.uint8("measurement operation");
  if (operation !== ALL_MEASUREMENTS) throw unsupported(`measurement operation ${operation}, not all measurements`);
  const requestNonce = reader.take(NONCE_LENGTH, "request nonce");
  const slot = reader.uint8("slot");
  if (slot > MAX_SLOT) throw malformed(`slot ${slot}`);
  return { requestNonce, slot };
}

function readResponse(reader: ByteReader, slot: number): Response {
  readHeader(reader, MEASUREMENTS);
  const reserved = reader.uint8("response parameter 1");
  if (reserved !== 0) throw malformed(`response parameter 1 is ${reserved}`);
  const answered = reader.uint8("response slot");
  if (answered !== slot) throw malformed(`slot ${answered} answers for slot ${slot}`);
  const count = reader.uint8("number of measurement blocks");
  const length = reader.uint16le("measurement record length") + 0x1_0000 * reader.uint8("measurement record length");
  const measurementRecord = reader.take(length, "measurement record");
  const responseNonce = reader.take(NONCE_LENGTH, "response nonce");
  const opaqueLength = reader.uint16le("opaque data length");
  if (opaqueLength > MAX_OPAQUE_LENGTH) throw malformed(`${opaqueLength} bytes of opaque data`);
  const opaque = parseOpaque(reader.take(opaqueLength, "opaque data"));
  return { measurements: readBlocks(measurementRecord, count), measurementRecord, responseNonce, opaque };
}

function readHeader(reader: ByteReader, wanted: number): void {
  const version = reader.uint8("version");
  if (version !== SPDM_1_1) throw unsupported(`version ${version >> 4}.${version & 0xf}`);
  const code = reader.uint8("message code");
  if (code !== wanted) throw malformed(`message code ${code} instead of ${wanted}`);
}

function readBlocks(record: Uint8Array, count: number): readonly MeasurementBlock[] {
  const reader = new ByteReader(record, malformed);
  const blocks: MeasurementBlock[] = [];
  for (let read = 0; read < count; read += 1) {
    const block = readBlock(reader);
    if (block.index <= (blocks.at(-1)?.index ?? 0)) throw malformed(`measurement ${block.index} out of order`);
    blocks.push(block);
  }
  reader.end("measurement record");
  return blocks;
}

function readBlock(reader: ByteReader): MeasurementBlock {
  const index = reader.uint8("measurement index");
  const specification = reader.uint8("measurement specification");
  if (specification !== DMTF_SPECIFICATION) throw unsupported(`measurement specification ${specification}`);
  const size = reader.uint16le("measurement size");
  const type = reader.uint8("measurement value type");
  const value = reader.take(reader.uint16le("measurement value size"), "measurement value");
  if (size !== value.length + DMTF_HEADER_LENGTH) throw malformed(`measurement ${index} has two sizes`);
  return { index, type, value };
}

function kindOf(opaque: OpaqueRecords): DeviceReport["kind"] {
  if (opaque.has(OPAQUE.driverVersion)) return "gpu";
  if (opaque.has(OPAQUE.switchDeviceId)) return "switch";
  throw unsupported("the opaque data are of neither a GPU nor a switch");
}
