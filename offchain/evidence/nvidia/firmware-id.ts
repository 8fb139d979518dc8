import { equal, isZero } from "../../encoding/bytes.ts";
import { EvidenceError } from "../../errors.ts";
import type { Certificate } from "../../x509/certificate.ts";
import { DER, DerReader } from "../../x509/der.ts";

/** What a device's boot code certified of the firmware that holds the leaf's key. */
export interface FirmwareIdentity {
  /** SHA-384 digests, at least one. */
  readonly firmwareIds: readonly Uint8Array[];
  /** Undefined where the certificate does not say. */
  readonly debug: boolean | undefined;
}

const EXTENSIONS = ["2.23.133.5.4.1", "2.23.133.5.4.1.1"];
const SHA384 = "2.16.840.1.101.3.4.2.2";
const DIGEST_LENGTH = 48;
const FWIDS = 0xa6;
const FLAGS = 0x87;
const DEBUG_FLAG = 0x10;

const malformed = (message: string): EvidenceError =>
  new EvidenceError("EVIDENCE_MALFORMED", `firmware identity: ${message}`);

/**
 * Reads the firmware identity of a device's leaf certificate; undefined where it has none.
 * Hopper devices and switches carry a composite device id, Blackwell devices a TCB info.
 * Throws `EvidenceError` `EVIDENCE_MALFORMED` or `EVIDENCE_UNSUPPORTED`.
 * @see TCG DICE Attestation Architecture, TCB info extension; RIoT, composite device id, for the older form
 */
export function readFirmwareIdentity({ extensions }: Certificate): FirmwareIdentity | undefined {
  const extension = EXTENSIONS.map((oid) => extensions.get(oid)).find((found) => found !== undefined);
  if (extension === undefined) return undefined;
  const outer = new DerReader(extension.value);
  const reader = outer.enter("firmware identity");
  outer.end("firmware identity");
  return reader.nextTag === DER.integer ? readCompositeDeviceId(reader) : readTcbInfo(reader);
}

/** Says whether a digest is among those certified; zeros stand for firmware that is not there. */
export function isCertified({ firmwareIds }: FirmwareIdentity, digest: Uint8Array): boolean {
  return !isZero(digest) && firmwareIds.some((firmwareId) => equal(firmwareId, digest));
}

function readCompositeDeviceId(reader: DerReader): FirmwareIdentity {
  const version = reader.uint32("version");
  if (version !== 1) throw new EvidenceError("EVIDENCE_UNSUPPORTED", `composite device id version ${version}`);
  reader.element(DER.sequence, "device id");
  const firmwareIds = [readFirmwareId(reader)];
  reader.end("composite device id");
  return { firmwareIds, debug: undefined };
}

/** Every member of a TCB info is optional; those that are not read here may hold anything. */
function readTcbInfo(reader: DerReader): FirmwareIdentity {
  let firmwareIds: readonly Uint8Array[] = [];
  let debug: boolean | undefined;
  let last = -1;
  while (!reader.done) {
    const number = (reader.nextTag ?? 0) & 0x1f;
    if (last >= number) throw malformed("members out of order");
    last = number;
    if (reader.nextTag === FWIDS) firmwareIds = readFirmwareIds(reader.enter("FWIDs", FWIDS));
    else if (reader.nextTag === FLAGS) debug = readDebugFlag(reader.content(FLAGS, "flags"));
    else reader.any("TCB info");
  }
  if (firmwareIds.length === 0) throw malformed("no FWID");
  return { firmwareIds, debug };
}

function readFirmwareIds(reader: DerReader): readonly Uint8Array[] {
  const firmwareIds: Uint8Array[] = [];
  while (!reader.done) firmwareIds.push(readFirmwareId(reader));
  return firmwareIds;
}

function readFirmwareId(outer: DerReader): Uint8Array {
  const reader = outer.enter("FWID");
  const algorithm = reader.oid("FWID hash algorithm");
  if (algorithm !== SHA384) throw new EvidenceError("EVIDENCE_UNSUPPORTED", `FWID hash algorithm ${algorithm}`);
  const digest = reader.octetString("FWID digest");
  reader.end("FWID");
  if (digest.length !== DIGEST_LENGTH) throw malformed(`a digest of ${digest.length} bytes`);
  return digest;
}

/** Operational flags: bit 3 says debug; the octet before them counts unused bits. */
function readDebugFlag(content: Uint8Array): boolean {
  if (content.length < 2) throw malformed("no flags");
  return ((content[1] ?? 0) & DEBUG_FLAG) !== 0;
}
