import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  amdTrustRoot,
  amdVendorToJson,
  createSimulatedAmd,
  type SimulatedAmd,
} from "../device/simulated/amd/vendor.ts";
import {
  awsTrustRoot,
  awsVendorToJson,
  createSimulatedAws,
  type SimulatedAws,
} from "../device/simulated/aws/vendor.ts";
import {
  createSimulatedVendor,
  simulatedTrustRoot,
  vendorToJson,
  type SimulatedVendor,
} from "../device/simulated/intel/vendor.ts";
import type { SimulatedPlatform } from "../device/simulated/measure.ts";
import {
  createNvidiaVendor,
  nvidiaDeviceTrustRoot,
  nvidiaRimTrustRoot,
  nvidiaVendorToJson,
  type NvidiaVendor,
} from "../device/simulated/nvidia/vendor.ts";
import type { TrustRoot } from "../evidence/scheme.ts";

/** Where the vendors' state is that the endorsement service reads. */
export interface VendorFiles {
  readonly intel: string;
  readonly amd: string;
  readonly nvidia: string;
}

/** The simulated vendors of a network and where their state is. */
export interface Vendors {
  readonly intel: SimulatedVendor;
  readonly amd: SimulatedAmd;
  readonly aws: SimulatedAws;
  readonly nvidia: NvidiaVendor;
  readonly files: VendorFiles;
  readonly trustRoots: readonly TrustRoot[];
  /** The state of the vendor that makes machines of a platform, as JSON. */
  readonly stateOf: Readonly<Record<SimulatedPlatform, string>>;
}

/** Makes one vendor of each kind and writes its state into a directory; AMD's RSA keys take about a second of other threads. */
export async function createVendors(dir: string, now: number): Promise<Vendors> {
  const making = createSimulatedAmd({ now });
  const intel = createSimulatedVendor({ now });
  const aws = createSimulatedAws({ now });
  const nvidia = createNvidiaVendor({ now });
  const amd = await making;
  const [intelJson, amdJson, awsJson] = [vendorToJson(intel), amdVendorToJson(amd), awsVendorToJson(aws)];
  writeState(join(dir, "vendor-aws.json"), awsJson);
  return {
    intel,
    amd,
    aws,
    nvidia,
    files: {
      intel: writeState(join(dir, "vendor.json"), intelJson),
      amd: writeState(join(dir, "vendor-amd.json"), amdJson),
      nvidia: writeState(join(dir, "vendor-nvidia.json"), nvidiaVendorToJson(nvidia)),
    },
    trustRoots: [
      simulatedTrustRoot(intel),
      amdTrustRoot(amd),
      awsTrustRoot(aws),
      nvidiaDeviceTrustRoot(nvidia),
      nvidiaRimTrustRoot(nvidia),
    ],
    stateOf: { "intel-sgx": intelJson, "intel-tdx": intelJson, "amd-sev-snp": amdJson, "aws-nitro": awsJson },
  };
}

/** Writes a vendor's state at once, as the endorsement service may read it at any time, and returns the path. */
export function writeState(path: string, json: string): string {
  writeFileSync(`${path}.new`, json, { mode: 0o600 });
  renameSync(`${path}.new`, path);
  return path;
}
