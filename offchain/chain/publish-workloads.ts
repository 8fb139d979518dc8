import { keccak256 } from "#crypto";
import { parseHex, toHex, utf8 } from "../encoding/bytes.ts";
import { canonicalJson } from "../encoding/json.ts";
import { ConfigError } from "../errors.ts";
import { NODE_PLATFORMS } from "../evidence/scheme.ts";
import { platformCode } from "../verifier/verdict.ts";
import type { Contracts } from "./contracts.ts";
import { execute, readProposalTime, readTimelockDelay, schedule, type Proposal } from "./governance.ts";
import { latestBlock } from "./provider.ts";
import { addWorkload, readWorkload, type NewWorkload } from "./reference-values.ts";
import type { Sender } from "./sender.ts";

const SIMULATED = "simulated-";
const GPU = "gpu";

/**
 * Reads `ID:PLATFORM`, the platform by its byte or by its name, such as `aws-nitro` or `simulated-aws-nitro`, or `ID:PLATFORM:gpu` for a
 * workload that is accepted only together with the evidence of a GPU.
 * Throws `ConfigError` `CONFIG_INVALID`.
 */
export function parseWorkload(text: string): NewWorkload {
  const [id = "", named = "", ...rest] = text.split(":");
  const requiresGpu = rest[0] === GPU && rest.length === 1;
  const workloadId = parseHex(id, 32);
  const platform = platformByte(named);
  if (workloadId !== undefined && platform !== undefined && (requiresGpu || rest.length === 0)) {
    return { workloadId: toHex(workloadId), platform, requiresGpu };
  }
  const names = NODE_PLATFORMS.join(", ");
  throw new ConfigError("CONFIG_INVALID", `${text} is not 32 bytes of 0x-hex, a colon and a platform`, {
    next: `Give a platform as a byte or as one of ${names}, with ${SIMULATED} before it for simulated machines.`,
  });
}

function platformByte(named: string): number | undefined {
  if (/^\d{1,3}$/.test(named)) return Number(named) <= MAX_BYTE ? Number(named) : undefined;
  const simulated = named.startsWith(SIMULATED);
  const name = simulated ? named.slice(SIMULATED.length) : named;
  const platform = NODE_PLATFORMS.find((known) => known === name);
  return platform && platformCode(platform, simulated);
}

/** Where a publication stands: `until` is seconds since 1970. */
export type Publication =
  { readonly state: "published"; readonly added: number } | { readonly state: "waiting"; readonly until: bigint };

const MAX_BYTE = 255;
/** Executed proposals have this time in the timelock. */
const EXECUTED = 1n;

/**
 * Brings workloads into the reference values through the timelock, as far as can be done now: proposes what is missing, and executes it
 * when it has waited. Calling it again goes on where it stopped. `attempt` tells a later publication of workloads that were removed apart.
 * Throws `ConfigError` for what is no workload id, and `ChainError` where the sender may not propose or execute.
 */
export async function publishWorkloads(
  contracts: Contracts,
  sender: Sender,
  { workloads, attempt }: { readonly workloads: readonly NewWorkload[]; readonly attempt: string },
): Promise<Publication> {
  const missing = await missingOf(contracts, workloads);
  if (missing.length === 0) return { state: "published", added: 0 };
  const proposal = proposalOf(contracts, missing, attempt);
  if ((await readProposalTime(contracts, proposal)) === 0n) {
    await sender.send(schedule(contracts, proposal, await readTimelockDelay(contracts)));
  }
  const until = await readProposalTime(contracts, proposal);
  if (until === EXECUTED) throw alreadyUsed(attempt);
  const { timestamp } = await latestBlock(contracts.chain);
  if (until > BigInt(timestamp)) return { state: "waiting", until };
  await sender.send(execute(contracts, proposal));
  return { state: "published", added: missing.length };
}

async function missingOf(contracts: Contracts, workloads: readonly NewWorkload[]): Promise<readonly NewWorkload[]> {
  const known = await Promise.all(
    workloads.map(async ({ workloadId }) => {
      if (parseHex(workloadId, 32) === undefined)
        throw new ConfigError("CONFIG_INVALID", `${workloadId} is no workload id`);
      return readWorkload(contracts, workloadId);
    }),
  );
  return workloads.filter((_, index) => known[index] === undefined || known[index].removed);
}

function proposalOf(contracts: Contracts, workloads: readonly NewWorkload[], attempt: string): Proposal {
  const list = workloads.map(({ workloadId, platform, requiresGpu }) =>
    [workloadId, platform, ...(requiresGpu === true ? [GPU] : [])].join(":"),
  );
  return {
    calls: workloads.map((workload) => addWorkload(contracts, workload)),
    salt: toHex(keccak256(utf8(canonicalJson({ publish: list, attempt })))),
  };
}

function alreadyUsed(attempt: string): ConfigError {
  return new ConfigError("CONFIG_INVALID", `these workloads were published and removed again (attempt "${attempt}")`, {
    next: "Give another --attempt to publish them once more; keys that relied on them stay revoked.",
  });
}
