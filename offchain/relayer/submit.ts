import type { Member } from "../chain/committee.ts";
import type { NodeRecord } from "../chain/registry.ts";
import type { SignedVerdict } from "../store/verdicts.ts";
import type { Verdict } from "../verifier/verdict.ts";
import type { RelayerContext } from "./context.ts";
import type { Signature } from "./peers.ts";
import { submitVerdict } from "../chain/committee.ts";
import { readNode } from "../chain/registry.ts";
import { findSent } from "../chain/sender.ts";
import { ChainError } from "../errors.ts";
import { parseVerdict } from "../verifier/verdict-json.ts";
import { collectSignatures, turnOf } from "./peers.ts";

/** Who decides, as of this step. */
export interface Committee {
  readonly members: readonly Member[];
  readonly threshold: number;
}

/** How long a transaction that was sent may stay unseen before the verdict is sent again. */
const UNSEEN_MS = 180_000;

/**
 * Brings a signed verdict on chain when it is this member's turn and enough members signed the same. The registry takes a
 * piece of evidence once, so two members that submit at once, or one that does it again after a crash, do no harm.
 */
export async function bring(context: RelayerContext, committee: Committee, signed: SignedVerdict): Promise<void> {
  if (context.now() < turnStart(context, committee, signed) || (await isUnderWay(context, signed))) return;
  const verdict = parseVerdict(JSON.parse(signed.verdict));
  const others = await collectSignatures(context, committee.members, verdict);
  const chosen = choose([...others, { account: signed.signer, signature: signed.signature }], committee.threshold);
  if (chosen === undefined) {
    context.log.debug({ node: verdict.nodeId, given: others.length + 1 }, "waiting for more signatures");
    return;
  }
  await submit(context, signed, verdict, chosen);
}

/** Notes that the evidence is on chain, whoever brought it. */
export async function noteRecorded({ verdicts }: RelayerContext, node: NodeRecord): Promise<void> {
  const known = await verdicts.submission(node.evidenceHash);
  if (known.state === "confirmed") return;
  const transaction = known.state === "sent" ? known.transaction : null;
  await verdicts.setSubmission(node.evidenceHash, { state: "confirmed", transaction });
}

function turnStart(context: RelayerContext, { members }: Committee, signed: SignedVerdict): number {
  return Number(signed.signedAt) + turnOf(signed.signer, members, signed.evidenceHash) * context.turnDelayMs;
}

/** A transaction that was sent before, by this process or by one that crashed, is waited for. */
async function isUnderWay(context: RelayerContext, signed: SignedVerdict): Promise<boolean> {
  const submission = await context.verdicts.submission(signed.evidenceHash);
  if (submission.state !== "sent") return false;
  try {
    const sent = await findSent(context.contracts.chain, submission.transaction);
    return sent === undefined && context.now() < Number(signed.signedAt) + UNSEEN_MS;
  } catch (error) {
    if (error instanceof ChainError && error.code === "TX_REVERTED") return false;
    throw error;
  }
}

/** Exactly as many signatures as are needed, in ascending order of the signers' addresses. */
function choose(given: readonly Signature[], threshold: number): readonly Signature[] | undefined {
  if (given.length < threshold) return undefined;
  return [...given].sort((a, b) => (a.account < b.account ? -1 : 1)).slice(0, threshold);
}

async function submit(
  context: RelayerContext,
  signed: SignedVerdict,
  verdict: Verdict,
  chosen: readonly Signature[],
): Promise<void> {
  const { verdicts, sender, contracts, log } = context;
  const { evidenceHash, nodeId } = signed;
  const signatures = chosen.map(({ signature }) => signature);
  try {
    const renews = (await readNode(contracts, nodeId))?.signingKey === verdict.signingKey;
    const possession = renews ? "0x" : signed.possession;
    const sent = await sender.send(submitVerdict(contracts, verdict, possession, signatures), {
      onTaken: (transaction) => verdicts.setSubmission(evidenceHash, { state: "sent", transaction }),
    });
    await verdicts.setSubmission(evidenceHash, { state: "confirmed", transaction: sent.transaction });
    const facts = { node: nodeId, evidence: evidenceHash, transaction: sent.transaction, gas: Number(sent.gasUsed) };
    log.info({ ...facts, simulated: verdict.platform >= 0x80 }, "verdict recorded");
  } catch (error) {
    if (!(error instanceof ChainError) || error.code !== "TX_REVERTED") throw error;
    await noteRefusal(context, signed, error);
  }
}

/** The chain refused: another member was faster, or a condition is not met and may be met later. */
async function noteRefusal(context: RelayerContext, signed: SignedVerdict, error: ChainError): Promise<void> {
  const { verdicts, contracts, log } = context;
  const node = await readNode(contracts, signed.nodeId);
  if (node?.evidenceHash === signed.evidenceHash) return noteRecorded(context, node);
  const before = await verdicts.submission(signed.evidenceHash);
  if (before.state === "failed" && before.reason === error.message) return;
  await verdicts.setSubmission(signed.evidenceHash, { state: "failed", reason: error.message });
  log.warn({ node: signed.nodeId, code: error.code, reason: error.message }, "the chain refused a verdict");
}
