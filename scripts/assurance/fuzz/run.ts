import { setImmediate } from "node:timers/promises";
import { Random } from "./random.ts";
import type { Target } from "./target.ts";

/** An input that was found, which its number and the seed make again. */
export interface Found {
  readonly input: number;
  readonly target: string;
  readonly detail: string;
}

/** What became of the inputs. */
export interface FuzzReport {
  readonly seed: number;
  readonly from: number;
  readonly inputs: number;
  readonly seconds: number;
  /** By target: outcome to how often. */
  readonly outcomes: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** Errors without a code. */
  readonly crashes: readonly Found[];
  /** Inputs that took more than `SLOW_MS` of CPU each time they were tried alone. */
  readonly slow: readonly Found[];
  /** Changed signed parts that were accepted. */
  readonly forged: readonly Found[];
  readonly slowest: { readonly input: number; readonly target: string; readonly cpuMs: number };
}

export interface FuzzOptions {
  readonly seed: number;
  readonly from: number;
  readonly inputs: number;
  readonly notice?: (done: number, found: number) => void;
  /** Called for each finding as soon as it is made. */
  readonly tell?: (found: Found) => void;
  /** Ends the run early; the report is then of the inputs so far. */
  readonly signal?: AbortSignal;
}

export const SLOW_MS = 50;
const RETRIES = 5;
const NOTICE_EVERY = 20_000;
const TURN_EVERY = 256;
/** Wall time above which an input is timed again, alone; only the slowest so far is. */
const SUSPECT_MS = 10;
const MAX_CHANGES = 3;
/** What has grown beyond is not changed again: parsers have limits, and growing is not what is looked for. */
const ENOUGH = 1 << 16;

/** Gives every input to one target; what is found is collected and never thrown. */
export async function fuzz(targets: readonly Target[], options: FuzzOptions): Promise<FuzzReport> {
  const { seed, from, inputs, notice } = options;
  const started = performance.now();
  const findings = new Findings(options.tell);
  const stopped = (): boolean => options.signal?.aborted === true;
  let input = from;
  for (; input < from + inputs && !stopped(); input += 1) {
    const { target, bytes } = inputOf(targets, seed, input);
    const before = performance.now();
    const outcome = await outcomeOf(target, bytes);
    const wall = performance.now() - before;
    findings.count(input, target.name, outcome);
    if (wall > findings.suspectMs) findings.time(input, target.name, await timeAlone(target, bytes));
    if ((input + 1) % NOTICE_EVERY === 0) notice?.(input + 1, findings.size);
    // Parsers answer at once: without a turn of the event loop no signal would ever arrive.
    if (input % TURN_EVERY === 0) await setImmediate();
  }
  const seconds = Math.round((performance.now() - started) / 1000);
  return { seed, from, inputs: input - from, seconds, ...findings.report() };
}

/** Collects what was found and how long the slowest input took. */
class Findings {
  /** Wall time above which an input is timed again, alone. */
  suspectMs = SUSPECT_MS;
  readonly #outcomes: Record<string, Record<string, number>> = {};
  readonly #crashes: Found[] = [];
  readonly #slow: Found[] = [];
  readonly #forged: Found[] = [];
  #slowest = { input: -1, target: "", cpuMs: 0 };
  readonly #tell: ((found: Found) => void) | undefined;

  constructor(tell: ((found: Found) => void) | undefined) {
    this.#tell = tell;
  }

  get size(): number {
    return this.#crashes.length + this.#slow.length + this.#forged.length;
  }

  count(input: number, target: string, outcome: string): void {
    const counts = (this.#outcomes[target] ??= {});
    const [label = ""] = outcome.split(" ");
    counts[label] = (counts[label] ?? 0) + 1;
    if (label === "CRASH") this.#add(this.#crashes, { input, target, detail: outcome });
    if (label === "FORGED") this.#add(this.#forged, { input, target, detail: outcome });
  }

  time(input: number, target: string, cpuMs: number): void {
    if (cpuMs > this.#slowest.cpuMs) this.#slowest = { input, target, cpuMs };
    if (cpuMs > SLOW_MS) this.#add(this.#slow, { input, target, detail: `${cpuMs} ms of CPU` });
    this.suspectMs = Math.min(SLOW_MS, Math.max(this.suspectMs, cpuMs));
  }

  #add(list: Found[], found: Found): void {
    list.push(found);
    this.#tell?.(found);
  }

  report(): Pick<FuzzReport, "outcomes" | "crashes" | "slow" | "forged" | "slowest"> {
    const [outcomes, crashes, slow] = [this.#outcomes, this.#crashes, this.#slow];
    return { outcomes, crashes, slow, forged: this.#forged, slowest: this.#slowest };
  }
}

/** The input of a number: the same for the same seed and the same targets. */
export function inputOf(
  targets: readonly Target[],
  seed: number,
  input: number,
): { target: Target; bytes: Uint8Array } {
  const random = new Random(seed, input);
  const target = choose(targets, random);
  let bytes = random.pick(target.seeds);
  for (let changes = 1 + random.below(MAX_CHANGES); changes > 0 && bytes.length < ENOUGH; changes -= 1) {
    bytes = target.mutate(bytes, random, random.pick(target.seeds));
  }
  return { target, bytes };
}

function choose(targets: readonly Target[], random: Random): Target {
  const total = targets.reduce((sum, { share }) => sum + share, 0);
  let left = (random.below(1_000_000) / 1_000_000) * total;
  return targets.find(({ share }) => (left -= share) < 0) ?? (targets[0] as Target);
}

async function outcomeOf(target: Target, bytes: Uint8Array): Promise<string> {
  try {
    return await target.run(bytes);
  } catch (error) {
    return `CRASH ${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}`;
  }
}

/** The least CPU time of several runs: a busy machine only ever adds to it. */
async function timeAlone(target: Target, bytes: Uint8Array): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let retry = 0; retry < RETRIES; retry += 1) {
    const before = process.cpuUsage();
    await outcomeOf(target, bytes);
    const { user, system } = process.cpuUsage(before);
    least = Math.min(least, (user + system) / 1000);
  }
  return Math.round(least * 100) / 100;
}
