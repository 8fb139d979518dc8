import { availableParallelism, cpus, loadavg } from "node:os";
import type { FiguresReport } from "../figures/report.ts";

/** This machine, with its load of the last minute: figures of a busy one vary. */
export function describeMachine(): FiguresReport["machine"] {
  return {
    cpu: cpus()[0]?.model ?? "unknown",
    cores: availableParallelism(),
    node: process.version,
    load: Number((loadavg()[0] ?? 0).toFixed(2)),
  };
}
