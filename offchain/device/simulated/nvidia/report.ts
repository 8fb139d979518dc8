/** The simulated device: signed measurements in NVIDIA's format, with a switch for each defect. */
import { sign } from "node:crypto";
import { randomBytes, sha384 } from "#crypto";
import { concat, toHex, utf8 } from "../../../encoding/bytes.ts";
import type { Hex } from "../../../encoding/bytes.ts";
import type { Gpu } from "../../gpu.ts";
import { uint16le, uint32le } from "../intel/report.ts";
import { deriveP384, p384Key } from "../p384.ts";
import { bytesOf } from "../state.ts";
import type { NvidiaDeviceFile } from "./device-file.ts";
import { measuredBlocks, NVIDIA_PRODUCTS } from "./firmware.ts";

/** What can be wrong with a report; each is what a broken or lying node could send. */
export interface DeviceReportDefects {
  /** The report is over these 32 bytes, whatever was asked for. */
  readonly nonce?: Uint8Array;
  /** Signed by a key that nobody certified. */
  readonly forgedSignature?: boolean;
  /** The byte at this offset of the finished report is inverted. */
  readonly flippedByte?: number;
  /** This many bytes are missing at the end. */
  readonly truncatedBy?: number;
  /** The block with this number (from 1) measures other firmware. */
  readonly foreignMeasurement?: number;
  /** The blocks are of this driver, whatever version the report names. */
  readonly measuredDriver?: string;
  /** Names other firmware than the certificate does. */
  readonly foreignFirmwareId?: boolean;
  /** The last record of the opaque data ends early. */
  readonly truncatedOpaque?: boolean;
  /** The response is of another certificate slot than the request. */
  readonly otherSlot?: boolean;
  /** The certificates of another device come with the report, PEM. */
  readonly certChain?: string;
}

const NONCE_LENGTH = 32;
const SPDM_1_1 = 0x11;
const GET_MEASUREMENTS = 0xe0;
const MEASUREMENTS = 0x60;
const DMTF_DIGEST_OF_FIRMWARE = 1;
/** Types of records. @see NVIDIA nvTrust, SPDM measurement response, opaque data field ids */
const RECORD = {
  driverVersion: 3,
  gpuInfo: 4,
  vbiosVersion: 6,
  nvdec0Status: 11,
  measurementCounts: 12,
  confidentialProtection: 13,
  boardId: 14,
  chipSku: 15,
  chipSkuModifier: 16,
  project: 17,
  projectSku: 18,
  projectSkuModifier: 19,
  firmwareId: 20,
  protectedPcieStatus: 21,
  switchDeviceId: 22,
  disabledPorts: 23,
  positionId: 24,
  lockStatus: 25,
  connectedGpus: 26,
} as const;
const DISABLED = 0x55;

/** The device of a file; `defects` make reports that must be refused. */
export function simulatedNvidiaDevice(device: NvidiaDeviceFile, defects: DeviceReportDefects = {}): Gpu {
  return {
    simulated: true,
    report: async (nonce) => ({
      evidence: reportOf(device, nonce, defects),
      certChain: utf8(defects.certChain ?? device.certChain),
    }),
  };
}

function reportOf(device: NvidiaDeviceFile, wanted: Uint8Array, defects: DeviceReportDefects): Uint8Array {
  const nonce = defects.nonce ?? wanted;
  if (nonce.length !== NONCE_LENGTH) throw new RangeError(`a nonce has ${NONCE_LENGTH} bytes, not ${nonce.length}`);
  const blocks = blocksOf(device, defects);
  const record = concat(...blocks.map((value, index) => measurementBlock(index + 1, value)));
  const opaque = opaqueOf(device, blocks, defects);
  const signedPart = concat(
    Uint8Array.of(SPDM_1_1, GET_MEASUREMENTS, 1, 0xff),
    nonce,
    Uint8Array.of(0),
    Uint8Array.of(SPDM_1_1, MEASUREMENTS, 0, defects.otherSlot === true ? 1 : 0, blocks.length),
    uint32le(record.length).subarray(0, 3),
    record,
    randomBytes(NONCE_LENGTH),
    uint16le(opaque.length),
    opaque,
  );
  const { attestationKey } = device;
  const signingKey = defects.forgedSignature === true ? deriveP384(attestationKey, "foreign") : attestationKey;
  return damaged(concat(signedPart, ecdsa(signingKey, signedPart)), defects);
}

function blocksOf(device: NvidiaDeviceFile, defects: DeviceReportDefects): Uint8Array[] {
  const { measuredDriver: driverVersion = device.driverVersion, foreignMeasurement } = defects;
  const blocks = measuredBlocks(device.kind, { ...device, driverVersion });
  if (foreignMeasurement !== undefined) blocks[foreignMeasurement - 1] = sha384(utf8("SIMULATED other firmware"));
  return blocks;
}

