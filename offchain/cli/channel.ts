import type { Command } from "commander";
import { signingAddress } from "#crypto";
import {
  allowList,
  closeChannel,
  depositChannels,
  readChannel,
  reopenChannel,
  withdrawChannels,
  type ChannelState,
} from "../chain/escrow.ts";
import { listNodes } from "../chain/registry.ts";
import { approve, readAllowance } from "../chain/token.ts";
import { readProfileKey } from "../client/profile.ts";
import { parseHex, toHex, type Hex } from "../encoding/bytes.ts";
import { ConfigError } from "../errors.ts";
import { parseAmount } from "./amount.ts";
import { findNode } from "./node-select.ts";
import { timeOf } from "./nodes.ts";
import { onNetwork, senderOf, type Network, type NetworkOptions } from "./network.ts";
import type { Report, Session } from "./session.ts";
import { tableLines } from "./table.ts";
import { amountIn, sendThawed } from "./thaw.ts";
import { networkVerb, NODE_ARGUMENT } from "./verb.ts";

interface OpenOptions extends NetworkOptions {
  readonly node: string;
  readonly amount: string;
  readonly list?: string;
}

interface CloseOptions extends NetworkOptions {
  readonly wait?: boolean;
}

const MAX_DEPOSIT = 1n << 96n;

/** Adds `channel open`, `channel list`, `channel close` and `channel reopen`. */
export function addChannel(program: Command, session: Session): void {
  const channel = program.command("channel").description("your payment channels with nodes");
  networkVerb(channel, "open", {
    description: "open a channel with a node, or put more into it",
    example: "cloister channel open --node 1 --amount 1.5",
  })
    .requiredOption("--node <node>", NODE_ARGUMENT)
    .requiredOption("--amount <tokens>", 'whole tokens with decimals, such as "1.5"')
    .option("--list <tokens>", "let the node's enclave charge without vouchers until this much is spent in all")
    .action(async (options: OpenOptions) =>
      session.conclude(await onNetwork(options, session, (network) => open(network, options, session))),
    );
  networkVerb(channel, "list", { description: "your channels", example: "cloister channel list" }).action(
    async (options: NetworkOptions) => session.conclude(await onNetwork(options, session, list)),
  );
  networkVerb(channel, "close", {
    description: "start the thaw of a channel, or take the rest back where it has thawed",
    example: "cloister channel close 1 --wait",
  })
    .argument("<node>", NODE_ARGUMENT)
    .option("--wait", "wait for the thaw and take the rest back")
    .action(async (node: string, options: CloseOptions) =>
      session.conclude(await onNetwork(options, session, (network) => close(network, node, { ...options, session }))),
    );
  networkVerb(channel, "reopen", {
    description: "go on with a channel that is closing, with what is left in it",
    example: "cloister channel reopen 1",
  })
    .argument("<node>", NODE_ARGUMENT)
    .action(async (node: string, options: NetworkOptions) =>
      session.conclude(await onNetwork(options, session, (network) => reopen(network, node))),
    );
}

async function open(network: Network, options: OpenOptions, session: Session): Promise<Report> {
  const { contracts, decimals } = network;
  const { node: name, amount: text } = options;
  const amount = parseAmount(text, decimals);
  const cap = options.list === undefined ? 0n : parseAmount(options.list, decimals);
  if (amount === 0n || amount >= MAX_DEPOSIT || cap >= MAX_DEPOSIT) {
    throw new ConfigError("CONFIG_INVALID", `${text} tokens cannot be put into a channel`);
  }
  const { nodeId } = await findNode(contracts, name);
  const sender = await senderOf(network);
  session.progress(`depositing ${network.amount(amount)} for node ${nodeId}`);
  if ((await readAllowance(contracts, sender.address, "InferenceEscrow")) < amount) {
    await sender.send(approve(contracts, "InferenceEscrow", amount));
  }
  const { transaction } = await sender.send(depositChannels(contracts, [{ nodeId, amount }]));
  if (cap > 0n) await sender.send(allowList(contracts, nodeId, cap));
  const channel = await readChannel(contracts, sender.address, nodeId);
  return {
    exit: 0,
    json: { nodeId, amount, transaction, channel },
    lines: [
      `deposited ${network.amount(amount)} for node ${nodeId} in ${transaction}`,
      `the channel holds ${network.amount(channel.deposit - channel.spent)}`,
      ...(cap > 0n ? [`the node's lists may charge until ${network.amount(channel.listCap)} are spent in all`] : []),
      `next: cloister infer --node ${nodeId.slice(0, 10)} --digit 7`,
    ],
  };
}

