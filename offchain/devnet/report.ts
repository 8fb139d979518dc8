/** The story of a devnet run: printed as it happens, or given whole as JSON. */

/** One labelled line of the story. */
export interface StoryLine {
  readonly id: string;
  readonly outcome: "PASS" | "FAIL" | "SKIP";
  readonly detail: string;
  /** Gas of the whole transaction, where the step sent one. */
  readonly gas?: number;
  /** Milliseconds that the step took. */
  readonly ms?: number;
}

/** Everything that happened, for machines. */
export interface StoryReport {
  readonly ok: boolean;
  readonly simulated: true;
  readonly lines: readonly StoryLine[];
  readonly facts: Readonly<Record<string, string | number | readonly string[]>>;
}

export interface Story {
  chapter(title: string): void;
  say(text: string): void;
  record(line: StoryLine): void;
  /** Runs a step, records it as passed with its time, or as failed and throws on. */
  step<T>(
    id: string,
    work: () => Promise<T>,
    describe: (result: T) => Omit<StoryLine, "id" | "outcome" | "ms">,
  ): Promise<T>;
  fact(name: string, value: string | number | readonly string[]): void;
  report(): StoryReport;
}

const MARKS = { PASS: "\u001b[32mPASS\u001b[0m", FAIL: "\u001b[31mFAIL\u001b[0m", SKIP: "\u001b[33mSKIP\u001b[0m" };

/** Makes a story that writes each line with `write`, or nothing where `write` is undefined. */
export function createStory(write: ((text: string) => void) | undefined, colour: boolean): Story {
  const lines: StoryLine[] = [];
  const facts: Record<string, string | number | readonly string[]> = {};
  const print = write ?? ((): void => undefined);
  const record = (line: StoryLine): void => {
    lines.push(line);
    print(`  ${colour ? MARKS[line.outcome] : line.outcome}  ${line.id.padEnd(34)} ${line.detail}${measures(line)}`);
  };
  return {
    record,
    chapter: (title) => print(`\n${title}`),
    say: (text) => print(`        ${text}`),
    step: async (id, work, describe) => {
      const started = performance.now();
      try {
        const result = await work();
        record({ id, outcome: "PASS", ms: Math.round(performance.now() - started), ...describe(result) });
        return result;
      } catch (error) {
        record({ id, outcome: "FAIL", detail: explain(error), ms: Math.round(performance.now() - started) });
        throw error;
      }
    },
    fact: (name, value) => {
      facts[name] = value;
    },
    report: () => ({
      ok: lines.length > 0 && lines.every((line) => line.outcome !== "FAIL"),
      simulated: true,
      lines: [...lines],
      facts: { ...facts },
    }),
  };
}

/** An error as a person can act on it: code, message and the next step. */
export function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code, next } = error as { code?: unknown; next?: unknown };
  const head = typeof code === "string" ? `${code}: ${error.message}` : error.message;
  return typeof next === "string" ? `${head} (${next})` : head;
}

function measures({ gas, ms }: StoryLine): string {
  const parts = [
    ...(gas === undefined ? [] : [`${gas.toLocaleString("en-US")} gas`]),
    ...(ms === undefined ? [] : [`${ms} ms`]),
  ];
  return parts.length === 0 ? "" : `  [${parts.join(", ")}]`;
}
