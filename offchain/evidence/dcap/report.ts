import { ByteReader } from "../../encoding/reader.ts";

/** The report of an SGX enclave, 384 bytes; integers little-endian, byte strings as they stand. */
export interface SgxReport {
  readonly kind: "sgx";
  readonly cpusvn: Uint8Array;
  readonly miscselect: Uint8Array;
  readonly isvextprodid: Uint8Array;
  readonly attributes: Uint8Array;
  readonly mrenclave: Uint8Array;
  readonly mrsigner: Uint8Array;
  readonly configid: Uint8Array;
  readonly isvprodid: number;
  readonly isvsvn: number;
  readonly configsvn: number;
  readonly isvfamilyid: Uint8Array;
  readonly reportData: Uint8Array;
}

/** The report of a trust domain: 584 bytes of TDX 1.0, or 648 of TDX 1.5 with two more fields. */
export interface TdReport {
  readonly kind: "td";
  readonly teeTcbSvn: Uint8Array;
  readonly mrseam: Uint8Array;
  readonly mrsignerseam: Uint8Array;
  readonly seamAttributes: Uint8Array;
  readonly tdAttributes: Uint8Array;
  readonly xfam: Uint8Array;
  readonly mrtd: Uint8Array;
  readonly mrconfigid: Uint8Array;
  readonly mrowner: Uint8Array;
  readonly mrownerconfig: Uint8Array;
  readonly rtmr: readonly [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
  readonly reportData: Uint8Array;
  /** The 384 bytes from MRTD to RTMR3. */
  readonly workload: Uint8Array;
  /** TDX 1.5: the TCB now, where `teeTcbSvn` is the TCB when the trust domain was built. */
  readonly current?: { readonly teeTcbSvn2: Uint8Array; readonly mrservicetd: Uint8Array };
}

/**
 * Reads an enclave report.
 * @see Intel SGX DCAP ECDSA Quote Library API, appendix A.4, enclave report body
 */
export function readSgxReport(bytes: Uint8Array, fail: (message: string) => Error): SgxReport {
  const reader = new ByteReader(bytes, fail);
  const cpusvn = reader.take(16, "CPUSVN");
  const miscselect = reader.take(4, "MISCSELECT");
  reader.take(12, "reserved");
  const isvextprodid = reader.take(16, "ISVEXTPRODID");
  const attributes = reader.take(16, "ATTRIBUTES");
  const mrenclave = reader.take(32, "MRENCLAVE");
  reader.take(32, "reserved");
  const mrsigner = reader.take(32, "MRSIGNER");
  reader.take(32, "reserved");
  const configid = reader.take(64, "CONFIGID");
  const isvprodid = reader.uint16le("ISVPRODID");
  const isvsvn = reader.uint16le("ISVSVN");
  const configsvn = reader.uint16le("CONFIGSVN");
  reader.take(42, "reserved");
  const isvfamilyid = reader.take(16, "ISVFAMILYID");
  const reportData = reader.take(64, "REPORTDATA");
  reader.end("enclave report");
  const measured = { mrenclave, mrsigner, isvprodid, isvsvn, reportData };
  return { kind: "sgx", cpusvn, miscselect, isvextprodid, attributes, configid, configsvn, isvfamilyid, ...measured };
}

/**
 * Reads a TD report of TDX 1.0 or 1.5.
 * @see Intel TDX DCAP Quote Generation Library, appendix A.3.2 and A.3.3, TD quote body
 */
export function readTdReport(bytes: Uint8Array, version: "1.0" | "1.5", fail: (message: string) => Error): TdReport {
  const reader = new ByteReader(bytes, fail);
  const teeTcbSvn = reader.take(16, "TEE_TCB_SVN");
  const mrseam = reader.take(48, "MRSEAM");
  const mrsignerseam = reader.take(48, "MRSIGNERSEAM");
  const seamAttributes = reader.take(8, "SEAMATTRIBUTES");
  const tdAttributes = reader.take(8, "TDATTRIBUTES");
  const xfam = reader.take(8, "XFAM");
  const platform = { teeTcbSvn, mrseam, mrsignerseam, seamAttributes, tdAttributes, xfam };
  const measured = readMeasured(new ByteReader(reader.take(384, "measurements"), fail));
  const workload = bytes.subarray(reader.offset - 384, reader.offset);
  const reportData = reader.take(64, "REPORTDATA");
  const current =
    version === "1.5"
      ? { current: { teeTcbSvn2: reader.take(16, "TEE_TCB_SVN_2"), mrservicetd: reader.take(48, "MRSERVICETD") } }
      : {};
  reader.end("TD report");
  return { kind: "td", ...platform, ...measured, workload, reportData, ...current };
}

function readMeasured(
  reader: ByteReader,
): Pick<TdReport, "mrtd" | "mrconfigid" | "mrowner" | "mrownerconfig" | "rtmr"> {
  return {
    mrtd: reader.take(48, "MRTD"),
    mrconfigid: reader.take(48, "MRCONFIGID"),
    mrowner: reader.take(48, "MROWNER"),
    mrownerconfig: reader.take(48, "MROWNERCONFIG"),
    rtmr: [reader.take(48, "RTMR0"), reader.take(48, "RTMR1"), reader.take(48, "RTMR2"), reader.take(48, "RTMR3")],
  };
}
