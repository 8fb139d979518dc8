import { CloisterError } from "../errors.ts";
import type { NodeRecord } from "../chain/registry.ts";
import type { Platform } from "../evidence/scheme.ts";
import type { RegistryDomain } from "../verifier/binding.ts";
import { detect } from "../verifier/detect.ts";
import { checkNodeEvidence } from "../verifier/node-evidence.ts";
import { recordedEvidence } from "./verify-node.ts";

const TIMEOUT_MS = 3000;

/**
 * The devices beside a node, in order, that the evidence binds which the registry names; undefined where none is named or the node
 * does not show it. Only hashes are looked at: whoever relies on a device verifies the node.
 */
export async function boundDevices(
  record: NodeRecord,
  domain: RegistryDomain,
): Promise<readonly Platform[] | undefined> {
  if (record.keyEpoch === 0) return undefined;
  try {
    const nodeEvidence = await recordedEvidence(record, { timeoutMs: TIMEOUT_MS });
    checkNodeEvidence(domain, nodeEvidence);
    return nodeEvidence.devices.map(({ evidence }) => detect(evidence).platform);
  } catch (error) {
    if (error instanceof CloisterError) return undefined;
    throw error;
  }
}
