import type { Hex } from "../encoding/bytes.ts";
import type { Verdict } from "../verifier/verdict.ts";
import { callTo, view, type Call, type Contracts } from "./contracts.ts";

/** A member of the committee. */
export interface Member {
  readonly account: Hex;
  /** Whether it is seated: its bond suffices and is locked, so that its signature counts. */
  readonly bonded: boolean;
  /** Base URL of its relayer. */
  readonly endpoint: string;
}

/** All members, in the order of the contract. */
export function readMembers(contracts: Contracts): Promise<readonly Member[]> {
  return view(contracts, "VerifierCommittee", "members");
}

/** How many signatures a verdict needs. */
export async function readThreshold(contracts: Contracts): Promise<number> {
  return Number(await view<bigint>(contracts, "VerifierCommittee", "threshold"));
}

/** The bond that a member needs for its seat. */
export function readMemberBond(contracts: Contracts): Promise<bigint> {
  return view(contracts, "VerifierCommittee", "memberBond");
}

/**
 * Records a verdict; `signatures` by seated members, in ascending order of their addresses. `possession` is empty (`0x`) where
 * the verdict renews the key of the node's record.
 */
export function submitVerdict(
  contracts: Contracts,
  verdict: Verdict,
  possession: Hex,
  signatures: readonly Hex[],
): Call {
  return callTo(contracts, "VerifierCommittee", "submitVerdict", [verdict, possession, joinHex(signatures)]);
}

/** Shows two different verdicts of one member for one evidence hash, each with its signature. */
export function reportEquivocation(
  contracts: Contracts,
  first: { readonly verdict: Verdict; readonly signature: Hex },
  second: { readonly verdict: Verdict; readonly signature: Hex },
): Call {
  return callTo(contracts, "VerifierCommittee", "reportEquivocation", [
    first.verdict,
    second.verdict,
    first.signature,
    second.signature,
  ]);
}

function joinHex(parts: readonly Hex[]): Hex {
  return `0x${parts.map((part) => part.slice(2)).join("")}`;
}

export function addMember(contracts: Contracts, account: Hex, endpoint: string): Call {
  return callTo(contracts, "VerifierCommittee", "addMember", [account, endpoint]);
}

/** Seats a nominee whose bond suffices; open to anyone. */
export function takeSeat(contracts: Contracts, account: Hex): Call {
  return callTo(contracts, "VerifierCommittee", "takeSeat", [account]);
}

export function setMemberEndpoint(contracts: Contracts, endpoint: string): Call {
  return callTo(contracts, "VerifierCommittee", "setEndpoint", [endpoint]);
}
