import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { checkEvidenceFile } from "../client/check.ts";
import { parseEvidenceFile } from "../client/evidence-file.ts";
import { revertName } from "../chain/failure.ts";
import { readNode } from "../chain/registry.ts";
import type { Sent } from "../chain/sender.ts";
import { ReceiptError } from "../errors.ts";
import { channelId } from "../receipt/voucher.ts";
import { VENDOR_ROOTS } from "../verifier/trust-roots.ts";
import { gasOfEvents } from "./gas.ts";
import { TOKEN, type Network } from "./network.ts";
import { PRICE, publishModel, startNode, waitActive, waitFor, type DevnetNode } from "./nodes.ts";
import type { Story } from "./report.ts";
import {
  DEVNET_POLICY,
  USER_FUNDS,
  askDigits,
  balanceOf,
  createUser,
  heldOutDigits,
  writeEvidenceFile,
  type Answered,
  type User,
} from "./user.ts";

/** What the main job leaves behind for the attacks and for the person who looks on. */
export interface Played {
  readonly nodes: readonly DevnetNode[];
  readonly user: User;
  readonly answers: readonly Answered[];
  readonly evidenceFile: string;
}

const DIGITS = 100;
const DEPOSIT = TOKEN;
const ATTEST_MS = 45_000;
const SETTLE_MS = 20_000;
const THAW_MS = 20_000;
const MIN_ACCURACY = 0.95;

/** The main job: attest, pay, infer, check, settle, take the rest back. Throws where a step fails. */
export async function playMainJob(network: Network, story: Story): Promise<Played> {
  story.chapter("Nodes: register, prove what they run, become active");
  const nodes = await attestNodes(network, story);
  story.chapter("A user verifies the nodes, pays and asks");
  const user = await createUser(network, "user");
  await verifyNodes(user, nodes, story);
  const opened = await story.step(
    "channels-opened",
    () => user.client.deposit(nodes.map(({ nodeId }) => ({ nodeId, amount: DEPOSIT }))),
    (sent) => ({ detail: `${nodes.length} channels in one transaction`, gas: Number(sent.gasUsed) }),
  );
  story.fact("gasOpenChannels", Number(opened.gasUsed));
  const answers = await ask(network, user, nodes, story);
  const evidenceFile = await keepEvidence(network, answers, story);
  story.chapter("The books: settle, take the rest back");
  await settleAndWithdraw(network, user, nodes, story);
  return { nodes, user, answers, evidenceFile };
}

async function attestNodes(network: Network, story: Story): Promise<readonly DevnetNode[]> {
  const owner = await network.account("model-owner");
  await story.step(
    "model-published",
    () => publishModel(network, owner),
    (sent) => ({
      detail: `${network.model.manifest.name}, root ${network.model.root.slice(0, 18)}…`,
      gas: Number(sent.gasUsed),
    }),
  );
  const nodes = await Promise.all([
    startNode(network, "intel-sgx", "worker-sgx"),
    startNode(network, "intel-tdx", "worker-tdx"),
    startNode(network, "amd-sev-snp", "worker-snp"),
    startNode(network, "aws-nitro", "worker-nitro"),
  ]);
  for (const node of nodes) {
    story.record({
      id: `registered/${node.tee}`,
      outcome: "PASS",
      detail: node.nodeId,
      gas: Number(node.registered.gasUsed),
    });
    await story.step(
      `attested/${node.tee}`,
      async () => {
        await waitActive(network, node, ATTEST_MS);
        return gasOfEvents(network, { contract: "NodeRegistry", name: "NodeAttested", about: [node.nodeId] });
      },
      ({ gas }) => ({ detail: "verdict of 2 of 3 relayers recorded (SIMULATED platform)", gas }),
    );
    await recordAttestation(network, node, story);
  }
  return nodes;
}

async function recordAttestation(network: Network, node: DevnetNode, story: Story): Promise<void> {
  const record = await readNode(network.contracts, node.nodeId);
  story.say(`workload ${record?.workloadId ?? "none"}`);
  story.say(
    `evidence ${record?.evidenceHash ?? "none"}, valid until ${new Date((record?.expiresAt ?? 0) * 1000).toISOString()}`,
  );
}

