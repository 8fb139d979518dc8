import { verifyEcdsa } from "#crypto";
import { equal, toHex } from "../../encoding/bytes.ts";
import { EvidenceError } from "../../errors.ts";
import { importKey } from "../../x509/signature.ts";
import { need, needEndorsement, type CheckLog, type Found } from "../check-log.ts";
import type { Verified } from "../scheme.ts";
import { NVIDIA_CHECKS } from "./checks.ts";
import type { NvidiaContext } from "./context.ts";
import { familyOf, verifyDeviceChain, type DeviceChain } from "./device-chain.ts";
import { isCertified, readFirmwareIdentity, type FirmwareIdentity } from "./firmware-id.ts";
import { OPAQUE } from "./opaque.ts";
import { checkReferences, type DeviceReferences } from "./references.ts";
import type { DeviceReport } from "./report.ts";
import { checkRevocation, questionsOf, type AnsweredStatus } from "./revocation.ts";

/** A device's report with everything that its verification found. */
export interface DeviceEvidence {
  readonly report: DeviceReport;
  readonly chain: DeviceChain;
  /** Undefined where the leaf certifies no firmware. */
  readonly firmware: FirmwareIdentity | undefined;
  readonly references: DeviceReferences;
  /** Milliseconds since 1970: the earliest end of every part used. */
  readonly validUntil: number;
  /** Milliseconds since 1970: the earliest issue of an answer on certificates' status; undefined without any. */
  readonly endorsedAt: number | undefined;
}

const SWITCH = "LS10";

/**
 * Verifies a device's report: certificate chain, kind of device, signature, nonce, the firmware that holds the key, and, as far
 * as there are endorsements, revocation and every measurement that the vendor publishes.
 * Throws the first failure, `EvidenceError` or `EndorsementError`, after every check that could be made is in the log.
 * @see DMTF DSP0274 1.1, GET_MEASUREMENTS request and MEASUREMENTS response messages
 */
export async function verifyDeviceReport(
  report: DeviceReport,
  context: NvidiaContext,
): Promise<Verified<DeviceEvidence>> {
  const { log, endorsements, chains, trustRoots, now } = context;
  const chain = await log.check(NVIDIA_CHECKS.deviceChain, async () => {
    const pem = needEndorsement(endorsements.certChain, "device certificate chain");
    const value = await verifyDeviceChain(pem, chains, { roots: trustRoots, now });
    return { value, detail: `${value.leaf.subject.commonName ?? ""} under ${value.root.name}` };
  });
  await log.check(NVIDIA_CHECKS.deviceKind, () => checkKind(report, need(chain, "the device chain")));
  const isSigned = await log.check<true>(NVIDIA_CHECKS.reportSignature, async () => {
    const key = await importKey(need(chain, "the device chain").leaf.publicKey);
    if (!(await verifyEcdsa("sha384", key, report.signedPart, report.signature))) {
      throw new EvidenceError("SIGNATURE_INVALID", "the report's signature does not hold");
    }
    return { value: true, detail: "the device signed request and response" };
  });
  await checkNonce(report, context);
  const firmware = await checkFirmware(report, chain, log);
  const answered = await checkDeviceRevocation(chain, context);
  const references = await checkReferences({ report, chain, isSigned }, context);
  log.conclude();
  if (chain === undefined) throw new EvidenceError("CHAIN_UNTRUSTED", "no verified device chain");
  const ends = chain.certificates.map(({ notAfter }) => notAfter);
  const validUntil = Math.min(...ends, references.validUntil, answered?.validUntil ?? Number.POSITIVE_INFINITY);
  const issuedAt = Math.min(references.issuedAt, answered?.issuedAt ?? Number.POSITIVE_INFINITY);
  const endorsedAt = Number.isFinite(issuedAt) ? issuedAt : undefined;
  const evidence: DeviceEvidence = { report, chain, firmware, references, validUntil, endorsedAt };
  return evidence as Verified<DeviceEvidence>;
}

async function checkDeviceRevocation(
  chain: DeviceChain | undefined,
  context: NvidiaContext,
): Promise<AnsweredStatus | undefined> {
  if (chain !== undefined) {
    const questions = questionsOf(chain.certificates, "own");
    return checkRevocation(NVIDIA_CHECKS.deviceRevocation, questions, context, (run) => run());
  }
  return context.log.check(NVIDIA_CHECKS.deviceRevocation, () =>
    need<Found<AnsweredStatus>>(undefined, "the device chain"),
  );
}

function checkKind({ kind }: DeviceReport, chain: DeviceChain): Found<true> {
  const family = familyOf(chain);
  const name = chain.leaf.subject.commonName ?? "a device without a name";
  if (family === undefined) throw new EvidenceError("EVIDENCE_UNSUPPORTED", `${name} is of no known chip family`);
  if ((family === SWITCH) !== (kind === "switch")) {
    throw new EvidenceError("BINDING_MISMATCH", `${name} cannot be a ${kind}, as the report says`);
  }
  return { value: true, detail: `${family}, ${kind}` };
}

async function checkNonce({ requestNonce }: DeviceReport, { log, expectedNonce }: NvidiaContext): Promise<void> {
  if (expectedNonce === undefined) {
    log.leaveOut(NVIDIA_CHECKS.nonce, "no nonce was expected");
    return;
  }
  await log.check(NVIDIA_CHECKS.nonce, () => {
    if (!equal(requestNonce, expectedNonce)) {
      const detail = `the nonce is ${toHex(requestNonce)}, expected ${toHex(expectedNonce)}`;
      throw new EvidenceError("BINDING_MISMATCH", detail);
    }
    return { value: true, detail: "the request carries the nonce expected" };
  });
}

/** A report may leave its FWID out, as those of switches do; one that names it must name the certified one. */
async function checkFirmware(
  report: DeviceReport,
  chain: DeviceChain | undefined,
  log: CheckLog,
): Promise<FirmwareIdentity | undefined> {
  return log.check(NVIDIA_CHECKS.firmwareId, (): Found<FirmwareIdentity | undefined> => {
    const value = readFirmwareIdentity(need(chain, "the device chain").leaf);
    const digest = report.opaque.get(OPAQUE.firmwareId);
    if (digest === undefined) return { value, detail: "the report names no FWID" };
    if (value === undefined || !isCertified(value, digest)) {
      throw new EvidenceError("BINDING_MISMATCH", `the leaf does not certify the firmware ${toHex(digest)}`);
    }
    return { value, detail: `FWID ${toHex(digest)}` };
  });
}
