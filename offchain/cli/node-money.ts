import type { Command } from "commander";
import { readEarnings, withdrawEarnings } from "../chain/escrow.ts";
import type { Sender } from "../chain/sender.ts";
import { readStake, requestUnbond, withdrawStake, type Stake, readLockedStake } from "../chain/stake.ts";
import type { Hex } from "../encoding/bytes.ts";
import { ConfigError } from "../errors.ts";
import { parseAmount } from "./amount.ts";
import { onNetwork, senderOf, type Network, type NetworkOptions } from "./network.ts";
import { timeOf } from "./nodes.ts";
import type { Report, Session } from "./session.ts";
import { amountIn, sendThawed } from "./thaw.ts";
import { networkVerb } from "./verb.ts";

interface UnbondOptions extends NetworkOptions {
  readonly amount?: string;
}

interface WithdrawOptions extends NetworkOptions {
  readonly wait?: boolean;
}

/** What was taken, in the token's smallest unit; no transaction where there was nothing to take. */
interface Taken {
  readonly withdrawn: bigint;
  readonly transaction?: Hex;
}

/** Adds `node unbond` and `node withdraw`. */
export function addNodeMoney(node: Command, session: Session): void {
  networkVerb(node, "unbond", {
    description: "start the thaw of your bond: of what no live node and no seat in the committee needs",
    example: "cloister node unbond --profile operator.json",
  })
    .option("--amount <tokens>", "thaw this much, whatever needs it; whole tokens with decimals")
    .action(async (options: UnbondOptions) =>
      session.conclude(await onNetwork(options, session, (network) => unbond(network, options, session))),
    );
  networkVerb(node, "withdraw", {
    description: "take what your nodes have earned, and the bond that has thawed",
    example: "cloister node withdraw --profile operator.json",
  })
    .option("--wait", "wait for the thaw of what is unbonding")
    .action(async (options: WithdrawOptions) =>
      session.conclude(await onNetwork(options, session, (network) => withdraw(network, options, session))),
    );
}

async function unbond(network: Network, options: UnbondOptions, session: Session): Promise<Report> {
  const { contracts } = network;
  const sender = await senderOf(network);
  const operator = sender.address;
  const needed = await readLockedStake(contracts, operator);
  const amount = amountOf(network, options, { needed, stake: await readStake(contracts, operator) });
  let transaction: Hex | undefined;
  if (amount > 0n) {
    session.progress(`unbonding ${network.amount(amount)}`);
    ({ transaction } = await sender.send(requestUnbond(contracts, amount)));
  }
  const stake = await readStake(contracts, operator);
  return {
    exit: 0,
    json: { operator, amount, transaction, needed, stake },
    lines: [
      ...(transaction === undefined ? [] : [`${network.amount(amount)} began to thaw in ${transaction}`]),
      ...shortLines(network, needed - stake.bonded),
      ...thawLines(network, stake),
    ],
  };
}

/** What begins to thaw now; nothing where all that can thaw does so already, because asking again would start the thaw anew. */
function amountOf(
  network: Network,
  { amount: text }: UnbondOptions,
  { needed, stake }: { readonly needed: bigint; readonly stake: Stake },
): bigint {
  const { bonded, unbonding } = stake;
  const free = bonded > needed ? bonded - needed : 0n;
  const amount = text === undefined ? free : parseAmount(text, network.decimals);
  if (amount > 0n || (text === undefined && unbonding > 0n)) return amount;
  if (text !== undefined) throw new ConfigError("CONFIG_INVALID", `${text} tokens cannot be unbonded`);
  throw new ConfigError(
    "CONFIG_INVALID",
    `there is nothing to unbond: ${network.amount(bonded)} are bonded and ${network.amount(needed)} are needed`,
    { next: "Take nodes out of service with `cloister node exit NODE` first, or give --amount." },
  );
}

function shortLines(network: Network, short: bigint): readonly string[] {
  if (short <= 0n) return [];
  return [`the bond is ${network.amount(short)} short: your live nodes or your seat in the committee do not count now`];
}

function thawLines(network: Network, { unbonding, withdrawableAt }: Stake): readonly string[] {
  return [
    `${network.amount(unbonding)} of the bond thaw until ${timeOf(Number(withdrawableAt))}`,
    "next: cloister node withdraw after that, or with --wait",
  ];
}

async function withdraw(network: Network, { wait }: WithdrawOptions, session: Session): Promise<Report> {
  const sender = await senderOf(network);
  const earnings = await takeEarnings(network, sender, session);
  const bond = await takeBond(network, sender, { session, wait: wait === true });
  const stake = await readStake(network.contracts, sender.address);
  return {
    exit: 0,
    json: { operator: sender.address, earnings, bond, stake },
    lines: [
      takenLine(network, "earnings", earnings),
      takenLine(network, "the thawed bond", bond),
      ...(stake.unbonding === 0n ? [] : thawLines(network, stake)),
    ],
  };
}

function takenLine(network: Network, what: string, { withdrawn, transaction }: Taken): string {
  if (transaction === undefined) return `nothing to take of ${what}`;
  return `took ${network.amount(withdrawn)} of ${what} in ${transaction}`;
}

async function takeEarnings({ contracts, amount }: Network, sender: Sender, session: Session): Promise<Taken> {
  const earned = await readEarnings(contracts, sender.address);
  if (earned === 0n) return { withdrawn: 0n };
  session.progress(`taking ${amount(earned)} of earnings`);
  const sent = await sender.send(withdrawEarnings(contracts));
  return { withdrawn: amountIn(contracts, sent, "EarningsWithdrawn"), transaction: sent.transaction };
}

interface BondParts {
  readonly session: Session;
  readonly wait: boolean;
}

async function takeBond({ contracts }: Network, sender: Sender, { session, wait }: BondParts): Promise<Taken> {
  const { unbonding, withdrawableAt } = await readStake(contracts, sender.address);
  if (unbonding === 0n) return { withdrawn: 0n };
  if (wait) session.progress(`taking the bond, after the thaw until ${timeOf(Number(withdrawableAt))}`);
  const sent = await sendThawed(sender, withdrawStake(contracts), { refusal: "NodeStakeStillThawing", wait });
  if (sent === undefined) return { withdrawn: 0n };
  return { withdrawn: amountIn(contracts, sent, "StakeWithdrawn"), transaction: sent.transaction };
}
