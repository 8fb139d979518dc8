import { parseHex, type Hex } from "../../offchain/encoding/bytes.ts";
import type { DcapEndorsements } from "../../offchain/evidence/dcap/endorsements.ts";
import type { TrustRoot } from "../../offchain/evidence/scheme.ts";
import { DEFAULT_POLICY } from "../../offchain/verifier/policy.ts";
import { verifyEvidence } from "../../offchain/verifier/verify.ts";
import { ChainVerifier } from "../../offchain/x509/chain.ts";

/** A verification to measure, as JSON. */
export interface TimedSubject {
  readonly quote: Hex;
  /** Of DCAP, by role. */
  readonly endorsements: Readonly<Record<string, Hex>>;
  readonly trustRoot: TrustRoot;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Whether everything but the quote's own signature was seen before. */
  readonly remembered: boolean;
  /** How long to measure, in milliseconds. */
  readonly budgetMs: number;
}

const WARM_UP_MS = 500;
const SAMPLE_MS = 20;

/**
 * Wall time of one verification in milliseconds, the same way in any runtime: the least of samples of about 20 ms, since other
 * work on the machine can only add to it.
 */
export async function timeOf(subject: TimedSubject): Promise<number> {
  const verify = verificationOf(subject);
  const runs = Math.max(1, Math.round(SAMPLE_MS / (await warmUp(verify))));
  const until = performance.now() + subject.budgetMs;
  let least = Number.POSITIVE_INFINITY;
  do {
    const started = performance.now();
    for (let run = 0; run < runs; run += 1) await verify();
    least = Math.min(least, (performance.now() - started) / runs);
  } while (performance.now() < until);
  return least;
}

/** Runs until the engine has compiled what is hot; gives the time of one run. */
async function warmUp(work: () => Promise<void>): Promise<number> {
  const started = performance.now();
  let runs = 0;
  do {
    await work();
    runs += 1;
  } while (performance.now() < started + WARM_UP_MS);
  return (performance.now() - started) / runs;
}

function verificationOf({ quote, endorsements, trustRoot, now, remembered }: TimedSubject): () => Promise<void> {
  const evidence = bytesOf(quote);
  const parts = Object.entries(endorsements).map(([role, hex]) => [role, bytesOf(hex)] as const);
  const options = {
    endorsements: { dcap: Object.fromEntries(parts) as DcapEndorsements },
    trustRoots: [trustRoot],
    now,
    policy: { ...DEFAULT_POLICY, allowSimulated: true },
  };
  const known = new ChainVerifier();
  return async () => {
    const chains = remembered ? known : new ChainVerifier();
    const { verdict } = await verifyEvidence(evidence, { ...options, chains });
    if (verdict !== "affirming" && verdict !== "warning") throw new Error(`the evidence to measure with is ${verdict}`);
  };
}

function bytesOf(hex: Hex): Uint8Array {
  const bytes = parseHex(hex);
  if (bytes === undefined) throw new TypeError("not hex");
  return bytes;
}
