import { loadEndorsements } from "../endorsements/bundle.ts";
import { EvidenceError } from "../errors.ts";
import type { Endorsements } from "../verifier/family.ts";
import type { AttestationResult } from "../verifier/result.ts";

/** What is given; none for evidence that cannot be parsed, whose result says so by itself. */
export async function endorsementsOf(
  path: string | undefined,
  wanted: Parameters<typeof loadEndorsements>[1],
): Promise<Endorsements> {
  if (path === undefined) return {};
  try {
    return await loadEndorsements(path, wanted);
  } catch (error) {
    if (error instanceof EvidenceError) return {};
    throw error;
  }
}

/** Whether a program may rely on a result. */
export function isAcceptable({ verdict }: AttestationResult): boolean {
  return verdict === "affirming" || verdict === "warning";
}
