/** The device of a simulated machine: quotes in Intel's formats, with a switch for each defect. */
import { sign } from "node:crypto";
import { sha256, sha384 } from "#crypto";
import { concat, utf8 } from "../../../encoding/bytes.ts";
import type { Hex } from "../../../encoding/bytes.ts";
import type { Device } from "../../device.ts";
import { damaged, wholeReportData, type Damage } from "../damage.ts";
import type { WorkerMeasurements } from "../measure.ts";
import { qeSigner, QE_PRODUCT } from "./documents.ts";
import { deriveScalar, privateKeyOf, publicPoint } from "./keys.ts";
import type { PlatformFile } from "./platform-file.ts";
import { sgxReport, tdReport, uint16le, uint32le } from "./report.ts";
import { bytesOf } from "../state.ts";

/** What can be wrong with a quote; each is what a broken or lying node could send. */
export interface QuoteDefects extends Damage {
  /** The enclave or trust domain runs in debug mode. */
  readonly debug?: boolean;
  /** The quote is over these 64 bytes, whatever was asked for. */
  readonly reportData?: Uint8Array;
  /** Signed by another key than the attestation key that the quote names. */
  readonly forgedSignature?: boolean;
  /** Names and is signed by an attestation key that the quoting enclave's report does not bind. */
  readonly foreignAttestationKey?: boolean;
  /** The quoting enclave's report is not signed by the PCK. */
  readonly forgedQeReport?: boolean;
  /** The quoting enclave is another product of another signer. */
  readonly foreignQe?: boolean;
  /** The quoting enclave runs in debug mode. */
  readonly debugQe?: boolean;
  /** The second half of the quoting enclave's report data is not zero. */
  readonly dirtyQeReportData?: boolean;
}

/** What quotes say of a worker. */
type IntelMeasurements = Omit<WorkerMeasurements, "measurement" | "pcr0" | "pcr1" | "pcr2">;

const VERSIONS = { "intel-sgx": 3, "intel-tdx": 4 } as const;
const TEE_TYPES = { "intel-sgx": 0, "intel-tdx": 0x81 } as const;
const ECDSA_P256 = 2;
const QE_VENDOR_ID: Hex = "0x939a7233f79c4ca9940a0db3957f0607";
const PCK_CERT_CHAIN = 5;
const QE_REPORT_CERTIFICATION_DATA = 6;
/** INIT, MODE64BIT; for the quoting enclave PROVISIONKEY as well; then XFRM. */
const ENCLAVE_ATTRIBUTES: Hex = "0x0500000000000000e700000000000000";
const QE_ATTRIBUTES: Hex = "0x1500000000000000e700000000000000";
const SGX_DEBUG = 0x02;
/** SEPT_VE_DISABLE. */
const TD_ATTRIBUTES: Hex = "0x0000001000000000";
const TD_DEBUG = 0x01;
const XFAM: Hex = "0xe702060000000000";
const ENCLAVE_SVN = 1;

/** The device of a provisioned machine that runs measured code; `defects` make evidence that must be refused. */
export function simulatedDevice(
  platform: PlatformFile,
  measurements: IntelMeasurements,
  defects: QuoteDefects = {},
): Device {
  return {
    platform: platform.tee,
    simulated: true,
    quote: async (reportData) => quote(platform, measurements, reportData, defects),
  };
}

function quote(
  platform: PlatformFile,
  measurements: IntelMeasurements,
  wanted: Uint8Array,
  defects: QuoteDefects,
): Uint8Array {
  const reportData = wholeReportData(defects.reportData ?? wanted);
  const signedPart = concat(headerOf(platform), bodyOf(platform, measurements, reportData, defects));
  const attestationKey = defects.foreignAttestationKey === true ? foreignKey(platform) : platform.attestationKey;
  const signingKey = defects.forgedSignature === true ? foreignKey(platform) : attestationKey;
  const certification = qeCertification(platform, defects);
  const signatureData = concat(
    ecdsa(signingKey, signedPart),
    publicPoint(attestationKey),
    platform.tee === "intel-sgx" ? certification : certificationData(QE_REPORT_CERTIFICATION_DATA, certification),
  );
  return damaged(concat(signedPart, uint32le(signatureData.length), signatureData), defects);
}

