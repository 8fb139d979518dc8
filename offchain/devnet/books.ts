import { setTimeout as sleep } from "node:timers/promises";
import { revertName } from "../chain/failure.ts";
import type { Sent } from "../chain/sender.ts";
import { ReceiptError } from "../errors.ts";
import { gasOfEvents, type Spent } from "./gas.ts";
import { TOKEN, type Network } from "./network.ts";
import { PRICE, waitFor, type DevnetNode } from "./nodes.ts";
import type { Story } from "./report.ts";
import { balanceOf, USER_FUNDS, userOf, type User, type Users } from "./user.ts";

/** Who asked whom, and how many paid inferences there were in all. */
export interface Business {
  readonly users: Users;
  readonly nodes: readonly DevnetNode[];
  readonly inferences: number;
}

/** A user with the nodes that it asks. */
export interface Share {
  readonly user: User;
  readonly theirs: readonly DevnetNode[];
}

const SETTLE_MS = 20_000;
const THAW_MS = 20_000;

/** Waits until every worker has settled, then closes the channels and takes back what is left. */
export async function settleAndWithdraw(network: Network, business: Business, story: Story): Promise<void> {
  const { users, nodes, inferences } = business;
  const each = inferences / nodes.length;
  const due = (PRICE * BigInt(inferences)) / BigInt(nodes.length);
  await story.step(
    "settled",
    () => waitSettled(network, business, due),
    ({ transactions, gas }) => ({
      detail: `${tokens(due)} TCLO to each operator for ${each} inferences, in ${transactions} transactions`,
      gas,
    }),
  );
  const shares = sharesOf(users, nodes);
  await Promise.all(
    shares.map(async ({ user, theirs }) => {
      for (const { nodeId } of theirs) await user.client.closeChannel(nodeId);
    }),
  );
  const left = BigInt(shares.length) * USER_FUNDS - due * BigInt(nodes.length);
  await story.step(
    "rest-taken-back",
    () => Promise.all(shares.map((share) => takeBack(network, share, due))),
    (sent) => ({ detail: `the users have ${tokens(left)} TCLO, to the wei`, gas: gasOf(sent) }),
  );
}

async function waitSettled(network: Network, { users, nodes }: Business, due: bigint): Promise<Spent> {
  const settled = async (): Promise<boolean> => {
    const states = await Promise.all(nodes.map((node) => userOf(users, node).client.channel(node.nodeId)));
    return states.every(({ spent }) => spent === due);
  };
  await waitFor(settled, SETTLE_MS, "the workers did not settle");
  const about = nodes.map(({ nodeId }) => nodeId);
  return gasOfEvents(network, { contract: "InferenceEscrow", name: "SettledPacked", about });
}

async function takeBack(network: Network, { user, theirs }: Share, due: bigint): Promise<Sent> {
  const sent = await withdrawThawed(user, theirs);
  const left = await balanceOf(network, user);
  const expected = USER_FUNDS - due * BigInt(theirs.length);
  if (left !== expected) throw new ReceiptError("VOUCHER_INVALID", `the user has ${left}, not ${expected}`);
  return sent;
}

/** Each user with the nodes that it asks; none who asks no node. */
export function sharesOf(users: Users, nodes: readonly DevnetNode[]): readonly Share[] {
  return [users.anyNode, users.gpuNode]
    .map((user) => ({ user, theirs: nodes.filter((node) => userOf(users, node) === user) }))
    .filter(({ theirs }) => theirs.length > 0);
}

/** What several transactions cost together. */
export function gasOf(sent: readonly Sent[]): number {
  return sent.reduce((sum, { gasUsed }) => sum + Number(gasUsed), 0);
}

/** Tries until the contract says that the thaw is over: the chain's clock decides, not this machine's. */
export async function withdrawThawed(user: User, nodes: readonly DevnetNode[]): Promise<Sent> {
  const end = performance.now() + THAW_MS;
  for (;;) {
    try {
      return await user.client.withdraw(nodes.map(({ nodeId }) => nodeId));
    } catch (error) {
      if (revertName(error) !== "InferenceEscrowChannelThawing" || performance.now() > end) throw error;
      await sleep(250);
    }
  }
}

/** An amount in whole tokens. */
function tokens(amount: bigint): string {
  const fraction = (amount % TOKEN).toString().padStart(18, "0").replace(/0+$/, "");
  return fraction === "" ? `${amount / TOKEN}` : `${amount / TOKEN}.${fraction}`;
}
