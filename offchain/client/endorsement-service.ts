import { createCache } from "../endorsements/cache.ts";
import { fetchDcapEndorsements, type PcsDocument } from "../endorsements/pcs.ts";
import { dcapTargetOf } from "../endorsements/dcap-target.ts";
import type { DcapEndorsements } from "../evidence/dcap/endorsements.ts";
import { fetchBytes } from "../http/fetch.ts";

/**
 * Makes the function that fetches endorsements for evidence from a provisioning certification service (Intel's, a PCCS, or a simulated
 * vendor's); documents are kept while they are valid, one hour at most.
 */
export function endorsementService(url: string): (evidence: Uint8Array) => Promise<DcapEndorsements> {
  const cache = createCache<PcsDocument>({ now: Date.now });
  return async (evidence) =>
    fetchDcapEndorsements(url, dcapTargetOf(evidence), { fetch: fetchBytes, now: Date.now(), cache });
}
