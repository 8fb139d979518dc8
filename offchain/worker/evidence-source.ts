import { keccak256, signDigest } from "#crypto";
import { parseHex, toHex, type Hex } from "../encoding/bytes.ts";
import type { Device } from "../device/device.ts";
import { bindingDigest, reportDataOf, type NodeBinding, type RegistryDomain } from "../verifier/binding.ts";
import type { NodeEvidence } from "../verifier/node-evidence.ts";
import type { AttestedEpoch } from "./inference-service.ts";

/** A recent block, as the chain gives it. */
export interface AnchorBlock {
  readonly blockNumber: bigint;
  readonly blockHash: Hex;
  /** Seconds since 1970. */
  readonly timestamp: number;
}

export interface EvidenceParts {
  readonly domain: RegistryDomain;
  readonly binding: NodeBinding;
  /** The enclave's secp256k1 private key: proves possession. */
  readonly signingKey: Uint8Array;
  readonly device: Device;
}

/** The evidence of one process: by hash what was attested, and the newest for the relayers. */
export interface EvidenceSource {
  /** Makes evidence over a block and offers it to the relayers. */
  renew(anchor: AnchorBlock): Promise<void>;
  /** The newest evidence; undefined before the first. */
  newest(): NodeEvidence | undefined;
  byHash(evidenceHash: string): NodeEvidence | undefined;
  /** The anchor of the newest evidence. */
  anchor(): AnchorBlock | undefined;
}

const KEPT = 16;

/** Makes the source of a worker's evidence; the keys in the binding never change, the anchor block does. */
export function createEvidenceSource(parts: EvidenceParts, attested: () => AttestedEpoch | undefined): EvidenceSource {
  const kept = new Map<string, NodeEvidence>();
  const possession = toHex(signDigest(parts.signingKey, bindingDigest(parts.domain, parts.binding)));
  let newest: string | undefined;
  let newestAnchor: AnchorBlock | undefined;
  const current = (hash: string | undefined): NodeEvidence | undefined => {
    const found = hash === undefined ? undefined : kept.get(hash);
    return found && { ...found, keyEpoch: attested()?.keyEpoch ?? null };
  };
  return {
    renew: async (anchor) => {
      const evidence = await parts.device.quote(reportDataOf(parts.domain, parts.binding, anchor));
      newest = toHex(keccak256(evidence));
      newestAnchor = anchor;
      kept.set(newest, {
        platform: parts.device.platform,
        simulated: parts.device.simulated,
        evidence,
        devices: [],
        binding: parts.binding,
        anchor: { blockNumber: anchor.blockNumber, blockHash: anchor.blockHash },
        possession,
        keyEpoch: null,
      });
      // Clients ask for what the registry names, however often newer evidence has found no relayer since.
      const others = [...kept.keys()].filter((hash) => hash !== attested()?.evidenceHash);
      for (const hash of others.slice(0, -KEPT)) kept.delete(hash);
    },
    newest: () => current(newest),
    byHash: (evidenceHash) => (parseHex(evidenceHash, 32) === undefined ? undefined : current(evidenceHash)),
    anchor: () => newestAnchor,
  };
}
