import { isZero } from "../../encoding/bytes.ts";
import { ByteReader } from "../../encoding/reader.ts";
import { EvidenceError } from "../../errors.ts";
import { readPolicy, type GuestPolicy } from "./policy.ts";

/** Which key signed a report. */
export type SigningKey = "VCEK" | "VLEK";

/** Firmware version, as `major.minor` and build. */
export interface FirmwareVersion {
  readonly build: number;
  readonly minor: number;
  readonly major: number;
}

/** An attestation report as parsed; nothing in it is verified. Byte strings are views of the report. */
export interface Report {
  /** All 1184 bytes. */
  readonly bytes: Uint8Array;
  /** The first 0x2A0 bytes. */
  readonly signedPart: Uint8Array;
  /** `r || s` big-endian, 96 bytes. */
  readonly signature: Uint8Array;
  readonly version: number;
  readonly guestSvn: number;
  readonly policy: GuestPolicy;
  /** 16 bytes. */
  readonly familyId: Uint8Array;
  /** 16 bytes. */
  readonly imageId: Uint8Array;
  readonly vmpl: number;
  readonly signatureAlgo: number;
  /** 8 bytes each. */
  readonly currentTcb: Uint8Array;
  readonly reportedTcb: Uint8Array;
  readonly committedTcb: Uint8Array;
  readonly launchTcb: Uint8Array;
  readonly platformInfo: bigint;
  readonly signingKey: SigningKey;
  readonly authorKeyEn: boolean;
  readonly maskChipKey: boolean;
  /** 64 bytes. */
  readonly reportData: Uint8Array;
  /** 48 bytes. */
  readonly measurement: Uint8Array;
  /** 32 bytes. */
  readonly hostData: Uint8Array;
  /** 48 bytes; zero where there was no ID block. */
  readonly idKeyDigest: Uint8Array;
  /** 48 bytes; zero where there was no author key. */
  readonly authorKeyDigest: Uint8Array;
  /** 32 bytes. */
  readonly reportId: Uint8Array;
  /** 32 bytes; all ones where there is no migration agent. */
  readonly reportIdMa: Uint8Array;
  /** 64 bytes; zero where the chip's id is masked. */
  readonly chipId: Uint8Array;
  readonly current: FirmwareVersion;
  readonly committed: FirmwareVersion;
  /** From version 3 on. */
  readonly cpuid: { readonly family: number; readonly model: number; readonly stepping: number } | undefined;
  /** From version 5 on: LAUNCH_MIT_VECTOR and CURRENT_MIT_VECTOR. */
  readonly mitigations: { readonly launch: bigint; readonly current: bigint } | undefined;
}

const VERSIONS: ReadonlySet<number> = new Set([2, 3, 5]);
const LENGTH = 0x4a0;
const SIGNED_LENGTH = 0x2a0;
const SCALAR_LENGTH = 48;
const SCALAR_FIELD = 72;
const MAX_VMPL = 3;
const ECDSA_P384_SHA384 = 1;
const SIGNING_KEYS: Readonly<Record<number, SigningKey>> = { 0: "VCEK", 1: "VLEK" };

const malformed = (message: string): EvidenceError =>
  new EvidenceError("EVIDENCE_MALFORMED", `SEV-SNP report: ${message}`);
const unsupported = (message: string): EvidenceError =>
  new EvidenceError("EVIDENCE_UNSUPPORTED", `SEV-SNP report: ${message}`);

/**
 * Parses an attestation report of version 2, 3 or 5: exact length, reserved bits as the specification asks for.
 * Throws `EvidenceError` `EVIDENCE_MALFORMED` or `EVIDENCE_UNSUPPORTED`.
 * @see AMD publication 56860, SEV Secure Nested Paging Firmware ABI Specification, table ATTESTATION_REPORT
 */
export function parseReport(bytes: Uint8Array): Report {
  const reader = new ByteReader(bytes, malformed);
  const head = readHead(reader);
  const guest = readGuest(reader);
  const platform = readPlatform(reader, head.version);
  const signature = readSignature(reader);
  reader.end("report");
  return { bytes, signedPart: bytes.subarray(0, SIGNED_LENGTH), signature, ...head, ...guest, ...platform };
}

