import { signDigest } from "#crypto";
import type { Hex } from "../../offchain/encoding/bytes.ts";
import type { Verdict } from "../../offchain/verifier/verdict.ts";
import type { Gas } from "./operations.ts";
import { reportEquivocation, submitVerdict, takeSeat } from "../../offchain/chain/committee.ts";
import { callTo } from "../../offchain/chain/contracts.ts";
import { latestBlock } from "../../offchain/chain/provider.ts";
import { exitNode, listNodes, recheckNode, register } from "../../offchain/chain/registry.ts";
import { bond, bondFor, requestUnbond, withdrawStake } from "../../offchain/chain/stake.ts";
import { approve, mintTestTokens } from "../../offchain/chain/token.ts";
import { PRODUCTION } from "../../offchain/chain/deploy-parameters.ts";
import { toHex } from "../../offchain/encoding/bytes.ts";
import { bindingDigest } from "../../offchain/verifier/binding.ts";
import { signVerdict } from "../../offchain/verifier/verdict.ts";
import { CHALLENGE_WINDOW, DAY, MIN_EVALUATION_NUMBER, party, PLATFORM, word, WORKLOAD_ID } from "./network.ts";
import type { GasNetwork, Party } from "./network.ts";

/** A registered node and the enclave key that it was last attested with. */
export interface GasNode {
  readonly nodeId: Hex;
  readonly operator: Party;
  readonly key: Party;
}

const ENDPOINT = "https://node-1.example.org:8443";
const { minStake, memberBond, stakeThaw } = PRODUCTION;

/** Gives tokens to a party and lets one of the contracts take them. */
export async function fund(
  network: GasNetwork,
  owner: Party,
  spender: "NodeStake" | "InferenceEscrow",
  amount: bigint,
): Promise<void> {
  await network.send(owner, mintTestTokens(network.contracts, owner.address, amount));
  await network.send(owner, approve(network.contracts, spender, amount));
}

/** Bonds for each member of the committee. */
export async function bondCommittee(network: GasNetwork): Promise<void> {
  const sponsor = party("sponsor");
  await fund(network, sponsor, "NodeStake", 3n * memberBond);
  for (const member of network.members) {
    await network.send(sponsor, bondFor(network.contracts, member.address, memberBond));
    await network.send(member, takeSeat(network.contracts, member.address));
  }
}

/** Registers and attests nodes of one operator, who bonds for all of them. */
export async function startNodes(network: GasNetwork, operator: Party, count: number): Promise<readonly GasNode[]> {
  await fund(network, operator, "NodeStake", minStake * BigInt(count));
  await network.send(operator, bond(network.contracts, minStake * BigInt(count)));
  const nodes: GasNode[] = [];
  for (let i = 0; i < count; i++) {
    await network.send(operator, register(network.contracts, word(`${operator.address} ${i}`), ENDPOINT));
    const node = { nodeId: await newestNode(network), operator, key: party(`${operator.address} key ${i}`) };
    await submit(network, node);
    nodes.push(node);
  }
  await passWindow(network);
  return nodes;
}

/** Lets the time for challenges pass, with a block after it that evidence can be anchored to. */
export async function passWindow(network: GasNetwork): Promise<void> {
  const anybody = party("sponsor");
  network.wait(CHALLENGE_WINDOW);
  await network.send(anybody, mintTestTokens(network.contracts, anybody.address, 1n));
}

/** The first verdict of all reads the platform's policy for those after it. */
export async function measureFirstOfAll(network: GasNetwork): Promise<Gas<"verdictAfterChange">> {
  const operator = party("pioneer");
  await fund(network, operator, "NodeStake", minStake);
  await network.send(operator, bond(network.contracts, minStake));
  await network.send(operator, register(network.contracts, word("pioneer"), ENDPOINT));
  return {
    verdictAfterChange: await submit(network, {
      nodeId: await newestNode(network),
      operator,
      key: party("pioneer key"),
    }),
  };
}

/** An operator's way from its first deposit to its last withdrawal. */
export async function measureNodes(
  network: GasNetwork,
): Promise<
  Gas<
    | "stakeFirst"
    | "stakeMore"
    | "unbond"
    | "stakeWithdraw"
    | "registerFirst"
    | "registerMore"
    | "verdictNew"
    | "verdictRenewal"
    | "verdictRotation"
    | "verdictLaterRotation"
    | "isActive"
    | "exit"
  >
