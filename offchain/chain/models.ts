import type { Hex } from "../encoding/bytes.ts";
import { callTo, view, type Call, type Contracts } from "./contracts.ts";
import { revertName } from "./failure.ts";

/** What a model's owner states; hashes are SHA-256, zero for none. */
export interface ModelTerms {
  /** Suggested, in the token's smallest unit. */
  readonly pricePerUnit: bigint;
  readonly manifestHash: Hex;
  readonly privacyPolicyHash: Hex;
  readonly keyReleasePolicyHash: Hex;
  /** Where the manifest can be had, 1 to 512 bytes. */
  readonly uri: string;
}

export interface ModelEntry {
  readonly owner: Hex;
  readonly pendingOwner: Hex;
  readonly retired: boolean;
  readonly terms: ModelTerms;
}

/** A node's price for one unit of a model. */
export interface Offer {
  readonly modelId: Hex;
  readonly pricePerUnit: bigint;
}

const PAGE = 100n;

/** A registered model; undefined for an unknown root. */
export async function readModel(contracts: Contracts, modelId: Hex): Promise<ModelEntry | undefined> {
  try {
    return await view<ModelEntry>(contracts, "ModelRegistry", "model", [modelId]);
  } catch (error) {
    if (revertName(error) === "ModelRegistryUnknownModel") return undefined;
    throw error;
  }
}

/** The roots of all registered models, in the order of registration. */
export async function listModels(contracts: Contracts): Promise<readonly Hex[]> {
  const count = await view<bigint>(contracts, "ModelRegistry", "modelCount");
  const roots: Hex[] = [];
  for (let start = 0n; start < count; start += PAGE) {
    roots.push(...(await view<Hex[]>(contracts, "ModelRegistry", "models", [start, PAGE])));
  }
  return roots;
}

/** A node's price for a model; undefined where it does not offer it. */
export async function readOffer(contracts: Contracts, nodeId: Hex, modelId: Hex): Promise<bigint | undefined> {
  const found = await view<{ offered: boolean; pricePerUnit: bigint }>(contracts, "ModelRegistry", "offer", [
    nodeId,
    modelId,
  ]);
  return found.offered ? found.pricePerUnit : undefined;
}

export function listOffers(contracts: Contracts, nodeId: Hex): Promise<readonly Offer[]> {
  return view(contracts, "ModelRegistry", "offers", [nodeId]);
}

/** Registers a model by its package's root; the sender becomes its owner. */
export function registerModel(contracts: Contracts, root: Hex, terms: ModelTerms): Call {
  return callTo(contracts, "ModelRegistry", "register", [root, terms]);
}

/** Offers a model by one of the sender's nodes, or changes the price. */
export function setOffer(contracts: Contracts, nodeId: Hex, offer: Offer): Call {
  return callTo(contracts, "ModelRegistry", "setOffer", [nodeId, offer.modelId, offer.pricePerUnit]);
}
