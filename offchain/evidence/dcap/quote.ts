import { toHex } from "../../encoding/bytes.ts";
import { ByteReader } from "../../encoding/reader.ts";
import { EvidenceError } from "../../errors.ts";
import { readSgxReport, readTdReport, type SgxReport, type TdReport } from "./report.ts";

/** The part of a quote that Intel's quoting enclave adds around the attestation key. */
export interface QeCertification {
  /** The quoting enclave's report, 384 bytes as signed by the PCK. */
  readonly qeReportBytes: Uint8Array;
  readonly qeReport: SgxReport;
  /** `r || s`. */
  readonly qeReportSignature: Uint8Array;
  readonly qeAuthData: Uint8Array;
  readonly certificationDataType: number;
  readonly certificationData: Uint8Array;
}

/** A quote as parsed; nothing in it is verified. */
export interface Quote {
  readonly version: 3 | 4 | 5;
  readonly tee: "sgx" | "tdx";
  /** The parsed body of the enclave or trust domain. */
  readonly body: SgxReport | TdReport;
  /** Header and body, the bytes under the quote's signature. */
  readonly signedPart: Uint8Array;
  /** `r || s` by the attestation key. */
  readonly signature: Uint8Array;
  /** `x || y` of the attestation key on P-256. */
  readonly attestationKey: Uint8Array;
  readonly certification: QeCertification;
  /** The quote without what follows it. */
  readonly bytes: Uint8Array;
  /** What follows the signature data of a TDX quote: unsigned, and no part of the evidence. */
  readonly trailing: Uint8Array;
}

interface Header {
  readonly version: 3 | 4 | 5;
  readonly teeType: number;
}

const ECDSA_P256 = 2;
const TEE_SGX = 0;
const TEE_TDX = 0x81;
const INTEL_QE_VENDOR_ID = "0x939a7233f79c4ca9940a0db3957f0607";
const QE_REPORT_CERTIFICATION_DATA = 6;
const SGX_REPORT_LENGTH = 384;

const malformed = (message: string): EvidenceError => new EvidenceError("EVIDENCE_MALFORMED", `quote: ${message}`);
const unsupported = (message: string): EvidenceError => new EvidenceError("EVIDENCE_UNSUPPORTED", `quote: ${message}`);

/**
 * Parses a DCAP quote v3 (SGX), v4 or v5 (SGX, TDX); bytes after a TDX quote (buffers have a fixed length) are told apart, after an SGX quote refused.
 * Throws `EvidenceError` `EVIDENCE_MALFORMED` or `EVIDENCE_UNSUPPORTED`.
 * @see Intel SGX DCAP ECDSA Quote Library API, appendix A (v3); Intel TDX DCAP Quote Generation Library, appendix A (v4, v5)
 */
export function parseQuote(bytes: Uint8Array): Quote {
  const reader = new ByteReader(bytes, malformed);
  const header = readHeader(reader);
  const body = readBody(reader, header);
  const signedPart = bytes.subarray(0, reader.offset);
  const signatureData = reader.take(reader.uint32le("signature data length"), "signature data");
  const length = reader.offset;
  const tee = header.teeType === TEE_TDX ? "tdx" : "sgx";
  const trailing = reader.rest();
  if (tee === "sgx" && trailing.length > 0) {
    throw malformed(`${trailing.length} bytes left over after the signature data`);
  }
  return {
    version: header.version,
    tee,
    body,
    signedPart,
    ...readSignatureData(signatureData, header.version),
    bytes: bytes.subarray(0, length),
    trailing,
  };
}

function readHeader(reader: ByteReader): Header {
  const version = reader.uint16le("version");
  if (version !== 3 && version !== 4 && version !== 5) throw unsupported(`version ${version}`);
  const keyType = reader.uint16le("attestation key type");
  if (keyType !== ECDSA_P256) throw unsupported(`attestation key type ${keyType}`);
  const teeType = reader.uint32le("TEE type");
  if (teeType !== TEE_SGX && teeType !== TEE_TDX) throw unsupported(`TEE type ${teeType}`);
  if (version === 3 && teeType !== TEE_SGX) throw malformed("version 3 is for SGX only");
  reader.take(4, "QE and PCE SVN");
  const vendorId = toHex(reader.take(16, "QE vendor id"));
  if (vendorId !== INTEL_QE_VENDOR_ID) throw unsupported(`QE vendor id ${vendorId}`);
  reader.take(20, "user data");
  return { version, teeType };
}

function readBody(reader: ByteReader, header: Header): SgxReport | TdReport {
  if (header.version === 5) return readTypedBody(reader, header.teeType);
  return header.teeType === TEE_SGX
    ? readSgxReport(reader.take(SGX_REPORT_LENGTH, "enclave report"), malformed)
    : readTdReport(reader.take(TD_REPORT_LENGTHS["1.0"], "TD report"), "1.0", malformed);
}

const TD_REPORT_LENGTHS = { "1.0": 584, "1.5": 648 } as const;
const BODY_TYPES = [
  { type: 1, teeType: TEE_SGX, length: SGX_REPORT_LENGTH, td: undefined },
  { type: 2, teeType: TEE_TDX, length: TD_REPORT_LENGTHS["1.0"], td: "1.0" },
  { type: 3, teeType: TEE_TDX, length: TD_REPORT_LENGTHS["1.5"], td: "1.5" },
] as const;

/** Version 5 says the body's type and size before the body. */
function readTypedBody(reader: ByteReader, teeType: number): SgxReport | TdReport {
  const type = reader.uint16le("body type");
  const size = reader.uint32le("body size");
  const kind = BODY_TYPES.find((candidate) => candidate.type === type);
  if (kind === undefined) throw unsupported(`body type ${type}`);
  if (kind.length !== size) throw malformed(`body type ${type} with a size of ${size}`);
  if (kind.teeType !== teeType) throw malformed(`body type ${type} under TEE type ${teeType}`);
  const bytes = reader.take(size, "body");
  return kind.td === undefined ? readSgxReport(bytes, malformed) : readTdReport(bytes, kind.td, malformed);
}

function readSignatureData(
  bytes: Uint8Array,
  version: Quote["version"],
): Pick<Quote, "signature" | "attestationKey" | "certification"> {
  const reader = new ByteReader(bytes, malformed);
  const signature = reader.take(64, "signature");
  const attestationKey = reader.take(64, "attestation key");
  const certification = version === 3 ? readQeCertification(reader) : readNestedCertification(reader);
  reader.end("signature data");
  return { signature, attestationKey, certification };
}

function readNestedCertification(reader: ByteReader): QeCertification {
  const type = reader.uint16le("certification data type");
  if (type !== QE_REPORT_CERTIFICATION_DATA) throw unsupported(`outer certification data type ${type}`);
  const nested = new ByteReader(
    reader.take(reader.uint32le("certification data length"), "certification data"),
    malformed,
  );
  const certification = readQeCertification(nested);
  nested.end("QE report certification data");
  return certification;
}

function readQeCertification(reader: ByteReader): QeCertification {
  const qeReportBytes = reader.take(SGX_REPORT_LENGTH, "QE report");
  const qeReportSignature = reader.take(64, "QE report signature");
  const qeAuthData = reader.take(reader.uint16le("QE authentication data length"), "QE authentication data");
  const certificationDataType = reader.uint16le("certification data type");
  const certificationData = reader.take(reader.uint32le("certification data length"), "certification data");
  return {
    qeReportBytes,
    qeReport: readSgxReport(qeReportBytes, malformed),
    qeReportSignature,
    qeAuthData,
    certificationDataType,
    certificationData,
  };
}