async function verifyNodes(user: User, nodes: readonly DevnetNode[], story: Story): Promise<void> {
  for (const node of nodes) {
    await story.step(
      `verified-by-user/${node.tee}`,
      () => user.client.verify(node.nodeId),
      ({ result }) => ({
        detail: `${result.verdict}, ${result.checks.filter(({ outcome }) => outcome === "pass").length} checks passed, TCB ${result.claims?.tcb?.status ?? "not stated"}, SIMULATED`,
      }),
    );
  }
}

async function ask(
  network: Network,
  user: User,
  nodes: readonly DevnetNode[],
  story: Story,
): Promise<readonly Answered[]> {
  const digits = heldOutDigits(network).slice(0, DIGITS);
  const answers = await story.step(
    "answers-checked",
    () => askDigits(user, network, nodes, digits),
    (all) => ({ detail: `${all.length} sealed requests, ${all.length} receipts, every one checked` }),
  );
  const right = answers.filter(({ digit, guess }) => digit.label === guess).length;
  const times = answers.map(({ ms }) => ms).sort((a, b) => a - b);
  const median = times[Math.floor(times.length / 2)] ?? 0;
  const accuracy = right / answers.length;
  story.record({
    id: "accuracy",
    outcome: accuracy >= MIN_ACCURACY ? "PASS" : "FAIL",
    detail: `${right} of ${answers.length} held-out digits right; median ${median.toFixed(1)} ms for verify, seal, pay, infer, check`,
  });
  story.fact("accuracy", accuracy);
  story.fact("medianMillisecondsPerInference", Number(median.toFixed(2)));
  return answers;
}

async function keepEvidence(network: Network, answers: readonly Answered[], story: Story): Promise<string> {
  const [first] = answers;
  if (first === undefined) throw new ReceiptError("RECEIPT_MALFORMED", "there is no answer");
  const path = writeEvidenceFile(network, first.answer);
  await story.step(
    "evidence-file-holds",
    async () => {
      const file = parseEvidenceFile(JSON.parse(readFileSync(path, "utf8")));
      const checked = await checkEvidenceFile(file, {
        trustRoots: [...VENDOR_ROOTS, ...network.vendors.trustRoots],
        policy: DEVNET_POLICY,
      });
      if (!checked.holds) throw new ReceiptError("RECEIPT_MALFORMED", "the evidence file does not hold");
      return checked;
    },
    (checked) => ({
      detail: `${checked.checks.filter(({ outcome }) => outcome === "pass").length} checks, offline: ${path}`,
    }),
  );
  story.fact("evidenceFile", path);
  return path;
}

async function settleAndWithdraw(
  network: Network,
  user: User,
  nodes: readonly DevnetNode[],
  story: Story,
): Promise<void> {
  const due = (PRICE * BigInt(DIGITS)) / BigInt(nodes.length);
  const settled = async (): Promise<boolean> => {
    const states = await Promise.all(nodes.map(({ nodeId }) => user.client.channel(nodeId)));
    return states.every(({ spent }) => spent === due);
  };
  await story.step(
    "settled",
    async () => {
      await waitFor(settled, SETTLE_MS, "the workers did not settle");
      const about = nodes.map(({ nodeId }) => channelId(user.account.address, nodeId));
      return gasOfEvents(network, { contract: "InferenceEscrow", name: "Settled", about });
    },
    ({ transactions, gas }) => ({
      detail: `${tokens(due)} TCLO to each operator for ${DIGITS / nodes.length} inferences, in ${transactions} transactions`,
      gas,
    }),
  );
  for (const { nodeId } of nodes) await user.client.closeChannel(nodeId);
  await story.step(
    "rest-taken-back",
    async () => {
      const sent = await withdrawThawed(user, nodes);
      const left = await balanceOf(network, user);
      const expected = USER_FUNDS - due * BigInt(nodes.length);
      if (left !== expected) throw new ReceiptError("VOUCHER_INVALID", `the user has ${left}, not ${expected}`);
      return sent;
    },
    (sent) => ({
      detail: `the user has ${tokens(USER_FUNDS - due * BigInt(nodes.length))} TCLO, to the wei`,
      gas: Number(sent.gasUsed),
    }),
  );
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
export function tokens(amount: bigint): string {
  const fraction = (amount % TOKEN).toString().padStart(18, "0").replace(/0+$/, "");
  return fraction === "" ? `${amount / TOKEN}` : `${amount / TOKEN}.${fraction}`;
}
