import { DEVICE_PLATFORMS, NODE_PLATFORMS, TCB_STATUSES, type Platform, type TcbStatus } from "../evidence/scheme.ts";
import { CLAIM_READERS, claimSet, type ExpectedClaims } from "./expectation.ts";
import { flag, hex, listOf, members, nullOr, oneOf, text, uint, type Read, type Readers } from "./policy-json.ts";

/** Security version numbers below which an SEV-SNP platform is refused; a part that is left out has no floor. */
export interface SevSnpFloor {
  readonly bootloader?: number;
  readonly tee?: number;
  readonly snp?: number;
  readonly microcode?: number;
  /** Turin alone has one. */
  readonly fmc?: number;
}

/** What is refused whatever else speaks for it. */
export interface DenyList {
  readonly platforms: readonly Platform[];
  /** Hex of 32 bytes. */
  readonly platformIds: readonly string[];
  /** Hex of 32 bytes. */
  readonly workloadIds: readonly string[];
  readonly advisories: readonly string[];
}

/** What is asked of the GPUs and switches of a node. */
export interface GpuPolicy {
  /** A node without a device is refused. */
  readonly required: boolean;
  /** Whether a device must have its measurements compared with its manifests; a warning otherwise. */
  readonly referenceMeasurements: "required" | "warn";
}

/**
 * What a verifier accepts; JSON-shaped. An empty list under a name that ends the sentence "only these" means: any.
 * @see docs/verification.md, policy; docs/schemas/appraisal-policy.schema.json
 */
export interface AppraisalPolicy {
  /** `quote-only` accepts evidence, with a warning, whose endorsements were not given. */
  readonly endorsements: "required" | "quote-only";
  /** Whether revocation must have been looked at where a family leaves it open; a warning otherwise. */
  readonly revocation: "required" | "warn";
  /** Only these platforms. */
  readonly platforms: readonly Platform[];
  /** Only these of the trusted roots, by name or by SHA-256 of the SubjectPublicKeyInfo in hex. */
  readonly roots: readonly string[];
  /** Statuses to accept; each but `UpToDate` is a warning. */
  readonly tcbStatuses: readonly TcbStatus[];
  readonly minimumEvaluationNumber: number;
  readonly minimumSevSnpTcb: SevSnpFloor;
  /** Only these advisories may apply to the platform; null: any. */
  readonly acceptedAdvisories: readonly string[] | null;
  /** Seconds; null: any age. */
  readonly maximumEvidenceAge: number | null;
  /** Seconds since the oldest statement among the endorsements was issued; null: any age while it is valid. */
  readonly maximumEndorsementAge: number | null;
  readonly allowDebug: boolean;
  readonly allowSimulated: boolean;
  /** A service TD (one that may migrate the TD, say), or a guest policy that allows a migration agent, is accepted with a warning. */
  readonly allowServiceTd: boolean;
  /** Only these sets of claims; every name in one set must match. */
  readonly measurements: readonly ExpectedClaims[];
  /** Only these workload ids, hex without 0x. */
  readonly workloadIds: readonly string[];
  /** Claims that all evidence of a platform must have beside a known workload. */
  readonly claims: Readonly<Partial<Record<Platform, ExpectedClaims>>>;
  /** What a node's devices must be. */
  readonly gpu: GpuPolicy;
  readonly deny: DenyList;
}

const ACCEPTED: readonly TcbStatus[] = TCB_STATUSES.filter((status) => status !== "Revoked");
const PLATFORMS: readonly Platform[] = [...NODE_PLATFORMS, ...DEVICE_PLATFORMS];
const MAX_UINT32 = 0xffff_ffff;
const MAX_SVN = 0xff;

/** Every TCB status but `Revoked`; no debug, no simulated vendor; any measurement. */
export const DEFAULT_POLICY: AppraisalPolicy = {
  endorsements: "required",
  revocation: "warn",
  platforms: [],
  roots: [],
  tcbStatuses: ACCEPTED,
  minimumEvaluationNumber: 0,
  minimumSevSnpTcb: {},
  acceptedAdvisories: null,
  maximumEvidenceAge: null,
  maximumEndorsementAge: null,
  allowDebug: false,
  allowSimulated: false,
  allowServiceTd: true,
  measurements: [],
  workloadIds: [],
  claims: {},
  gpu: { required: false, referenceMeasurements: "required" },
  deny: { platforms: [], platformIds: [], workloadIds: [], advisories: [] },
};

const platform = oneOf(PLATFORMS);
const requirement = oneOf(["required", "warn"] as const);
const svn = uint(MAX_SVN);
const age = nullOr(uint(MAX_UINT32));

const gpu = members<GpuPolicy>({ required: flag, referenceMeasurements: requirement });

const deny = members<DenyList>({
  platforms: listOf(platform),
  platformIds: listOf(hex(32)),
  workloadIds: listOf(hex(32)),
  advisories: listOf(text),
});

const claims = members<AppraisalPolicy["claims"]>(
  Object.fromEntries(
    Object.entries(CLAIM_READERS).map(([name, readers]) => [name, members(readers, 1)]),
  ) as unknown as Readers<AppraisalPolicy["claims"]>,
);

const READERS: Readers<AppraisalPolicy> = {
  endorsements: oneOf(["required", "quote-only"] as const),
  revocation: requirement,
  platforms: listOf(platform),
  roots: listOf(text),
  tcbStatuses: listOf(oneOf(ACCEPTED)),
  minimumEvaluationNumber: uint(MAX_UINT32),
  minimumSevSnpTcb: members<SevSnpFloor>({ bootloader: svn, tee: svn, snp: svn, microcode: svn, fmc: svn }),
  acceptedAdvisories: nullOr(listOf(text)),
  maximumEvidenceAge: age,
  maximumEndorsementAge: age,
  allowDebug: flag,
  allowSimulated: flag,
  allowServiceTd: flag,
  measurements: listOf(claimSet),
  workloadIds: listOf(hex(32)),
  claims,
  gpu: (value, path) => ({ ...DEFAULT_POLICY.gpu, ...gpu(value, path) }),
  deny: (value, path) => ({ ...DEFAULT_POLICY.deny, ...deny(value, path) }),
};

const policy: Read<Partial<AppraisalPolicy>> = members(READERS);

/**
 * Reads a policy from a JSON value; absent members are the default's. Throws `ConfigError` `CONFIG_INVALID` that names the
 * path of what is unknown or wrong.
 */
export function parsePolicy(json: unknown, path = "policy"): AppraisalPolicy {
  return { ...DEFAULT_POLICY, ...policy(json, path) };
}
