import { expect } from "chai";
import { createSigningKey, keccak256, signDigest, signingAddress } from "../../../offchain/crypto/node.ts";
import { simulatedDevice } from "../../../offchain/device/simulated/intel/quote.ts";
import { provisionPlatform } from "../../../offchain/device/simulated/intel/platform.ts";
import { simulatedTrustRoot } from "../../../offchain/device/simulated/intel/vendor.ts";
import { concat, toHex, type Hex } from "../../../offchain/encoding/bytes.ts";
import { endorsementsOfNode } from "../../../offchain/endorsements/node.ts";
import {
  bindingDigest,
  deviceNonceOf,
  gpuEvidenceHashOf,
  reportDataOf,
  type Anchor,
  type NodeBinding,
} from "../../../offchain/verifier/binding.ts";
import {
  checkNodeEvidence,
  nodeEvidenceToJson,
  parseNodeEvidence,
  type DeviceEvidence,
  type NodeEvidence,
} from "../../../offchain/verifier/node-evidence.ts";
import { DEFAULT_POLICY, parsePolicy, type AppraisalPolicy } from "../../../offchain/verifier/policy.ts";
import type { VerifyNodeOptions } from "../../../offchain/verifier/verify-devices.ts";
import { verifyNodeEvidence } from "../../../offchain/verifier/verify-node.ts";
import { expectRefusal } from "../../support/expect-refusal.ts";
import {
  block,
  createDevice,
  deviceReport,
  request,
  SWITCH_RECORDS,
  type ReportParts,
  type TestDevice,
} from "../../support/nvidia-device.ts";
import { SIMULATED_NOW, TEST_MEASUREMENTS, testEndorsements, testVendor } from "../../support/simulated-intel.ts";

const DAY = 86_400_000;
const word = (byte: string): Hex => `0x${byte.repeat(32)}`;
const domain = { chainId: 31_337n, verifyingContract: `0x${"c0".repeat(20)}` } as const;
const anchor: Anchor = { blockNumber: 42n, blockHash: word("ee") };
const key = createSigningKey();
const KEYS: Omit<NodeBinding, "gpuEvidenceHash"> = {
  nodeId: word("01"),
  operator: `0x${"02".repeat(20)}`,
  signingKey: toHex(signingAddress(key)),
  sealingKey: word("04"),
  configHash: word("06"),
};

const validNow = (): { notBefore: number; notAfter: number } => ({
  notBefore: SIMULATED_NOW - DAY,
  notAfter: SIMULATED_NOW + DAY,
});
const gpu = createDevice({ change: validNow });
const otherGpu = createDevice({ change: validNow });
const nvswitch = createDevice({ leafName: "LS_10 FSP FMC LF", leafExtensions: [], change: validNow });
const vendor = testVendor();
const platform = provisionPlatform(vendor, { tee: "intel-tdx", now: SIMULATED_NOW, name: "node" });
const nonceOf = (keys: Partial<typeof KEYS> = {}, at: Anchor = anchor): Uint8Array =>
  deviceNonceOf(domain, { ...KEYS, ...keys }, at);

function evidenceOf(device: TestDevice, nonce: Uint8Array = nonceOf(), parts: ReportParts = {}): DeviceEvidence {
  return { evidence: deviceReport(device, { ...parts, request: request(nonce) }), certChain: device.certChain };
}

/** A node whose own evidence binds exactly these devices. */
async function nodeWith(devices: readonly DeviceEvidence[], bound = devices): Promise<NodeEvidence> {
  const binding = { ...KEYS, gpuEvidenceHash: gpuEvidenceHashOf(bound) };
  const quote = await simulatedDevice(platform, TEST_MEASUREMENTS).quote(reportDataOf(domain, binding, anchor));
  const possession = toHex(signDigest(key, bindingDigest(domain, binding)));
  return { platform: "intel-tdx", evidence: quote, devices, binding, anchor, possession, keyEpoch: 1, simulated: true };
}

const POLICY: AppraisalPolicy = {
  ...DEFAULT_POLICY,
  allowSimulated: true,
  gpu: { required: true, referenceMeasurements: "warn" },
};
const OPTIONS: VerifyNodeOptions = {
  endorsements: { dcap: testEndorsements(vendor, platform) },
  trustRoots: [simulatedTrustRoot(vendor), gpu.root, otherGpu.root, nvswitch.root],
  now: SIMULATED_NOW,
  policy: POLICY,
};

