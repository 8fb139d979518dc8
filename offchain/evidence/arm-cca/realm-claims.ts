import { parseCoseKey } from "../../cose/key.ts";
import { EvidenceError } from "../../errors.ts";
import { publicKeyOfPoint } from "../../x509/ec-key.ts";
import type { PublicKey } from "../../x509/signature.ts";
import {
  bytesClaim,
  bytesOf,
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

/** What the realm manager says of a realm, as parsed. */
export interface RealmClaims {
  /** Undefined in Arm's first tokens, which name the platform's profile only. */
  readonly profile: string | undefined;
  /** 64 bytes. */
  readonly challenge: Uint8Array;
  /** 64 bytes that the host chose when it made the realm. */
  readonly personalizationValue: Uint8Array;
  readonly hashAlgorithm: HashId;
  /** The realm attestation key as it stands in the token: what the platform's challenge is a hash of. */
  readonly publicKeyBytes: Uint8Array;
  readonly publicKey: PublicKey;
  readonly publicKeyHashAlgorithm: HashId;
  readonly initialMeasurement: Uint8Array;
  /** Four, as long as the initial one. */
  readonly extensibleMeasurements: readonly Uint8Array[];
}

const KEYS = {
  profile: [265, "cca-realm-profile"],
  challenge: [10, "cca-realm-challenge"],
  personalizationValue: [44235, "cca-realm-personalization-value"],
  hashAlgorithm: [44236, "cca-realm-hash-algo-id"],
  publicKey: [44237, "cca-realm-public-key"],
  initialMeasurement: [44238, "cca-realm-initial-measurement"],
  extensibleMeasurements: [44239, "cca-realm-extensible-measurements"],
  publicKeyHashAlgorithm: [44240, "cca-realm-public-key-hash-algo-id"],
} as const;

const PROFILE = "tag:arm.com,2023:realm#1.0.0";
/** An uncompressed point of P-384. */
const RAW_KEY_LENGTH = 97;
const UNCOMPRESSED = 4;
const MAX_COSE_KEY = 512;
const EXTENSIBLE_COUNT = 4;

/**
 * Parses the payload of a realm token: with its profile the key is a COSE_Key, without one an uncompressed point of P-384.
 * Throws `EvidenceError` `EVIDENCE_MALFORMED`, or `EVIDENCE_UNSUPPORTED` for another profile, hash or kind of key.
 * @see draft-ffm-rats-cca-token, realm claims; Arm RMM specification, realm claims
 */
export function parseRealmClaims(payload: Uint8Array): RealmClaims {
  const claims = readClaimMap(payload, "the realm's payload");
  const profile = optionalText(claims, KEYS.profile);
  if (profile !== undefined && profile !== PROFILE) {
    throw new EvidenceError("EVIDENCE_UNSUPPORTED", "CCA token: a realm profile that is not known");
  }
  const initialMeasurement = bytesClaim(claims, KEYS.initialMeasurement, DIGEST_LENGTHS);
  return {
    profile,
    challenge: bytesClaim(claims, KEYS.challenge, [64]),
    personalizationValue: bytesClaim(claims, KEYS.personalizationValue, [64]),
    hashAlgorithm: hashClaim(claims, KEYS.hashAlgorithm),
    ...(profile === undefined ? readRawKey(claims) : readCoseKey(claims)),
    publicKeyHashAlgorithm: hashClaim(claims, KEYS.publicKeyHashAlgorithm),
    initialMeasurement,
    extensibleMeasurements: readExtensible(claims, initialMeasurement.length),
  };
}

type Key = Pick<RealmClaims, "publicKey" | "publicKeyBytes">;

function readRawKey(claims: ClaimMap): Key {
  const publicKeyBytes = bytesClaim(claims, KEYS.publicKey, [RAW_KEY_LENGTH]);
  if (publicKeyBytes[0] !== UNCOMPRESSED) throw malformed("cca-realm-public-key is no uncompressed point");
  return { publicKeyBytes, publicKey: publicKeyOfPoint("P-384", publicKeyBytes.subarray(1)) };
}

function readCoseKey(claims: ClaimMap): Key {
  const publicKeyBytes = variableBytesClaim(claims, KEYS.publicKey, 1, MAX_COSE_KEY);
  const { curve, xy } = parseCoseKey(publicKeyBytes);
  return { publicKeyBytes, publicKey: publicKeyOfPoint(curve, xy) };
}

/** With lengths that may differ, two realms could join to the same bytes. */
function readExtensible(claims: ClaimMap, length: number): readonly Uint8Array[] {
  const registers = listClaim(claims, KEYS.extensibleMeasurements, EXTENSIBLE_COUNT);
  if (registers.length !== EXTENSIBLE_COUNT) throw malformed(`${registers.length} extensible measurements`);
  return registers.map((register, index) => bytesOf(register, `extensible measurement ${index}`, [length]));
}
