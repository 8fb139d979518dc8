import { writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  amdTrustRoot,
  amdVendorToJson,
  createSimulatedAmd,
  type SimulatedAmd,
} from "../device/simulated/amd/vendor.ts";
import { awsTrustRoot, awsVendorToJson, createSimulatedAws } from "../device/simulated/aws/vendor.ts";
import {
  createSimulatedVendor,
  simulatedTrustRoot,
  vendorToJson,
  type SimulatedVendor,
} from "../device/simulated/intel/vendor.ts";
import type { SimulatedPlatform } from "../device/simulated/measure.ts";
import type { TrustRoot } from "../evidence/scheme.ts";

/** The simulated vendors of a network and where their state is. */
export interface Vendors {
  readonly intel: SimulatedVendor;
  readonly amd: SimulatedAmd;
  /** Files that the endorsement service reads. */
  readonly files: { readonly intel: string; readonly amd: string };
  readonly trustRoots: readonly TrustRoot[];
  /** The state of the vendor that makes machines of a platform, as JSON. */
  readonly stateOf: Readonly<Record<SimulatedPlatform, string>>;
}

/** Makes one vendor of each kind and writes its state into a directory; AMD's RSA keys take about a second. */
export async function createVendors(dir: string, now: number): Promise<Vendors> {
  const intel = createSimulatedVendor({ now });
  const aws = createSimulatedAws({ now });
  const amd = await createSimulatedAmd({ now });
  const write = (name: string, json: string): string => {
    const file = join(dir, name);
    writeFileSync(file, json, { mode: 0o600 });
    return file;
  };
  const [intelJson, amdJson, awsJson] = [vendorToJson(intel), amdVendorToJson(amd), awsVendorToJson(aws)];
  write("vendor-aws.json", awsJson);
  return {
    intel,
    amd,
    files: { intel: write("vendor.json", intelJson), amd: write("vendor-amd.json", amdJson) },
    trustRoots: [simulatedTrustRoot(intel), amdTrustRoot(amd), awsTrustRoot(aws)],
    stateOf: { "intel-sgx": intelJson, "intel-tdx": intelJson, "amd-sev-snp": amdJson, "aws-nitro": awsJson },
  };
}
