/** One run of the measured work. */
export type Run = () => unknown;

/** One thing to measure: what is to be made ready for a run is made outside the measured time. */
export interface Case {
  readonly name: string;
  readonly prepare: () => Run | Promise<Run>;
}

interface Sampled {
  readonly subject: Case;
  readonly batch: number;
  readonly samples: number[];
}

const WARM_UP_MS = 500;
const SAMPLE_MS = 20;
const MIN_SAMPLES = 7;
const MAX_BATCH = 4096;

/**
 * CPU time of one run in milliseconds, of all threads of the process, by the cases' names: the median over samples of about
 * 20 ms. Samples of the cases take turns, so that all see the same load; `budgetMs` is wall time for all cases together.
 */
export async function cpuTimes(cases: readonly Case[], budgetMs: number): Promise<ReadonlyMap<string, number>> {
  const until = performance.now() + budgetMs;
  const sampled: Sampled[] = [];
  for (const subject of cases) sampled.push({ subject, batch: await warmUp(subject), samples: [] });
  for (let round = 0; round < MIN_SAMPLES || performance.now() < until; round++) {
    for (const { subject, batch, samples } of sampled) samples.push((await cpuOf(subject, batch)) / batch);
  }
  return new Map(sampled.map(({ subject, samples }) => [subject.name, medianOf(samples)]));
}

/** The middle of some numbers, of the two in the middle the mean. */
export function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  const lower = sorted[Math.ceil(sorted.length / 2) - 1] ?? Number.NaN;
  return (lower + upper) / 2;
}

/** Runs until the engine has compiled what is hot; gives the number of runs that make a sample. */
async function warmUp(subject: Case): Promise<number> {
  const until = performance.now() + WARM_UP_MS;
  let batch = 1;
  do {
    const spent = await cpuOf(subject, batch);
    if (spent < SAMPLE_MS && batch < MAX_BATCH) batch *= 2;
  } while (performance.now() < until);
  return batch;
}

async function cpuOf({ prepare }: Case, runs: number): Promise<number> {
  const work: Run[] = [];
  for (let i = 0; i < runs; i++) work.push(await prepare());
  const started = process.cpuUsage();
  for (const run of work) await run();
  const { user, system } = process.cpuUsage(started);
  return (user + system) / 1000;
}