async function list(network: Network): Promise<Report> {
  const payer = addressOf(network);
  const nodes = await listNodes(network.contracts);
  const all = await Promise.all(
    nodes.map(async ({ nodeId }, index) => {
      const { deposit, spent, withdrawableAt } = await readChannel(network.contracts, payer, nodeId);
      return { number: index + 1, nodeId, deposit, spent, withdrawableAt };
    }),
  );
  const channels = all.filter(({ deposit, spent }) => deposit > 0n || spent > 0n);
  const rows = channels.map(({ number, nodeId, deposit, spent, withdrawableAt }) => [
    String(number),
    nodeId.slice(0, 10),
    network.amount(deposit - spent),
    network.amount(spent),
    stateOf(deposit - spent, withdrawableAt),
  ]);
  const none = [`${payer} has no channel`, "next: cloister channel open --node 1 --amount 1"];
  const lines = rows.length === 0 ? none : tableLines(["", "node", "left", "spent", "state"], rows);
  return { exit: 0, json: { payer, channels }, lines };
}

function stateOf(left: bigint, withdrawableAt: number): string {
  if (withdrawableAt !== 0) return `closing, withdrawable at ${timeOf(withdrawableAt)}`;
  return left === 0n ? "empty" : "open";
}

interface CloseParts extends CloseOptions {
  readonly session: Session;
}

async function close(network: Network, name: string, { wait, session }: CloseParts): Promise<Report> {
  const { contracts } = network;
  const { nodeId } = await findNode(contracts, name);
  const sender = await senderOf(network);
  const before = await readChannel(contracts, sender.address, nodeId);
  if (before.deposit === before.spent && before.withdrawableAt === 0) {
    throw new ConfigError("CONFIG_INVALID", `there is nothing in the channel with node ${nodeId}`);
  }
  if (before.withdrawableAt === 0) {
    session.progress(`closing the channel with node ${nodeId}`);
    await sender.send(closeChannel(contracts, nodeId));
  }
  const rest = await readChannel(contracts, sender.address, nodeId);
  if (wait === true) session.progress(`taking the rest back, after the thaw until ${timeOf(rest.withdrawableAt)}`);
  const thaw = { refusal: "InferenceEscrowChannelThawing", wait: wait === true };
  const taken = await sendThawed(sender, withdrawChannels(contracts, [nodeId]), thaw);
  if (taken === undefined) return thawing(nodeId, rest);
  // The node may have settled until the last moment.
  const withdrawn = amountIn(contracts, taken, "ChannelWithdrawn");
  return {
    exit: 0,
    json: { nodeId, state: "withdrawn", withdrawn, transaction: taken.transaction },
    lines: [`took ${network.amount(withdrawn)} back from node ${nodeId} in ${taken.transaction}`],
  };
}

function thawing(nodeId: Hex, { withdrawableAt }: ChannelState): Report {
  return {
    exit: 0,
    json: { nodeId, state: "closing", withdrawableAt },
    lines: [
      `the channel with node ${nodeId} is closing; the node may settle until ${timeOf(withdrawableAt)}`,
      `next: cloister channel close ${nodeId.slice(0, 10)} after that, to take the rest back`,
      `or: cloister channel reopen ${nodeId.slice(0, 10)}, to go on with it`,
    ],
  };
}

/** Reopening what is open changes nothing; what is empty is opened with money. */
async function reopen(network: Network, name: string): Promise<Report> {
  const { contracts } = network;
  const { nodeId } = await findNode(contracts, name);
  const sender = await senderOf(network);
  const before = await readChannel(contracts, sender.address, nodeId);
  if (before.deposit === before.spent && before.withdrawableAt === 0) {
    throw new ConfigError("CONFIG_INVALID", `there is nothing in the channel with node ${nodeId}`, {
      next: `Run "cloister channel open --node ${nodeId.slice(0, 10)} --amount 1" instead.`,
    });
  }
  const already = before.withdrawableAt === 0;
  const transaction = already ? undefined : (await sender.send(reopenChannel(contracts, nodeId))).transaction;
  const channel = await readChannel(contracts, sender.address, nodeId);
  return {
    exit: 0,
    json: { nodeId, already, transaction, channel },
    lines: [`the channel with node ${nodeId} is open and holds ${network.amount(channel.deposit - channel.spent)}`],
  };
}

function addressOf({ profile }: Network): Hex {
  const key = parseHex(readProfileKey(profile), 32);
  if (key === undefined) throw new ConfigError("CONFIG_INVALID", `${profile.keyFile} holds no key`);
  return toHex(signingAddress(key));
}
