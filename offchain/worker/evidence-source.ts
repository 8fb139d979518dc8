import { keccak256, signDigest } from "#crypto";
import { parseHex, toHex, type Hex } from "../encoding/bytes.ts";
import type { Device } from "../device/device.ts";
import type { Gpu } from "../device/gpu.ts";
import {
  bindingDigest,
  deviceNonceOf,
  gpuEvidenceHashOf,
  reportDataOf,
  type NodeBinding,
  type RegistryDomain,
} from "../verifier/binding.ts";
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
  /** What never changes of it: the devices' evidence is new with each anchor. */
  readonly binding: Omit<NodeBinding, "gpuEvidenceHash">;
  /** The enclave's secp256k1 private key: proves possession. */
  readonly signingKey: Uint8Array;
  readonly device: Device;
  readonly gpu?: Gpu | undefined;
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

/** Makes the source of a worker's evidence; the keys in the binding never change, the anchor block and the devices' evidence do. */
export function createEvidenceSource(parts: EvidenceParts, attested: () => AttestedEpoch | undefined): EvidenceSource {
  const kept = new Map<string, NodeEvidence>();
  let newest: string | undefined;
  let newestAnchor: AnchorBlock | undefined;
  const current = (hash: string | undefined): NodeEvidence | undefined => {
    const found = hash === undefined ? undefined : kept.get(hash);
    return found && { ...found, keyEpoch: attested()?.keyEpoch ?? null };
  };
  return {
    renew: async (anchor) => {
      const made = await makeEvidence(parts, anchor);
      newest = toHex(keccak256(made.evidence));
      newestAnchor = anchor;
      kept.set(newest, made);
      // Clients ask for what the registry names, however often newer evidence has found no relayer since.
      const others = [...kept.keys()].filter((hash) => hash !== attested()?.evidenceHash);
      for (const hash of others.slice(0, -KEPT)) kept.delete(hash);
    },
    newest: () => current(newest),
    byHash: (evidenceHash) => (parseHex(evidenceHash, 32) === undefined ? undefined : current(evidenceHash)),
    anchor: () => newestAnchor,
  };
}

/** The devices answer first, so that the node's own evidence binds theirs. */
async function makeEvidence(parts: EvidenceParts, anchor: AnchorBlock): Promise<NodeEvidence> {
  const { domain, device, gpu } = parts;
  const nonce = deviceNonceOf(domain, parts.binding, anchor);
  const devices = gpu === undefined ? [] : [await gpu.report(nonce)];
  const binding = { ...parts.binding, gpuEvidenceHash: gpuEvidenceHashOf(devices) };
  return {
    platform: device.platform,
    simulated: device.simulated || gpu?.simulated === true,
    evidence: await device.quote(reportDataOf(domain, binding, anchor)),
    devices,
    binding,
    anchor: { blockNumber: anchor.blockNumber, blockHash: anchor.blockHash },
    possession: toHex(signDigest(parts.signingKey, bindingDigest(domain, binding))),
    keyEpoch: null,
  };
}
