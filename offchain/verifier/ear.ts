import { sha256 } from "#crypto";
import { toBase64Url } from "../encoding/base64.ts";
import { parseHex, utf8 } from "../encoding/bytes.ts";
import { canonicalJson, type Json } from "../encoding/json.ts";
import type { Claims } from "../evidence/scheme.ts";
import { layersOf, type Policy } from "./policy-layers.ts";
import { verdictOf, type AttestationResult, type Verdict } from "./result.ts";
import { trustworthinessOf, type Appraised, type TrustworthinessVector } from "./trustworthiness.ts";

/** Identifies claims sets of this form. @see draft-ietf-rats-ear-04, section 3 */
export const EAR_PROFILE = "tag:ietf.org,2026:rats/ear#04";

/** Who appraised, as AR4SI names a verifier. */
export interface VerifierId {
  readonly developer: string;
  readonly build: string;
}

/** What a verifier says of one attester. */
export interface EarAppraisal {
  readonly ear_status: Verdict;
  readonly ear_trustworthiness_vector: TrustworthinessVector;
  /** The policy of each layer by its SHA-256, RFC 6920. */
  readonly ear_appraisal_policy_ids: readonly string[];
  /** The report data, or a device's nonce, base64url; absent where the evidence carries none. */
  readonly eat_nonce?: string;
  /** What the evidence says; absent where it is not genuine. */
  readonly ear_attester_claims?: Readonly<Record<string, unknown>>;
  /** What the verifier adds: root, TCB, every check and every failure. */
  readonly ear_verifier_claims: Readonly<Record<string, unknown>>;
}

/** An attestation result as a claims set of EAR. @see draft-ietf-rats-ear-04, section 3.1 */
export interface Ear {
  readonly eat_profile: string;
  /** Seconds since 1970. */
  readonly iat: number;
  /** Seconds since 1970: the earliest end of everything used; absent where nothing is genuine. */
  readonly exp?: number;
  readonly ear_verifier_id: VerifierId;
  readonly ear_status: Verdict;
  /** What the relying party gave, base64url. */
  readonly eat_nonce?: string;
  /** By platform, and devices by their kind and place such as `gpu0`. */
  readonly submods: Readonly<Record<string, EarAppraisal>>;
}

export interface EarOptions {
  /** The policy that the result was made with. */
  readonly policy: Policy;
  readonly verifier: VerifierId;
  /** Milliseconds since 1970. */
  readonly issuedAt: number;
  /** 8 to 64 bytes that the relying party gave. */
  readonly nonce?: Uint8Array;
}

const DEVICE = /^([a-z]+(\d+))\//;
const MIN_NONCE = 8;
const MAX_NONCE = 64;

/** Puts a result into the terms of EAR; throws `RangeError` where the nonce is not of 8 to 64 bytes. */
export function earOf(result: AttestationResult, { policy, verifier, issuedAt, nonce }: EarOptions): Ear {
  if (nonce !== undefined && (nonce.length < MIN_NONCE || nonce.length > MAX_NONCE)) {
    throw new RangeError(`a nonce of ${nonce.length} bytes`);
  }
  const policyIds = layersOf(policy).map(({ policy: own }) => policyId(own));
  const submods = partsOf(result).map(({ label, ...part }) => [label, appraisalOf(part, policyIds)] as const);
  return {
    eat_profile: EAR_PROFILE,
    iat: Math.floor(issuedAt / 1000),
    ...(result.claims === null ? {} : { exp: Math.floor(result.claims.validUntil / 1000) }),
    ear_verifier_id: verifier,
    ear_status: result.verdict,
    ...(nonce === undefined ? {} : { eat_nonce: toBase64Url(nonce) }),
    submods: Object.fromEntries(submods),
  };
}

/** Each attester of a result by itself: the node, and its devices in their order. */
export function partsOf(result: AttestationResult): readonly (Appraised & { readonly label: string })[] {
  const labels = [...new Set(result.checks.flatMap(({ id }) => DEVICE.exec(id)?.[1] ?? []))];
  const of = <Named extends { readonly id: string }>(list: readonly Named[], label?: string): readonly Named[] =>
    list.flatMap((one) => {
      if (DEVICE.exec(one.id)?.[1] !== label) return [];
      return [label === undefined ? one : { ...one, id: one.id.slice(label.length + 1) }];
    });
  const node = { label: result.platform ?? "unknown", claims: result.claims };
  return [
    { ...node, checks: of(result.checks), failures: of(result.failures) },
    ...labels.map((label) => ({
      label,
      claims: result.devices?.[Number(/\d+$/.exec(label)?.[0])] ?? null,
      checks: of(result.checks, label),
      failures: of(result.failures, label),
    })),
  ];
}

/** What names a policy: the SHA-256 of its canonical JSON. @see RFC 6920 section 3; RFC 8785 */
export function policyId(policy: Policy): string {
  return `ni:///sha-256;${toBase64Url(sha256(utf8(canonicalJson(policy as unknown as Json))))}`;
}

function appraisalOf(part: Appraised, policyIds: readonly string[]): EarAppraisal {
  const { claims, checks, failures } = part;
  const nonce = claims === null ? new Uint8Array() : (parseHex(`0x${claims.reportData}`) ?? new Uint8Array());
  return {
    ear_status: verdictOf(failures, claims),
    ear_trustworthiness_vector: trustworthinessOf(part),
    ear_appraisal_policy_ids: policyIds,
    ...(nonce.length < MIN_NONCE ? {} : { eat_nonce: toBase64Url(nonce) }),
    ...(claims === null ? {} : { ear_attester_claims: attesterClaims(claims) }),
    ear_verifier_claims: { ...(claims === null ? {} : verifierClaims(claims)), checks, failures },
  };
}

function attesterClaims(claims: Claims): Readonly<Record<string, unknown>> {
  const { simulated: _, root: __, tcb: ___, validUntil: ____, endorsedAt: _____, ...own } = claims;
  return own;
}

function verifierClaims({ simulated, root, tcb, validUntil, endorsedAt }: Claims): Readonly<Record<string, unknown>> {
  const dates = endorsedAt === undefined ? { validUntil } : { validUntil, endorsedAt };
  return { simulated, root, ...(tcb === undefined ? {} : { tcb }), ...dates };
}
