import { provisionNvidiaDevice } from "../../offchain/device/simulated/nvidia/provision.ts";
import type { NvidiaDeviceFile } from "../../offchain/device/simulated/nvidia/device-file.ts";
import type { NvidiaDeviceOptions } from "../../offchain/device/simulated/nvidia/provision.ts";
import { createNvidiaVendor } from "../../offchain/device/simulated/nvidia/vendor.ts";
import type { NvidiaVendor } from "../../offchain/device/simulated/nvidia/vendor.ts";
import { SIMULATED_NOW } from "./simulated-intel.ts";

/** A vendor that is the same in every test run up to its signatures. */
export function testNvidiaVendor(): NvidiaVendor {
  return createNvidiaVendor({ now: SIMULATED_NOW, seed: new Uint8Array(32).fill(7) });
}

/** A device that is the same in every test run up to its signatures. */
export function testNvidiaDevice(vendor: NvidiaVendor, options: Partial<NvidiaDeviceOptions> = {}): NvidiaDeviceFile {
  return provisionNvidiaDevice(vendor, { kind: "gpu", now: SIMULATED_NOW, name: "device", ...options });
}
