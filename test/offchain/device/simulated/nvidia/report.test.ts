import { expect } from "chai";
import type { NvidiaDeviceOptions } from "../../../../../offchain/device/simulated/nvidia/provision.ts";
import { simulatedNvidiaDevice } from "../../../../../offchain/device/simulated/nvidia/report.ts";
import type { DeviceReportDefects } from "../../../../../offchain/device/simulated/nvidia/report.ts";
import { createNvidiaVendor, nvidiaDeviceTrustRoot } from "../../../../../offchain/device/simulated/nvidia/vendor.ts";
import { parseDeviceReport } from "../../../../../offchain/evidence/nvidia/report.ts";
import { DEFAULT_POLICY } from "../../../../../offchain/verifier/policy.ts";
import type { AttestationResult } from "../../../../../offchain/verifier/result.ts";
import { verifyEvidence } from "../../../../../offchain/verifier/verify.ts";
import { SIMULATED_NOW } from "../../../../support/simulated-intel.ts";
import { testNvidiaDevice, testNvidiaVendor } from "../../../../support/simulated-nvidia.ts";
import { describeVectors, readVector } from "../../../../support/vectors.ts";

const NONCE = Uint8Array.from({ length: 32 }, (_zero, index) => index);
const DAY = 86_400_000;
/** The record whose length is the version's. */
const DRIVER_VERSION = 3;
const KINDS = ["gpu", "switch"] as const;

/** One device and one report, with what is wrong with them. */
interface Scene {
  readonly device?: Partial<NvidiaDeviceOptions>;
  readonly report?: DeviceReportDefects;
}

describe("simulated NVIDIA device", () => {
  const vendor = testNvidiaVendor();

  async function resultOf(scene: Scene, roots = [nvidiaDeviceTrustRoot(vendor)]): Promise<AttestationResult> {
    const device = testNvidiaDevice(vendor, scene.device);
    const { evidence, certChain } = await simulatedNvidiaDevice(device, scene.report).report(NONCE);
    return verifyEvidence(evidence, {
      endorsements: { nvidia: { certChain } },
      trustRoots: roots,
      now: SIMULATED_NOW,
      policy: { ...DEFAULT_POLICY, allowSimulated: true },
      expectedNonce: NONCE,
    });
  }

  const summary = ({ failures: [first] }: AttestationResult): string => `${first?.id} ${first?.code}`;

  it("refuses a nonce of another length", async () => {
    for (const length of [0, 31, 33, 64]) {
      const refused = await simulatedNvidiaDevice(testNvidiaDevice(vendor))
        .report(new Uint8Array(length))
        .catch((error: unknown) => error);
      expect(refused).to.be.instanceOf(RangeError);
    }
  });

  it("refuses to invert a byte that the report does not have", async () => {
    const device = simulatedNvidiaDevice(testNvidiaDevice(vendor), { flippedByte: 1 << 20 });
    expect(await device.report(NONCE).catch((error: unknown) => error)).to.be.instanceOf(RangeError);
  });

  for (const kind of KINDS) {
    it(`${kind}: holds under the verifier, with every claim as it was made`, async () => {
      const { simulated, claims, failures, checks } = await resultOf({ device: { kind } });
      expect({ simulated, codes: failures.filter(({ code }) => code !== "NOT_CHECKED") }).to.deep.equal({
        simulated: true,
        codes: [],
      });
      for (const id of ["device-chain", "device-kind", "report-signature", "nonce", "firmware-id"]) {
        expect(checks.find((check) => check.id === id)?.outcome, id).to.equal("pass");
      }
      const { driverVersion, vbiosVersion } = testNvidiaDevice(vendor, { kind });
      expect(claims).to.include({ platform: `nvidia-${kind}`, simulated: true });
      expect(claims?.details["vbiosVersion"]).to.equal(vbiosVersion);
      expect(claims?.details["driverVersion"]).to.equal(driverVersion ?? undefined);
    });

    it(`${kind}: is refused with each defect, by the check that looks for it`, async () => {
      const foreign = testNvidiaDevice(vendor, { kind, name: "another" }).certChain;
      const otherKind = testNvidiaDevice(vendor, { kind: kind === "gpu" ? "switch" : "gpu" }).certChain;
      const cases: [string, Scene][] = [
        ["nonce BINDING_MISMATCH", { report: { nonce: new Uint8Array(32).fill(9) } }],
        ["report-signature SIGNATURE_INVALID", { report: { forgedSignature: true } }],
        ["report-signature SIGNATURE_INVALID", { report: { flippedByte: 200 } }],
        ["report-signature SIGNATURE_INVALID", { report: { certChain: foreign } }],
        ["evidence-format EVIDENCE_MALFORMED", { report: { truncatedBy: 1 } }],
        ["evidence-format EVIDENCE_MALFORMED", { report: { truncatedOpaque: true } }],
        ["evidence-format EVIDENCE_MALFORMED", { report: { otherSlot: true } }],
        ["device-kind BINDING_MISMATCH", { report: { certChain: otherKind } }],
        ["device-chain EVIDENCE_MALFORMED", { report: { certChain: "no certificate" } }],
        ["device-chain CERTIFICATE_EXPIRED", { device: { notAfter: SIMULATED_NOW - DAY } }],
      ];
      for (const [expected, scene] of cases) {
        const result = await resultOf({ ...scene, device: { kind, ...scene.device } });
        expect(`${result.verdict}: ${summary(result)}`, JSON.stringify(scene)).to.equal(`contraindicated: ${expected}`);
      }
    });
  }

  it("is refused where it names other firmware than its certificate", async () => {
    const result = await resultOf({ report: { foreignFirmwareId: true } });
    expect(`${result.verdict}: ${summary(result)}`).to.equal("contraindicated: firmware-id BINDING_MISMATCH");
  });

  it("is refused under the root of another vendor", async () => {
    const result = await resultOf({}, [nvidiaDeviceTrustRoot(createNvidiaVendor({ now: SIMULATED_NOW }))]);
    expect(`${result.verdict}: ${summary(result)}`).to.equal("contraindicated: device-chain CHAIN_UNTRUSTED");
  });

  it("signs other measurements for other firmware, which only reference values can tell", async () => {
    const workloads = await Promise.all(
      [{}, { report: { foreignMeasurement: 3 } }, { report: { measuredDriver: "951.51.01" } }].map(
        async (scene) => (await resultOf(scene)).claims?.workloadId,
      ),
    );
    expect(new Set(workloads).size).to.equal(3);
  });

  const real = [
    ["gpu", "nvidia/confidential-containers__trustee/spdm-hopper-c438e7e714c0.bin"],
    ["switch", "nvidia/NVIDIA__attestation-sdk/spdm-ls10-352fc991e8d2.bin"],
  ] as const;
  const files = real.map(([, file]) => file);
  describeVectors("shape of real reports", files, () => {
    const shapeOf = (report: Uint8Array): object => {
      const { opaque, measurements } = parseDeviceReport(report);
      return {
        records: [...opaque].map(([type, value]) => (type === DRIVER_VERSION ? [type] : [type, value.length])),
        blocks: measurements.map(({ index, type, value }) => [index, type, value.length]),
      };
    };
    for (const [kind, file] of real) {
      it(`${kind}: has every record and every measurement in the places and lengths of a real one`, async () => {
        const { evidence } = await simulatedNvidiaDevice(testNvidiaDevice(vendor, { kind })).report(NONCE);
        expect(shapeOf(evidence)).to.deep.equal(shapeOf(await readVector(file)));
      });
    }
  });
});
