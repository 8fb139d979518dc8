import { recoverAddress } from "#crypto";
import { equal, parseHex, toHex, type Hex } from "../encoding/bytes.ts";
import { JsonFields } from "../encoding/fields.ts";
import { EvidenceError } from "../errors.ts";
import { DEVICE_PLATFORMS, NODE_PLATFORMS, type Platform } from "../evidence/scheme.ts";
import {
  bindingDigest,
  deviceNonceOf,
  gpuEvidenceHashOf,
  reportDataOf,
  type Anchor,
  type NodeBinding,
  type RegistryDomain,
} from "./binding.ts";
import { detect } from "./detect.ts";

/** What a node says of one of its devices: a GPU or a switch. */
export interface DeviceEvidence {
  /** The device's report over the nonce of `deviceNonceOf`. */
  readonly evidence: Uint8Array;
  /** The device's certificates, PEM, leaf first, root last. */
  readonly certChain: Uint8Array;
}

/**
 * What a worker says of itself at `GET /v1/evidence`.
 * @see docs/protocol.md section 9
 */
export interface NodeEvidence {
  readonly platform: Platform;
  readonly evidence: Uint8Array;
  /** In the order in which the binding names their evidence; empty without a GPU. */
  readonly devices: readonly DeviceEvidence[];
  readonly binding: NodeBinding;
  readonly anchor: Anchor;
  /** The signing key's signature over the binding digest, 65 bytes. */
  readonly possession: Hex;
  /** Null before the first attestation. */
  readonly keyEpoch: number | null;
  readonly simulated: boolean;
}

const PLATFORMS: ReadonlySet<string> = new Set(NODE_PLATFORMS);
const DEVICES: ReadonlySet<string> = new Set(DEVICE_PLATFORMS);
const MAX_DEVICES = 32;
const MAX_UINT32 = 0xffff_ffff;
const MAX_UINT64 = (1n << 64n) - 1n;

const malformed = (message: string): EvidenceError => new EvidenceError("EVIDENCE_MALFORMED", message);

/** Writes node evidence as the JSON value that travels. */
export function nodeEvidenceToJson(nodeEvidence: NodeEvidence): Record<string, unknown> {
  const { anchor, evidence, devices, binding, ...rest } = nodeEvidence;
  const list = devices.map((device) => ({ evidence: toHex(device.evidence), certChain: toHex(device.certChain) }));
  return {
    ...rest,
    evidence: toHex(evidence),
    ...(list.length === 0 ? {} : { devices: list }),
    binding: { ...binding },
    anchor: { blockNumber: anchor.blockNumber.toString(), blockHash: anchor.blockHash },
  };
}

/** Reads node evidence from a JSON value; throws `EvidenceError` `EVIDENCE_MALFORMED`. Nothing in it is verified. */
export function parseNodeEvidence(json: unknown): NodeEvidence {
  const fields = new JsonFields(json, "node evidence", malformed);
  const platform = fields.text("platform");
  if (!isPlatform(platform)) throw malformed("node evidence.platform is unknown");
  return {
    platform,
    evidence: fields.hex("evidence", { prefix: true }),
    devices: fields.has("devices") ? parseDevices(fields.fieldsList("devices")) : [],
    binding: parseBinding(fields.fields("binding")),
    anchor: parseAnchor(fields.fields("anchor")),
    possession: hexOf(fields, "possession", 65),
    keyEpoch: fields.value("keyEpoch") === null ? null : fields.uint("keyEpoch", MAX_UINT32),
    simulated: fields.boolean("simulated"),
  };
}

function parseDevices(list: readonly JsonFields[]): readonly DeviceEvidence[] {
  if (list.length > MAX_DEVICES) throw malformed(`node evidence.devices has ${list.length} devices`);
  return list.map((fields) => ({
    evidence: fields.hex("evidence", { prefix: true }),
    certChain: fields.hex("certChain", { prefix: true }),
  }));
}

