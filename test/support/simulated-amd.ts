import { createSimulatedAmd, generateAmdKeys, type SimulatedAmd } from "../../offchain/device/simulated/amd/vendor.ts";
import { SIMULATED_NOW } from "./simulated-intel.ts";

let keys: Promise<SimulatedAmd["keys"]> | undefined;

/** A vendor that is the same in every suite of a run: its RSA keys are made once. */
export async function testAmd(now = SIMULATED_NOW): Promise<SimulatedAmd> {
  keys ??= generateAmdKeys();
  return createSimulatedAmd({ now, seed: new Uint8Array(32).fill(7), keys: await keys });
}
