import type { CborValue } from "../../cose/cbor.ts";
import { EvidenceError } from "../../errors.ts";
import {
  bytesClaim,
  claimMap,
  DIGEST_LENGTHS,
  hashClaim,
  listClaim,
  malformed,
  optionalText,
  readClaimMap,
  variableBytesClaim,
  type ClaimMap,
  type HashId,
} from "./claim-map.ts";

/** One piece of the platform's firmware. */
export interface SoftwareComponent {
  readonly type: string | undefined;
  readonly measurement: Uint8Array;
  readonly version: string | undefined;
  /** Hash of the key that signed the component. */
  readonly signerId: Uint8Array;
  readonly hashAlgorithm: HashId | undefined;
}

/** What the platform says, as parsed. */
export interface PlatformClaims {
  readonly profile: string;
  /** Hash of the realm attestation key. */
  readonly challenge: Uint8Array;
  readonly implementationId: Uint8Array;
  /** An EAT UEID of the random kind: its type and 32 bytes. */
  readonly instanceId: Uint8Array;
  readonly config: Uint8Array;
  readonly lifecycle: number;
  readonly hashAlgorithm: HashId;
  readonly softwareComponents: readonly SoftwareComponent[];
  readonly verificationService: string | undefined;
}

const KEYS = {
  profile: [265, "cca-platform-profile"],
  challenge: [10, "cca-platform-challenge"],
  implementationId: [2396, "cca-platform-implementation-id"],
  instanceId: [256, "cca-platform-instance-id"],
  config: [2401, "cca-platform-config"],
  lifecycle: [2395, "cca-platform-lifecycle"],
  components: [2399, "cca-platform-sw-components"],
  verificationService: [2400, "cca-platform-verification-service"],
  hashAlgorithm: [2402, "cca-platform-hash-algo-id"],
} as const;
const COMPONENT_KEYS = {
  type: [1, "component type"],
  measurement: [2, "component measurement"],
  version: [4, "component version"],
  signerId: [5, "component signer id"],
  hashAlgorithm: [6, "component hash algorithm"],
} as const;

/** The profile of Arm's first tokens, and that of draft-ffm-rats-cca-token. */
const PROFILES: ReadonlySet<string | undefined> = new Set([
  "http://arm.com/CCA-SSD/1.0.0",
  "tag:arm.com,2023:cca_platform#1.0.0",
]);
const UEID_RANDOM = 1;
const MAX_CONFIG = 4096;
/** Ours, against needless work: tokens of reference platforms have fewer than twenty. */
export const MAX_COMPONENTS = 32;

/**
 * Parses the payload of a platform token. Throws `EvidenceError` `EVIDENCE_MALFORMED`, or `EVIDENCE_UNSUPPORTED` for another profile
 * or hash.
 * @see draft-ffm-rats-cca-token, platform claims; Arm RMM specification, CCA platform claims
 */
export function parsePlatformClaims(payload: Uint8Array): PlatformClaims {
  const claims = readClaimMap(payload, "the platform's payload");
  return {
    profile: readProfile(claims),
    challenge: bytesClaim(claims, KEYS.challenge, DIGEST_LENGTHS),
    implementationId: bytesClaim(claims, KEYS.implementationId, [32]),
    instanceId: readInstanceId(claims),
    config: variableBytesClaim(claims, KEYS.config, 0, MAX_CONFIG),
    lifecycle: readLifecycle(claims),
    hashAlgorithm: hashClaim(claims, KEYS.hashAlgorithm),
    softwareComponents: listClaim(claims, KEYS.components, MAX_COMPONENTS).map(readComponent),
    verificationService: optionalText(claims, KEYS.verificationService),
  };
}

function readProfile(claims: ClaimMap): string {
  const profile = optionalText(claims, KEYS.profile);
  if (profile === undefined) throw malformed("cca-platform-profile is missing");
  if (PROFILES.has(profile)) return profile;
  throw new EvidenceError("EVIDENCE_UNSUPPORTED", "CCA token: a platform profile that is not known");
}

function readInstanceId(claims: ClaimMap): Uint8Array {
  const id = bytesClaim(claims, KEYS.instanceId, [33]);
  if (id[0] !== UEID_RANDOM) throw malformed("cca-platform-instance-id is no UEID of the random kind");
  return id;
}

function readLifecycle(claims: ClaimMap): number {
  const value = claims.get(KEYS.lifecycle[0]);
  if (typeof value !== "number" || value < 0 || value > 0xffff)
    throw malformed("cca-platform-lifecycle is not 16 bits");
  return value;
}

function readComponent(value: CborValue): SoftwareComponent {
  const component = claimMap(value, "a software component");
  const hashed = component.has(COMPONENT_KEYS.hashAlgorithm[0]);
  return {
    type: optionalText(component, COMPONENT_KEYS.type),
    measurement: bytesClaim(component, COMPONENT_KEYS.measurement, DIGEST_LENGTHS),
    version: optionalText(component, COMPONENT_KEYS.version),
    signerId: bytesClaim(component, COMPONENT_KEYS.signerId, DIGEST_LENGTHS),
    hashAlgorithm: hashed ? hashClaim(component, COMPONENT_KEYS.hashAlgorithm) : undefined,
  };
}
