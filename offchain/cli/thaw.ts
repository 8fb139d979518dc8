import { setTimeout as sleep } from "node:timers/promises";
import type { Call, Contracts } from "../chain/contracts.ts";
import { revertName } from "../chain/failure.ts";
import { eventsOf, type Sender, type Sent } from "../chain/sender.ts";

/** What happens while something thaws. */
export interface Thaw {
  /** The contract's error for a withdrawal that comes too early. */
  readonly refusal: string;
  readonly wait: boolean;
}

const LOOK_AGAIN_MS = 1000;

/** Sends a withdrawal, after the thaw where asked to wait; undefined while it thaws. Only the contract knows: the chain's clock is not this machine's. */
export async function sendThawed(sender: Sender, call: Call, { refusal, wait }: Thaw): Promise<Sent | undefined> {
  for (;;) {
    try {
      return await sender.send(call);
    } catch (error) {
      if (revertName(error) !== refusal) throw error;
      if (!wait) return undefined;
      await sleep(LOOK_AGAIN_MS);
    }
  }
}

/** The amount of a transaction's event, in the token's smallest unit; 0 where there is no such event. */
export function amountIn(contracts: Contracts, sent: Sent, event: string): bigint {
  const amount = eventsOf(contracts, sent).find(({ name }) => name === event)?.args["amount"];
  return typeof amount === "bigint" ? amount : 0n;
}
