/** What can be wrong with a report; each is what a broken or lying node could send. */
import type { Damage } from "../damage.ts";

/** A byte string at an offset of the report, in hex. */
type Patch = readonly [number, string];

const ZERO_48 = "00".repeat(48);

/**
 * Fields that are other than the machine's, under a signature that holds.
 * @see AMD publication 56860, tables ATTESTATION_REPORT and Guest Policy
 */
export const FIELD_DEFECTS = {
  unknownVersion: [[0x00, "63"]],
  /** The host may read and write the guest's memory. */
  debug: [[0x0a, "0b"]],
  /** A migration agent may be associated, and is. */
  migrationAgent: [
    [0x0a, "07"],
    [0x160, "5a".repeat(32)],
  ],
  /** Multithreading is on and the policy does not allow it. */
  smtAgainstPolicy: [[0x0a, "02"]],
  policyBit17Zero: [[0x0a, "01"]],
  policyReservedBit: [[0x0b, "80"]],
  /** The policy asks for an ABI that the firmware has not. */
  abiAboveFirmware: [[0x09, "02"]],
  /** A report for a less privileged level of the guest than its kernel's. */
  lowerVmpl: [[0x30, "02"]],
  /** A report that the host asked for, not the guest. */
  hostVmpl: [[0x30, "ffffffff"]],
  signatureAlgorithm: [[0x34, "02"]],
  committedAboveCurrent: [[0x38, "0000000000000000"]],
  /** Signed by no key, the report says. */
  noSigningKey: [[0x48, "1d"]],
  maskedVcek: [[0x48, "03"]],
  keyFlagsReservedBit: [[0x48, "21"]],
  reservedAfterKeyFlags: [[0x4c, "01"]],
  zeroMeasurement: [[0x90, ZERO_48]],
  /** The guest was started without an ID block: no guest SVN, no ids, no key digests. */
  withoutIdBlock: [
    [0x04, "00000000"],
    [0x10, "00".repeat(32)],
    [0x48, "00"],
    [0xe0, ZERO_48 + ZERO_48],
  ],
  reportedTcbReserved: [[0x184, "01"]],
  otherProcessor: [[0x188, "17"]],
  reservedAfterProcessor: [[0x18b, "01"]],
  maskedChipId: [[0x1a0, "00".repeat(64)]],
  otherChipId: [[0x1a0, "ff".repeat(8)]],
  committedFirmwareNewer: [[0x1ed, "ff"]],
  reservedVersionByte: [[0x1eb, "01"]],
  reservedBeforeSignature: [[0x29f, "01"]],
} as const satisfies Readonly<Record<string, readonly Patch[]>>;

/** Under the 512 bytes of the signature, after it was made. */
export const SIGNATURE_DEFECTS = ["forged", "bigEndian", "wideR", "wideS", "dirtyRest"] as const;

/** What is wrong with one device's reports. */
export interface AmdReportDefects extends Damage {
  readonly fields?: readonly (keyof typeof FIELD_DEFECTS)[];
  readonly signature?: (typeof SIGNATURE_DEFECTS)[number];
  /** The report is over these 64 bytes, whatever was asked for. */
  readonly reportData?: Uint8Array;
}
