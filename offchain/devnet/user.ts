import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Sent } from "../chain/sender.ts";
import { mintTestTokens, readBalance } from "../chain/token.ts";
import { openClient, type Client, type ClientAnswer } from "../client/client.ts";
import { evidenceFileToJson } from "../client/evidence-file.ts";
import { prettyJson } from "../encoding/json.ts";
import { digitTensor, likeliestDigits, parseDigits, type Digit } from "../model/digits.ts";
import { DEFAULT_POLICY, type AppraisalPolicy } from "../verifier/policy.ts";
import { VENDOR_ROOTS } from "../verifier/trust-roots.ts";
import type { Account } from "./accounts.ts";
import { POLLING_MS, TOKEN, type Network } from "./network.ts";
import type { DevnetNode } from "./nodes.ts";
import { servicesAt } from "./services.ts";

/** The policy of every program on the devnet: the default one, and simulated vendors allowed. */
export const DEVNET_POLICY: AppraisalPolicy = { ...DEFAULT_POLICY, allowSimulated: true };
/** The policy of a user who asks for a GPU: measured as its vendor publishes, none of its certificates revoked, nothing old. */
export const GPU_POLICY: AppraisalPolicy = {
  ...DEVNET_POLICY,
  revocation: "required",
  maximumEvidenceAge: 3600,
  maximumEndorsementAge: 24 * 3600,
  gpu: { required: true, referenceMeasurements: "required" },
};
export const USER_FUNDS = 10n * TOKEN;

/** A paying user of the devnet. */
export interface User {
  readonly account: Account;
  readonly client: Client;
}

/** The users of a devnet that has nodes of every kind. */
export interface Users {
  /** Takes any node. */
  readonly anyNode: User;
  /** Takes only nodes with a GPU. */
  readonly gpuNode: User;
}

/** Makes both users, who have tokens and clients of their own. */
export async function createUsers(network: Network): Promise<Users> {
  const [anyNode, gpuNode] = await Promise.all([
    createUser(network, "user"),
    createUser(network, "gpu-user", GPU_POLICY),
  ]);
  return { anyNode, gpuNode };
}

/** The user who asks a node: whose policy says the most of it. */
export function userOf({ anyNode, gpuNode }: Users, { gpu }: Pick<DevnetNode, "gpu">): User {
  return gpu ? gpuNode : anyNode;
}

export async function closeUsers({ anyNode, gpuNode }: Users): Promise<void> {
  await Promise.all([anyNode, gpuNode].map(({ client }) => client.close()));
}

/** Makes a user with tokens and a client of its own. */
export async function createUser(network: Network, name: string, policy = DEVNET_POLICY): Promise<User> {
  const account = await network.account(name);
  const sender = await network.sender(account);
  await sender.send(mintTestTokens(network.contracts, account.address, USER_FUNDS));
  await network.prepareStore(name);
  return { account, client: await openUserClient(network, name, { account, policy }) };
}

/** Opens a user's client on the store of that name, also again after the one before was closed. */
export function openUserClient(
  network: Network,
  name: string,
  { account, policy = DEVNET_POLICY }: { readonly account: Account; readonly policy?: AppraisalPolicy },
): Promise<Client> {
  return openClient({
    rpcUrl: network.chain.url,
    deployments: network.deployments,
    trustRoots: [...VENDOR_ROOTS, ...network.vendors.trustRoots],
    policy,
    endorsements: servicesAt(network.endorsements.url),
    payerKey: account.privateKey,
    pollingMs: POLLING_MS,
    store: { dir: join(network.dir, "data", name) },
  });
}

/** The held-out digits of the model's package. */
export function heldOutDigits(network: Network): readonly Digit[] {
  return parseDigits(new Uint8Array(readFileSync(join(network.modelDir, "holdout.bin"))));
}

/** One answered digit. */
export interface Answered {
  readonly node: DevnetNode;
  readonly digit: Digit;
  readonly guess: number;
  readonly ms: number;
  readonly answer: ClientAnswer;
}

/** Sends digits one by one, shared out over the nodes, each channel in its own order. */
export async function askDigits(
  users: Users,
  network: Network,
  nodes: readonly DevnetNode[],
  digits: readonly Digit[],
): Promise<readonly Answered[]> {
  const shares = nodes.map((_, index) => digits.filter((__, position) => position % nodes.length === index));
  const answered = await Promise.all(
    nodes.map(async (node, index) => {
      const answers: Answered[] = [];
      for (const digit of shares[index] ?? []) {
        answers.push(await askDigit(userOf(users, node), network, node, digit));
      }
      return answers;
    }),
  );
  return answered.flat();
}

/** Sends one digit to a node. */
export async function askDigit(user: User, network: Network, node: DevnetNode, digit: Digit): Promise<Answered> {
  const started = performance.now();
  const answer = await user.client.infer(node.nodeId, network.model.root, [digitTensor([digit.pixels])]);
  const ms = performance.now() - started;
  const [scores] = answer.outputs;
  const [guess = -1] = scores === undefined ? [] : likeliestDigits(scores);
  return { node, digit, guess, ms, answer };
}

/** Writes the evidence file of an answer and returns its path. */
export function writeEvidenceFile(network: Network, answer: ClientAnswer, settlement?: Sent): string {
  const file = { ...answer.evidenceFile, ...(settlement === undefined ? {} : { settlement: settlement.transaction }) };
  const { channelId, sequence } = answer.voucher;
  const path = join(network.dir, "evidence", `${channelId.slice(2, 10)}-${sequence}.json`);
  writeFileSync(path, prettyJson(evidenceFileToJson(file)));
  return path;
}

/** The user's token balance. */
export function balanceOf(network: Network, user: User): Promise<bigint> {
  return readBalance(network.contracts, user.account.address);
}
