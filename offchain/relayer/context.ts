import type { Contracts } from "../chain/contracts.ts";
import type { Sender } from "../chain/sender.ts";
import type { TrustRoot } from "../evidence/scheme.ts";
import type { Fetched } from "../http/fetch.ts";
import type { Log } from "../log.ts";
import type { Verdicts } from "../store/verdicts.ts";
import type { ContractDomain } from "../verifier/typed-message.ts";
import type { EndorsementsOf } from "../endorsements/node.ts";
import type { ChainVerifier } from "../x509/chain.ts";

/** What a relayer works with; everything outside is an argument. */
export interface RelayerContext {
  readonly contracts: Contracts;
  /** Sends from the member's account. */
  readonly sender: Sender;
  /** The member's secp256k1 key, 32 bytes: it signs verdicts, and its address is the member's. */
  readonly privateKey: Uint8Array;
  readonly verdicts: Verdicts;
  readonly trustRoots: readonly TrustRoot[];
  readonly chains: ChainVerifier;
  /** Endorsements for evidence that is not verified yet; throws EndorsementError or EvidenceError. */
  readonly endorsementsOf: EndorsementsOf;
  /** Gets JSON from a node or another member; throws ServiceError. */
  readonly fetchJson: (url: string) => Promise<Fetched<unknown>>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** How long each next member waits for the one before it to submit. */
  readonly turnDelayMs: number;
  readonly log: Log;
}

/** What judging evidence takes; it signs and sends nothing. */
export type JudgeContext = Pick<RelayerContext, "chains" | "contracts" | "endorsementsOf" | "now" | "trustRoots">;

/** Where nodes' bindings are signed. */
export function registryDomain({ contracts }: Pick<RelayerContext, "contracts">): ContractDomain {
  return { chainId: contracts.chain.chainId, verifyingContract: contracts.addresses.NodeRegistry };
}

/** Where members' verdicts are signed. */
export function committeeDomain({ contracts }: Pick<RelayerContext, "contracts">): ContractDomain {
  return { chainId: contracts.chain.chainId, verifyingContract: contracts.addresses.VerifierCommittee };
}
