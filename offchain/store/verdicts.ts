import type { Hex } from "../encoding/bytes.ts";
import type { Migration } from "./migrations.ts";
import type { Queryable } from "./sql.ts";
import { StoreError } from "../errors.ts";

/** A verdict that this committee member has signed: one for an evidence hash, ever. */
export interface SignedVerdict {
  readonly evidenceHash: Hex;
  readonly nodeId: Hex;
  /** What was signed, 32 bytes. */
  readonly digest: Hex;
  /** JSON of the verdict. */
  readonly verdict: string;
  readonly possession: Hex;
  readonly signature: Hex;
  readonly signer: Hex;
  /** Milliseconds since 1970. */
  readonly signedAt: bigint;
}

/**
 * How far a verdict's way to the chain is: `sent` names a transaction that may or may not be mined, `confirmed` the one
 * that recorded it, or null where another member brought it.
 */
export type Submission =
  | { readonly state: "waiting" }
  | { readonly state: "sent"; readonly transaction: Hex }
  | { readonly state: "confirmed"; readonly transaction: Hex | null }
  | { readonly state: "failed"; readonly reason: string };

export interface Verdicts {
  /**
   * Stores a signed verdict before anyone sees it and gives back what stands in the store. Throws StoreError
   * `STORE_CONFLICT` where another verdict for the same evidence was signed before: showing both would be slashable.
   */
  put(verdict: SignedVerdict): Promise<SignedVerdict>;
  get(evidenceHash: Hex): Promise<SignedVerdict | undefined>;
  /** The verdict for a node that was signed last. */
  latest(nodeId: Hex): Promise<SignedVerdict | undefined>;
  submission(evidenceHash: Hex): Promise<Submission>;
  setSubmission(evidenceHash: Hex, submission: Submission): Promise<void>;
  /** How many verdicts stand in each state. */
  counts(): Promise<Readonly<Record<Submission["state"], number>>>;
  /** Remembers that evidence was refused; says whether this is the first time. */
  refuse(evidenceHash: Hex, nodeId: Hex, reason: string): Promise<boolean>;
}

export const VERDICT_MIGRATIONS: readonly Migration[] = [
  {
    part: "verdicts",
    version: 1,
    sql: `CREATE TABLE verdicts (
      evidence_hash TEXT PRIMARY KEY,
      node_id TEXT NOT NULL,
      digest TEXT NOT NULL,
      verdict TEXT NOT NULL,
      possession TEXT NOT NULL,
      signature TEXT NOT NULL,
      signer TEXT NOT NULL,
      signed_at BIGINT NOT NULL,
      state TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'sent', 'confirmed', 'failed')),
      detail TEXT);
    CREATE INDEX verdicts_by_node ON verdicts (node_id, signed_at DESC);
    CREATE TABLE refusals (evidence_hash TEXT PRIMARY KEY, node_id TEXT NOT NULL, reason TEXT NOT NULL)`,
  },
];

const COLUMNS = `evidence_hash AS "evidenceHash", node_id AS "nodeId", digest, verdict, possession, signature, signer,
  signed_at AS "signedAt"`;

export function verdicts(store: Queryable): Verdicts {
  const one = async (rest: string, key: Hex): Promise<SignedVerdict | undefined> => {
    const [row] = await store.query<SignedVerdict>(`SELECT ${COLUMNS} FROM verdicts WHERE ${rest}`, [key]);
    return row;
  };
  const get: Verdicts["get"] = (evidenceHash) => one("evidence_hash = $1", evidenceHash);
  return {
    get,
    put: async (verdict) => {
      await insert(store, verdict);
      const stored = await get(verdict.evidenceHash);
      if (stored?.digest === verdict.digest) return stored;
      throw new StoreError("STORE_CONFLICT", `another verdict was signed for the evidence ${verdict.evidenceHash}`);
    },
    latest: (nodeId) => one("node_id = $1 ORDER BY signed_at DESC LIMIT 1", nodeId),
    submission: (evidenceHash) => submissionOf(store, evidenceHash),
    setSubmission: (evidenceHash, submission) => setSubmission(store, evidenceHash, submission),
    counts: () => counts(store),
    refuse: async (evidenceHash, nodeId, reason) => {
      const sql = "INSERT INTO refusals VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING evidence_hash";
      return (await store.query(sql, [evidenceHash, nodeId, reason])).length === 1;
    },
  };
}

async function insert(store: Queryable, verdict: SignedVerdict): Promise<void> {
  await store.query("INSERT INTO verdicts VALUES ($1,$2,$3,$4,$5,$6,$7,$8) ON CONFLICT DO NOTHING", [
    verdict.evidenceHash,
    verdict.nodeId,
    verdict.digest,
    verdict.verdict,
    verdict.possession,
    verdict.signature,
    verdict.signer,
    verdict.signedAt,
  ]);
}

async function submissionOf(store: Queryable, evidenceHash: Hex): Promise<Submission> {
  const [row] = await store.query<{ state: Submission["state"]; detail: string | null }>(
    "SELECT state, detail FROM verdicts WHERE evidence_hash = $1",
    [evidenceHash],
  );
  if (row === undefined || row.state === "waiting") return { state: "waiting" };
  if (row.state === "failed") return { state: "failed", reason: row.detail ?? "" };
  if (row.state === "confirmed") return { state: "confirmed", transaction: row.detail as Hex | null };
  return { state: "sent", transaction: row.detail as Hex };
}

async function setSubmission(store: Queryable, evidenceHash: Hex, submission: Submission): Promise<void> {
  const detail =
    submission.state === "waiting" ? null : submission.state === "failed" ? submission.reason : submission.transaction;
  await store.query("UPDATE verdicts SET state = $2, detail = $3 WHERE evidence_hash = $1", [
    evidenceHash,
    submission.state,
    detail,
  ]);
}

async function counts(store: Queryable): Promise<Record<Submission["state"], number>> {
  const rows = await store.query<{ state: Submission["state"]; count: bigint }>(
    "SELECT state, count(*) AS count FROM verdicts GROUP BY state",
  );
  const found = Object.fromEntries(rows.map((row) => [row.state, Number(row.count)]));
  return { waiting: 0, sent: 0, confirmed: 0, failed: 0, ...found };
}
