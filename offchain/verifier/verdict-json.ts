import { hexField, integerField, parseMembers, uintField, writeMembers } from "../encoding/members.ts";
import { EvidenceError } from "../errors.ts";
import type { Verdict } from "./verdict.ts";

const MAX_UINT40 = 0xff_ffff_ffff;

const FIELDS = {
  nodeId: hexField(32),
  operator: hexField(20),
  signingKey: hexField(20),
  sealingKey: hexField(32),
  gpuEvidenceHash: hexField(32),
  configHash: hexField(32),
  platform: integerField(0xff),
  tcbStatus: integerField(0xff),
  evaluationNumber: integerField(0xffff_ffff),
  workloadId: hexField(32),
  platformId: hexField(32),
  evidenceHash: hexField(32),
  policyVersion: integerField(0xffff_ffff),
  blockNumber: uintField(64),
  blockHash: hexField(32),
  issuedAt: integerField(MAX_UINT40),
  expiresAt: integerField(MAX_UINT40),
};

const malformed = (message: string): EvidenceError => new EvidenceError("EVIDENCE_MALFORMED", message);

/** The JSON object of a verdict, its members in the order of docs/protocol.md section 4. */
export function verdictToJson(verdict: Verdict): Readonly<Record<keyof Verdict, string | number>> {
  return writeMembers<keyof Verdict>(verdict, FIELDS);
}

/** Reads a verdict's JSON object; throws `EvidenceError` `EVIDENCE_MALFORMED` for anything missing, unknown or out of range. */
export function parseVerdict(json: unknown): Verdict {
  return parseMembers(json, FIELDS, "verdict", malformed);
}
