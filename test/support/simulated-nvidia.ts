import { provisionNvidiaDevice } from "../../offchain/device/simulated/nvidia/provision.ts";
import type { NvidiaDeviceFile } from "../../offchain/device/simulated/nvidia/device-file.ts";
import type { NvidiaDeviceOptions } from "../../offchain/device/simulated/nvidia/provision.ts";
import { createNvidiaVendor } from "../../offchain/device/simulated/nvidia/vendor.ts";
import type { NvidiaVendor } from "../../offchain/device/simulated/nvidia/vendor.ts";
import { ocspResponsesFor, rimChain } from "../../offchain/device/simulated/nvidia/ocsp.ts";
import type { OcspDefects } from "../../offchain/device/simulated/nvidia/ocsp.ts";
import { issueRim } from "../../offchain/device/simulated/nvidia/rim.ts";
import type { RimDefects } from "../../offchain/device/simulated/nvidia/rim.ts";
import type { NvidiaEndorsements } from "../../offchain/evidence/nvidia/endorsements.ts";
import { utf8 } from "../../offchain/encoding/bytes.ts";
import { SIMULATED_NOW } from "./simulated-intel.ts";

/** A vendor that is the same in every test run up to its signatures. */
export function testNvidiaVendor(): NvidiaVendor {
  return createNvidiaVendor({ now: SIMULATED_NOW, seed: new Uint8Array(32).fill(7) });
}

/** A device that is the same in every test run up to its signatures. */
export function testNvidiaDevice(vendor: NvidiaVendor, options: Partial<NvidiaDeviceOptions> = {}): NvidiaDeviceFile {
  return provisionNvidiaDevice(vendor, { kind: "gpu", now: SIMULATED_NOW, name: "device", ...options });
}

/** What is wrong with what the vendor says of a device. */
export interface EndorsementDefects {
  readonly driverRim?: RimDefects;
  readonly vbiosRim?: RimDefects;
  readonly ocsp?: OcspDefects;
  /** The manifest of this driver stands where that of the device's should. */
  readonly driverVersion?: string;
}

/** The manifests of a device and the status of every certificate in its chain and theirs. */
export function testNvidiaEndorsements(
  vendor: NvidiaVendor,
  device: NvidiaDeviceFile,
  defects: EndorsementDefects = {},
): NvidiaEndorsements {
  const { kind, vbiosVersion } = device;
  const driverVersion = defects.driverVersion ?? device.driverVersion;
  const status = { now: SIMULATED_NOW, ...(defects.ocsp === undefined ? {} : { defects: defects.ocsp }) };
  const chains = [utf8(device.certChain), rimChain(vendor)];
  return {
    ...(driverVersion === null
      ? {}
      : { driverRim: issueRim(vendor, { kind, component: "driver", version: driverVersion }, defects.driverRim) }),
    vbiosRim: issueRim(vendor, { kind, component: "vbios", version: vbiosVersion }, defects.vbiosRim),
    ocspResponses: chains.flatMap((chain) => ocspResponsesFor(vendor, chain, status)),
  };
}
