/** The one interface of every evidence family: `parse`, `verify`, `claims`. */

/** Platforms that can be a node by themselves, in the order of their bytes on chain, from 1: docs/protocol.md section 1. */
export const NODE_PLATFORMS = ["intel-sgx", "intel-tdx", "amd-sev-snp", "aws-nitro", "arm-cca"] as const;

/** Devices that count only together with a node's evidence that names theirs. */
export const DEVICE_PLATFORMS = ["nvidia-gpu", "nvidia-switch"] as const;

/** Where evidence comes from. */
export type Platform = (typeof NODE_PLATFORMS)[number] | (typeof DEVICE_PLATFORMS)[number];

/** Every TCB status in the order of its number on chain, from 1: docs/protocol.md section 1. */
export const TCB_STATUSES = [
  "UpToDate",
  "SWHardeningNeeded",
  "ConfigurationNeeded",
  "ConfigurationAndSWHardeningNeeded",
  "OutOfDate",
  "OutOfDateConfigurationNeeded",
  "Revoked",
  "TDRelaunchAdvised",
  "TDRelaunchAdvisedConfigurationNeeded",
] as const;

/** The state of a platform's trusted computing base, worst part decides. */
export type TcbStatus = (typeof TCB_STATUSES)[number];

/** Who may say what is acceptable: docs/verification.md, layers. */
export const POLICY_LAYERS = ["vendor", "protocol", "community"] as const;

/** One of `POLICY_LAYERS`. */
export type PolicyLayer = (typeof POLICY_LAYERS)[number];

/** What one check found; `none` means that it could not be made and never counts as a pass. */
export interface Check {
  /** A stable kebab-case name, such as `quote-signature`. */
  readonly id: string;
  readonly outcome: "pass" | "fail" | "none";
  /** What was found, for people. */
  readonly detail: string;
  /** The specification and section that asks for the check. */
  readonly reference: string;
  /** Whose policy asks for it, where not all layers do. */
  readonly layer?: PolicyLayer;
}

/** Facts out of verified evidence, in the same words for every family; byte strings are lower-case hex without 0x. */
export interface Claims {
  readonly platform: Platform;
  /** True where the trust root is a simulated vendor's. */
  readonly simulated: boolean;
  /** The trusted root that the evidence ends at. */
  readonly root: Pick<TrustRoot, "name" | "spkiSha256">;
  /** Name to digest as it stands in the evidence, such as `mrenclave`, `mrtd`, `rtmr0`. */
  readonly measurements: Readonly<Record<string, string>>;
  /** 32 bytes, see docs/protocol.md section 1. */
  readonly workloadId: string;
  /** 64 bytes, for a device the 32 bytes of its nonce; empty where the evidence carries none of that length. */
  readonly reportData: string;
  readonly debug: boolean;
  /** Undefined where the evidence was verified without endorsements that say it. */
  readonly tcb?: {
    readonly status: TcbStatus;
    readonly advisoryIds: readonly string[];
    /** ISO 8601. */
    readonly date: string;
    readonly evaluationDataNumber: number;
  };
  /** keccak256 of the platform's unique id, 32 bytes; undefined where the evidence does not carry one. */
  readonly platformId?: string;
  /** keccak256 of the evidence without any rest, 32 bytes. */
  readonly evidenceHash: string;
  /** Milliseconds since 1970: the earliest end of validity of every part used. */
  readonly validUntil: number;
  /** Milliseconds since 1970: the earliest issue of every signed statement used (lists, TCB info, identities, OCSP answers); undefined without any. */
  readonly endorsedAt?: number;
  /** Further facts under the specification's names (hex or text or numbers), such as `fmspc`, `quoteVersion`. */
  readonly details: Readonly<Record<string, string | number | boolean>>;
}

declare const verified: unique symbol;

/** Bytes whose signatures and chains hold; only a scheme's `verify` can make one. */
export type Verified<T> = T & { readonly [verified]: true };

/** Time, trust roots and endorsements are arguments: a scheme reads no clock and no file. */
export interface VerifyContext<Endorsements> {
  readonly endorsements: Endorsements;
  readonly trustRoots: readonly TrustRoot[];
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** A vendor's root key that a chain must end at. */
export interface TrustRoot {
  readonly name: string;
  /** SHA-256 of the root certificate's DER SubjectPublicKeyInfo, hex. */
  readonly spkiSha256: string;
  readonly simulated: boolean;
  /** The one family whose chains may end here, as the verifier names it; any where it is absent. */
  readonly family?: string;
  /** Whether chains of evidence may end here or those of signed reference values; both where it is absent. */
  readonly purpose?: "evidence" | "reference-values";
}
