import { CheckLog } from "../evidence/check-log.ts";
import { verifyRim } from "../evidence/nvidia/rim-verify.ts";
import type { Check, TrustRoot } from "../evidence/scheme.ts";
import { ChainVerifier } from "../x509/chain.ts";
import type { Failure, Verdict } from "./result.ts";

/** What is said of a reference integrity manifest by itself. */
export interface ManifestResult {
  readonly verdict: Verdict;
  readonly checks: readonly Check[];
  readonly failures: readonly Failure[];
}

const RIM = {
  id: "rim",
  reference: "TCG Reference Integrity Manifest Information Model; W3C XML Signature 1.1; RFC 5280 section 6.1",
};

/**
 * Verifies a reference integrity manifest by itself, before any device is compared with it: XML signature and certificate chain.
 * A bad manifest is a failure of the result and never thrown.
 */
export async function verifyManifest(
  rim: Uint8Array,
  { trustRoots, now }: { readonly trustRoots: readonly TrustRoot[]; readonly now: number },
): Promise<ManifestResult> {
  const log = new CheckLog();
  const roots = trustRoots.filter(
    ({ family, purpose }) => (family === undefined || family === "nvidia") && purpose !== "evidence",
  );
  await log.check(RIM, async () => {
    const value = await verifyRim(rim, new ChainVerifier(), { roots, now });
    const { product, version, measurements } = value.manifest;
    return { value, detail: `${product} ${version}, ${measurements.length} measurements` };
  });
  const failures = log.failures.map(({ id, error }): Failure => ({
    id,
    code: error.code,
    detail: error.message,
    tier: "contraindicated",
  }));
  return { verdict: failures.length === 0 ? "affirming" : "contraindicated", checks: log.checks, failures };
}