> {
  const { contracts } = network;
  const operator = party("operator");
  await fund(network, operator, "NodeStake", 10n * minStake);
  const stakeFirst = await network.send(operator, bond(contracts, minStake));
  const stakeMore = await network.send(operator, bond(contracts, minStake));
  const registerFirst = await network.send(operator, register(contracts, word("first"), ENDPOINT));
  const nodeId = await newestNode(network);
  const registerMore = await network.send(operator, register(contracts, word("more"), ENDPOINT));
  const attested = (key: string, renews = false) => submit(network, { nodeId, operator, key: party(key) }, renews);
  const verdictNew = await attested("first key");
  await passWindow(network);
  const isActive = await network.askActive(nodeId);
  const verdictRenewal = await attested("first key", true);
  const verdictRotation = await attested("second key");
  const verdictLaterRotation = await attested("third key");
  const exit = await network.send(operator, exitNode(contracts, nodeId));
  const unbond = await network.send(operator, requestUnbond(contracts, minStake));
  network.wait(stakeThaw);
  const stakeWithdraw = await network.send(operator, withdrawStake(contracts));
  const stake = { stakeFirst, stakeMore, unbond, stakeWithdraw };
  const verdicts = { verdictNew, verdictRenewal, verdictRotation, verdictLaterRotation };
  return { ...stake, ...verdicts, registerFirst, registerMore, isActive, exit };
}

/** Convicts a member; one before it makes the stake's burnt total non-zero, as it is ever after. */
export async function measureEquivocation(network: GasNetwork, node: GasNode): Promise<Gas<"slashEquivocation">> {
  const reporter = party("sponsor");
  const [first, second] = network.members;
  if (first === undefined || second === undefined) throw new Error("no committee");
  const verdict = await verdictFor(network, node);
  const other = { ...verdict, tcbStatus: 2 };
  const report = (member: Party) =>
    network.send(
      reporter,
      reportEquivocation(
        network.contracts,
        { verdict, signature: signVerdict(committee(network), verdict, member.privateKey) },
        { verdict: other, signature: signVerdict(committee(network), other, member.privateKey) },
      ),
    );
  await fund(network, reporter, "NodeStake", 1n);
  await report(first);
  return { slashEquivocation: await report(second) };
}

/** Re-checks a node that the policy has left behind, and so revokes it. */
export async function measureRecheck(network: GasNetwork, { nodeId }: GasNode): Promise<Gas<"recheck">> {
  const { contracts, guardian } = network;
  const raised = [PLATFORM, MIN_EVALUATION_NUMBER + 1];
  await network.send(guardian, callTo(contracts, "ReferenceValues", "raiseMinEvaluationNumber", raised));
  return { recheck: await network.send(party("sponsor"), recheckNode(contracts, nodeId)) };
}

async function newestNode({ contracts }: GasNetwork): Promise<Hex> {
  const nodeId = (await listNodes(contracts)).at(-1)?.nodeId;
  if (nodeId === undefined) throw new Error("no node was registered");
  return nodeId;
}

/** A new key proves its possession, a renewed one has. */
async function submit(network: GasNetwork, node: GasNode, renews = false): Promise<number> {
  const verdict = await verdictFor(network, node);
  const { contracts, members } = network;
  const registry = { chainId: contracts.chain.chainId, verifyingContract: contracts.addresses.NodeRegistry };
  const possession = toHex(signDigest(node.key.privateKey, bindingDigest(registry, verdict)));
  const signatures = members
    .slice(0, PRODUCTION.threshold)
    .map((member) => signVerdict(committee(network), verdict, member.privateKey));
  return network.send(
    members[0] ?? node.operator,
    submitVerdict(contracts, verdict, renews ? "0x" : possession, signatures),
  );
}

function committee({ contracts: { chain, addresses } }: GasNetwork) {
  return { chainId: chain.chainId, verifyingContract: addresses.VerifierCommittee };
}

async function verdictFor(network: GasNetwork, { nodeId, operator, key }: GasNode): Promise<Verdict> {
  const block = await latestBlock(network.contracts.chain);
  return {
    nodeId,
    operator: operator.address,
    signingKey: key.address,
    sealingKey: word(`sealing ${key.address}`),
    gpuEvidenceHash: `0x${"00".repeat(32)}`,
    configHash: word("config"),
    platform: PLATFORM,
    tcbStatus: 1,
    evaluationNumber: MIN_EVALUATION_NUMBER,
    workloadId: WORKLOAD_ID,
    platformId: word(`platform of ${nodeId}`),
    evidenceHash: word(`evidence ${block.blockNumber}`),
    policyVersion: 1,
    blockNumber: block.blockNumber,
    blockHash: block.blockHash,
    issuedAt: block.timestamp,
    expiresAt: block.timestamp + DAY,
  };
}
