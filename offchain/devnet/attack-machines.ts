import type { Device } from "../device/device.ts";
import type { Gpu } from "../device/gpu.ts";
import { provisionAmdPlatform } from "../device/simulated/amd/platform.ts";
import { simulatedAmdDevice } from "../device/simulated/amd/report.ts";
import { simulatedAwsDevice } from "../device/simulated/aws/document.ts";
import { provisionAwsPlatform } from "../device/simulated/aws/platform.ts";
import { provisionPlatform } from "../device/simulated/intel/platform.ts";
import { simulatedDevice } from "../device/simulated/intel/quote.ts";
import { provisionNvidiaDevice } from "../device/simulated/nvidia/provision.ts";
import { simulatedNvidiaDevice, type DeviceReportDefects } from "../device/simulated/nvidia/report.ts";
import { nvidiaVendorToJson, revokeNvidia } from "../device/simulated/nvidia/vendor.ts";
import { ServiceError } from "../errors.ts";
import type { Attack } from "./attacks.ts";
import type { Network } from "./network.ts";
import type { NodeKind } from "./nodes.ts";
import { codeUnder, evidenceOfKind, judgedCode, measurementsOf, rogueEvidence, type RogueMachine } from "./rogue.ts";
import type { Played } from "./story.ts";
import { GPU_POLICY } from "./user.ts";
import { writeState } from "./vendors.ts";

/** A block that the manifest of a GPU's driver speaks for. */
const DRIVER_BLOCK = 8;
const NAME = "rogue";

/** Attacks with machines of AMD, AWS and NVIDIA, judged by the very code of the relayers or by a user's own policy. */
export function machineAttacks(network: Network, played: Played): readonly Attack[] {
  const rogue = async (kind: NodeKind, machine: Promise<RogueMachine>): Promise<string> =>
    judgedCode(network, await rogueEvidence(network, evidenceOfKind(played, kind), await machine));
  return [
    {
      id: "snp-debug-policy",
      tries: "an SEV-SNP guest whose policy lets the host read its memory",
      refusedBy: "POLICY (debug)",
      attempt: () => rogue("amd-sev-snp", debugGuest(network)),
    },
    {
      id: "nitro-pcr0-zero",
      tries: "a Nitro enclave in debug mode, with a PCR0 of zeros",
      refusedBy: "POLICY (debug)",
      attempt: () => rogue("aws-nitro", debugEnclave(network)),
    },
    {
      id: "gpu-of-another-node",
      tries: "a GPU's report that was made for another node",
      refusedBy: "BINDING_MISMATCH (binding)",
      attempt: () => rogue("intel-tdx", besideTd(network, borrowedGpu(played))),
    },
    {
      id: "gpu-other-firmware",
      tries: "a GPU with a measurement that its vendor never published",
      refusedBy: "BINDING_MISMATCH (gpu0/reference-measurements)",
      attempt: () => rogue("intel-tdx-gpu", besideTd(network, rogueGpu(network, { foreignMeasurement: DRIVER_BLOCK }))),
    },
    {
      id: "gpu-revoked",
      tries: "a GPU whose certificate NVIDIA's OCSP service calls revoked",
      refusedBy: "CERTIFICATE_REVOKED (gpu0/device-revocation)",
      attempt: () => rogue("intel-tdx-gpu", besideTd(network, revokedGpu(network))),
    },
    {
      id: "gpu-left-out",
      tries: "a node without a GPU, for a user whose policy asks for one",
      refusedBy: "POLICY (gpu)",
      attempt: () => codeUnder(network, GPU_POLICY, evidenceOfKind(played, "intel-tdx")),
    },
  ];
}

async function debugGuest(network: Network): Promise<RogueMachine> {
  const platform = provisionAmdPlatform(network.vendors.amd, { name: NAME });
  const measurements = await measurementsOf(network, "published");
  return { device: simulatedAmdDevice(platform, measurements, { fields: ["debug"] }) };
}

async function debugEnclave(network: Network): Promise<RogueMachine> {
  const platform = provisionAwsPlatform(network.vendors.aws, { now: Date.now(), name: NAME });
  const measurements = await measurementsOf(network, "published");
  return { device: simulatedAwsDevice(platform, measurements, { defects: { document: "debug" } }) };
}

/** A genuine trust domain that runs the published worker, with a device beside it. */
async function besideTd(network: Network, gpu: Gpu): Promise<RogueMachine> {
  const platform = provisionPlatform(network.vendors.intel, { tee: "intel-tdx", now: Date.now(), name: NAME });
  const device: Device = simulatedDevice(platform, await measurementsOf(network, "published"));
  return { device, gpu };
}

/** Shows the report that the GPU of a genuine node made, whatever is asked. */
function borrowedGpu(played: Played): Gpu {
  const [report] = evidenceOfKind(played, "intel-tdx-gpu").devices;
  if (report === undefined) throw new ServiceError("SERVICE_UNAVAILABLE", "the node with a GPU shows no device");
  return { simulated: true, report: async () => report };
}

function rogueGpu({ vendors }: Network, defects: DeviceReportDefects = {}, name = NAME): Gpu {
  return simulatedNvidiaDevice(provisionNvidiaDevice(vendors.nvidia, { kind: "gpu", now: Date.now(), name }), defects);
}

/** A genuine GPU that the vendor revokes: its OCSP responder, which reads the state anew, says so from now on. */
function revokedGpu({ vendors }: Network): Gpu {
  const now = Date.now();
  const device = provisionNvidiaDevice(vendors.nvidia, { kind: "gpu", now, name: "stolen" });
  const revoked = revokeNvidia(vendors.nvidia, { issuer: "gpuProvisioner", serial: device.bootSerial, revokedAt: now });
  writeState(vendors.files.nvidia, nvidiaVendorToJson(revoked));
  return simulatedNvidiaDevice(device);
}
