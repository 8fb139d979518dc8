import { keccak256 } from "#crypto";
import { isZero, toHex, utf8 } from "../../encoding/bytes.ts";
import type { Claims, Verified } from "../scheme.ts";
import { NITRO_DIGEST, type NitroDocument } from "./document.ts";
import type { NitroEvidence } from "./verify.ts";

const WORKLOAD_TAG = 4;
const REPORT_DATA_LENGTH = 64;
/** The instance, then the enclave on it; other modules have names of which nothing is known. */
const MODULE_ID = /^(i-[0-9a-f]{8,17})-enc[0-9a-f]+$/;

/**
 * The facts of a verified attestation document in the words of every family.
 * @see docs/protocol.md section 1 for the workload and platform ids
 */
export function nitroClaims({ document, chain }: Verified<NitroEvidence>): Claims {
  const { bytes, imagePcrs, moduleId, pcrs, userData } = document;
  const platformId = platformIdOf(moduleId);
  return {
    platform: "aws-nitro",
    simulated: chain.root.simulated,
    root: { name: chain.root.name, spkiSha256: chain.root.spkiSha256 },
    measurements: Object.fromEntries([...pcrs].map(([index, content]) => [`pcr${index}`, hex(content)])),
    workloadId: hex(keccak256(Uint8Array.of(WORKLOAD_TAG), ...imagePcrs)),
    reportData: userData?.length === REPORT_DATA_LENGTH ? hex(userData) : "",
    debug: isZero(imagePcrs[0]),
    ...(platformId === undefined ? {} : { platformId }),
    evidenceHash: hex(keccak256(bytes)),
    validUntil: Math.min(...chain.certificates.map(({ notAfter }) => notAfter)),
    details: detailsOf(document),
  };
}

/** Of the instance: a document names no hardware, and an instance keeps its id until it is terminated. */
function platformIdOf(moduleId: string): string | undefined {
  const [, instance] = MODULE_ID.exec(moduleId) ?? [];
  return instance === undefined ? undefined : hex(keccak256(utf8(instance)));
}

function detailsOf({ moduleId, timestamp, publicKey, userData, nonce }: NitroDocument): Claims["details"] {
  return {
    moduleId,
    digest: NITRO_DIGEST,
    timestamp,
    ...(publicKey === undefined ? {} : { publicKey: hex(publicKey) }),
    ...(userData === undefined ? {} : { userData: hex(userData) }),
    ...(nonce === undefined ? {} : { nonce: hex(nonce) }),
  };
}

function hex(bytes: Uint8Array): string {
  return toHex(bytes).slice(2);
}
