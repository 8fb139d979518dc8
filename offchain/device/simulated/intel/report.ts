/** Writes the bodies of quotes. */
import { concat, uintBytes } from "../../../encoding/bytes.ts";

export interface SgxReportFields {
  /** 16 bytes. */
  readonly cpuSvn: Uint8Array;
  /** 16 bytes. */
  readonly attributes: Uint8Array;
  /** 32 bytes each. */
  readonly mrenclave: Uint8Array;
  readonly mrsigner: Uint8Array;
  readonly isvProdId: number;
  readonly isvSvn: number;
  /** 64 bytes. */
  readonly reportData: Uint8Array;
}

export interface TdReportFields {
  /** 16 bytes. */
  readonly teeTcbSvn: Uint8Array;
  /** 48 bytes. */
  readonly mrseam: Uint8Array;
  /** 8 bytes each. */
  readonly tdAttributes: Uint8Array;
  readonly xfam: Uint8Array;
  /** MRTD, MRCONFIGID, MROWNER, MROWNERCONFIG, RTMR0 to RTMR3: 48 bytes each. */
  readonly measured: readonly Uint8Array[];
  /** 64 bytes. */
  readonly reportData: Uint8Array;
}

const zeros = (length: number): Uint8Array => new Uint8Array(length);

/**
 * The 384 bytes of an enclave report body.
 * @see Intel SGX DCAP ECDSA Quote Library API, appendix A.4, enclave report body
 */
export function sgxReport(fields: SgxReportFields): Uint8Array {
  return concat(
    fields.cpuSvn,
    zeros(4 + 12 + 16),
    fields.attributes,
    fields.mrenclave,
    zeros(32),
    fields.mrsigner,
    zeros(32 + 64),
    uint16le(fields.isvProdId),
    uint16le(fields.isvSvn),
    zeros(2 + 42 + 16),
    fields.reportData,
  );
}

/**
 * The 584 bytes of a TDX 1.0 report body; signer and attributes of the TDX module are zero, as Intel's own module has them.
 * @see Intel TDX DCAP Quote Generation Library, appendix A.3.2, TD quote body
 */
export function tdReport(fields: TdReportFields): Uint8Array {
  return concat(
    fields.teeTcbSvn,
    fields.mrseam,
    zeros(48 + 8),
    fields.tdAttributes,
    fields.xfam,
    ...fields.measured,
    fields.reportData,
  );
}

/** An unsigned integer of 2 bytes, little-endian. */
export function uint16le(value: number): Uint8Array {
  return uintBytes(value, 2).reverse();
}

/** An unsigned integer of 4 bytes, little-endian. */
export function uint32le(value: number): Uint8Array {
  return uintBytes(value, 4).reverse();
}
