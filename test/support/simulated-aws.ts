import { createSimulatedAws, type SimulatedAws } from "../../offchain/device/simulated/aws/vendor.ts";
import { SIMULATED_NOW } from "./simulated-intel.ts";

/** A vendor that is the same in every test run up to its signatures. */
export function testAws(now = SIMULATED_NOW): SimulatedAws {
  return createSimulatedAws({ now, seed: new Uint8Array(32).fill(7) });
}
