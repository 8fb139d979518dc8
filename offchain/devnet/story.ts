import { readFileSync } from "node:fs";
import { checkEvidenceFile, type FileCheck } from "../client/check.ts";
import { parseEvidenceFile } from "../client/evidence-file.ts";
import { readNode } from "../chain/registry.ts";
import { ReceiptError } from "../errors.ts";
import type { AttestationResult } from "../verifier/result.ts";
import { VENDOR_ROOTS } from "../verifier/trust-roots.ts";
import { gasOf, settleAndWithdraw, sharesOf } from "./books.ts";
import { gasOfEvents } from "./gas.ts";
import { TOKEN, type Network } from "./network.ts";
import { NODE_KINDS, publishModel, startNodes, waitActive, type DevnetNode } from "./nodes.ts";
import type { Story } from "./report.ts";
import {
  DEVNET_POLICY,
  GPU_POLICY,
  askDigits,
  createUsers,
  heldOutDigits,
  userOf,
  writeEvidenceFile,
  type Answered,
  type Users,
} from "./user.ts";

/** What the main job leaves behind for the attacks and for the person who looks on. */
export interface Played {
  readonly nodes: readonly DevnetNode[];
  readonly users: Users;
  readonly answers: readonly Answered[];
  readonly evidenceFile: string;
}

const DIGITS = 100;
const DEPOSIT = TOKEN;
const ATTEST_MS = 45_000;
const MIN_ACCURACY = 0.95;

/** The main job: attest, pay, infer, check, settle, take the rest back. Throws where a step fails. */
export async function playMainJob(network: Network, story: Story): Promise<Played> {
  story.chapter("Nodes: one of each kind; register, prove what they run, become active");
  const nodes = await attestNodes(network, story);
  story.chapter("Two users verify the nodes, pay and ask; one of them insists on a GPU");
  const users = await createUsers(network);
  await verifyNodes(users, nodes, story);
  await openChannels(users, nodes, story);
  const answers = await ask(network, users, nodes, story);
  const evidenceFile = await keepEvidence(network, answers, story);
  story.chapter("The books: settle, take the rest back");
  await settleAndWithdraw(network, { users, nodes, inferences: DIGITS }, story);
  return { nodes, users, answers, evidenceFile };
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
  const nodes = await startNodes(network, NODE_KINDS);
  for (const node of nodes) {
    story.record({
      id: `registered/${node.kind}`,
      outcome: "PASS",
      detail: node.nodeId,
      gas: Number(node.registered.gasUsed),
    });
    await story.step(
      `attested/${node.kind}`,
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

async function verifyNodes(users: Users, nodes: readonly DevnetNode[], story: Story): Promise<void> {
  for (const node of nodes) {
    await story.step(
      `verified-by-user/${node.kind}`,
      () => userOf(users, node).client.verify(node.nodeId),
      ({ result }) => ({ detail: resultText(result) }),
    );
  }
}

function resultText({ verdict, checks, claims, devices = [] }: AttestationResult): string {
  const passed = checks.filter(({ outcome }) => outcome === "pass").length;
  const beside = devices.map((device) =>
    device?.details["asPublished"] === true ? `${device.platform} measured as published` : "a device not compared",
  );
  const tcb = claims?.tcb === undefined ? [] : [`TCB ${claims.tcb.status}`];
  return [verdict, `${passed} checks passed`, ...tcb, ...beside, "SIMULATED"].join(", ");
}

async function openChannels(users: Users, nodes: readonly DevnetNode[], story: Story): Promise<void> {
  const parts = sharesOf(users, nodes);
  const opened = await story.step(
    "channels-opened",
    () =>
      Promise.all(
        parts.map(({ user, theirs }) => user.client.deposit(theirs.map(({ nodeId }) => ({ nodeId, amount: DEPOSIT })))),
      ),
    (sent) => ({ detail: `${nodes.length} channels in ${sent.length} transactions`, gas: gasOf(sent) }),
  );
  story.fact("gasOpenChannels", gasOf(opened));
}

async function ask(
  network: Network,
  users: Users,
  nodes: readonly DevnetNode[],
  story: Story,
): Promise<readonly Answered[]> {
  const digits = heldOutDigits(network).slice(0, DIGITS);
  const answers = await story.step(
    "answers-checked",
    () => askDigits(users, network, nodes, digits),
    (all) => ({ detail: `${all.length} sealed requests, ${all.length} receipts, every one checked` }),
  );
  for (const { kind, nodeId } of nodes) {
    const own = answers.filter(({ node }) => node.nodeId === nodeId);
    const detail = `${own.length} paid answers, median ${medianOf(own).toFixed(1)} ms`;
    story.record({ id: `answered/${kind}`, outcome: own.length > 0 ? "PASS" : "FAIL", detail });
  }
  const right = answers.filter(({ digit, guess }) => digit.label === guess).length;
  const median = medianOf(answers);
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

function medianOf(answers: readonly Answered[]): number {
  const times = answers.map(({ ms }) => ms).sort((a, b) => a - b);
  return times[Math.floor(times.length / 2)] ?? 0;
}

/** Keeps the evidence of one answer of each node, and checks it offline; the path of the first. */
async function keepEvidence(network: Network, answers: readonly Answered[], story: Story): Promise<string> {
  const firsts = new Map(answers.toReversed().map((answered) => [answered.node.kind, answered]));
  const paths: string[] = [];
  for (const kind of NODE_KINDS) {
    const answered = firsts.get(kind);
    if (answered === undefined) throw new ReceiptError("RECEIPT_MALFORMED", `there is no answer of ${kind}`);
    const path = writeEvidenceFile(network, answered.answer);
    paths.push(path);
    await story.step(
      `evidence-file-holds/${kind}`,
      () => checkOffline(network, path, answered.node.gpu),
      ({ checks }) => ({
        detail: `${checks.filter(({ outcome }) => outcome === "pass").length} checks, offline: ${path}`,
      }),
    );
  }
  story.fact("evidenceFile", paths[0] ?? "");
  return paths[0] ?? "";
}

async function checkOffline(network: Network, path: string, gpu: boolean): Promise<FileCheck> {
  const policy = gpu ? { ...DEVNET_POLICY, gpu: GPU_POLICY.gpu } : DEVNET_POLICY;
  const trustRoots = [...VENDOR_ROOTS, ...network.vendors.trustRoots];
  const checked = await checkEvidenceFile(parseEvidenceFile(JSON.parse(readFileSync(path, "utf8"))), {
    trustRoots,
    policy,
  });
  if (!checked.holds) throw new ReceiptError("RECEIPT_MALFORMED", "the evidence file does not hold");
  return checked;
}
