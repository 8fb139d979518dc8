/** Runs mocha inside Stryker's test runner process; Stryker's own plugin reads files of mocha that release 12 does not have any more. */
import type { MutantCoverage, StrykerOptions } from "@stryker-mutator/api/core";
import { commonTokens, declareFactoryPlugin, PluginKind, tokens } from "@stryker-mutator/api/plugin";
import {
  determineHitLimitReached,
  DryRunStatus,
  TestStatus,
  toMutantRunResult,
  type DryRunOptions,
  type DryRunResult,
  type MutantRunOptions,
  type MutantRunResult,
  type TestResult,
  type TestRunner,
  type TestRunnerCapabilities,
} from "@stryker-mutator/api/test-runner";
import Mocha from "mocha";
import { globSync } from "node:fs";
import { resolve } from "node:path";

/** What instrumented code reads and writes, under the name that Stryker gives it. */
interface Instrumented {
  activeMutant?: string | undefined;
  currentTestId?: string | undefined;
  hitCount?: number | undefined;
  hitLimit?: number | undefined;
  mutantCoverage?: MutantCoverage;
}

/** The option that names the globs of the tests, in the order in which they are to run. */
export const TESTS_OPTION = "mochaTests";
export const RUNNER_NAME = "mocha-in-process";

/** Tests that try every byte, bit or length, or random documents by the thousand: tables say the same of each change in a moment. */
const EXHAUSTIVE =
  /\b(?:any|every)\b.*\b(?:byte|bit|length)\b|changed bytes of|every other length|gives no better verdict/;
/** Stands for a test while hooks run. */
const HOOKS = "(hooks)";
const NAMESPACE = "__stryker__";
const MATCH_ALL = /(?:)/;

class MochaRunner implements TestRunner {
  readonly #globs: readonly string[];
  readonly #instrumented: Instrumented;
  readonly #mocha = new Mocha({ reporter: Mocha.reporters.Base, timeout: 0 });
  #loaded = false;

  constructor(options: StrykerOptions) {
    this.#globs = options[TESTS_OPTION] as readonly string[];
    const scope = globalThis as { [NAMESPACE]?: Instrumented };
    this.#instrumented = scope[NAMESPACE] ??= {};
    this.#mocha.cleanReferencesAfterRun(false);
  }

  /** Modules cannot be loaded a second time. */
  capabilities(): TestRunnerCapabilities {
    return { reloadEnvironment: false };
  }

  async dryRun({ disableBail }: DryRunOptions): Promise<DryRunResult> {
    const result = await this.#run({ bail: !disableBail, only: MATCH_ALL, mutant: undefined });
    const { mutantCoverage } = this.#instrumented;
    const complete = result.status === DryRunStatus.Complete && mutantCoverage !== undefined;
    return complete ? { ...result, mutantCoverage: testedCoverage(mutantCoverage) } : result;
  }

  async mutantRun({ activeMutant, disableBail, hitLimit, testFilter }: MutantRunOptions): Promise<MutantRunResult> {
    this.#instrumented.hitLimit = hitLimit;
    this.#instrumented.hitCount = hitLimit === undefined ? undefined : 0;
    const only = testFilter === undefined ? MATCH_ALL : exactly(testFilter);
    return toMutantRunResult(await this.#run({ bail: !disableBail, only, mutant: activeMutant.id }));
  }

  async #run(run: { bail: boolean; only: RegExp; mutant: string | undefined }): Promise<DryRunResult> {
    try {
      await this.#load();
      bail(this.#mocha.suite, run.bail);
      this.#mocha.grep(run.only);
      this.#instrumented.activeMutant = run.mutant;
      this.#instrumented.currentTestId = HOOKS;
      const tests = await this.#results();
      const { hitCount, hitLimit } = this.#instrumented;
      return determineHitLimitReached(hitCount, hitLimit) ?? { status: DryRunStatus.Complete, tests };
    } catch (error) {
      return { status: DryRunStatus.Error, errorMessage: String(error) };
    }
  }

  /** What runs while files are loaded counts as static; what runs in a test counts as that test's. */
  async #load(): Promise<void> {
    if (this.#loaded) return;
    const files = this.#globs.flatMap((glob) => globSync(glob).toSorted());
    for (const file of new Set(files)) this.#mocha.addFile(resolve(file));
    await this.#mocha.loadFilesAsync();
    leaveOutExhaustive(this.#mocha.suite);
    const instrumented = this.#instrumented;
    this.#mocha.suite.beforeEach(function (this: Mocha.Context) {
      instrumented.currentTestId = this.currentTest?.fullTitle();
    });
    this.#loaded = true;
  }

  async #results(): Promise<TestResult[]> {
    const tests: TestResult[] = [];
    const titleOf = (test: Mocha.Runnable): string => test.fullTitle();
    await new Promise<void>((done) => {
      const runner = this.#mocha.run(() => done());
      const baseOf = (test: Mocha.Runnable) => ({
        id: titleOf(test),
        name: titleOf(test),
        timeSpentMs: test.duration ?? 0,
      });
      runner.on("pass", (test) => tests.push({ ...baseOf(test), status: TestStatus.Success }));
      runner.on("pending", (test) => tests.push({ ...baseOf(test), status: TestStatus.Skipped }));
      runner.on("fail", (test, error: Error) =>
        tests.push({ ...baseOf(test), status: TestStatus.Failed, failureMessage: error.message || String(error) }),
      );
    });
    this.#instrumented.currentTestId = undefined;
    return tests;
  }
}

/**
 * What runs in a test is judged by that test, even if it runs while files are loaded as well; as static it would have the process started
 * anew for each change. What only hooks run is run by no test.
 */
function testedCoverage({ static: loaded, perTest }: MutantCoverage): MutantCoverage {
  const later = new Set(Object.values(perTest).flatMap((hits) => Object.keys(hits)));
  const tests = Object.entries(perTest).filter(([test]) => test !== HOOKS);
  return {
    static: Object.fromEntries(Object.entries(loaded).filter(([id]) => !later.has(id))),
    perTest: Object.fromEntries(tests),
  };
}

function leaveOutExhaustive(suite: Mocha.Suite): void {
  for (const test of suite.tests) test.pending ||= EXHAUSTIVE.test(test.title);
  suite.suites.forEach(leaveOutExhaustive);
}

function bail(suite: Mocha.Suite, on: boolean): void {
  suite.bail(on);
  for (const child of suite.suites) bail(child, on);
}

function exactly(titles: readonly string[]): RegExp {
  return new RegExp(`^(?:${titles.map((title) => title.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|")})$`, "s");
}

function createRunner(options: StrykerOptions): TestRunner {
  return new MochaRunner(options);
}
createRunner.inject = tokens(commonTokens.options);

export const mochaRunner = declareFactoryPlugin(PluginKind.TestRunner, RUNNER_NAME, createRunner);
