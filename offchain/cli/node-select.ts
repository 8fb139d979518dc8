import { view, type Contracts } from "../chain/contracts.ts";
import { listNodes, type NodeRecord } from "../chain/registry.ts";
import { ConfigError } from "../errors.ts";
import { NODE_PLATFORMS, TCB_STATUSES } from "../evidence/scheme.ts";

const SIMULATED = 0x80;
const MIN_PREFIX = 6;

/** Finds the node that a number of `nodes list`, an id or its unique beginning names; throws `ConfigError` for none or several. */
export async function findNode(contracts: Contracts, name: string): Promise<NodeRecord> {
  return selectNode(await listNodes(contracts), name);
}

/** As `findNode`, among nodes in the order of their registration. */
export function selectNode<Node extends Pick<NodeRecord, "nodeId">>(nodes: readonly Node[], name: string): Node {
  const found = /^\d{1,9}$/.test(name) ? nodes.slice(Number(name) - 1, Number(name)) : startingWith(nodes, name);
  const [node, ...others] = Number(name) === 0 ? [] : found;
  if (node !== undefined && others.length === 0) return node;
  const what = node === undefined ? "names no node of this network" : "begins the ids of several nodes";
  throw new ConfigError("CONFIG_INVALID", `${name} ${what}`, {
    next: "Take a number or an id of `cloister nodes list`.",
  });
}

/** The name of the platform that the registry has by number, marked where it is simulated. */
export function platformName(code: number): string {
  if (code === 0) return "not attested";
  const name = NODE_PLATFORMS[(code & ~SIMULATED) - 1] ?? `number ${code}`;
  return isSimulated(code) ? `SIMULATED ${name}` : name;
}

/** Says whether the registry's number is of a simulated vendor's platform. */
export function isSimulated(code: number): boolean {
  return (code & SIMULATED) !== 0;
}

/** The TCB status that the registry has by number; "none" where none was evaluated. */
export function tcbName(code: number): string {
  return TCB_STATUSES[code - 1] ?? "none";
}

/** How many live nodes an operator has: each needs a bond. */
export function liveNodes(contracts: Contracts, operator: string): Promise<bigint> {
  return view(contracts, "NodeRegistry", "liveNodes", [operator]);
}

function startingWith<Node extends Pick<NodeRecord, "nodeId">>(nodes: readonly Node[], name: string): readonly Node[] {
  const prefix = name.toLowerCase();
  if (!/^0x[0-9a-f]+$/.test(prefix) || prefix.length < MIN_PREFIX) return [];
  return nodes.filter(({ nodeId }) => nodeId.startsWith(prefix));
}
