/** Damage to finished evidence, the same for every simulated vendor. */
export interface Damage {
  /** The byte at this offset of the finished evidence is inverted. */
  readonly flippedByte?: number;
  /** This many bytes are missing at the end. */
  readonly truncatedBy?: number;
}

/** Damages evidence in place; throws `RangeError` for a byte that it does not have. */
export function damaged(bytes: Uint8Array, { flippedByte, truncatedBy = 0 }: Damage): Uint8Array {
  if (flippedByte !== undefined) {
    const byte = bytes[flippedByte];
    if (byte === undefined) throw new RangeError(`evidence of ${bytes.length} bytes has no byte ${flippedByte}`);
    bytes[flippedByte] = byte ^ 0xff;
  }
  return bytes.subarray(0, bytes.length - truncatedBy);
}

const REPORT_DATA_LENGTH = 64;

/** Report data as it was given; throws `RangeError` unless it has 64 bytes. */
export function wholeReportData(reportData: Uint8Array): Uint8Array {
  if (reportData.length === REPORT_DATA_LENGTH) return reportData;
  throw new RangeError(`report data has ${REPORT_DATA_LENGTH} bytes, not ${reportData.length}`);
}
