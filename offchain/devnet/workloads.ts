import {
  measureWorker,
  SIMULATED_PLATFORMS,
  workloadIdOf,
  type SimulatedPlatform,
} from "../device/simulated/measure.ts";
import type { Hex } from "../encoding/bytes.ts";
import { platformCode } from "../verifier/verdict.ts";
import { measuredConfiguration } from "../worker/config.ts";

/** A worker as the reference values name it. */
export interface Workload {
  readonly tee: SimulatedPlatform;
  readonly platformCode: number;
  readonly workloadId: Hex;
}

const WORKER = "offchain/worker/main.ts";

/** The workload ids of this clone's worker for some model roots, on each simulated platform. */
export async function workloadsOf(root: string, models: readonly Hex[]): Promise<readonly Workload[]> {
  const configuration = { ...measuredConfiguration(models.map((model) => ({ root: model }))) };
  const measurements = await measureWorker({ root, entry: WORKER, configuration });
  return SIMULATED_PLATFORMS.map((tee) => ({
    tee,
    platformCode: platformCode(tee, true) ?? 0,
    workloadId: workloadIdOf(tee, measurements),
  }));
}
