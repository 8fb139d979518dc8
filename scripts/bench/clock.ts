/** One thing to measure; `prepare` makes what each run needs, outside the measured time. */
export interface Case {
  readonly name: string;
  readonly prepare?: (() => Promise<Run>) | undefined;
  readonly run?: Run;
}

/** One run of the measured work. */
export type Run = () => unknown;

const WARM_UP_MS = 400;
const SAMPLE_MS = 20;
const MIN_SAMPLES = 9;
const MAX_BATCH = 20_000;

interface Prepared {
  readonly subject: Case;
  readonly batch: number;
  readonly samples: number[];
}

/**
 * CPU time per run in milliseconds (all threads of the process), the median over batches of runs, by the cases' names.
 * Batches of the cases take turns, so that all see the same load; `budgetMs` is wall time for all cases together.
 */
export async function cpuTimes(cases: readonly Case[], budgetMs: number): Promise<ReadonlyMap<string, number>> {
  const prepared: Prepared[] = [];
  for (const subject of cases) prepared.push({ subject, batch: await warmUp(subject), samples: [] });
  const until = performance.now() + budgetMs - cases.length * WARM_UP_MS;
  for (let round = 0; round < MIN_SAMPLES || performance.now() < until; round++) {
    for (const { subject, batch, samples } of prepared) samples.push((await cpuOf(subject, batch)) / batch);
  }
  return new Map(prepared.map(({ subject, samples }) => [subject.name, medianOf(samples)]));
}

/** The middle of some numbers. */
export function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
}

/** Runs until the engine has compiled what is hot, and gives the number of runs that make a sample of 20 ms. */
async function warmUp(subject: Case): Promise<number> {
  const until = performance.now() + WARM_UP_MS;
  let batch = 1;
  do {
    const spent = await cpuOf(subject, batch);
    if (spent < SAMPLE_MS) batch = Math.min(MAX_BATCH, batch * 2);
  } while (performance.now() < until);
  return batch;
}

async function cpuOf({ prepare, run }: Case, runs: number): Promise<number> {
  const work: Run[] = [];
  for (let i = 0; i < runs; i++) work.push(prepare === undefined ? (run ?? missing) : await prepare());
  const started = process.cpuUsage();
  for (const one of work) await one();
  const { user, system } = process.cpuUsage(started);
  return (user + system) / 1000;
}

function missing(): never {
  throw new TypeError("a case needs `run` or `prepare`");
}
