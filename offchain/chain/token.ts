import type { Hex } from "../encoding/bytes.ts";
import type { DeployedName } from "./deployment.ts";
import { callTo, view, type Call, type Contracts } from "./contracts.ts";

/** Tokens of an account, in the smallest unit. */
export function readBalance(contracts: Contracts, account: Hex): Promise<bigint> {
  return view(contracts, "Token", "balanceOf", [account]);
}

/** What one of the contracts may take from an account. */
export function readAllowance(contracts: Contracts, owner: Hex, spender: DeployedName): Promise<bigint> {
  return view(contracts, "Token", "allowance", [owner, contracts.addresses[spender]]);
}

/** Lets one of the contracts take up to `amount` of the sender's tokens. */
export function approve(contracts: Contracts, spender: DeployedName, amount: bigint): Call {
  return callTo(contracts, "Token", "approve", [contracts.addresses[spender], amount]);
}

/** Makes test tokens; only the test token of development networks can. */
export function mintTestTokens(contracts: Contracts, account: Hex, amount: bigint): Call {
  return callTo(contracts, "Token", "mint", [account, amount]);
}
