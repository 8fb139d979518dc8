import type { CcaEndorsements } from "../evidence/arm-cca/endorsements.ts";
import type { CheckLog } from "../evidence/check-log.ts";
import type { DcapEndorsements } from "../evidence/dcap/endorsements.ts";
import type { NvidiaEndorsements } from "../evidence/nvidia/endorsements.ts";
import type { Claims, Platform, TrustRoot, VerifyContext } from "../evidence/scheme.ts";
import type { SevSnpEndorsements } from "../evidence/sev-snp/endorsements.ts";
import type { ChainVerifier } from "../x509/chain.ts";

/** Endorsements by family. */
export interface Endorsements {
  readonly cca?: CcaEndorsements;
  readonly dcap?: DcapEndorsements;
  readonly nvidia?: NvidiaEndorsements;
  readonly sevSnp?: SevSnpEndorsements;
}

/** The endorsements of a node: of its own evidence by family, and of its devices. */
export interface NodeEndorsements extends Endorsements {
  /** In the order of the node's devices; each device's certificates come with its evidence. */
  readonly devices?: readonly Omit<NvidiaEndorsements, "certChain">[];
}

/** What a family is called wherever one is chosen by name. */
export type FamilyName = keyof Endorsements | "nitro";

/** What a family's verification works with beside the evidence; the trust roots are those of the family. */
export interface FamilyContext extends VerifyContext<Endorsements> {
  /** Where chains of signed reference values may end. */
  readonly referenceRoots: readonly TrustRoot[];
  /** Collects every check. */
  readonly log: CheckLog;
  /** Certificates seen before; a fresh one where the caller keeps none. */
  readonly chains: ChainVerifier;
  /** What the verifier asked the attester to sign, where the family has such a member beside the report data. */
  readonly expectedNonce?: Uint8Array;
}

/** Parsed evidence of a known format; nothing in it is verified. */
export interface DetectedEvidence {
  readonly family: FamilyName;
  readonly platform: Platform;
  /** What the evidence is, for people. */
  readonly summary: string;
  /** The evidence without any rest after its last signed part. */
  readonly bytes: Uint8Array;
  /** Every field under its specification's name, as parsed. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** 64 bytes where the evidence was made for a node. */
  readonly reportData: Uint8Array;
  /** Verifies everything that is signed; throws the first failure, coded, after every check that could be made is in the log. */
  readonly verify: (context: FamilyContext) => Promise<Claims>;
}

/** One evidence family as the verifier sees it; a further one is one more entry of `FAMILIES`. */
export interface Family {
  /** Says by the first bytes whether evidence is of this family, well formed or not. */
  readonly recognises: (evidence: Uint8Array) => boolean;
  /** Throws `EvidenceError` `EVIDENCE_MALFORMED` or `EVIDENCE_UNSUPPORTED`. */
  readonly parse: (evidence: Uint8Array) => DetectedEvidence;
}
