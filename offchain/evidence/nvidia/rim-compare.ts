import { equal, toHex } from "../../encoding/bytes.ts";
import { EndorsementError } from "../../errors.ts";
import { OPAQUE } from "./opaque.ts";
import type { DeviceReport } from "./report.ts";
import type { ReferenceManifest, ReferenceMeasurement } from "./rim.ts";

/** What a manifest speaks for. */
export type RimRole = "driver" | "vbios";

/** A measurement of the device that is none of those published. */
export interface Mismatch {
  /** Of the block in the report, from 1. */
  readonly block: number;
  readonly detail: string;
}

/** What comparing a report with its manifests found. */
export interface Comparison {
  /** How many measurements were compared. */
  readonly compared: number;
  readonly mismatches: readonly Mismatch[];
}

/** A manifest counts measurements from 0, SPDM their blocks from 1. */
const FIRST_BLOCK = 1;
/** The measurement of the video decoder, which is taken only where the decoder is enabled. */
const DECODER_INDEX = 35;
const DECODER_DISABLED = 0x55;

const invalid = (message: string): EndorsementError => new EndorsementError("ENDORSEMENT_INVALID", message);

/**
 * Compares every measurement that the manifests name as active with the report's; the report must have each of them.
 * Throws `EndorsementError` `ENDORSEMENT_INVALID` where a manifest names none, or two manifests name the same.
 * @see NVIDIA nvTrust, local GPU verifier, comparison of runtime with golden measurements
 */
export function compareMeasurements(
  report: DeviceReport,
  manifests: ReadonlyMap<RimRole, ReferenceManifest>,
): Comparison {
  const expected = new Map<number, { readonly role: RimRole; readonly reference: ReferenceMeasurement }>();
  for (const [role, { measurements }] of manifests) {
    const active = measurements.filter(({ isActive }) => isActive);
    if (active.length === 0) throw invalid(`the ${role} manifest names no measurement`);
    for (const reference of active) {
      if (expected.has(reference.index)) throw invalid(`both manifests name measurement ${reference.index}`);
      expected.set(reference.index, { role, reference });
    }
  }
  const due = [...expected.values()]
    .filter(({ reference }) => reference.index !== DECODER_INDEX || !isDecoderDisabled(report))
    .sort((a, b) => a.reference.index - b.reference.index);
  return {
    compared: due.length,
    mismatches: due.flatMap(({ role, reference }) => mismatchOf(report, role, reference)),
  };
}

function mismatchOf(
  report: DeviceReport,
  role: RimRole,
  { index, digests }: ReferenceMeasurement,
): readonly Mismatch[] {
  const block = index + FIRST_BLOCK;
  const value = report.measurements.find((measurement) => measurement.index === block)?.value;
  if (value !== undefined && digests.some((digest) => equal(digest, value))) return [];
  const found = value === undefined ? "the report does not have" : `the report has ${toHex(value)},`;
  const published = digests.map((digest) => toHex(digest)).join(" or ");
  return [{ block, detail: `measurement ${block}: ${found} what the ${role} manifest names, ${published}` }];
}

function isDecoderDisabled({ opaque }: DeviceReport): boolean {
  const status = opaque.get(OPAQUE.decoderStatus);
  return status?.length === 1 && status[0] === DECODER_DISABLED;
}
