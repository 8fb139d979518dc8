import type { Hex } from "../encoding/bytes.ts";
import { PrivacyError } from "../errors.ts";
import type { Budget } from "./budget.ts";
import { budgetLeft, holdCost, settleCost } from "./budget.ts";
import type { MicroRho } from "./cost.ts";

/** What all payers together, and what one payer, may learn of a model. */
export interface ModelBudget {
  readonly model: Hex;
  readonly limit: MicroRho;
  readonly payerLimit: MicroRho;
}

/** One question: `request` is a digest over all that its answer depends on, the model's policy included. */
export interface PrivateRequest {
  readonly payer: Hex;
  readonly model: Hex;
  readonly request: Hex;
}

/** A question that is under way (`held`) or answered; `cost` is what it holds or has spent. */
export interface LedgerEntry extends PrivateRequest {
  readonly state: "held" | "answered";
  readonly cost: MicroRho;
}

/** What one payer has learnt of one model. */
export interface PayerSpent {
  readonly payer: Hex;
  readonly model: Hex;
  readonly spent: MicroRho;
}

/** All that a ledger is; everything else follows from it. */
export interface LedgerSnapshot {
  /** Grows by 1 with every change. */
  readonly counter: bigint;
  readonly models: readonly ModelBudget[];
  readonly payers: readonly PayerSpent[];
  readonly entries: readonly LedgerEntry[];
}

/** What is left, in millionths of rho. */
export interface Balance {
  readonly spent: MicroRho;
  readonly left: MicroRho;
  readonly modelSpent: MicroRho;
  readonly modelLeft: MicroRho;
}

export const EMPTY_LEDGER: LedgerSnapshot = { counter: 0n, models: [], payers: [], entries: [] };

interface ModelAccount {
  readonly payerLimit: MicroRho;
  budget: Budget;
}

interface PayerAccount {
  readonly payer: Hex;
  readonly model: Hex;
  budget: Budget;
}

/**
 * The budgets of models and of their payers. Every method is one step that happens wholly or not at all: reserve, then release noise,
 * then commit; abort only where no noised value left. Whoever keeps a ledger stores its snapshot before the noised value leaves.
 * Ids are compared as text: the caller gives lower-case hex.
 */
export class PrivacyLedger {
  #counter: bigint;
  readonly #models = new Map<Hex, ModelAccount>();
  readonly #payers = new Map<string, PayerAccount>();
  readonly #entries = new Map<string, LedgerEntry>();

  /**
   * Takes up a snapshot; what was under way is charged in full, because its noised value may have left before the crash.
   * Throws `PrivacyError` `LEDGER_CONFLICT` for a snapshot older than `counterAtLeast`, or one that names an unknown model.
   */
  constructor(snapshot: LedgerSnapshot = EMPTY_LEDGER, counterAtLeast = 0n) {
    if (snapshot.counter < counterAtLeast) throw conflict("the ledger is older than its counter");
    this.#counter = snapshot.counter;
    for (const { model, limit, payerLimit } of snapshot.models) this.#addModel(model, limit, payerLimit);
    for (const { payer, model, spent } of snapshot.payers) this.#charge(payer, model, spent);
    for (const entry of snapshot.entries) this.#takeUp(entry);
  }

  get counter(): bigint {
    return this.#counter;
  }

  /** Gives a model its budgets; the same again changes nothing, others throw `PrivacyError` `LEDGER_CONFLICT`. */
  openModel({ model, limit, payerLimit }: ModelBudget): void {
    const known = this.#models.get(model);
    if (known !== undefined && (known.budget.limit !== limit || known.payerLimit !== payerLimit))
      throw conflict("the model has other budgets");
    if (known !== undefined) return;
    this.#addModel(model, limit, payerLimit);
    this.#counter += 1n;
  }

