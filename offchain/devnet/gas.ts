import type { ContractName } from "../chain/abi.ts";
import { readEvents } from "../chain/contracts.ts";
import { latestBlock } from "../chain/provider.ts";
import { findSent } from "../chain/sender.ts";
import type { Hex } from "../encoding/bytes.ts";
import type { Network } from "./network.ts";

/** What others' transactions about an id cost: those that emitted an event whose first indexed member it is. */
export interface Spent {
  readonly transactions: number;
  /** Whole transactions, summed. */
  readonly gas: number;
}

/** Looks up the transactions of relayers and workers, which this process did not send. */
export async function gasOfEvents(
  { contracts }: Network,
  event: { readonly contract: ContractName; readonly name: string; readonly about: readonly Hex[] },
): Promise<Spent> {
  const { blockNumber: to } = await latestBlock(contracts.chain);
  const found = await Promise.all(
    event.about.map((id) => readEvents(contracts, event.contract, event.name, { from: 0n, to, indexed: [id] })),
  );
  const transactions = new Set(found.flat().map(({ transaction }) => transaction));
  const sent = await Promise.all([...transactions].map((transaction) => findSent(contracts.chain, transaction)));
  return { transactions: transactions.size, gas: sent.reduce((sum, one) => sum + Number(one?.gasUsed ?? 0n), 0) };
}