/** Bytes 0 to 0x50. */
function readHead(reader: ByteReader) {
  const version = reader.uint32le("VERSION");
  if (!VERSIONS.has(version)) throw unsupported(`version ${version}`);
  const guestSvn = reader.uint32le("GUEST_SVN");
  const policy = readPolicy(reader.uint64le("POLICY"));
  const familyId = reader.take(16, "FAMILY_ID");
  const imageId = reader.take(16, "IMAGE_ID");
  const vmpl = reader.uint32le("VMPL");
  if (vmpl > MAX_VMPL) throw unsupported(`VMPL ${vmpl}: no guest asked for it`);
  const signatureAlgo = reader.uint32le("SIGNATURE_ALGO");
  if (signatureAlgo !== ECDSA_P384_SHA384) throw unsupported(`signature algorithm ${signatureAlgo}`);
  const currentTcb = reader.take(8, "CURRENT_TCB");
  const platformInfo = reader.uint64le("PLATFORM_INFO");
  const base = { version, guestSvn, policy, familyId, imageId, vmpl, signatureAlgo, currentTcb, platformInfo };
  return { ...base, ...readKeyFlags(reader) };
}

function readKeyFlags(reader: ByteReader): Pick<Report, "signingKey" | "authorKeyEn" | "maskChipKey"> {
  const flags = reader.uint32le("key flags");
  reserved(reader, 4, "0x4C");
  if (flags >>> 5 !== 0) throw malformed("reserved bits of the key flags are set");
  const signingKey = SIGNING_KEYS[(flags >> 2) & 7];
  if (signingKey === undefined) throw unsupported(`signing key ${(flags >> 2) & 7}`);
  const maskChipKey = (flags & 2) !== 0;
  if (maskChipKey && signingKey === "VCEK") throw unsupported("signed by a VCEK that is masked");
  return { signingKey, authorKeyEn: (flags & 1) !== 0, maskChipKey };
}

/** Bytes 0x50 to 0x180. */
function readGuest(reader: ByteReader) {
  return {
    reportData: reader.take(64, "REPORT_DATA"),
    measurement: reader.take(48, "MEASUREMENT"),
    hostData: reader.take(32, "HOST_DATA"),
    idKeyDigest: reader.take(48, "ID_KEY_DIGEST"),
    authorKeyDigest: reader.take(48, "AUTHOR_KEY_DIGEST"),
    reportId: reader.take(32, "REPORT_ID"),
    reportIdMa: reader.take(32, "REPORT_ID_MA"),
  };
}

/** Bytes 0x180 to 0x2A0. */
function readPlatform(reader: ByteReader, version: number) {
  const reportedTcb = reader.take(8, "REPORTED_TCB");
  const cpuid = version >= 3 ? readCpuid(reader) : undefined;
  reserved(reader, cpuid === undefined ? 24 : 21, "0x188");
  const chipId = reader.take(64, "CHIP_ID");
  const committedTcb = reader.take(8, "COMMITTED_TCB");
  const current = readVersion(reader);
  const committed = readVersion(reader);
  const launchTcb = reader.take(8, "LAUNCH_TCB");
  const mitigations = version >= 5 ? readMitigations(reader) : undefined;
  reserved(reader, SIGNED_LENGTH - reader.offset, "0x1F8");
  return { reportedTcb, cpuid, chipId, committedTcb, current, committed, launchTcb, mitigations };
}

function readCpuid(reader: ByteReader): NonNullable<Report["cpuid"]> {
  const family = reader.uint8("CPUID_FAM_ID");
  const model = reader.uint8("CPUID_MOD_ID");
  return { family, model, stepping: reader.uint8("CPUID_STEP") };
}

function readVersion(reader: ByteReader): FirmwareVersion {
  const build = reader.uint8("BUILD");
  const minor = reader.uint8("MINOR");
  const major = reader.uint8("MAJOR");
  reserved(reader, 1, "version");
  return { build, minor, major };
}

function readMitigations(reader: ByteReader): NonNullable<Report["mitigations"]> {
  const launch = reader.uint64le("LAUNCH_MIT_VECTOR");
  return { launch, current: reader.uint64le("CURRENT_MIT_VECTOR") };
}

function readSignature(reader: ByteReader): Uint8Array {
  const signature = new Uint8Array(2 * SCALAR_LENGTH);
  for (const [index, name] of ["R", "S"].entries()) {
    const scalar = reader.take(SCALAR_FIELD, name);
    if (!isZero(scalar.subarray(SCALAR_LENGTH))) throw malformed(`${name} is wider than 48 bytes`);
    const start = index * SCALAR_LENGTH;
    signature.set(scalar.subarray(0, SCALAR_LENGTH), start);
    signature.subarray(start, start + SCALAR_LENGTH).reverse();
  }
  reserved(reader, LENGTH - SIGNED_LENGTH - 2 * SCALAR_FIELD, "signature");
  return signature;
}

function reserved(reader: ByteReader, length: number, where: string): void {
  if (!isZero(reader.take(length, where))) throw malformed(`reserved bytes at ${where} are not zero`);
}