  /**
   * Holds the most that a question can cost, in both budgets. "answered" means that its answer must come from the payer's cache:
   * nothing is held; where the cache has lost it, `forget` it and reserve again.
   * Throws `PrivacyError`: `BUDGET_EXCEEDED`, `REQUEST_PENDING` while the same question is under way, `LEDGER_CONFLICT` for an unknown model.
   */
  reserve(question: PrivateRequest, cost: MicroRho): "reserved" | "answered" {
    const { payer, model, request } = question;
    const known = this.#entries.get(questionKey(question));
    if (known?.state === "answered") return "answered";
    if (known !== undefined) throw new PrivacyError("REQUEST_PENDING", "the same question is being answered");
    const [modelAccount, payerAccount] = [this.#model(model), this.#payer(payer, model)];
    const budgets = [holdCost(modelAccount.budget, cost), holdCost(payerAccount.budget, cost)] as const;
    [modelAccount.budget, payerAccount.budget] = budgets;
    this.#payers.set(payerKey({ payer, model }), payerAccount);
    this.#entries.set(questionKey(question), { payer, model, request, state: "held", cost });
    this.#counter += 1n;
    return "reserved";
  }

  /** Spends what the answer cost and frees the rest; throws `PrivacyError` `RESERVATION_UNKNOWN`, or `LEDGER_CONFLICT` for a cost below 1 or above what is held. */
  commit(question: PrivateRequest, cost: MicroRho): void {
    const entry = this.#held(question);
    if (cost < 1n) throw conflict("an answer is never free");
    this.#settle(entry, cost);
    this.#entries.set(questionKey(entry), { ...entry, state: "answered", cost });
    this.#counter += 1n;
  }

  /** Frees what is held, only where no noised value has left; throws `PrivacyError` `RESERVATION_UNKNOWN`. */
  abort(question: PrivateRequest): void {
    const entry = this.#held(question);
    this.#settle(entry, 0n);
    this.#entries.delete(questionKey(entry));
    this.#counter += 1n;
  }

  /** Notes that the answer is no longer in the cache: the same question will be charged again. Says whether it was known. */
  forget(question: PrivateRequest): boolean {
    const key = questionKey(question);
    if (this.#entries.get(key)?.state !== "answered") return false;
    this.#entries.delete(key);
    this.#counter += 1n;
    return true;
  }

  /** Raises what a payer has spent to at least `spent`, such as what receipts on chain say: an older ledger gains nothing. It never lowers. */
  raise({ payer, model, spent }: PayerSpent): void {
    const missing = spent - this.#payer(payer, model).budget.spent;
    if (missing <= 0n) return;
    this.#charge(payer, model, missing);
    this.#counter += 1n;
  }

  /** What is spent and left; throws `PrivacyError` `LEDGER_CONFLICT` for an unknown model. */
  balance(payer: Hex, model: Hex): Balance {
    const [whole, own] = [this.#model(model).budget, this.#payer(payer, model).budget];
    const modelLeft = budgetLeft(whole);
    const left = budgetLeft(own);
    return { spent: own.spent, left: left < modelLeft ? left : modelLeft, modelSpent: whole.spent, modelLeft };
  }

  /** The whole ledger, sorted, so that equal ledgers have equal snapshots. */
  snapshot(): LedgerSnapshot {
    const models = [...this.#models].map(([model, { budget, payerLimit }]) => ({
      model,
      limit: budget.limit,
      payerLimit,
    }));
    const payers = sorted(this.#payers)
      .filter(({ budget }) => budget.spent > 0n)
      .map(({ payer, model, budget }) => ({ payer, model, spent: budget.spent }));
    return {
      counter: this.#counter,
      models: models.sort((a, b) => (a.model < b.model ? -1 : 1)),
      payers,
      entries: sorted(this.#entries),
    };
  }

  #addModel(model: Hex, limit: MicroRho, payerLimit: MicroRho): void {
    if (payerLimit < 0n || limit < payerLimit) throw conflict("a payer's budget is part of the model's");
    this.#models.set(model, { payerLimit, budget: { limit, spent: 0n, held: 0n } });
  }

  #takeUp(entry: LedgerEntry): void {
    this.#model(entry.model);
    // What is answered is among what was spent already; what was held is charged, and its answer is lost.
    if (entry.state === "held") this.#charge(entry.payer, entry.model, entry.cost);
    else this.#entries.set(questionKey(entry), entry);
    if (entry.state === "held") this.#counter += 1n;
  }

  #charge(payer: Hex, model: Hex, cost: MicroRho): void {
    const [modelAccount, payerAccount] = [this.#model(model), this.#payer(payer, model)];
    for (const account of [modelAccount, payerAccount])
      account.budget = { ...account.budget, spent: account.budget.spent + cost };
    this.#payers.set(payerKey({ payer, model }), payerAccount);
  }

  #settle({ payer, model, cost: held }: LedgerEntry, cost: MicroRho): void {
    const [modelAccount, payerAccount] = [this.#model(model), this.#payer(payer, model)];
    const budgets = [settleCost(modelAccount.budget, held, cost), settleCost(payerAccount.budget, held, cost)] as const;
    [modelAccount.budget, payerAccount.budget] = budgets;
  }

  #held(question: PrivateRequest): LedgerEntry {
    const entry = this.#entries.get(questionKey(question));
    if (entry?.state !== "held") throw new PrivacyError("RESERVATION_UNKNOWN", "nothing is held for this question");
    return entry;
  }

  #model(model: Hex): ModelAccount {
    const account = this.#models.get(model);
    if (account === undefined) throw conflict("the model has no budget");
    return account;
  }

  #payer(payer: Hex, model: Hex): PayerAccount {
    const fresh = { limit: this.#model(model).payerLimit, spent: 0n, held: 0n };
    return this.#payers.get(payerKey({ payer, model })) ?? { payer, model, budget: fresh };
  }
}

/** One text for one payer of one model. */
export function payerKey({ payer, model }: Pick<PrivateRequest, "payer" | "model">): string {
  return `${model}:${payer}`;
}

/** One text for one question. */
export function questionKey(question: PrivateRequest): string {
  return `${payerKey(question)}:${question.request}`;
}

function sorted<T>(map: ReadonlyMap<string, T>): readonly T[] {
  return [...map].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, value]) => value);
}

function conflict(message: string): PrivacyError {
  return new PrivacyError("LEDGER_CONFLICT", message);
}
