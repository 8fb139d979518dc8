import type { Claims } from "../evidence/scheme.ts";
import { CloisterError } from "../errors.ts";
import type { TrustRoot } from "../evidence/scheme.ts";
import { trustRootOfPlatformKey } from "./trust-roots.ts";

/** Claims of a CCA token under the names of the conformance manifest. */
export function ccaFields({ reportData, measurements }: Claims): Readonly<Record<string, unknown>> {
  const registers = Object.entries(measurements).filter(([name]) => /^rem\d$/.test(name));
  return { realmChallenge: reportData, rems: registers.map(([, value]) => value) };
}

/** The root that a vector's own platform key is, a simulated one; none where the key cannot be read. */
export function platformRoots(platformKey: Uint8Array | undefined): readonly TrustRoot[] {
  if (platformKey === undefined) return [];
  try {
    return [trustRootOfPlatformKey(platformKey, "manifest", true)];
  } catch (error) {
    if (error instanceof CloisterError) return [];
    throw error;
  }
}
