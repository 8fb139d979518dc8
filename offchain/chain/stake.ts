import type { Hex } from "../encoding/bytes.ts";
import { callTo, view, type Call, type Contracts } from "./contracts.ts";

/** An operator's stake in the token's smallest unit. */
export interface Stake {
  readonly bonded: bigint;
  readonly unbonding: bigint;
  /** Seconds since 1970; 0 while nothing is unbonding. */
  readonly withdrawableAt: bigint;
}

export function readStake(contracts: Contracts, operator: Hex): Promise<Stake> {
  return view(contracts, "NodeStake", "stakeOf", [operator]);
}

/** What of an operator's bond may not be unbonded: live nodes or a seat in the committee need it. */
export function readLockedStake(contracts: Contracts, operator: Hex): Promise<bigint> {
  return view(contracts, "NodeStake", "lockedOf", [operator]);
}

/** Bonds the sender's tokens, which it must have approved for `NodeStake`. */
export function bond(contracts: Contracts, amount: bigint): Call {
  return callTo(contracts, "NodeStake", "deposit", [amount]);
}

/** Bonds the sender's tokens for another operator. */
export function bondFor(contracts: Contracts, operator: Hex, amount: bigint): Call {
  return callTo(contracts, "NodeStake", "depositFor", [operator, amount]);
}

export function requestUnbond(contracts: Contracts, amount: bigint): Call {
  return callTo(contracts, "NodeStake", "requestUnbond", [amount]);
}

export function withdrawStake(contracts: Contracts): Call {
  return callTo(contracts, "NodeStake", "withdraw", []);
}
