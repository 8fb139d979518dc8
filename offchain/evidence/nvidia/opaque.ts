import { asciiText, toHex } from "../../encoding/bytes.ts";
import { ByteReader } from "../../encoding/reader.ts";
import { EvidenceError } from "../../errors.ts";

/** NVIDIA's records in the opaque data of a report: type to value, each type at most once. */
export type OpaqueRecords = ReadonlyMap<number, Uint8Array>;

/** Types of records that are read here. @see NVIDIA nvTrust, SPDM measurement response, opaque data field ids */
export const OPAQUE = {
  driverVersion: 3,
  vbiosVersion: 6,
  decoderStatus: 11,
  firmwareId: 20,
  switchDeviceId: 22,
} as const;

const PACKED_VBIOS_LENGTH = 8;

const malformed = (message: string): EvidenceError =>
  new EvidenceError("EVIDENCE_MALFORMED", `opaque data: ${message}`);

/**
 * Parses the records of the opaque data, each with type and length (16 bits little-endian each) and value.
 * Throws `EvidenceError` `EVIDENCE_MALFORMED`.
 */
export function parseOpaque(bytes: Uint8Array): OpaqueRecords {
  const reader = new ByteReader(bytes, malformed);
  const records = new Map<number, Uint8Array>();
  while (reader.remaining > 0) {
    const type = reader.uint16le("record type");
    if (records.has(type)) throw malformed(`record ${type} twice`);
    records.set(type, reader.take(reader.uint16le("record length"), `record ${type}`));
  }
  return records;
}

/** The text of a record without the zero bytes at its end; undefined where it is no printable ASCII. */
export function textOf(value: Uint8Array | undefined): string | undefined {
  if (value === undefined) return undefined;
  const text = asciiText(value).replace(/\0+$/, "");
  return /^[ -~]*$/.test(text) ? text : undefined;
}

/** A VBIOS version as NVIDIA writes it, such as `96.00.9F.00.01`: GPUs pack it in 8 bytes, switches give the text. */
export function vbiosVersionOf(value: Uint8Array | undefined): string | undefined {
  if (value?.length !== PACKED_VBIOS_LENGTH) return textOf(value);
  const order = [3, 2, 1, 0, 4].map((index) => value[index] ?? 0);
  return order.map((byte) => toHex(Uint8Array.of(byte)).slice(2).toUpperCase()).join(".");
}