describe("a node with devices", () => {
  let node: NodeEvidence;
  before(async () => {
    node = await nodeWith([evidenceOf(gpu)]);
  });

  it("names the hash of its devices' hashes in their order, and zero without a device", () => {
    const devices = [evidenceOf(gpu), evidenceOf(otherGpu)];
    const hashes = devices.map(({ evidence }) => keccak256(evidence));
    expect(gpuEvidenceHashOf(devices)).to.equal(toHex(keccak256(concat(...hashes))));
    expect(gpuEvidenceHashOf(devices.slice(1))).to.equal(toHex(keccak256(hashes[1] ?? new Uint8Array())));
    expect(gpuEvidenceHashOf([])).to.equal(word("00"));
  });

  it("travels as JSON and back", () => {
    const travelled = parseNodeEvidence(JSON.parse(JSON.stringify(nodeEvidenceToJson(node))));
    expect(travelled.devices.map(({ evidence }) => toHex(evidence))).to.deep.equal(
      node.devices.map(({ evidence }) => toHex(evidence)),
    );
    checkNodeEvidence(domain, travelled);
    expect(nodeEvidenceToJson({ ...node, devices: [] })).to.not.have.property("devices");
  });

  it("is accepted with all checks of its devices, and only as long as each part is valid", async () => {
    const [graphics, fabric] = [evidenceOf(gpu), evidenceOf(nvswitch, nonceOf(), { records: SWITCH_RECORDS })];
    const result = await verifyNodeEvidence(domain, await nodeWith([graphics, fabric]), OPTIONS);
    expect([result.verdict, result.simulated]).to.deep.equal(["warning", true]);
    expect(result.failures.map(({ id }) => id)).to.deep.equal([
      "gpu0/device-revocation",
      "gpu0/reference-measurements",
      "switch1/device-revocation",
      "switch1/reference-measurements",
    ]);
    const passed = result.checks.filter(({ outcome }) => outcome === "pass").map(({ id }) => id);
    expect(passed).to.include.members(["gpu-evidence-hash", "distinct-devices", "gpu", "gpu0/nonce", "switch1/nonce"]);
    expect(result.devices?.map((claims) => claims?.platform)).to.deep.equal(["nvidia-gpu", "nvidia-switch"]);
    expect(result.claims).to.include({ platform: "intel-tdx", validUntil: SIMULATED_NOW + DAY });
  });

  it("waits for the manifests unless the policy does without them", async () => {
    const required = { ...POLICY, gpu: DEFAULT_POLICY.gpu };
    const { verdict, failures } = await verifyNodeEvidence(domain, node, { ...OPTIONS, policy: required });
    expect(verdict).to.equal("none");
    expect(failures.map(({ id, code }) => `${id} ${code}`)).to.include("gpu0/reference-measurements NOT_CHECKED");
  });

  it("is simulated where one device is, whatever its own root", async () => {
    const trustRoots = OPTIONS.trustRoots.map((root) =>
      root.family === "nvidia" ? root : { ...root, simulated: false },
    );
    const genuine = { ...OPTIONS, trustRoots };
    expect((await verifyNodeEvidence(domain, node, genuine)).simulated).to.equal(true);
    const { verdict } = await verifyNodeEvidence(domain, { ...node, simulated: false }, genuine);
    expect(verdict).to.equal("contraindicated");
    const strict = { ...genuine, policy: { ...POLICY, allowSimulated: false } };
    const refused = await verifyNodeEvidence(domain, node, strict);
    expect(refused.failures.filter(({ code }) => code === "POLICY").map(({ id }) => id)).to.deep.equal([
      "gpu0/trust-root",
    ]);
  });

  const otherRequest = deviceReport(gpu, { request: request(nonceOf()), blocks: [block(1)] });
  const bad: readonly (readonly [string, readonly string[], () => Promise<NodeEvidence>])[] = [
    ["a nonce of another node", ["gpu0/nonce"], () => nodeWith([evidenceOf(gpu, nonceOf({ nodeId: word("02") }))])],
    [
      "a nonce of another operator",
      ["gpu0/nonce"],
      () => nodeWith([evidenceOf(gpu, nonceOf({ operator: `0x${"03".repeat(20)}` }))]),
    ],
    [
      "a nonce of another signing key",
      ["gpu0/nonce"],
      () => nodeWith([evidenceOf(gpu, nonceOf({ signingKey: `0x${"03".repeat(20)}` }))]),
    ],
    [
      "a nonce of another sealing key",
      ["gpu0/nonce"],
      () => nodeWith([evidenceOf(gpu, nonceOf({ sealingKey: word("05") }))]),
    ],
    [
      "a nonce of another block",
      ["gpu0/nonce"],
      () => nodeWith([evidenceOf(gpu, nonceOf({}, { ...anchor, blockNumber: 41n }))]),
    ],
    [
      "a nonce of another block hash",
      ["gpu0/nonce"],
      () => nodeWith([evidenceOf(gpu, nonceOf({}, { ...anchor, blockHash: word("ef") }))]),
    ],
    [
      "the hash of another device's evidence",
      ["gpu-evidence-hash"],
      () => nodeWith([evidenceOf(gpu)], [evidenceOf(otherGpu)]),
    ],
    [
      "other evidence of the same device than the binding names",
      ["gpu-evidence-hash"],
      () => nodeWith([{ ...evidenceOf(gpu), evidence: otherRequest }], [evidenceOf(gpu)]),
    ],
    [
      "its devices in another order",
      ["gpu-evidence-hash"],
      () => {
        const [first, second] = [evidenceOf(gpu), evidenceOf(otherGpu)];
        return nodeWith([second, first], [first, second]);
      },
    ],
    ["a device that the binding does not name", ["gpu-evidence-hash"], () => nodeWith([evidenceOf(gpu)], [])],
    ["no device where the binding names one", ["gpu-evidence-hash", "gpu"], () => nodeWith([], [evidenceOf(gpu)])],
    ["one device for two", ["distinct-devices"], () => nodeWith([evidenceOf(gpu), evidenceOf(gpu)])],
    [
      "the certificates of another device",
      ["gpu0/report-signature"],
      () => nodeWith([{ ...evidenceOf(gpu), certChain: otherGpu.certChain }]),
    ],
    [
      "a device that measured nothing",
      ["gpu0/measured"],
      () => nodeWith([evidenceOf(gpu, nonceOf(), { blocks: [block(1, Buffer.alloc(48))] })]),
    ],
    [
      "its own quote as a device",
      ["device0/device"],
      async () => nodeWith([{ evidence: (await nodeWith([])).evidence, certChain: new Uint8Array() }]),
    ],
    [
      "a device that is no evidence at all",
      ["device0/device", "device0/evidence-format"],
      () => nodeWith([{ evidence: Buffer.from("x"), certChain: new Uint8Array() }]),
    ],
  ];
  for (const [what, ids, make] of bad) {
    it(`is refused with ${what}`, async () => {
      const made = await make();
      const { verdict, failures } = await verifyNodeEvidence(domain, made, OPTIONS);
      expect(verdict).to.equal("contraindicated");
      expect(failures.map(({ id }) => id)).to.include.members([...ids]);
    });
  }

  it("is refused by its bytes alone where nonce, hash or kind do not fit", async () => {
    checkNodeEvidence(domain, node);
    const cases = [
      await nodeWith([evidenceOf(gpu, nonceOf({ nodeId: word("02") }))]),
      await nodeWith([evidenceOf(gpu)], [evidenceOf(otherGpu)]),
      await nodeWith([{ evidence: node.evidence, certChain: new Uint8Array() }]),
    ];
    for (const wrong of cases) await expectRefusal("BINDING_MISMATCH", () => checkNodeEvidence(domain, wrong));
  });

  it("is no node where a device stands alone", async () => {
    const device = evidenceOf(gpu);
    const alone: NodeEvidence = { ...node, platform: "nvidia-gpu", evidence: device.evidence, devices: [] };
    const options = { ...OPTIONS, endorsements: { nvidia: { certChain: device.certChain } } };
    const { verdict, failures } = await verifyNodeEvidence(domain, alone, options);
    expect(verdict).to.equal("contraindicated");
    expect(failures.map(({ id }) => id)).to.include("declared-platform");
    await expectRefusal("EVIDENCE_MALFORMED", () => parseNodeEvidence(nodeEvidenceToJson(alone)));
  });

  it("is refused without a device only where the policy asks for one", async () => {
    const plain = await nodeWith([]);
    const { verdict, failures } = await verifyNodeEvidence(domain, plain, OPTIONS);
    expect([verdict, failures.map(({ id, code }) => `${id} ${code}`)]).to.deep.equal([
      "contraindicated",
      ["gpu POLICY"],
    ]);
    const open = { ...OPTIONS, policy: { ...DEFAULT_POLICY, allowSimulated: true } };
    expect((await verifyNodeEvidence(domain, plain, open)).verdict).to.equal("affirming");
  });

  it("does not parse with devices that are none", async () => {
    const json = nodeEvidenceToJson(node);
    const [device] = json["devices"] as Record<string, unknown>[];
    const many = Array.from({ length: 33 }, () => device);
    for (const devices of [{}, [1], [{ evidence: "0x00" }], [{ ...device, certChain: "pem" }], many]) {
      await expectRefusal("EVIDENCE_MALFORMED", () => parseNodeEvidence({ ...json, devices }));
    }
  });

  it("gets endorsements for its own evidence and, with their certificates, for its devices'", async () => {
    const asked: unknown[] = [];
    const found = await endorsementsOfNode(node, async (evidence, given) => {
      asked.push([evidence, given?.nvidia?.certChain]);
      return given === undefined ? { dcap: {} } : { nvidia: { driverRim: Buffer.from("<rim/>") } };
    });
    expect(asked).to.deep.equal([
      [node.evidence, undefined],
      [node.devices[0]?.evidence, gpu.certChain],
    ]);
    expect(found).to.deep.equal({ dcap: {}, devices: [{ driverRim: Buffer.from("<rim/>") }] });
  });
});

describe("a policy for devices", () => {
  it("reads what is given and takes the default for the rest", () => {
    expect(parsePolicy({}).gpu).to.deep.equal({ required: false, referenceMeasurements: "required" });
    expect(parsePolicy({ gpu: { required: true } }).gpu).to.deep.equal({
      required: true,
      referenceMeasurements: "required",
    });
    expect(parsePolicy({ gpu: { referenceMeasurements: "warn" } }).gpu.referenceMeasurements).to.equal("warn");
  });

  it("refuses anything else", async () => {
    for (const given of [1, { required: 1 }, { count: 1 }, { referenceMeasurements: "no" }]) {
      await expectRefusal("CONFIG_INVALID", () => parsePolicy({ gpu: given }));
    }
  });
});
