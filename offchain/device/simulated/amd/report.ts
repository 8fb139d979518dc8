/** The device of a simulated machine with an AMD processor: attestation reports, with a switch for each defect. */
import { sign } from "node:crypto";
import { sha384 } from "#crypto";
import { concat, parseHex, utf8 } from "../../../encoding/bytes.ts";
import type { Device } from "../../device.ts";
import { damaged, wholeReportData } from "../damage.ts";
import type { WorkerMeasurements } from "../measure.ts";
import { deriveP384, p384Key } from "../p384.ts";
import { bytesOf } from "../state.ts";
import { FIELD_DEFECTS, type AmdReportDefects } from "./defects.ts";
import type { AmdPlatformFile } from "./platform.ts";
import { LINES } from "./product.ts";

const LENGTH = 0x4a0;
const SIGNED_LENGTH = 0x2a0;
const SCALAR_LENGTH = 48;
/** R and S stand little-endian in 72 bytes each. */
const SCALAR_FIELD = 72;
const ECDSA_P384_SHA384 = 1;
const GUEST_SVN = 1;
/** ABI 0.31, multithreading allowed, bit 17. */
const POLICY = "1f00030000000000";
/** Multithreading, ECC, alias check complete. */
const PLATFORM_INFO = "2500000000000000";
/** The author's key signed the ID key; then the signing key in bits 2 to 4. */
const KEY_FLAGS = { VCEK: 0x01, VLEK: 0x05 } as const;
/** Build, minor, major. */
const FIRMWARE = "1d370100";
const MITIGATIONS = "3f00000000000000";

/** The device of a provisioned machine that runs measured code; `defects` make evidence that must be refused. */
export function simulatedAmdDevice(
  platform: AmdPlatformFile,
  measurements: Pick<WorkerMeasurements, "measurement">,
  defects: AmdReportDefects = {},
): Device {
  return {
    platform: "amd-sev-snp",
    simulated: true,
    quote: async (reportData) => report(platform, bytesOf(measurements.measurement), reportData, defects),
  };
}

function report(
  platform: AmdPlatformFile,
  measurement: Uint8Array,
  wanted: Uint8Array,
  defects: AmdReportDefects,
): Uint8Array {
  const reportData = wholeReportData(defects.reportData ?? wanted);
  const bytes = new Uint8Array(LENGTH);
  bytes.set(concat(headOf(platform), guestOf(platform, measurement, reportData), platformOf(platform)));
  for (const name of defects.fields ?? []) {
    for (const [offset, hex] of FIELD_DEFECTS[name]) bytes.set(hexBytes(hex), offset);
  }
  bytes.set(signatureOf(platform, bytes.subarray(0, SIGNED_LENGTH), defects), SIGNED_LENGTH);
  return damaged(bytes, defects);
}

/** Bytes 0 to 0x50. @see AMD publication 56860, table ATTESTATION_REPORT */
function headOf(platform: AmdPlatformFile): Uint8Array {
  return concat(
    uint32le(Number(platform.reportVersion)),
    uint32le(GUEST_SVN),
    hexBytes(POLICY),
    padded("SIMULATED family", 16),
    padded("SIMULATED image", 16),
    uint32le(0),
    uint32le(ECDSA_P384_SHA384),
    bytesOf(platform.currentTcb),
    hexBytes(PLATFORM_INFO),
    uint32le(KEY_FLAGS[platform.signingKey]),
    uint32le(0),
  );
}

/** Bytes 0x50 to 0x180: what the guest asked for, and what was measured when it started. */
function guestOf(platform: AmdPlatformFile, measurement: Uint8Array, reportData: Uint8Array): Uint8Array {
  const hostData = new Uint8Array(32);
  const reportId = sha384(utf8("SIMULATED report id"), bytesOf(platform.chipId), measurement).subarray(0, 32);
  const noMigrationAgent = new Uint8Array(32).fill(0xff);
  const [idKey, authorKey] = ["id", "author"].map((name) => sha384(utf8(`SIMULATED Cloister ${name} key`)));
  return concat(reportData, measurement, hostData, idKey!, authorKey!, reportId, noMigrationAgent);
}

/** Bytes 0x180 to 0x208; the rest up to the signature is zero. */
function platformOf(platform: AmdPlatformFile): Uint8Array {
  const { product, reportVersion } = platform;
  const cpuid = reportVersion === "2" ? [] : LINES[product].cpuid;
  return concat(
    bytesOf(platform.reportedTcb),
    Uint8Array.from({ length: 24 }, (_, index) => cpuid[index] ?? 0),
    bytesOf(platform.chipId),
    bytesOf(platform.committedTcb),
    hexBytes(FIRMWARE),
    hexBytes(FIRMWARE),
    bytesOf(platform.launchTcb),
    ...(reportVersion === "5" ? [hexBytes(MITIGATIONS), hexBytes(MITIGATIONS)] : []),
  );
}

/** The 512 bytes of the signature. */
function signatureOf(platform: AmdPlatformFile, message: Uint8Array, { signature }: AmdReportDefects): Uint8Array {
  const scalar = signature === "forged" ? deriveP384(platform.key, "foreign") : platform.key;
  const rs = sign("sha384", message, { key: p384Key(scalar), dsaEncoding: "ieee-p1363" });
  const bytes = new Uint8Array(LENGTH - SIGNED_LENGTH);
  for (const index of [0, 1]) {
    const number = new Uint8Array(rs.subarray(index * SCALAR_LENGTH, (index + 1) * SCALAR_LENGTH));
    bytes.set(signature === "bigEndian" ? number : number.reverse(), index * SCALAR_FIELD);
  }
  if (signature === "wideR") bytes[SCALAR_LENGTH] = 1;
  if (signature === "wideS") bytes[SCALAR_FIELD + SCALAR_LENGTH] = 1;
  if (signature === "dirtyRest") bytes[2 * SCALAR_FIELD] = 1;
  return bytes;
}

function uint32le(value: number): Uint8Array {
  return Uint8Array.of(value & 0xff, (value >> 8) & 0xff, (value >> 16) & 0xff, value >>> 24);
}

function padded(text: string, length: number): Uint8Array {
  return concat(utf8(text), new Uint8Array(length)).subarray(0, length);
}

function hexBytes(hex: string): Uint8Array {
  return parseHex(`0x${hex}`) ?? new Uint8Array(0);
}
