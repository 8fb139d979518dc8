import type { Contracts } from "../chain/contracts.ts";
import { readChannel, type ChannelState } from "../chain/escrow.ts";
import { readOffer } from "../chain/models.ts";
import { latestBlock } from "../chain/provider.ts";
import { isActive, readNode } from "../chain/registry.ts";
import type { Hex } from "../encoding/bytes.ts";
import type { Log } from "../log.ts";
import type { EnclaveKeys } from "./keys.ts";
import type { EvidenceSource } from "./evidence-source.ts";
import type { AttestedEpoch } from "./inference-service.ts";

/** What a worker knows of its node, refreshed at each step. */
export interface NodeView {
  readonly attested: AttestedEpoch | undefined;
  /** Seconds since 1970; 0 while no verdict about these keys is recorded. */
  readonly attestedAt: number;
  readonly expiresAt: number;
}

/** The worker's view of the chain: its record, its prices, its channels. */
export interface ChainWatch {
  /** Reads the node's record and prices, and makes new evidence where it is needed. */
  step(): Promise<void>;
  view(): NodeView;
  readonly price: (modelId: Hex) => bigint | undefined;
  /** The payer's channel as it was at most a second ago, read again where it held less than `needed`. */
  readonly channelOf: (payer: Hex, needed: bigint) => Promise<ChannelState>;
}

export interface WatchParts {
  readonly contracts: Contracts;
  readonly nodeId: Hex;
  readonly keys: EnclaveKeys;
  readonly evidence: EvidenceSource;
  readonly models: readonly Hex[];
  readonly evidenceMaxAgeSeconds: number;
  readonly log: Log;
}

/** Far below any thaw, so that a closing channel is seen in time to settle. */
const CHANNEL_MS = 1000;
const MAX_CHANNELS = 10_000;
const UNATTESTED: NodeView = { attested: undefined, attestedAt: 0, expiresAt: 0 };
/** Evidence over an older block could not be checked by a chain that only remembers 256 block hashes. */
const MAX_ANCHOR_BLOCKS = 128n;

/** Makes the watch of one node; it holds no timer, the caller steps it. */
export function createChainWatch(parts: WatchParts): ChainWatch {
  let current = UNATTESTED;
  const prices = new Map<Hex, bigint>();
  return {
    step: async () => {
      const before = current;
      current = await readView(parts);
      if (before.attested?.keyEpoch !== current.attested?.keyEpoch || before.expiresAt !== current.expiresAt) {
        parts.log.info({ ...current.attested, expiresAt: current.expiresAt }, "node view changed");
      }
      await readPrices(parts, prices);
      await renewIfNeeded(parts, current);
    },
    view: () => current,
    price: (modelId) => prices.get(modelId),
    channelOf: channelReader(parts),
  };
}

function channelReader({ contracts, nodeId }: WatchParts): ChainWatch["channelOf"] {
  const kept = new Map<Hex, { readonly state: ChannelState; readonly readAt: number }>();
  return async (payer, needed) => {
    const known = kept.get(payer);
    const now = performance.now();
    if (known !== undefined && now - known.readAt < CHANNEL_MS && known.state.deposit >= needed) return known.state;
    const state = await readChannel(contracts, payer, nodeId);
    kept.delete(payer);
    kept.set(payer, { state, readAt: now });
    for (const oldest of [...kept.keys()].slice(0, -MAX_CHANNELS)) kept.delete(oldest);
    return state;
  };
}

async function readView(parts: WatchParts): Promise<NodeView> {
  const record = await readNode(parts.contracts, parts.nodeId);
  const mine = record?.signingKey.toLowerCase() === parts.keys.signingAddress;
  if (record === undefined || !mine) return UNATTESTED;
  const { attestedAt, expiresAt, keyEpoch, evidenceHash } = record;
  if (await isActive(parts.contracts, parts.nodeId))
    return { attested: { keyEpoch, evidenceHash }, attestedAt, expiresAt };
  // Newer evidence would not end the wait: a new verdict would start it anew, and a challenged node takes none.
  return ["pending", "challenged"].includes(record.status)
    ? { attested: undefined, attestedAt, expiresAt }
    : UNATTESTED;
}

async function readPrices(parts: WatchParts, prices: Map<Hex, bigint>): Promise<void> {
  for (const modelId of parts.models) {
    const price = await readOffer(parts.contracts, parts.nodeId, modelId);
    if (price === undefined) prices.delete(modelId);
    else prices.set(modelId, price);
  }
}

/** The relayers need newer evidence while the keys are not attested and in the last quarter of the attestation's life. */
async function renewIfNeeded(parts: WatchParts, view: NodeView): Promise<void> {
  const block = await latestBlock(parts.contracts.chain);
  const lifetime = view.expiresAt - view.attestedAt;
  const needed = view.attestedAt === 0 || view.expiresAt - block.timestamp < lifetime / 4;
  if (!needed) return;
  const anchor = parts.evidence.anchor();
  const fresh =
    anchor !== undefined &&
    anchor.timestamp > view.attestedAt &&
    block.timestamp - anchor.timestamp < parts.evidenceMaxAgeSeconds &&
    block.blockNumber - anchor.blockNumber < MAX_ANCHOR_BLOCKS;
  if (fresh) return;
  await parts.evidence.renew(block);
  parts.log.info({ block: block.blockNumber.toString() }, "made new evidence");
}
