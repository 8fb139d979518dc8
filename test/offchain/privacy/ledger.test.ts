import { expect } from "chai";
import * as fc from "fast-check";
import type { Hex } from "../../../offchain/encoding/bytes.ts";
import { utf8 } from "../../../offchain/encoding/bytes.ts";
import { encodeLedger, parseLedger } from "../../../offchain/privacy/ledger-json.ts";
import type { LedgerSnapshot, PrivateRequest } from "../../../offchain/privacy/ledger.ts";
import { PrivacyLedger } from "../../../offchain/privacy/ledger.ts";
import { codeOf } from "../../support/errors.ts";

const word = (byte: number, length = 32): Hex => `0x${byte.toString(16).padStart(2, "0").repeat(length)}`;
const MODEL = word(0xa1);
const [ALICE, BOB] = [word(0x0a, 20), word(0x0b, 20)];
const BUDGETS = { model: MODEL, limit: 100n, payerLimit: 60n };
const asked = (payer: Hex, request: number): PrivateRequest => ({ payer, model: MODEL, request: word(request) });

function opened(): PrivacyLedger {
  const ledger = new PrivacyLedger();
  ledger.openModel(BUDGETS);
  return ledger;
}

/** What a service with this ledger really let out, by payer, against what the ledger allows. */
class Service {
  #ledger = opened();
  readonly #cache = new Map<string, true>();
  readonly released = new Map<Hex, bigint>();
  #stored = this.#ledger.snapshot();
  readonly #mutant: Mutant | undefined;

  constructor(mutant?: Mutant) {
    this.#mutant = mutant;
  }

  /** One request that ends as it is told to; the noise of a crash may have left. */
  ask(payer: Hex, request: number, cost: bigint, end: "answer" | "fail" | "crash"): void {
    const question = asked(payer, request);
    const reserved = this.#reserve(question, cost);
    if (reserved !== "reserved") return;
    this.#stored = this.#mutant === "stores after the release" ? this.#stored : this.#ledger.snapshot();
    if (end === "fail") return this.#ledger.abort(question);
    this.#release(payer, cost);
    if (end === "crash") return this.restart();
    if (this.#mutant === "aborts after the release") return this.#ledger.abort(question);
    this.#ledger.commit(question, cost);
    this.#stored = this.#ledger.snapshot();
    this.#cache.set(JSON.stringify(question), true);
  }

  /** Starts again from what was stored; the cache is lost. */
  restart(): void {
    this.#cache.clear();
    this.#ledger = new PrivacyLedger(parseLedger(encodeLedger(this.#stored)));
    this.#stored = this.#ledger.snapshot();
  }

  get overspent(): boolean {
    const all = [...this.released.values()].reduce((sum, released) => sum + released, 0n);
    return all > BUDGETS.limit || [...this.released.values()].some((released) => released > BUDGETS.payerLimit);
  }

  #reserve(question: PrivateRequest, cost: bigint): string {
    const attempt = (): string => {
      let state = "";
      const code = codeOf(() => (state = this.#ledger.reserve(question, cost)));
      return code === "none" ? state : code;
    };
    const state = attempt();
    if (state !== "answered" || this.#cache.has(JSON.stringify(question))) return state;
    if (this.#mutant === "an uncharged repeat") {
      this.#release(question.payer, cost);
      return "repeated";
    }
    this.#ledger.forget(question);
    return attempt();
  }

  #release(payer: Hex, cost: bigint): void {
    this.released.set(payer, (this.released.get(payer) ?? 0n) + cost);
  }
}

type Mutant = "an uncharged repeat" | "aborts after the release" | "stores after the release";

interface Step {
  readonly payer: Hex;
  readonly request: number;
  readonly cost: bigint;
  readonly end: "answer" | "fail" | "crash";
}

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    payer: fc.constantFrom(ALICE, BOB, word(0x0c, 20)),
    request: fc.integer({ min: 1, max: 4 }),
    cost: fc.bigInt(1n, 30n),
    end: fc.constantFrom("answer", "answer", "fail", "crash"),
  }),
  { maxLength: 60 },
);

function run(service: Service, list: readonly Step[]): void {
  for (const { payer, request, cost, end } of list) service.ask(payer, request, cost, end);
}

