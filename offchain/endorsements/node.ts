import type { Endorsements, NodeEndorsements } from "../verifier/family.ts";
import type { NodeEvidence } from "../verifier/node-evidence.ts";

/** Gives the endorsements of evidence, where some of them came with it (`given`). */
export type EndorsementsOf = (evidence: Uint8Array, given?: Endorsements) => Promise<Endorsements>;

/** The endorsements of a node's own evidence and of each of its devices; throws what `endorsementsOf` throws. */
export async function endorsementsOfNode(
  { evidence, devices }: Pick<NodeEvidence, "evidence" | "devices">,
  endorsementsOf: EndorsementsOf,
): Promise<NodeEndorsements> {
  const own = await endorsementsOf(evidence);
  if (devices.length === 0) return own;
  const given = devices.map(async (device) => {
    const { nvidia } = await endorsementsOf(device.evidence, { nvidia: { certChain: device.certChain } });
    return nvidia ?? {};
  });
  return { ...own, devices: await Promise.all(given) };
}
