import { equal, utf8 } from "../encoding/bytes.ts";
import type { Json } from "../encoding/json.ts";
import { canonicalJson } from "../encoding/json.ts";
import type { Field } from "../encoding/members.ts";
import { hexField, listField, parseJson, parseMembers, uintField } from "../encoding/members.ts";
import { PrivacyError } from "../errors.ts";
import type { LedgerEntry, LedgerSnapshot, ModelBudget, PayerSpent } from "./ledger.ts";
import { payerKey, questionKey } from "./ledger.ts";

const SCHEMA = "cloister-privacy-ledger/1";
const MAX_ITEMS = 2 ** 24;

/** The one encoding of a ledger: canonical JSON, lists sorted by model, payer and request. */
export function encodeLedger(snapshot: LedgerSnapshot): Uint8Array {
  return utf8(canonicalJson({ schema: SCHEMA, ...snapshot } as unknown as Json));
}

/**
 * Reads what `encodeLedger` wrote; throws `PrivacyError` `LEDGER_MALFORMED` for anything missing, unknown, out of range, out of order or twice.
 * Whether its models have budgets is for `PrivacyLedger` to see.
 */
export function parseLedger(bytes: Uint8Array): LedgerSnapshot {
  const { schema: _schema, ...snapshot } = parseMembers(
    parseJson(bytes, "the ledger", malformed),
    FIELDS,
    "ledger",
    malformed,
  );
  const { models, payers, entries } = snapshot;
  const ordered = [models.map((item) => item.model), payers.map(payerKey), entries.map(questionKey)].every(
    isIncreasing,
  );
  if (!ordered || !equal(encodeLedger(snapshot), bytes)) throw malformed("the ledger is not in its one encoding");
  return snapshot;
}

function isIncreasing(keys: readonly string[]): boolean {
  return keys.every((key, index) => index === 0 || (keys[index - 1] ?? key) < key);
}

const uint64 = uintField(64);
const positive: Field<bigint> = (value) => uint64(value) || undefined;
const [address, digest] = [hexField(20), hexField(32)];

const model: Field<ModelBudget> = (value) =>
  parseMembers(value, { model: digest, limit: uint64, payerLimit: uint64 }, "ledger.models[]", malformed);

const payer: Field<PayerSpent> = (value) =>
  parseMembers(value, { payer: address, model: digest, spent: positive }, "ledger.payers[]", malformed);

const entry: Field<LedgerEntry> = (value) =>
  parseMembers(
    value,
    {
      payer: address,
      model: digest,
      request: digest,
      state: (state) => (state === "held" || state === "answered" ? state : undefined),
      cost: positive,
    },
    "ledger.entries[]",
    malformed,
  );

const FIELDS = {
  schema: (value: unknown) => (value === SCHEMA ? SCHEMA : undefined),
  counter: uint64,
  models: listField(MAX_ITEMS, model),
  payers: listField(MAX_ITEMS, payer),
  entries: listField(MAX_ITEMS, entry),
};

function malformed(message: string): PrivacyError {
  return new PrivacyError("LEDGER_MALFORMED", message);
}