/** @see DMTF DSP0274 1.1, MEASUREMENTS response, measurement block and DMTF measurement specification */
function measurementBlock(index: number, value: Uint8Array): Uint8Array {
  const measurement = concat(Uint8Array.of(DMTF_DIGEST_OF_FIRMWARE), uint16le(value.length), value);
  return concat(Uint8Array.of(index, 1), uint16le(measurement.length), measurement);
}

function opaqueOf(device: NvidiaDeviceFile, blocks: readonly Uint8Array[], defects: DeviceReportDefects): Uint8Array {
  const records = device.kind === "gpu" ? gpuRecords(device, blocks, defects) : switchRecords(device, blocks);
  const bytes = concat(...records);
  return defects.truncatedOpaque === true ? bytes.subarray(0, -1) : bytes;
}

/** In the order in which GPUs write them. */
function gpuRecords(
  device: NvidiaDeviceFile,
  blocks: readonly Uint8Array[],
  defects: DeviceReportDefects,
): readonly Uint8Array[] {
  const { project, projectSku, chipSku } = NVIDIA_PRODUCTS.gpu;
  const foreign = defects.foreignFirmwareId === true;
  return [
    opaqueRecord(RECORD.vbiosVersion, packedVersion(device.vbiosVersion)),
    opaqueRecord(RECORD.boardId, uint32le(0x51ad)),
    opaqueRecord(RECORD.chipSku, padded(chipSku, 9)),
    opaqueRecord(RECORD.chipSkuModifier, padded("0", 5)),
    opaqueRecord(RECORD.project, padded(project, 5)),
    opaqueRecord(RECORD.projectSku, padded(projectSku, 5)),
    opaqueRecord(RECORD.projectSkuModifier, new Uint8Array(2)),
    opaqueRecord(RECORD.driverVersion, utf8(`${device.driverVersion ?? ""}\0`)),
    opaqueRecord(RECORD.gpuInfo, bytesOf(device.chipId)),
    opaqueRecord(RECORD.measurementCounts, countsOf(blocks, 64)),
    opaqueRecord(RECORD.confidentialProtection, uint32le(0x0001_c000)),
    opaqueRecord(RECORD.nvdec0Status, Uint8Array.of(DISABLED)),
    opaqueRecord(RECORD.firmwareId, foreign ? sha384(utf8("SIMULATED other firmware")) : bytesOf(device.firmwareId)),
    opaqueRecord(RECORD.protectedPcieStatus, Uint8Array.of(DISABLED)),
  ];
}

/** In the order in which switches write them; the VBIOS version is text here. */
function switchRecords(device: NvidiaDeviceFile, blocks: readonly Uint8Array[]): readonly Uint8Array[] {
  return [
    opaqueRecord(RECORD.vbiosVersion, utf8(device.vbiosVersion)),
    opaqueRecord(RECORD.switchDeviceId, bytesOf(device.chipId)),
    opaqueRecord(RECORD.measurementCounts, countsOf(blocks, 26)),
    opaqueRecord(RECORD.connectedGpus, new Uint8Array(128)),
    opaqueRecord(RECORD.disabledPorts, uint16le(0)),
    opaqueRecord(RECORD.positionId, uint16le(2)),
    opaqueRecord(RECORD.lockStatus, uint16le(1)),
  ];
}

function opaqueRecord(type: number, value: Uint8Array): Uint8Array {
  return concat(uint16le(type), uint16le(value.length), value);
}

/** How often each of the first blocks was measured, 4 bytes each. */
function countsOf(blocks: readonly Uint8Array[], length: number): Uint8Array {
  const counts = blocks.slice(0, length).map((block) => (block.some((byte) => byte !== 0) ? 1 : 0));
  return concat(...counts.map(uint32le));
}

/** The four bytes of the version in reverse, then the fifth. */
function packedVersion(version: string): Uint8Array {
  const bytes = bytesOf(`0x${version.replaceAll(".", "")}`);
  return concat(bytes.slice(0, 4).reverse(), bytes.slice(4), new Uint8Array(3));
}

function padded(text: string, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  bytes.set(utf8(text));
  return bytes;
}

function damaged(bytes: Uint8Array, { flippedByte, truncatedBy = 0 }: DeviceReportDefects): Uint8Array {
  if (flippedByte !== undefined) {
    if (flippedByte >= bytes.length) throw new RangeError(`${toHex(bytes.subarray(0, 4))}… has no byte ${flippedByte}`);
    bytes[flippedByte] = (bytes[flippedByte] ?? 0) ^ 0xff;
  }
  return bytes.subarray(0, bytes.length - truncatedBy);
}

/** `r || s` over SHA-384. */
function ecdsa(scalar: Hex, message: Uint8Array): Uint8Array {
  return new Uint8Array(sign("sha384", message, { key: p384Key(scalar), dsaEncoding: "ieee-p1363" }));
}