/** @see Intel SGX DCAP ECDSA Quote Library API, appendix A.3; Intel TDX DCAP Quote Generation Library, appendix A.3.1 */
function headerOf(platform: PlatformFile): Uint8Array {
  const svns = platform.tee === "intel-sgx" ? [platform.qeIsvSvn, platform.pceSvn] : [0, 0];
  const qeId = sha256(utf8("SIMULATED Intel QE id"), bytesOf(platform.ppid)).subarray(0, 16);
  return concat(
    uint16le(VERSIONS[platform.tee]),
    uint16le(ECDSA_P256),
    uint32le(TEE_TYPES[platform.tee]),
    ...svns.map(uint16le),
    bytesOf(QE_VENDOR_ID),
    qeId,
    new Uint8Array(4),
  );
}

function bodyOf(
  platform: PlatformFile,
  measurements: IntelMeasurements,
  reportData: Uint8Array,
  defects: QuoteDefects,
): Uint8Array {
  if (platform.tee === "intel-sgx") {
    return sgxReport({
      cpuSvn: bytesOf(platform.cpuSvn),
      attributes: withFlags(ENCLAVE_ATTRIBUTES, defects.debug === true ? SGX_DEBUG : 0),
      mrenclave: bytesOf(measurements.mrenclave),
      mrsigner: bytesOf(measurements.mrsigner),
      isvProdId: 0,
      isvSvn: ENCLAVE_SVN,
      reportData,
    });
  }
  const { mrtd, mrconfigid, mrowner, mrownerconfig, rtmr0, rtmr1, rtmr2, rtmr3 } = measurements;
  return tdReport({
    teeTcbSvn: bytesOf(platform.teeTcbSvn),
    mrseam: sha384(utf8("SIMULATED Intel TDX module")),
    tdAttributes: withFlags(TD_ATTRIBUTES, defects.debug === true ? TD_DEBUG : 0),
    xfam: bytesOf(XFAM),
    measured: [mrtd, mrconfigid, mrowner, mrownerconfig, rtmr0, rtmr1, rtmr2, rtmr3].map(bytesOf),
    reportData,
  });
}

/** The quoting enclave's report over the attestation key, signed by the PCK, and the PCK's chain. */
function qeCertification(platform: PlatformFile, defects: QuoteDefects): Uint8Array {
  const authData = Uint8Array.from({ length: 32 }, (_zero, index) => index);
  const bound = sha256(publicPoint(platform.attestationKey), authData);
  const report = sgxReport({
    cpuSvn: bytesOf(platform.cpuSvn),
    attributes: withFlags(QE_ATTRIBUTES, defects.debugQe === true ? SGX_DEBUG : 0),
    mrenclave: sha256(utf8(`SIMULATED Intel quoting enclave/${platform.tee}/${platform.qeIsvSvn}`)),
    mrsigner: defects.foreignQe === true ? sha256(utf8("another signer")) : qeSigner(platform.tee),
    isvProdId: QE_PRODUCT[platform.tee],
    isvSvn: platform.qeIsvSvn,
    reportData: concat(bound, new Uint8Array(32).fill(defects.dirtyQeReportData === true ? 1 : 0)),
  });
  const signingKey = defects.forgedQeReport === true ? foreignKey(platform) : platform.pckKey;
  return concat(
    report,
    ecdsa(signingKey, report),
    uint16le(authData.length),
    authData,
    certificationData(PCK_CERT_CHAIN, utf8(`${platform.pckChain}\0`)),
  );
}

function certificationData(type: number, data: Uint8Array): Uint8Array {
  return concat(uint16le(type), uint32le(data.length), data);
}

function withFlags(attributes: Hex, flags: number): Uint8Array {
  const bytes = bytesOf(attributes);
  bytes[0] = (bytes[0] ?? 0) | flags;
  return bytes;
}

function ecdsa(scalar: Hex, message: Uint8Array): Uint8Array {
  return new Uint8Array(sign("sha256", message, { key: privateKeyOf(scalar), dsaEncoding: "ieee-p1363" }));
}

/** A key that nobody certified. */
function foreignKey(platform: PlatformFile): Hex {
  return deriveScalar(platform.attestationKey, "foreign");
}
