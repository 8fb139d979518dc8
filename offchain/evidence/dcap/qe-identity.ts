import { equal, toHex } from "../../encoding/bytes.ts";
import { EvidenceError } from "../../errors.ts";
import type { SgxReport } from "./report.ts";
import { invalid, parseSignedJson, readIsoTime, type SignedJson } from "./signed-json.ts";
import { readIsvLevels, type IsvLevel } from "./tcb-info.ts";

/** Intel's statement of what a genuine quoting enclave looks like, as parsed. */
export interface QeIdentity {
  readonly signed: SignedJson;
  readonly id: "QE" | "TD_QE";
  /** Milliseconds since 1970. */
  readonly issueDate: number;
  readonly nextUpdate: number;
  readonly evaluationDataNumber: number;
  /** 4 bytes each. */
  readonly miscselect: Uint8Array;
  readonly miscselectMask: Uint8Array;
  /** 16 bytes each. */
  readonly attributes: Uint8Array;
  readonly attributesMask: Uint8Array;
  /** 32 bytes. */
  readonly mrsigner: Uint8Array;
  readonly isvprodid: number;
  readonly levels: readonly IsvLevel[];
}

/**
 * Parses QE or TD-QE identity version 2; throws `EndorsementError` `ENDORSEMENT_INVALID`.
 * @see Intel PCS API v4, Enclave Identity model
 */
export function parseQeIdentity(bytes: Uint8Array): QeIdentity {
  const signed = parseSignedJson(bytes, "enclaveIdentity");
  const { fields } = signed;
  const version = fields.uint("version", 0xffff_ffff);
  if (version !== 2) throw invalid(`enclaveIdentity version ${version}`);
  const id = fields.text("id");
  if (id !== "QE" && id !== "TD_QE") throw invalid(`enclaveIdentity id ${id}`);
  return {
    signed,
    id,
    issueDate: readIsoTime(fields, "issueDate"),
    nextUpdate: readIsoTime(fields, "nextUpdate"),
    evaluationDataNumber: fields.uint("tcbEvaluationDataNumber", 0xffff_ffff),
    miscselect: fields.hex("miscselect", { length: 4, prefix: false }),
    miscselectMask: fields.hex("miscselectMask", { length: 4, prefix: false }),
    attributes: fields.hex("attributes", { length: 16, prefix: false }),
    attributesMask: fields.hex("attributesMask", { length: 16, prefix: false }),
    mrsigner: fields.hex("mrsigner", { length: 32, prefix: false }),
    isvprodid: fields.uint("isvprodid", 0xffff),
    levels: readIsvLevels(fields),
  };
}

/**
 * The level of a quoting enclave whose report fits its identity; throws `EvidenceError` `CHAIN_UNTRUSTED` where it does not fit,
 * `EVIDENCE_UNSUPPORTED` where its SVN is below every level.
 * @see Intel SGX and TDX DCAP Quote Verification Library, enclave report verification
 */
export function matchQeIdentity(identity: QeIdentity, report: SgxReport): IsvLevel {
  const fits: readonly [string, boolean][] = [
    ["MISCSELECT", equal(masked(report.miscselect, identity.miscselectMask), identity.miscselect)],
    ["ATTRIBUTES", equal(masked(report.attributes, identity.attributesMask), identity.attributes)],
    ["MRSIGNER", equal(report.mrsigner, identity.mrsigner)],
    ["ISVPRODID", report.isvprodid === identity.isvprodid],
  ];
  const wrong = fits.filter(([, holds]) => !holds).map(([name]) => name);
  if (wrong.length > 0) {
    const found = `${toHex(report.mrsigner)}, product ${report.isvprodid}`;
    throw new EvidenceError("CHAIN_UNTRUSTED", `the quoting enclave (${found}) differs in ${wrong.join(", ")}`);
  }
  const level = identity.levels.find((candidate) => candidate.isvsvn <= report.isvsvn);
  if (level === undefined) {
    throw new EvidenceError("EVIDENCE_UNSUPPORTED", `the quoting enclave's SVN ${report.isvsvn} is below every level`);
  }
  return level;
}

/** Bytes under a mask of the same length. */
export function masked(bytes: Uint8Array, mask: Uint8Array): Uint8Array {
  return bytes.map((byte, index) => byte & (mask[index] ?? 0));
}
