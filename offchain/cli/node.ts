import type { Command } from "commander";
import { readEarnings } from "../chain/escrow.ts";
import { exitNode, setNodeEndpoint } from "../chain/registry.ts";
import { readStake } from "../chain/stake.ts";
import { ServiceError } from "../errors.ts";
import { fetchJson } from "../http/fetch.ts";
import { addNodeRun } from "./children.ts";
import type { ExitCode } from "./failure.ts";
import { onNetwork, senderOf, type Network, type NetworkOptions } from "./network.ts";
import { addNodeMoney } from "./node-money.ts";
import { addNodeRegister } from "./node-register.ts";
import { findNode } from "./node-select.ts";
import { nodeJson, nodePairs, viewNode } from "./nodes.ts";
import type { Report, Session } from "./session.ts";
import { pairLines } from "./table.ts";
import { networkVerb, NODE_ARGUMENT } from "./verb.ts";
import { listeningAt } from "./worker-config.ts";

/** What a worker's endpoint says of itself. */
interface Health {
  readonly url: string;
  readonly answers: boolean;
  readonly ready: boolean;
  readonly detail: string;
}

const HEALTH_LIMITS = { timeoutMs: 5_000, maxBytes: 64 * 1024 };

/** Adds `node register`, `run`, `status`, `endpoint`, `exit`, `unbond` and `withdraw`. */
export function addNode(program: Command, session: Session): void {
  const node = program.command("node").description("a node of yours");
  addNodeRegister(node, session);
  addNodeRun(node, session);
  networkVerb(node, "status", {
    description: "a node's record, stake, offers and health; 0 only if it can be used now",
    example: "cloister node status 1",
  })
    .argument("<node>", NODE_ARGUMENT)
    .action(async (name: string, options: NetworkOptions) =>
      session.conclude(await onNetwork(options, session, (network) => status(network, name))),
    );
  networkVerb(node, "endpoint", {
    description: "change where a node of yours is reached",
    example: "cloister node endpoint 1 https://worker.example:8443 --profile operator.json",
  })
    .argument("<node>", NODE_ARGUMENT)
    .argument("<url>", "http or https URL without a path")
    .action(async (name: string, url: string, options: NetworkOptions) => {
      listeningAt(url);
      session.conclude(await onNetwork(options, session, (network) => moveTo(network, name, url)));
    });
  networkVerb(node, "exit", {
    description: "take a node out of service for ever",
    example: "cloister node exit 1 --profile operator.json",
  })
    .argument("<node>", NODE_ARGUMENT)
    .action(async (name: string, options: NetworkOptions) =>
      session.conclude(await onNetwork(options, session, (network) => exit(network, name))),
    );
  addNodeMoney(node, session);
}

async function status(network: Network, name: string): Promise<Report> {
  const { contracts } = network;
  const node = await viewNode(network, await findNode(contracts, name));
  const { operator, endpoint } = node.record;
  const [stake, earnings, health] = await Promise.all([
    readStake(contracts, operator),
    readEarnings(contracts, operator),
    healthOf(endpoint),
  ]);
  const unbonding = stake.unbonding === 0n ? "" : `, ${network.amount(stake.unbonding)} unbonding`;
  return {
    exit: statusExit(node.active, health),
    json: { ...nodeJson(node), stake, earnings, health },
    lines: [
      `${node.active ? "PASS" : "FAIL"}  registry  ${node.active ? "active" : "not acceptable now"}`,
      `${health.ready ? "PASS" : "FAIL"}  endpoint  ${health.detail}`,
      ...pairLines({
        ...nodePairs(network, node),
        stake: `${network.amount(stake.bonded)} bonded${unbonding}`,
        earnings: `${network.amount(earnings)} not taken`,
      }),
    ],
  };
}

function statusExit(active: boolean, { answers, ready }: Health): ExitCode {
  if (!active) return 1;
  return answers && ready ? 0 : 3;
}

async function healthOf(endpoint: string): Promise<Health> {
  const url = `${endpoint}/v2/health/ready`;
  try {
    const { status: code } = await fetchJson(url, HEALTH_LIMITS);
    return { url, answers: true, ready: code === 200, detail: code === 200 ? "ready" : `answers ${code}: not ready` };
  } catch (error) {
    if (error instanceof ServiceError) return { url, answers: false, ready: false, detail: error.message };
    throw error;
  }
}

async function moveTo(network: Network, name: string, endpoint: string): Promise<Report> {
  const { nodeId, endpoint: before } = await findNode(network.contracts, name);
  const sender = await senderOf(network);
  const already = before === endpoint;
  const transaction = already
    ? undefined
    : (await sender.send(setNodeEndpoint(network.contracts, nodeId, endpoint))).transaction;
  return {
    exit: 0,
    json: { nodeId, endpoint, already, transaction },
    lines: [
      `node ${nodeId} is reached at ${endpoint}${transaction === undefined ? "" : `, by ${transaction}`}`,
      "next: start its worker there, with host and port changed in its configuration",
    ],
  };
}

async function exit(network: Network, name: string): Promise<Report> {
  const { nodeId } = await findNode(network.contracts, name);
  const sender = await senderOf(network);
  const { transaction } = await sender.send(exitNode(network.contracts, nodeId));
  return {
    exit: 0,
    json: { nodeId, transaction },
    lines: [
      `node ${nodeId} is out of service for ever, by ${transaction}`,
      "next: stop its worker, then cloister node unbond",
    ],
  };
}
