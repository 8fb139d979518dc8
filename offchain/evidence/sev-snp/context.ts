import type { ChainVerifier } from "../../x509/chain.ts";
import type { CheckLog } from "../check-log.ts";
import type { VerifyContext } from "../scheme.ts";
import type { SevSnpEndorsements } from "./endorsements.ts";

/** What a verification works with beside the report. */
export interface SevSnpContext extends VerifyContext<SevSnpEndorsements> {
  /** Collects every check. */
  readonly log: CheckLog;
  /** Certificates seen before; a fresh one where the caller keeps none. */
  readonly chains: ChainVerifier;
}