/**
 * Checks that the evidence carries the digest of the binding and the anchor, that the binding names the devices' evidence and
 * each device the nonce, and that the signing key signed the binding.
 * It does not verify the evidence: give `reportDataOf(domain, binding, anchor)` to `verifyEvidence` as well.
 * Throws `EvidenceError` `BINDING_MISMATCH` or `SIGNATURE_INVALID`, or what parsing the evidence throws.
 * @see docs/protocol.md section 3
 */
export function checkNodeEvidence(domain: RegistryDomain, nodeEvidence: NodeEvidence): void {
  const { binding, anchor, evidence, devices, platform } = nodeEvidence;
  const detected = detect(evidence);
  if (detected.platform !== platform) {
    throw new EvidenceError("BINDING_MISMATCH", `the evidence is of ${detected.platform}, not of ${platform}`);
  }
  if (!equal(detected.reportData, reportDataOf(domain, binding, anchor))) {
    throw new EvidenceError("BINDING_MISMATCH", "the report data is not the binding's digest and anchor");
  }
  const nonce = deviceNonceOf(domain, binding, anchor);
  for (const device of devices) checkDevice(device, nonce);
  checkDevicesNamed(nodeEvidence);
  checkPossession(domain, nodeEvidence);
}

/** Checks that the binding names the evidence of exactly these devices in this order; throws `EvidenceError` `BINDING_MISMATCH`. */
export function checkDevicesNamed({ binding, devices }: Pick<NodeEvidence, "binding" | "devices">): void {
  const hash = gpuEvidenceHashOf(devices);
  if (hash === binding.gpuEvidenceHash.toLowerCase()) return;
  throw new EvidenceError(
    "BINDING_MISMATCH",
    `the binding names the device evidence ${binding.gpuEvidenceHash}, not ${hash}`,
  );
}

/** Checks that a device's evidence is of a device and carries the nonce. */
function checkDevice({ evidence }: DeviceEvidence, nonce: Uint8Array): void {
  const { platform, reportData } = detect(evidence);
  if (!DEVICES.has(platform)) throw new EvidenceError("BINDING_MISMATCH", `evidence of ${platform} is no device's`);
  if (!equal(reportData, nonce)) {
    throw new EvidenceError("BINDING_MISMATCH", "a device's nonce is not the one of this node and anchor");
  }
}

/** Checks that the attested signing key signed the binding; throws `EvidenceError` `SIGNATURE_INVALID`. */
export function checkPossession(
  domain: RegistryDomain,
  { binding, possession }: Pick<NodeEvidence, "binding" | "possession">,
): void {
  const signature = parseHex(possession, 65);
  const signer = signature && recoverAddress(bindingDigest(domain, binding), signature);
  if (signer === undefined || toHex(signer) !== binding.signingKey.toLowerCase()) {
    throw new EvidenceError("SIGNATURE_INVALID", "the proof of possession is not by the signing key");
  }
}

function parseBinding(fields: JsonFields): NodeBinding {
  return {
    nodeId: hexOf(fields, "nodeId", 32),
    operator: hexOf(fields, "operator", 20),
    signingKey: hexOf(fields, "signingKey", 20),
    sealingKey: hexOf(fields, "sealingKey", 32),
    gpuEvidenceHash: hexOf(fields, "gpuEvidenceHash", 32),
    configHash: hexOf(fields, "configHash", 32),
  };
}

function parseAnchor(fields: JsonFields): Anchor {
  const blockNumber = fields.decimal("blockNumber");
  if (blockNumber > MAX_UINT64) throw malformed("anchor.blockNumber does not fit 64 bits");
  return { blockNumber, blockHash: hexOf(fields, "blockHash", 32) };
}

function hexOf(fields: JsonFields, name: string, length: number): Hex {
  return toHex(fields.hex(name, { prefix: true, length }));
}

function isPlatform(text: string): text is Platform {
  return PLATFORMS.has(text);
}
