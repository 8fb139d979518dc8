import { JsonRpcSigner, Wallet, type Signer, type TransactionReceipt } from "ethers";
import type { Hex } from "../encoding/bytes.ts";
import type { Call, ChainEvent, Contracts } from "./contracts.ts";
import type { Chain } from "./provider.ts";
import { ChainError, ConfigError } from "../errors.ts";
import { decodeLogs } from "./contracts.ts";
import { chainError, onChain, Revert } from "./failure.ts";

/** Who signs: a private key (32 bytes as hex), or an account that the RPC itself holds. */
export type SenderKey = { readonly privateKey: Hex } | { readonly account: Hex };

/** A mined transaction. */
export interface Sent {
  readonly transaction: Hex;
  readonly blockNumber: bigint;
  readonly gasUsed: bigint;
  readonly logs: TransactionReceipt["logs"];
  /** Set where the transaction deployed a contract. */
  readonly created: Hex | undefined;
}

export interface SendOptions {
  /** Told the transaction's hash when the network has taken it, before it is mined. */
  readonly onTaken?: (transaction: Hex) => Promise<void> | void;
  /** 1 where not given. */
  readonly confirmations?: number;
}

/** Sends transactions of one account, one after the other; nothing is ever sent twice. */
export interface Sender {
  readonly address: Hex;
  /**
   * Sends and waits until mined. Throws ChainError: `TX_REVERTED` (nothing was changed), `TX_UNDERPRICED` (nothing was
   * sent), `RPC_UNAVAILABLE` (the outcome may be unknown: look at the chain before trying again).
   */
  send(call: Omit<Call, "to"> & { readonly to: Hex | null }, options?: SendOptions): Promise<Sent>;
  /** The number that the next transaction gets. */
  nextNonce(): Promise<number>;
}

/** Room for what changes between the estimate and the block. */
const GAS_MARGIN_PERCENT = 25n;
/** @see EIP-7825 */
const MAX_GAS = 16_777_216n;
const WAIT_MS = 120_000;

/** Makes the sender of a key; throws ConfigError `CONFIG_INVALID` where the key is none. */
export async function openSender(chain: Chain, key: SenderKey): Promise<Sender> {
  const signer = "account" in key ? new JsonRpcSigner(chain.provider, key.account) : walletOf(chain, key.privateKey);
  const address = (await signer.getAddress()).toLowerCase() as Hex;
  const queue = serial();
  let next = 0;
  const nextNonce = async (): Promise<number> =>
    Math.max(
      next,
      await onChain("eth_getTransactionCount", () => chain.provider.getTransactionCount(address, "pending")),
    );
  const take = async (call: Parameters<Sender["send"]>[0]): Promise<Hex> => {
    const nonce = await nextNonce();
    const hash = await onChain(call.doing, () => broadcast(signer, call, nonce));
    next = nonce + 1;
    return hash;
  };
  return {
    address,
    nextNonce,
    send: async (call, options = {}) => {
      const hash = await queue(() => take(call));
      await options.onTaken?.(hash);
      const receipt = await mined(chain, hash, options.confirmations ?? 1).catch((cause: unknown) => {
        // A dropped transaction must not leave a gap that every later one waits behind.
        next = 0;
        throw cause;
      });
      return outcome(chain, call.doing, receipt);
    },
  };
}

/** The events of a sent transaction that the deployment's contracts emitted. */
export function eventsOf(contracts: Contracts, sent: Sent): readonly ChainEvent[] {
  return decodeLogs(contracts, sent.logs);
}

/** What happened to a transaction: undefined while it is not mined. */
export async function findSent(chain: Chain, transaction: Hex): Promise<Sent | undefined> {
  const receipt = await onChain("eth_getTransactionReceipt", () => chain.provider.getTransactionReceipt(transaction));
  return receipt === null ? undefined : outcome(chain, transaction, receipt);
}

function walletOf(chain: Chain, privateKey: Hex): Wallet {
  try {
    return new Wallet(privateKey, chain.provider);
  } catch {
    // The library's message could quote the key.
    throw new ConfigError("CONFIG_INVALID", "the sender's private key is not 32 bytes of hex");
  }
}

async function broadcast(signer: Signer, call: Parameters<Sender["send"]>[0], nonce: number): Promise<Hex> {
  const request = { to: call.to, data: call.data, nonce };
  const estimate = await signer.estimateGas(request);
  const roomy = estimate + (estimate * GAS_MARGIN_PERCENT) / 100n;
  const gasLimit = estimate > MAX_GAS || roomy < MAX_GAS ? roomy : MAX_GAS;
  if (signer instanceof JsonRpcSigner) return (await signer.sendUncheckedTransaction({ ...request, gasLimit })) as Hex;
  return (await signer.sendTransaction({ ...request, gasLimit })).hash as Hex;
}

async function mined(chain: Chain, hash: Hex, confirmations: number): Promise<TransactionReceipt> {
  let receipt: TransactionReceipt | null = null;
  try {
    receipt = await chain.provider.waitForTransaction(hash, confirmations, WAIT_MS);
  } catch (cause) {
    throw new ChainError("RPC_UNAVAILABLE", `${hash} was sent and its outcome is not known`, { cause });
  }
  if (receipt === null) throw new ChainError("RPC_UNAVAILABLE", `${hash} was sent and is not mined`);
  return receipt;
}

async function outcome(chain: Chain, doing: string, receipt: TransactionReceipt): Promise<Sent> {
  if (receipt.status !== 1) throw await reverted(chain, doing, receipt);
  return {
    transaction: receipt.hash as Hex,
    blockNumber: BigInt(receipt.blockNumber),
    gasUsed: receipt.gasUsed,
    logs: receipt.logs,
    created: (receipt.contractAddress?.toLowerCase() ?? undefined) as Hex | undefined,
  };
}

/** A receipt does not say why: the call is made once more on the state before its block. */
async function reverted(chain: Chain, doing: string, receipt: TransactionReceipt): Promise<Error> {
  const sent = await onChain(doing, () => chain.provider.getTransaction(receipt.hash));
  try {
    const { from, to, data } = sent ?? { from: null, to: null, data: "0x" };
    await chain.provider.call({ from, to, data, blockTag: receipt.blockNumber - 1 });
  } catch (cause) {
    return chainError(doing, cause);
  }
  return new ChainError("TX_REVERTED", `${doing}: ${receipt.hash} reverted`, {
    cause: new Revert("Unknown", {}),
  });
}

/** Runs one piece of work at a time, in the order asked for. */
function serial(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const mine = last.then(work, work);
    last = mine.catch(() => undefined);
    return mine;
  };
}
