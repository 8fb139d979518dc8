import { keccak256 } from "#crypto";
import { coseAlgorithmId } from "../../cose/sign1.ts";
import { toHex } from "../../encoding/bytes.ts";
import type { Claims, Verified } from "../scheme.ts";
import { isDebugState, lifecycleState } from "./lifecycle.ts";
import type { PlatformClaims } from "./platform-claims.ts";
import type { RealmClaims } from "./realm-claims.ts";
import type { CcaToken } from "./token.ts";
import type { CcaEvidence } from "./verify.ts";

const WORKLOAD_TAG = 5;
/** The end of validity of what has none: a platform key has no certificate. @see RFC 5280 section 4.1.2.5 */
const NO_END = Date.UTC(9999, 11, 31, 23, 59, 59);

/**
 * The facts of a verified token in the words of every family.
 * @see docs/protocol.md section 1 for the workload and platform ids
 */
export function ccaClaims({ token, root, algorithms }: Verified<CcaEvidence>): Claims {
  const { platform, realm } = token;
  const { personalizationValue, initialMeasurement, extensibleMeasurements, challenge } = realm.claims;
  const measured = [personalizationValue, initialMeasurement, ...extensibleMeasurements];
  return {
    platform: "arm-cca",
    simulated: root.simulated,
    root: { name: root.name, spkiSha256: root.spkiSha256 },
    measurements: { ...realmMeasurements(realm.claims), ...componentMeasurements(platform.claims) },
    workloadId: hex(keccak256(Uint8Array.of(WORKLOAD_TAG), ...measured)),
    reportData: hex(challenge),
    debug: isDebugState(lifecycleState(platform.claims.lifecycle)),
    platformId: hex(keccak256(platform.claims.instanceId)),
    evidenceHash: hex(keccak256(token.bytes)),
    validUntil: NO_END,
    details: { ...detailsOf(token), ...algorithmIds(algorithms) },
  };
}

function realmMeasurements(realm: RealmClaims): Claims["measurements"] {
  const { initialMeasurement, extensibleMeasurements, personalizationValue } = realm;
  const registers = extensibleMeasurements.map((register, index) => [`rem${index}`, hex(register)]);
  return {
    rim: hex(initialMeasurement),
    ...(Object.fromEntries(registers) as Claims["measurements"]),
    rpv: hex(personalizationValue),
  };
}

function componentMeasurements({ softwareComponents }: PlatformClaims): Claims["measurements"] {
  return Object.fromEntries(
    softwareComponents.map(({ measurement }, index) => [`swComponent${index}`, hex(measurement)]),
  );
}

function detailsOf({ platform, realm }: CcaToken): Claims["details"] {
  const { profile, lifecycle, verificationService: service } = platform.claims;
  const { profile: realmProfile } = realm.claims;
  return {
    platformProfile: profile,
    ...(realmProfile === undefined ? {} : { realmProfile }),
    platformNonce: hex(platform.claims.challenge),
    implementationId: hex(platform.claims.implementationId),
    instanceId: hex(platform.claims.instanceId),
    platformConfig: hex(platform.claims.config),
    lifecycle,
    lifecycleState: lifecycleState(lifecycle),
    platformHashAlg: platform.claims.hashAlgorithm,
    hashAlg: realm.claims.hashAlgorithm,
    rakHashAlg: realm.claims.publicKeyHashAlgorithm,
    ...(service === undefined ? {} : { verificationService: service }),
    ...componentDetails(platform.claims),
  };
}

/** The algorithms by their numbers in the signed headers. */
function algorithmIds({ platform, realm }: CcaEvidence["algorithms"]): Claims["details"] {
  return { platformAlg: coseAlgorithmId(platform), realmAlg: coseAlgorithmId(realm) };
}

function componentDetails({ softwareComponents }: PlatformClaims): Claims["details"] {
  const entries = softwareComponents.flatMap(({ type, version, signerId }, index) => {
    const name = `swComponent${index}`;
    return [
      [`${name}Type`, type],
      [`${name}Version`, version],
      [`${name}Signer`, hex(signerId)],
    ].filter(([, value]) => value !== undefined) as [string, string][];
  });
  return Object.fromEntries(entries);
}

function hex(bytes: Uint8Array): string {
  return toHex(bytes).slice(2);
}
