import type { Block } from "../chain/provider.ts";
import type { NodeRecord } from "../chain/registry.ts";
import type { Hex } from "../encoding/bytes.ts";
import type { SignedVerdict } from "../store/verdicts.ts";
import type { NodeEvidence } from "../verifier/node-evidence.ts";
import type { Failure } from "../verifier/result.ts";
import type { RelayerContext } from "./context.ts";
import { keccak256 } from "#crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { readMembers, readThreshold } from "../chain/committee.ts";
import { latestBlock } from "../chain/provider.ts";
import { listNodes } from "../chain/registry.ts";
import { toHex } from "../encoding/bytes.ts";
import { CloisterError, ServiceError } from "../errors.ts";
import { detect } from "../verifier/detect.ts";
import { parseNodeEvidence } from "../verifier/node-evidence.ts";
import { signVerdict, verdictDigest, type Verdict } from "../verifier/verdict.ts";
import { verdictToJson } from "../verifier/verdict-json.ts";
import { committeeDomain } from "./context.ts";
import { judge, readAnchor, type Case } from "./judge.ts";
import { takeOwnSeat } from "./seat.ts";
import { bring, noteRecorded, type Committee } from "./submit.ts";

/** What a relayer says of itself. */
export interface RelayerStatus {
  readonly address: Hex;
  readonly chainId: string;
  /** The newest block that a step has seen; null before the first step. */
  readonly lastBlock: string | null;
  /** How many verdicts stand in each state. */
  readonly jobs: Readonly<Record<string, number>>;
}

export interface Relayer {
  /** Looks at every node once and does what is due; a failure with one node is logged and stops nothing else. */
  step(): Promise<void>;
  status(): Promise<RelayerStatus>;
}

/** How many nodes are looked at together. */
const WIDTH = 8;
/** A verdict is renewed when less than this share of its time is left. */
const RENEWAL_SHARE = 4;

/** Makes a relayer; it does nothing by itself, see `runRelayer`. */
export function createRelayer(context: RelayerContext): Relayer {
  let head: Block | undefined;
  return {
    step: async () => {
      head = await latestBlock(context.contracts.chain);
      await relayAll(context, head);
    },
    status: async () => ({
      address: context.sender.address,
      chainId: context.contracts.chain.chainId.toString(),
      lastBlock: head === undefined ? null : head.blockNumber.toString(),
      jobs: await context.verdicts.counts(),
    }),
  };
}

/** Steps until told to stop; a failed step is logged with its code and tried again. */
export async function runRelayer(
  relayer: Relayer,
  options: { readonly stepMs: number; readonly signal: AbortSignal; readonly onFailure: (error: unknown) => void },
): Promise<void> {
  while (!options.signal.aborted) {
    await relayer.step().catch(options.onFailure);
    await sleep(options.stepMs, undefined, { signal: options.signal }).catch(() => undefined);
  }
}

async function relayAll(context: RelayerContext, head: Block): Promise<void> {
  const [members, threshold] = [await readMembers(context.contracts), await readThreshold(context.contracts)];
  await takeOwnSeat(context, members);
  const nodes = (await listNodes(context.contracts)).filter(({ status }) => !["exited", "slashed"].includes(status));
  for (let start = 0; start < nodes.length; start += WIDTH) {
    const some = nodes.slice(start, start + WIDTH);
    await Promise.all(
      some.map((node) =>
        relay(context, { members, threshold }, node, head).catch((error: unknown) => logFailure(context, node, error)),
      ),
    );
  }
}

async function relay(context: RelayerContext, committee: Committee, node: NodeRecord, head: Block): Promise<void> {
  const evidence = await fetchEvidence(context, node);
  const evidenceHash = evidenceHashOf(evidence);
  if (evidenceHash === node.evidenceHash) return noteRecorded(context, node);
  if (!isDue(node, evidence, head)) return;
  const known = await context.verdicts.get(evidenceHash);
  const signed = known ?? (await decide(context, { node, evidence, head }, evidenceHash));
  if (signed !== undefined) await bring(context, committee, signed);
}

/**
 * Whether a node needs a verdict: it has none, it has a new key, or its verdict ends soon. A pending one has its verdict,
 * and another would start its time for challenges anew; a challenged one takes none.
 */
function isDue(node: NodeRecord, evidence: NodeEvidence, head: Block): boolean {
  if (node.status === "challenged") return false;
  if (!["active", "pending"].includes(node.status) || evidence.binding.signingKey !== node.signingKey) return true;
  return node.expiresAt - head.timestamp < (node.expiresAt - node.attestedAt) / RENEWAL_SHARE;
}

async function fetchEvidence(context: RelayerContext, { endpoint }: NodeRecord): Promise<NodeEvidence> {
  const { status, body } = await context.fetchJson(`${endpoint.replace(/\/+$/, "")}/v1/evidence`);
  if (status !== 200) throw new ServiceError("SERVICE_UNAVAILABLE", `${endpoint} answered ${status}`);
  return parseNodeEvidence(body);
}

function evidenceHashOf({ evidence }: NodeEvidence): Hex {
  return toHex(keccak256(detect(evidence).bytes));
}

/** Judges evidence that was never judged well before; what is signed is on the disk before anybody sees it. */
async function decide(
  context: RelayerContext,
  found: Omit<Case, "anchor">,
  evidenceHash: Hex,
): Promise<SignedVerdict | undefined> {
  const { node, evidence } = found;
  const anchor = await readAnchor(context, evidence);
  if (anchor.timestamp < node.attestedAt) return undefined;
  const judgement = await judge(context, { ...found, anchor });
  if ("verdict" in judgement) return context.verdicts.put(sign(context, judgement.verdict, evidence));
  await logRefusal(context, node, evidenceHash, judgement.refused);
  return undefined;
}

function sign(context: RelayerContext, verdict: Verdict, evidence: NodeEvidence): SignedVerdict {
  const domain = committeeDomain(context);
  return {
    evidenceHash: verdict.evidenceHash,
    nodeId: verdict.nodeId,
    digest: toHex(verdictDigest(domain, verdict)),
    verdict: JSON.stringify(verdictToJson(verdict)),
    possession: evidence.possession,
    signature: signVerdict(domain, verdict, context.privateKey),
    signer: context.sender.address,
    signedAt: BigInt(context.now()),
  };
}

async function logRefusal(
  context: RelayerContext,
  node: NodeRecord,
  evidenceHash: Hex,
  failures: readonly Failure[],
): Promise<void> {
  const isFirst = await context.verdicts.refuse(evidenceHash, node.nodeId, JSON.stringify(failures));
  if (isFirst) context.log.warn({ node: node.nodeId, evidence: evidenceHash, failures }, "node refused");
}

function logFailure({ log }: RelayerContext, { nodeId, endpoint }: NodeRecord, error: unknown): void {
  if (!(error instanceof CloisterError)) log.error({ node: nodeId, err: error }, "a fault of the relayer");
  else log.warn({ node: nodeId, endpoint, code: error.code, reason: error.message }, "node not judged");
}