describe("privacy/ledger", () => {
  describe("reserve, commit and abort", () => {
    it("hold, spend and free in both budgets", () => {
      const ledger = opened();
      expect(ledger.reserve(asked(ALICE, 1), 40n)).to.equal("reserved");
      expect(ledger.balance(ALICE, MODEL)).to.deep.equal({ spent: 0n, left: 20n, modelSpent: 0n, modelLeft: 60n });
      ledger.commit(asked(ALICE, 1), 30n);
      expect(ledger.balance(ALICE, MODEL)).to.deep.equal({ spent: 30n, left: 30n, modelSpent: 30n, modelLeft: 70n });
      ledger.reserve(asked(BOB, 1), 60n);
      ledger.abort(asked(BOB, 1));
      expect(ledger.balance(BOB, MODEL)).to.deep.equal({ spent: 0n, left: 60n, modelSpent: 30n, modelLeft: 70n });
    });

    it("refuse before a budget is passed, whoever asks at the same time", () => {
      const ledger = opened();
      ledger.reserve(asked(ALICE, 1), 60n);
      expect(codeOf(() => ledger.reserve(asked(ALICE, 2), 1n))).to.equal("BUDGET_EXCEEDED");
      expect(codeOf(() => ledger.reserve(asked(BOB, 1), 41n))).to.equal("BUDGET_EXCEEDED");
      expect(ledger.balance(BOB, MODEL).left).to.equal(40n);
      expect(ledger.reserve(asked(BOB, 1), 40n)).to.equal("reserved");
      expect(codeOf(() => ledger.reserve(asked(BOB, 2), 1n))).to.equal("BUDGET_EXCEEDED");
    });

    it("answer a repeat from the cache or charge it again", () => {
      const ledger = opened();
      ledger.reserve(asked(ALICE, 1), 20n);
      expect(codeOf(() => ledger.reserve(asked(ALICE, 1), 20n))).to.equal("REQUEST_PENDING");
      ledger.commit(asked(ALICE, 1), 20n);
      expect(ledger.reserve(asked(ALICE, 1), 20n)).to.equal("answered");
      expect(ledger.balance(ALICE, MODEL).spent).to.equal(20n);
      // Another payer's cache is another one.
      expect(ledger.reserve(asked(BOB, 1), 20n)).to.equal("reserved");
      expect([
        ledger.forget(asked(ALICE, 1)),
        ledger.forget(asked(ALICE, 1)),
        ledger.forget(asked(BOB, 1)),
      ]).to.deep.equal([true, false, false]);
      expect(ledger.reserve(asked(ALICE, 1), 20n)).to.equal("reserved");
      ledger.commit(asked(ALICE, 1), 20n);
      expect(ledger.balance(ALICE, MODEL).spent).to.equal(40n);
    });

    const refused: Readonly<Record<string, readonly [code: string, action: (ledger: PrivacyLedger) => unknown]>> = {
      "a commit of nothing": ["RESERVATION_UNKNOWN", (ledger) => ledger.commit(asked(ALICE, 9), 1n)],
      "an abort of nothing": ["RESERVATION_UNKNOWN", (ledger) => ledger.abort(asked(ALICE, 9))],
      "a second commit": ["RESERVATION_UNKNOWN", (ledger) => ledger.commit(asked(ALICE, 1), 10n)],
      "an abort after the commit": ["RESERVATION_UNKNOWN", (ledger) => ledger.abort(asked(ALICE, 1))],
      "a commit above what is held": ["LEDGER_CONFLICT", (ledger) => ledger.commit(asked(ALICE, 2), 11n)],
      "a free answer": ["LEDGER_CONFLICT", (ledger) => ledger.commit(asked(ALICE, 2), 0n)],
      "a free reservation": ["PARAMETER_INVALID", (ledger) => ledger.reserve(asked(ALICE, 3), 0n)],
      "a negative reservation": ["PARAMETER_INVALID", (ledger) => ledger.reserve(asked(ALICE, 3), -1n)],
      "an unknown model": ["LEDGER_CONFLICT", (ledger) => ledger.reserve({ ...asked(ALICE, 1), model: word(9) }, 1n)],
      "another budget": ["LEDGER_CONFLICT", (ledger) => ledger.openModel({ ...BUDGETS, limit: 101n })],
      "another payer's budget": ["LEDGER_CONFLICT", (ledger) => ledger.openModel({ ...BUDGETS, payerLimit: 61n })],
      "a payer's budget above the model's": [
        "LEDGER_CONFLICT",
        (ledger) => ledger.openModel({ model: word(9), limit: 1n, payerLimit: 2n }),
      ],
    };
    for (const [what, [code, action]] of Object.entries(refused)) {
      it(`refuse ${what} and change nothing`, () => {
        const ledger = opened();
        ledger.reserve(asked(ALICE, 1), 10n);
        ledger.commit(asked(ALICE, 1), 10n);
        ledger.reserve(asked(ALICE, 2), 10n);
        const before = ledger.snapshot();
        expect(codeOf(() => action(ledger))).to.equal(code);
        expect(ledger.snapshot()).to.deep.equal(before);
      });
    }
  });

  describe("a crash", () => {
    it("charges what was under way, whose answer is lost", () => {
      const before = opened();
      before.reserve(asked(ALICE, 1), 25n);
      before.commit(asked(ALICE, 1), 20n);
      before.reserve(asked(ALICE, 2), 30n);
      const after = new PrivacyLedger(before.snapshot());
      expect(after.balance(ALICE, MODEL)).to.deep.equal({ spent: 50n, left: 10n, modelSpent: 50n, modelLeft: 50n });
      expect(codeOf(() => after.commit(asked(ALICE, 2), 30n))).to.equal("RESERVATION_UNKNOWN");
      expect(codeOf(() => after.reserve(asked(ALICE, 2), 30n))).to.equal("BUDGET_EXCEEDED");
      expect(after.counter > before.counter).to.equal(true);
    });

    it("an older snapshot is refused by its counter, or gains nothing by the receipts", () => {
      const ledger = opened();
      const old = ledger.snapshot();
      ledger.reserve(asked(ALICE, 1), 50n);
      ledger.commit(asked(ALICE, 1), 50n);
      expect(codeOf(() => new PrivacyLedger(old, ledger.counter))).to.equal("LEDGER_CONFLICT");
      const rolledBack = new PrivacyLedger(old);
      rolledBack.raise({ payer: ALICE, model: MODEL, spent: 50n });
      expect(codeOf(() => rolledBack.reserve(asked(ALICE, 1), 11n))).to.equal("BUDGET_EXCEEDED");
      rolledBack.raise({ payer: ALICE, model: MODEL, spent: 20n });
      expect(rolledBack.balance(ALICE, MODEL)).to.deep.equal({
        spent: 50n,
        left: 10n,
        modelSpent: 50n,
        modelLeft: 50n,
      });
      rolledBack.raise({ payer: ALICE, model: MODEL, spent: 500n });
      expect(rolledBack.balance(ALICE, MODEL)).to.deep.equal({
        spent: 500n,
        left: 0n,
        modelSpent: 500n,
        modelLeft: 0n,
      });
    });
  });

  describe("whatever is asked", () => {
    it("never lets out more than the budgets, and only grows", () => {
      fc.assert(
        fc.property(steps, (list) => {
          const service = new Service();
          run(service, list);
          expect(service.overspent).to.equal(false);
        }),
        { numRuns: 300, seed: 7 },
      );
    });

    it("under way together, never holds more than the budgets", () => {
      const actions = fc.array(fc.tuple(fc.nat(3), fc.constantFrom(ALICE, BOB), fc.nat(5), fc.bigInt(1n, 40n)));
      fc.assert(
        fc.property(actions, (list) => {
          const ledger = opened();
          let [counter, spent] = [ledger.counter, 0n];
          for (const [action, payer, request, cost] of list) {
            const before = encodeLedger(ledger.snapshot());
            const code = codeOf(() => {
              if (action === 0) ledger.commit(asked(payer, request), cost);
              else if (action === 1) ledger.abort(asked(payer, request));
              else ledger.reserve(asked(payer, request), cost);
            });
            if (code !== "none") expect(encodeLedger(ledger.snapshot())).to.deep.equal(before);
            expect(ledger.counter >= counter).to.equal(true);
            counter = ledger.counter;
            const { modelSpent, entries } = { ...ledger.balance(payer, MODEL), entries: ledger.snapshot().entries };
            expect(modelSpent >= spent).to.equal(true);
            spent = modelSpent;
            const held = entries.filter(({ state }) => state === "held").reduce((sum, entry) => sum + entry.cost, 0n);
            expect(spent + held <= BUDGETS.limit).to.equal(true);
          }
        }),
        { numRuns: 300, seed: 8 },
      );
    });

    const mutants: readonly Mutant[] = ["an uncharged repeat", "aborts after the release", "stores after the release"];
    for (const mutant of mutants) {
      it(`the check notices a service with this fault: ${mutant}`, () => {
        const found = fc.check(
          fc.property(steps, (list) => {
            const service = new Service(mutant);
            run(service, list);
            return !service.overspent;
          }),
          { numRuns: 1000, seed: 9 },
        );
        expect(found.failed).to.equal(true);
      });
    }
  });

  describe("encodeLedger and parseLedger", () => {
    const full = (): LedgerSnapshot => {
      const ledger = opened();
      ledger.openModel({ model: word(0x01), limit: 5n, payerLimit: 5n });
      for (const [payer, request] of [
        [BOB, 1],
        [ALICE, 2],
        [ALICE, 1],
      ] as const) {
        ledger.reserve(asked(payer, request), 20n);
        if (request === 1) ledger.commit(asked(payer, request), 15n);
      }
      return ledger.snapshot();
    };

    it("bring a ledger back, in one text whatever the order of events", () => {
      const bytes = encodeLedger(full());
      expect(parseLedger(bytes)).to.deep.equal(full());
      expect(new TextDecoder().decode(bytes)).to.match(/^\{"counter":"7","entries":\[\{"cost":"15","model":"0xa1/);
      const [a, b] = [opened(), opened()];
      for (const payer of [ALICE, BOB]) a.reserve(asked(payer, 1), 1n);
      for (const payer of [BOB, ALICE]) b.reserve(asked(payer, 1), 1n);
      expect(encodeLedger(a.snapshot())).to.deep.equal(encodeLedger(b.snapshot()));
    });

    const edits: Readonly<Record<string, (text: string) => string>> = {
      "no JSON": (text) => text.slice(1),
      "white space": (text) => `${text} `,
      "another schema": (text) => text.replace("ledger/1", "ledger/2"),
      "an unknown member": (text) => text.replace("{", '{"a":1,'),
      "a missing member": (text) => text.replace('"counter":"7",', ""),
      "a counter as a number": (text) => text.replace('"counter":"7"', '"counter":7'),
      "an unknown state": (text) => text.replace('"held"', '"free"'),
      "an upper-case id": (text) => text.replace("0xa1", "0xA1"),
      "a free entry": (text) => text.replace('"cost":"15"', '"cost":"0"'),
      "a negative cost": (text) => text.replace('"cost":"15"', '"cost":"-15"'),
      "a payer who spent nothing": (text) => text.replace('"spent":"15"', '"spent":"0"'),
      "lists out of order": (text) => {
        const json = JSON.parse(text) as { payers: unknown[] };
        return JSON.stringify({ ...json, payers: json.payers.toReversed() });
      },
      "an entry twice": (text) => {
        const json = JSON.parse(text) as { entries: unknown[] };
        return JSON.stringify({ ...json, entries: [json.entries[0], ...json.entries] });
      },
      "a payer twice": (text) => {
        const json = JSON.parse(text) as { payers: unknown[] };
        return JSON.stringify({ ...json, payers: [json.payers[0], ...json.payers] });
      },
    };
    for (const [what, edit] of Object.entries(edits)) {
      it(`refuse ${what}`, () => {
        const text = new TextDecoder().decode(encodeLedger(full()));
        expect(edit(text)).not.to.equal(text);
        expect(codeOf(() => parseLedger(utf8(edit(text))))).to.equal("LEDGER_MALFORMED");
      });
    }

    it("refuse a payer, an entry or a snapshot of a model without a budget", () => {
      const stray = { ...full(), models: [] };
      expect(codeOf(() => new PrivacyLedger(stray))).to.equal("LEDGER_CONFLICT");
      expect(codeOf(() => new PrivacyLedger({ ...stray, payers: [] }))).to.equal("LEDGER_CONFLICT");
    });
  });
});
