import { getCreateAddress } from "ethers";
import { setTimeout as sleep } from "node:timers/promises";
import type { Hex } from "../encoding/bytes.ts";
import type { DeployedContract } from "./deployment.ts";
import type { Chain } from "./provider.ts";
import { ChainError } from "../errors.ts";
import { onChain } from "./failure.ts";

const POLL_MS = 500;
const ATTEMPTS = 240;

/** Where a contract will stand that an account creates with its transaction number `nonce`. */
export function createdAddress(from: Hex, nonce: number): Hex {
  return getCreateAddress({ from, nonce }).toLowerCase() as Hex;
}

/**
 * Finds the contract that an account created with its transaction number `nonce`, if it went out with just this data;
 * waits where it is still to be mined.
 */
export async function findCreation(
  chain: Chain,
  { from, nonce, data }: { readonly from: Hex; readonly nonce: number; readonly data: Hex },
): Promise<Pick<DeployedContract, "address" | "block" | "transaction"> | undefined> {
  if (!(await isMined(chain, from, nonce))) return undefined;
  const number = await blockOfNonce(chain, from, nonce);
  const block = await onChain("eth_getBlockByNumber", () => chain.provider.getBlock(number, true));
  const sent = block?.prefetchedTransactions.find((one) => one.from.toLowerCase() === from && one.nonce === nonce);
  if (sent === undefined || sent.data !== data) return undefined;
  return { address: createdAddress(from, nonce), block: BigInt(number), transaction: sent.hash as Hex };
}

async function isMined(chain: Chain, from: Hex, nonce: number): Promise<boolean> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    if ((await countAt(chain, from, "latest")) > nonce) return true;
    if ((await countAt(chain, from, "pending")) <= nonce) return false;
    await sleep(POLL_MS);
  }
  throw new ChainError("RPC_UNAVAILABLE", `the transaction ${nonce} of ${from} was sent and is not mined`);
}

/** The block in which an account's number of transactions grew past `nonce`. */
async function blockOfNonce(chain: Chain, from: Hex, nonce: number): Promise<number> {
  let low = 0;
  let high = await onChain("eth_blockNumber", () => chain.provider.getBlockNumber());
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if ((await countAt(chain, from, middle)) > nonce) high = middle;
    else low = middle + 1;
  }
  return low;
}

function countAt(chain: Chain, from: Hex, block: number | "latest" | "pending"): Promise<number> {
  return onChain("eth_getTransactionCount", () => chain.provider.getTransactionCount(from, block));
}
