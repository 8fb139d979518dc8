import type { Command } from "commander";
import { listOffers, type Offer } from "../chain/models.ts";
import { boundDevices } from "../client/devices.ts";
import type { Platform } from "../evidence/scheme.ts";
import { isActive, listNodes, type NodeRecord } from "../chain/registry.ts";
import { findNode, isSimulated, platformName, tcbName } from "./node-select.ts";
import { onNetwork, type Network, type NetworkOptions } from "./network.ts";
import type { Report, Session } from "./session.ts";
import { pairLines, tableLines } from "./table.ts";
import { networkVerb, NODE_ARGUMENT } from "./verb.ts";

/** A node with what the contracts say of it now. */
export interface NodeView {
  readonly record: NodeRecord;
  readonly active: boolean;
  readonly offers: readonly Offer[];
  /** By their kinds, as its attested evidence binds them; undefined where the node does not show that. */
  readonly devices: readonly Platform[] | undefined;
}

const SHOWN_ID = 10;

/** Adds `nodes list` and `nodes show`. */
export function addNodes(program: Command, session: Session): void {
  const nodes = program.command("nodes").description("the nodes of a network");
  networkVerb(nodes, "list", {
    description: "every node that was ever registered, numbered",
    example: "cloister nodes list",
  }).action(async (options: NetworkOptions) =>
    session.conclude(await onNetwork(options, session, (network) => list(network))),
  );
  networkVerb(nodes, "show", {
    description: "one node's record, offers and standing",
    example: "cloister nodes show 1",
  })
    .argument("<node>", NODE_ARGUMENT)
    .action(async (node: string, options: NetworkOptions) =>
      session.conclude(await onNetwork(options, session, (network) => show(network, node))),
    );
}

/** What the contracts say of a node now. */
export async function viewNode({ contracts }: Network, record: NodeRecord): Promise<NodeView> {
  const { nodeId } = record;
  const domain = { chainId: contracts.chain.chainId, verifyingContract: contracts.addresses.NodeRegistry };
  const [active, offers, devices] = await Promise.all([
    isActive(contracts, nodeId),
    listOffers(contracts, nodeId),
    boundDevices(record, domain),
  ]);
  return { record, active, offers, devices };
}

/** A node as JSON: the record with the names of its numbers, and its own number in a list. */
export function nodeJson(
  { record, active, offers, devices }: NodeView,
  number?: number,
): Readonly<Record<string, unknown>> {
  const names = { platformName: platformName(record.platform), tcbStatusName: tcbName(record.tcbStatus) };
  return {
    number,
    ...record,
    ...names,
    simulated: isSimulated(record.platform),
    active,
    offers,
    devices: devices ?? null,
  };
}

/** A node as names and values for people. */
export function nodePairs(network: Network, view: NodeView): Readonly<Record<string, string>> {
  const { record, active, offers } = view;
  const attested = record.keyEpoch > 0;
  return {
    node: record.nodeId,
    operator: record.operator,
    standing: standingOf(record, active),
    endpoint: record.endpoint,
    platform: kindOf(view),
    ...(attested
      ? {
          TCB: `${tcbName(record.tcbStatus)}, evaluation ${record.evaluationNumber}`,
          workload: record.workloadId,
          "key epoch": `${record.keyEpoch}, signing key ${record.signingKey}`,
          attested: `${timeOf(record.attestedAt)}, until ${timeOf(record.expiresAt)}`,
          evidence: record.evidenceHash,
        }
      : {}),
    ...Object.fromEntries(
      offers.map(({ modelId, pricePerUnit }, index) => [
        `offer ${index + 1}`,
        `${modelId} ${network.amount(pricePerUnit)}`,
      ]),
    ),
  };
}

/** Seconds since 1970 as a person reads them. */
export function timeOf(seconds: number): string {
  return seconds === 0 ? "never" : new Date(seconds * 1000).toISOString().replace(".000Z", "Z");
}

async function list(network: Network): Promise<Report> {
  const records = await listNodes(network.contracts);
  const nodes = await Promise.all(records.map((record) => viewNode(network, record)));
  const rows = nodes.map((view, index) => rowOf(network, view, index));
  const head = ["", "node", "standing", "platform", "TCB", "attested until", "price", "endpoint"];
  const lines = rows.length === 0 ? [`no node is registered on ${network.profile.name}`] : tableLines(head, rows);
  return { exit: 0, json: { nodes: nodes.map((node, index) => nodeJson(node, index + 1)) }, lines };
}

function rowOf(network: Network, view: NodeView, index: number): readonly string[] {
  const { record, active, offers } = view;
  return [
    String(index + 1),
    record.nodeId.slice(0, SHOWN_ID),
    standingOf(record, active),
    kindOf(view),
    tcbName(record.tcbStatus),
    timeOf(record.expiresAt),
    offers.map(({ pricePerUnit }) => network.amount(pricePerUnit)).join(", ") || "none",
    record.endpoint,
  ];
}

async function show(network: Network, name: string): Promise<Report> {
  const node = await viewNode(network, await findNode(network.contracts, name));
  return { exit: 0, json: nodeJson(node), lines: pairLines(nodePairs(network, node)) };
}

/** The platform with the devices beside it. */
function kindOf({ record, devices }: NodeView): string {
  const platform = platformName(record.platform);
  if (record.keyEpoch > 0 && devices === undefined) return `${platform}, devices not shown`;
  return [platform, ...(devices ?? [])].join(" + ");
}

/** The record's status is history; whether the node may be used now is another question. */
function standingOf({ status }: NodeRecord, active: boolean): string {
  if (active) return "active";
  return status === "active" ? "not acceptable now" : status;
}
