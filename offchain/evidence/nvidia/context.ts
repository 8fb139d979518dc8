import type { ChainVerifier } from "../../x509/chain.ts";
import type { CheckLog } from "../check-log.ts";
import type { TrustRoot, VerifyContext } from "../scheme.ts";
import type { NvidiaEndorsements } from "./endorsements.ts";

/** What a verification works with beside the report. */
export interface NvidiaContext extends VerifyContext<NvidiaEndorsements> {
  /** Collects every check. */
  readonly log: CheckLog;
  /** Certificates seen before; a fresh one where the caller keeps none. */
  readonly chains: ChainVerifier;
  /** Where chains of reference integrity manifests may end. */
  readonly referenceRoots: readonly TrustRoot[];
  /** The nonce that the verifier chose, 32 bytes. */
  readonly expectedNonce?: Uint8Array;
}
