import { expect } from "chai";
import { createSigningKey, signingAddress } from "#crypto";
import { simulatedDevice } from "../../../../../offchain/device/simulated/intel/quote.ts";
import { provisionPlatform } from "../../../../../offchain/device/simulated/intel/platform.ts";
import { simulatedTrustRoot } from "../../../../../offchain/device/simulated/intel/vendor.ts";
import type { Gpu } from "../../../../../offchain/device/gpu.ts";
import type { NvidiaDeviceOptions } from "../../../../../offchain/device/simulated/nvidia/provision.ts";
import { simulatedNvidiaDevice } from "../../../../../offchain/device/simulated/nvidia/report.ts";
import type { DeviceReportDefects } from "../../../../../offchain/device/simulated/nvidia/report.ts";
import {
  createNvidiaVendor,
  nvidiaDeviceTrustRoot,
  nvidiaRimTrustRoot,
  revokeNvidia,
} from "../../../../../offchain/device/simulated/nvidia/vendor.ts";
import type { NvidiaRole, NvidiaVendor } from "../../../../../offchain/device/simulated/nvidia/vendor.ts";
import { toHex, type Hex } from "../../../../../offchain/encoding/bytes.ts";
import {
  nodeEvidenceToJson,
  parseNodeEvidence,
  type NodeEvidence,
} from "../../../../../offchain/verifier/node-evidence.ts";
import { DEFAULT_POLICY, type AppraisalPolicy } from "../../../../../offchain/verifier/policy.ts";
import type { AttestationResult } from "../../../../../offchain/verifier/result.ts";
import { verifyNodeEvidence } from "../../../../../offchain/verifier/verify-node.ts";
import { parseCertificate } from "../../../../../offchain/x509/certificate.ts";
import { createEvidenceSource } from "../../../../../offchain/worker/evidence-source.ts";
import { SIMULATED_NOW, TEST_MEASUREMENTS, testEndorsements, testVendor } from "../../../../support/simulated-intel.ts";
import {
  testNvidiaDevice,
  testNvidiaEndorsements,
  testNvidiaVendor,
  type EndorsementDefects,
} from "../../../../support/simulated-nvidia.ts";

const REGISTRY = { chainId: 31_337n, verifyingContract: `0x${"4e".repeat(20)}` } as const;
/** In seconds: how old an answer on a certificate's status is. */
const HOUR = 3600;
const word = (byte: number): Hex => toHex(new Uint8Array(32).fill(byte));
const blockAt = (number: number) => ({
  blockNumber: BigInt(number),
  blockHash: word(number),
  timestamp: SIMULATED_NOW / 1000,
});

/** A node with a simulated TDX machine and a simulated GPU, as its worker makes it, and what is wrong with them. */
interface Scene {
  readonly device?: Partial<NvidiaDeviceOptions>;
  readonly report?: DeviceReportDefects;
  readonly endorsements?: EndorsementDefects;
  /** Who speaks for the device's certificates and manifests now. */
  readonly vendor?: NvidiaVendor;
  readonly policy?: Partial<AppraisalPolicy>;
  /** Changes what the node sends. */
  readonly change?: (honest: NodeEvidence) => Promise<NodeEvidence> | NodeEvidence;
}

