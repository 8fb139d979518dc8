import { join } from "node:path";
import type { Command } from "commander";
import { measureWorker, SIMULATED_PLATFORMS, workloadIds } from "../device/simulated/measure.ts";
import { parseHex, toHex, type Hex } from "../encoding/bytes.ts";
import { loadPackage } from "../inference/package.ts";
import { configHash, measuredConfiguration } from "../worker/config.ts";
import { collected } from "./arguments.ts";
import type { Report, Session } from "./session.ts";
import { pairLines } from "./table.ts";
import { verb } from "./verb.ts";

interface Options {
  readonly model?: readonly string[];
}

const WORKER = "offchain/worker/main.ts";

/** Adds `measure`. */
export function addMeasure(program: Command, session: Session): void {
  verb(program, "measure", {
    description: "what simulated hardware measures of this clone's worker, and the workload ids that follow",
    example: "cloister measure --model models/digits",
  })
    .option(
      "--model <root-or-directory>",
      "a model that the worker serves; repeatable; models/digits if none",
      collected,
    )
    .action(async (options: Options) => session.conclude(await measure(options, session)));
}

async function measure(options: Options, { environment }: Session): Promise<Report> {
  const named = options.model ?? [join(environment.root, "models", "digits")];
  const models = await Promise.all(named.map(rootOf));
  const configuration = measuredConfiguration(models.map((root) => ({ root })));
  const measurements = await measureWorker({
    root: environment.root,
    entry: WORKER,
    configuration: { ...configuration },
  });
  const workloads = workloadIds(measurements);
  const hash = configHash(configuration);
  return {
    exit: 0,
    json: { simulated: true, configuration, configHash: hash, measurements, workloadIds: workloads },
    lines: [
      "SIMULATED  these are the measurements of simulated hardware; docs/simulated.md has the recipe",
      ...pairLines({
        ...Object.fromEntries(models.map((root, index) => [`model ${index + 1}`, root])),
        "configuration hash": hash,
        ...measurements,
        ...Object.fromEntries(SIMULATED_PLATFORMS.map((name) => [`workload on ${name}`, workloads[name]])),
      }),
    ],
  };
}

async function rootOf(named: string): Promise<Hex> {
  const bytes = parseHex(named, 32);
  return bytes === undefined ? (await loadPackage(named)).root : toHex(bytes);
}
