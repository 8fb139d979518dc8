import type { Hex } from "../encoding/bytes.ts";
import { callTo, view, type Call, type Contracts } from "./contracts.ts";

const NO_PREDECESSOR: Hex = `0x${"00".repeat(32)}`;

/** Calls that the timelock makes together; the salt (32 bytes) tells two equal batches apart. */
export interface Proposal {
  readonly calls: readonly Call[];
  readonly salt: Hex;
}

/** How long a proposal waits, in seconds. */
export function readTimelockDelay(contracts: Contracts): Promise<bigint> {
  return view(contracts, "TimelockController", "getMinDelay");
}

/** When a proposal may be executed, in seconds since 1970: 0 where it is unknown, 1 where it was executed. */
export async function readProposalTime(contracts: Contracts, proposal: Proposal): Promise<bigint> {
  const id = await view<Hex>(contracts, "TimelockController", "hashOperationBatch", batch(proposal));
  return view(contracts, "TimelockController", "getTimestamp", [id]);
}

/** Puts a proposal before the timelock; the sender must be a proposer. */
export function schedule(contracts: Contracts, proposal: Proposal, delay: bigint): Call {
  return callTo(contracts, "TimelockController", "scheduleBatch", [...batch(proposal), delay]);
}

/** Carries out a proposal that has waited; the sender must be an executor. */
export function execute(contracts: Contracts, proposal: Proposal): Call {
  return callTo(contracts, "TimelockController", "executeBatch", batch(proposal));
}

function batch({ calls, salt }: Proposal): readonly unknown[] {
  return [calls.map((call) => call.to), calls.map(() => 0n), calls.map((call) => call.data), NO_PREDECESSOR, salt];
}