describe("a simulated TDX machine with a simulated GPU", () => {
  const intel = testVendor();
  const nvidia = testNvidiaVendor();
  const platform = provisionPlatform(intel, { tee: "intel-tdx", now: SIMULATED_NOW, name: "node" });

  async function evidenceOf(
    gpu: Gpu | undefined,
    options: { nodeId?: Hex; block?: number } = {},
  ): Promise<NodeEvidence> {
    const signingKey = createSigningKey();
    const source = createEvidenceSource(
      {
        domain: REGISTRY,
        binding: {
          nodeId: options.nodeId ?? word(1),
          operator: `0x${"0b".repeat(20)}`,
          signingKey: toHex(signingAddress(signingKey)),
          sealingKey: word(4),
          configHash: word(5),
        },
        signingKey,
        device: simulatedDevice(platform, TEST_MEASUREMENTS),
        gpu,
      },
      () => undefined,
    );
    await source.renew(blockAt(options.block ?? 7));
    const newest = source.newest();
    if (newest === undefined) throw new RangeError("there is no evidence");
    return newest;
  }

  async function resultOf(scene: Scene = {}): Promise<AttestationResult> {
    const device = testNvidiaDevice(nvidia, scene.device);
    const honest = await evidenceOf(simulatedNvidiaDevice(device, scene.report));
    const sent = (await scene.change?.(honest)) ?? honest;
    const travelled = parseNodeEvidence(JSON.parse(JSON.stringify(nodeEvidenceToJson(sent))));
    return verifyNodeEvidence(REGISTRY, travelled, {
      endorsements: {
        dcap: testEndorsements(intel, platform),
        devices: travelled.devices.map(() =>
          testNvidiaEndorsements(scene.vendor ?? nvidia, device, scene.endorsements),
        ),
      },
      trustRoots: [simulatedTrustRoot(intel), nvidiaDeviceTrustRoot(nvidia), nvidiaRimTrustRoot(nvidia)],
      now: SIMULATED_NOW,
      policy: {
        ...DEFAULT_POLICY,
        allowSimulated: true,
        gpu: { required: true, referenceMeasurements: "required" },
        ...scene.policy,
      },
    });
  }

  const summary = ({ verdict, failures: [first] }: AttestationResult): string =>
    `${verdict}: ${first?.id} ${first?.code}`;
  const foreignGpu = (): Gpu => simulatedNvidiaDevice(testNvidiaDevice(createNvidiaVendor({ now: SIMULATED_NOW })));

  it("is affirmed with the claims of both", async () => {
    const result = await resultOf();
    expect(result).to.include({ verdict: "affirming", simulated: true, platform: "intel-tdx" });
    expect(result.failures).to.deep.equal([]);
    expect(result.devices?.map((claims) => claims?.platform)).to.deep.equal(["nvidia-gpu"]);
    expect(result.devices?.[0]?.details).to.include({ driverVersion: "951.51.02", vbiosVersion: "96.51.AD.00.02" });
  });

  it("is endorsed since the oldest answer on the status of its certificates, by which the policy's greatest age is judged", async () => {
    const { devices } = await resultOf();
    expect(devices?.map((claims) => claims?.endorsedAt)).to.deep.equal([SIMULATED_NOW - HOUR * 1000]);
    const codeAt = async (maximumEndorsementAge: number): Promise<string | undefined> => {
      const { failures } = await resultOf({ policy: { maximumEndorsementAge } });
      return failures.find(({ id }) => id === "gpu0/endorsement-age")?.code;
    };
    expect(await codeAt(HOUR)).to.equal(undefined);
    expect(await codeAt(HOUR - 1)).to.equal("ENDORSEMENT_EXPIRED");
  });

  it("is affirmed with older firmware and its manifests", async () => {
    const device = { driverVersion: "951.51.01", vbiosVersion: "96.51.AD.00.01" };
    expect((await resultOf({ device })).verdict).to.equal("affirming");
  });

  it("is refused where the parts do not belong together", async () => {
    const gpu = simulatedNvidiaDevice(testNvidiaDevice(nvidia));
    const cases: [string, Scene["change"]][] = [
      ["gpu-evidence-hash BINDING_MISMATCH", (honest) => ({ ...honest, devices: [] })],
      [
        "gpu-evidence-hash BINDING_MISMATCH",
        async (honest) => ({ ...honest, devices: (await evidenceOf(gpu, { nodeId: word(2) })).devices }),
      ],
      [
        "gpu-evidence-hash BINDING_MISMATCH",
        (honest) => ({ ...honest, devices: [...honest.devices, ...honest.devices] }),
      ],
      ["gpu POLICY", async () => evidenceOf(undefined)],
      ["gpu0/device-chain CHAIN_UNTRUSTED", async () => evidenceOf(foreignGpu())],
      [
        "device0/device BINDING_MISMATCH",
        async () => {
          const { evidence } = await evidenceOf(undefined);
          return evidenceOf({ simulated: true, report: async () => ({ evidence, certChain: new Uint8Array(0) }) });
        },
      ],
    ];
    // A proxy to the GPU of another node, of an earlier block, of another machine's keys: the nonce is theirs.
    for (const options of [{ nodeId: word(2) }, { block: 6 }, {}]) {
      const borrowed = async (): Promise<NodeEvidence> => {
        const other = await evidenceOf(gpu, options);
        return evidenceOf({ simulated: true, report: async () => other.devices[0]! });
      };
      cases.push(["gpu0/nonce BINDING_MISMATCH", borrowed]);
    }
    for (const [expected, change] of cases) {
      expect(summary(await resultOf(change === undefined ? {} : { change }))).to.equal(`contraindicated: ${expected}`);
    }
  });

  it("is refused with each defect of the GPU's report", async () => {
    const cases: [string, Scene][] = [
      ["gpu0/nonce BINDING_MISMATCH", { report: { nonce: new Uint8Array(32).fill(9) } }],
      ["gpu0/report-signature SIGNATURE_INVALID", { report: { forgedSignature: true } }],
      ["gpu0/firmware-id BINDING_MISMATCH", { report: { foreignFirmwareId: true } }],
      ["gpu0/device-chain CERTIFICATE_EXPIRED", { device: { notAfter: SIMULATED_NOW - 1 } }],
      ["device0/device BINDING_MISMATCH", { report: { truncatedOpaque: true } }],
    ];
    for (const [expected, scene] of cases) {
      expect(summary(await resultOf(scene)), JSON.stringify(scene)).to.equal(`contraindicated: ${expected}`);
    }
  });

  it("is refused where the GPU runs something else than its manifests name", async () => {
    const cases: [string, Scene][] = [
      ["BINDING_MISMATCH", { report: { foreignMeasurement: 41 } }],
      ["BINDING_MISMATCH", { report: { measuredDriver: "951.51.01" } }],
      ["BINDING_MISMATCH", { endorsements: { driverRim: { otherMeasurement: 40 } } }],
      ["BINDING_MISMATCH", { endorsements: { vbiosRim: { otherMeasurement: 3 } } }],
    ];
    for (const [code, scene] of cases) {
      expect(summary(await resultOf(scene)), JSON.stringify(scene)).to.equal(
        `contraindicated: gpu0/reference-measurements ${code}`,
      );
    }
  });

  it("is not judged under manifests that do not hold", async () => {
    const device = testNvidiaDevice(nvidia);
    const cases: [string, EndorsementDefects][] = [
      ["gpu0/driver-rim ENDORSEMENT_INVALID", { driverRim: { editedMeasurement: 40 } }],
      ["gpu0/vbios-rim ENDORSEMENT_INVALID", { vbiosRim: { editedMeasurement: 3 } }],
      ["gpu0/driver-rim ENDORSEMENT_INVALID", { driverRim: { forgedSignature: true } }],
      ["gpu0/driver-rim ENDORSEMENT_INVALID", { driverRim: { unsigned: true } }],
      ["gpu0/driver-rim ENDORSEMENT_INVALID", { driverRim: { truncatedBy: 1 } }],
      ["gpu0/driver-rim ENDORSEMENT_INVALID", { driverRim: { otherProduct: true } }],
      ["gpu0/driver-rim ENDORSEMENT_INVALID", { driverRim: { signedByDevice: device } }],
      ["gpu0/driver-rim ENDORSEMENT_INVALID", { driverRim: { signedByDeviceAuthority: true } }],
      ["gpu0/driver-rim ENDORSEMENT_INVALID", { driverVersion: "951.51.01" }],
      ["gpu0/driver-rim ENDORSEMENT_EXPIRED", { driverRim: { signerNotAfter: SIMULATED_NOW - 1 } }],
    ];
    for (const [expected, endorsements] of cases) {
      expect(summary(await resultOf({ endorsements })), JSON.stringify(endorsements)).to.equal(`none: ${expected}`);
    }
  });

  it("is judged by what the OCSP responder says, and not by what does not hold", async () => {
    const revoked = (issuer: NvidiaRole, serial: Hex): NvidiaVendor =>
      revokeNvidia(nvidia, { issuer, serial, revokedAt: SIMULATED_NOW - 1 });
    const serialOf = (role: NvidiaRole): Hex =>
      `0x${parseCertificate(Buffer.from(nvidia.certificates[role].slice(2), "hex")).serial}`;
    const { bootSerial } = testNvidiaDevice(nvidia);
    const cases: [string, Scene][] = [
      [
        "contraindicated: gpu0/device-revocation CERTIFICATE_REVOKED",
        { vendor: revoked("gpuProvisioner", bootSerial) },
      ],
      [
        "contraindicated: gpu0/device-revocation CERTIFICATE_REVOKED",
        { vendor: revoked("root", serialOf("identity")) },
      ],
      ["none: gpu0/rim-revocation ENDORSEMENT_INVALID", { vendor: revoked("rimIssuer", serialOf("rimSigner")) }],
      ["contraindicated: gpu0/device-revocation CHAIN_UNTRUSTED", { endorsements: { ocsp: { unknown: true } } }],
      ["none: gpu0/device-revocation ENDORSEMENT_EXPIRED", { endorsements: { ocsp: { stale: true } } }],
      ["none: gpu0/device-revocation ENDORSEMENT_INVALID", { endorsements: { ocsp: { forgedSignature: true } } }],
      [
        "none: gpu0/device-revocation ENDORSEMENT_INVALID",
        { endorsements: { ocsp: { responderWithoutPurpose: true } } },
      ],
      ["none: gpu0/device-revocation ENDORSEMENT_INVALID", { endorsements: { ocsp: { foreignResponder: true } } }],
      ["warning: gpu0/device-revocation NOT_CHECKED", { endorsements: { ocsp: { otherCertificate: true } } }],
      ["none: gpu0/device-revocation NOT_CHECKED", { endorsements: { ocsp: { unavailable: true } } }],
    ];
    for (const [expected, scene] of cases) {
      expect(summary(await resultOf(scene)), JSON.stringify(scene.endorsements)).to.equal(expected);
    }
  });
});
