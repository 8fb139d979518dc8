/** Opens the simulated machine that a worker is configured with. */
import type { Device } from "../device.ts";
import { amdPlatformFromJson } from "./amd/platform.ts";
import { simulatedAmdDevice } from "./amd/report.ts";
import { simulatedAwsDevice } from "./aws/document.ts";
import { awsPlatformFromJson } from "./aws/platform.ts";
import { platformFromJson } from "./intel/platform-file.ts";
import { simulatedDevice } from "./intel/quote.ts";
import type { WorkerMeasurements } from "./measure.ts";

/** Every kind of simulated machine, by its vendor. */
export const SIMULATED_KINDS = ["simulated-intel", "simulated-amd", "simulated-aws"] as const;

export type SimulatedKind = (typeof SIMULATED_KINDS)[number];

type Open = (platformJson: string, measurements: WorkerMeasurements) => Device;

const OPEN: Readonly<Record<SimulatedKind, Open>> = {
  "simulated-intel": (json, measurements) => simulatedDevice(platformFromJson(json), measurements),
  "simulated-amd": (json, measurements) => simulatedAmdDevice(amdPlatformFromJson(json), measurements),
  "simulated-aws": (json, measurements) => simulatedAwsDevice(awsPlatformFromJson(json), measurements),
};

/** The device of a machine's file that runs measured code; throws ConfigError `CONFIG_INVALID` where the file is of no such machine. */
export function openSimulated(kind: SimulatedKind, platformJson: string, measurements: WorkerMeasurements): Device {
  return OPEN[kind](platformJson, measurements);
}
