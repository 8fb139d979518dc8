import type { CheckName } from "../evidence/check-log.ts";
import { NVIDIA_CHECKS } from "../evidence/nvidia/checks.ts";
import { DEVICE_PLATFORMS, type Platform } from "../evidence/scheme.ts";
import { deviceNonceOf, type RegistryDomain } from "./binding.ts";
import type { NodeEndorsements } from "./family.ts";
import { found, held, refused, type Finding } from "./finding.ts";
import { checkDevicesNamed, type DeviceEvidence, type NodeEvidence } from "./node-evidence.ts";
import { isOfDevice } from "./expectation.ts";
import type { AppraisalPolicy } from "./policy.ts";
import { layersOf, mapLayers, type Policy } from "./policy-layers.ts";
import { verdictOf, type AttestationResult, type Failure } from "./result.ts";
import { verifyEvidence, type VerifyOptions } from "./verify.ts";

/** What a node with its devices is verified with. */
export interface VerifyNodeOptions extends Omit<
  VerifyOptions,
  "endorsements" | "expectedReportData" | "expectedNonce"
> {
  readonly endorsements: NodeEndorsements;
}

/** What was found of a node's devices. */
export interface DevicesResult {
  /** One for each device; the ids of its checks begin with its kind and place, as in `gpu0/nonce`. */
  readonly results: readonly AttestationResult[];
  /** What is about all of them together. */
  readonly findings: readonly Finding[];
}

const PROTOCOL = "docs/protocol.md section 3";
const NAMED: CheckName = { id: "gpu-evidence-hash", reference: PROTOCOL };
const DISTINCT: CheckName = { id: "distinct-devices", reference: PROTOCOL };
const REQUIRED: CheckName = { id: "gpu", reference: "docs/verification.md, policy" };
const KIND: CheckName = { id: "device", reference: PROTOCOL };

/**
 * Verifies every device of a node: that the binding names exactly this evidence in this order, that each device signed the
 * nonce of this node and anchor, and all that its family asks of it. Without a registry's domain no nonce can be expected, and
 * none is checked. Never throws for a bad device.
 * @see docs/protocol.md section 3
 */
export async function verifyDevices(
  domain: RegistryDomain | undefined,
  nodeEvidence: NodeEvidence,
  options: VerifyNodeOptions,
): Promise<DevicesResult> {
  const { binding, anchor, devices } = nodeEvidence;
  const nonce = domain === undefined ? {} : { expectedNonce: deviceNonceOf(domain, binding, anchor) };
  const results: AttestationResult[] = [];
  for (const [index, device] of devices.entries()) {
    const nvidia = { ...options.endorsements.devices?.[index], certChain: device.certChain };
    const policy = mapLayers(options.policy, devicePolicy);
    results.push(await verifyDevice(device, index, { ...options, endorsements: { nvidia }, policy, ...nonce }));
  }
  const named = found(NAMED, devices.length === 0 ? "no device" : `${devices.length} of them, in this order`, () =>
    checkDevicesNamed(nodeEvidence),
  );
  return { results, findings: [named, ...distinct(results), ...required(devices, options.policy)] };
}

async function verifyDevice(
  { evidence }: DeviceEvidence,
  index: number,
  options: VerifyOptions,
): Promise<AttestationResult> {
  const result = compared(await verifyEvidence(evidence, options), options.policy);
  const prefix = `${kindOf(result.platform)}${index}/`;
  const kind = isDevice(result.platform)
    ? held(KIND, result.platform)
    : refused(KIND, "BINDING_MISMATCH", `evidence of ${result.platform ?? "an unknown format"} is no device's`);
  const failures = kind.failure === undefined ? result.failures : [kind.failure, ...result.failures];
  return {
    ...result,
    verdict: kind.failure === undefined ? result.verdict : "contraindicated",
    checks: under(prefix, [kind.check, ...result.checks]),
    failures: under(prefix, failures),
  };
}

function under<Named extends { readonly id: string }>(prefix: string, found: readonly Named[]): readonly Named[] {
  return found.map((one) => Object.assign({}, one, { id: `${prefix}${one.id}` }));
}

/** Beside a node a device counts only with its measurements compared: by itself it is accepted without, with a warning. */
function compared(result: AttestationResult, policy: Policy): AttestationResult {
  const { id: check } = NVIDIA_CHECKS.referenceMeasurements;
  const strict = layersOf(policy).filter(({ policy: { gpu } }) => gpu.referenceMeasurements === "required");
  if (strict.length === 0) return result;
  const failures = result.failures.map((failure): Failure =>
    failure.id === check && failure.tier === "warning" ? { ...failure, tier: "none" } : failure,
  );
  return { ...result, verdict: verdictOf(failures, result.claims), failures };
}

/** What a policy says of a node's own platform, code and TCB is not said of its devices. */
function devicePolicy(policy: AppraisalPolicy): AppraisalPolicy {
  return {
    ...policy,
    platforms: policy.platforms.filter(isDevice),
    minimumEvaluationNumber: 0,
    measurements: policy.measurements.filter(isOfDevice),
    workloadIds: [],
  };
}

/** One device must not stand for two. */
function distinct(results: readonly AttestationResult[]): readonly Finding[] {
  const ids = results.flatMap(({ claims }) => claims?.platformId ?? []);
  if (results.length < 2) return [];
  const twice = ids.find((id, index) => ids.indexOf(id) !== index);
  if (twice === undefined) return [held(DISTINCT, `${ids.length} different devices`)];
  return [refused(DISTINCT, "BINDING_MISMATCH", `device ${twice} stands for two`)];
}

function required(devices: NodeEvidence["devices"], policy: Policy): readonly Finding[] {
  if (!layersOf(policy).some(({ policy: { gpu } }) => gpu.required)) return [];
  return devices.length > 0
    ? [held(REQUIRED, `${devices.length} of them, as the policy asks`)]
    : [refused(REQUIRED, "POLICY", "the policy asks for a GPU and the node has none")];
}

function isDevice(platform: Platform | null): platform is (typeof DEVICE_PLATFORMS)[number] {
  return (DEVICE_PLATFORMS as readonly (string | null)[]).includes(platform);
}

function kindOf(platform: Platform | null): string {
  return platform === "nvidia-gpu" ? "gpu" : platform === "nvidia-switch" ? "switch" : "device";
}
