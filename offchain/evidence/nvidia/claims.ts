import { keccak256 } from "#crypto";
import { toHex } from "../../encoding/bytes.ts";
import { nameText } from "../../x509/name-text.ts";
import type { Claims, Verified } from "../scheme.ts";
import { familyOf } from "./device-chain.ts";
import { OPAQUE, textOf, vbiosVersionOf } from "./opaque.ts";
import type { DeviceReferences } from "./references.ts";
import type { DeviceReport } from "./report.ts";
import type { DeviceEvidence } from "./verify.ts";

/** Stands before what a device's workload id is the hash of; no platform on chain has these numbers. */
const WORKLOAD_PREFIX = { gpu: 0x40, switch: 0x41 } as const;

/**
 * The facts of a verified device report in the words of every family.
 * @see docs/verification.md for the workload and platform ids
 */
export function deviceClaims(evidence: Verified<DeviceEvidence>): Claims {
  const { report, chain, endorsedAt, firmware, references } = evidence;
  const { manifests, isCompared } = references;
  return {
    platform: `nvidia-${report.kind}`,
    simulated: [chain, ...[...manifests.values()].map((signed) => signed.chain)].some(({ root }) => root.simulated),
    root: { name: chain.root.name, spkiSha256: chain.root.spkiSha256 },
    measurements: Object.fromEntries(
      report.measurements.map(({ index, value }) => [`measurement${index}`, hex(value)]),
    ),
    workloadId: hex(keccak256(Uint8Array.of(WORKLOAD_PREFIX[report.kind]), report.measurementRecord)),
    reportData: hex(report.requestNonce),
    debug: firmware?.debug ?? false,
    platformId: hex(keccak256(chain.issuer.publicKey.spki)),
    evidenceHash: hex(keccak256(report.bytes)),
    validUntil: evidence.validUntil,
    ...(endorsedAt === undefined ? {} : { endorsedAt }),
    details: {
      ...deviceDetails(evidence),
      // What NVIDIA publishes is what runs outside of debug mode.
      debugCertified: firmware?.debug !== undefined || isCompared,
      ...referenceDetails(references),
      ...opaqueDetails(report),
    },
  };
}

function deviceDetails({ report, chain }: DeviceEvidence): Claims["details"] {
  const { leaf } = chain;
  const driverVersion = textOf(report.opaque.get(OPAQUE.driverVersion));
  const vbiosVersion = vbiosVersionOf(report.opaque.get(OPAQUE.vbiosVersion));
  return {
    spdmVersion: "1.1",
    arch: familyOf(chain) ?? "",
    leafSubject: nameText(leaf.subject),
    leafSerial: `0x${leaf.serial.replace(/^0+(?=.)/, "")}`,
    measurementBlocks: report.measurements.length,
    requestNonce: hex(report.requestNonce),
    responseNonce: hex(report.responseNonce),
    slot: report.slot,
    ...(driverVersion === undefined ? {} : { driverVersion }),
    ...(vbiosVersion === undefined ? {} : { vbiosVersion }),
  };
}

function referenceDetails({ manifests, isCompared }: DeviceReferences): Claims["details"] {
  const tags = [...manifests].map(([role, { manifest }]) => [`${role}Rim`, manifest.tagId]);
  return { asPublished: isCompared, ...Object.fromEntries(tags) };
}

/** Every record by its type number, so that none is lost that has no name here. */
function opaqueDetails({ opaque }: DeviceReport): Claims["details"] {
  return Object.fromEntries([...opaque].map(([type, value]) => [`opaque${type}`, hex(value)]));
}

function hex(bytes: Uint8Array): string {
  return toHex(bytes).slice(2);
}
