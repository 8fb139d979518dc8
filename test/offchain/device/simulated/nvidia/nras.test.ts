import { expect } from "chai";
import { attestGpus, nrasKeySet } from "../../../../../offchain/device/simulated/nvidia/nras.ts";
import type { NrasDefects } from "../../../../../offchain/device/simulated/nvidia/nras.ts";
import { simulatedNvidiaDevice } from "../../../../../offchain/device/simulated/nvidia/report.ts";
import type { DeviceReportDefects } from "../../../../../offchain/device/simulated/nvidia/report.ts";
import { createNvidiaVendor, revokeNvidia } from "../../../../../offchain/device/simulated/nvidia/vendor.ts";
import type { NvidiaVendor } from "../../../../../offchain/device/simulated/nvidia/vendor.ts";
import { utf8 } from "../../../../../offchain/encoding/bytes.ts";
import { verifyDeviceTokens, type TokenResult } from "../../../../../offchain/verifier/verify-token.ts";
import { SIMULATED_NOW } from "../../../../support/simulated-intel.ts";
import { testNvidiaDevice, testNvidiaVendor } from "../../../../support/simulated-nvidia.ts";

const NONCE = Uint8Array.from({ length: 32 }, (_zero, index) => 2 * index);

/** Two devices and their tokens, with what is wrong with the second report or with the tokens. */
interface Scene {
  readonly report?: DeviceReportDefects;
  readonly tokens?: NrasDefects;
  readonly vendor?: NvidiaVendor;
  readonly keysOf?: NvidiaVendor;
}

describe("simulated NVIDIA attestation service", () => {
  const vendor = testNvidiaVendor();

  async function resultOf(scene: Scene): Promise<TokenResult> {
    const devices = await Promise.all([
      simulatedNvidiaDevice(testNvidiaDevice(vendor, { name: "first" })).report(NONCE),
      simulatedNvidiaDevice(testNvidiaDevice(vendor, { name: "second" }), scene.report).report(NONCE),
    ]);
    const options = { now: SIMULATED_NOW, defects: scene.tokens ?? {} };
    const { token, devices: tokens } = await attestGpus(scene.vendor ?? vendor, { nonce: NONCE, devices }, options);
    const each = Object.entries(tokens).map(([name, text]) => [name, utf8(text)] as const);
    return verifyDeviceTokens(
      { token: utf8(token), devices: Object.fromEntries(each) },
      { keys: nrasKeySet(scene.keysOf ?? vendor), now: SIMULATED_NOW, expectedNonce: NONCE },
    );
  }

  it("signs that good devices are good", async () => {
    const { verdict, claims, failures } = await resultOf({});
    expect({ verdict, failures }).to.deep.equal({ verdict: "affirming", failures: [] });
    expect(claims).to.include({ kind: "overall", keyId: "SIMULATED-nv-eat-kid-1" });
    expect(Object.keys(claims?.devices ?? {})).to.deep.equal(["GPU-0", "GPU-1"]);
  });

  it("signs that one device is bad, and its tokens are refused", async () => {
    const serial = testNvidiaDevice(vendor, { name: "second" }).bootSerial;
    const scenes: Scene[] = [
      { report: { forgedSignature: true } },
      { report: { nonce: new Uint8Array(32) } },
      { report: { foreignMeasurement: 41 } },
      { report: { measuredDriver: "951.51.01" } },
      { report: { truncatedBy: 1 } },
      { vendor: revokeNvidia(vendor, { issuer: "gpuProvisioner", serial, revokedAt: SIMULATED_NOW }) },
    ];
    for (const scene of scenes) {
      const { verdict, failures } = await resultOf(scene);
      expect(verdict, JSON.stringify(scene.report)).to.equal("contraindicated");
      expect(failures.map(({ id, code }) => `${id} ${code}`)).to.include("token-result BINDING_MISMATCH");
    }
  });

  it("is refused with each defect of the tokens", async () => {
    const cases: [string, Scene][] = [
      ["contraindicated: token-signature SIGNATURE_INVALID", { tokens: { forgedSignature: true } }],
      ["contraindicated: token-time EVIDENCE_STALE", { tokens: { expired: true } }],
      ["contraindicated: token-nonce BINDING_MISMATCH", { tokens: { nonce: new Uint8Array(32) } }],
      ["contraindicated: token-devices BINDING_MISMATCH", { tokens: { otherDevices: true } }],
      ["contraindicated: token-signature SIGNATURE_INVALID", { keysOf: createNvidiaVendor({ now: SIMULATED_NOW }) }],
    ];
    for (const [expected, scene] of cases) {
      const { verdict, failures } = await resultOf(scene);
      expect(`${verdict}: ${failures[0]?.id} ${failures[0]?.code}`, JSON.stringify(scene.tokens)).to.equal(expected);
    }
    const { verdict, failures } = await resultOf({ tokens: { unknownKey: true } });
    expect(verdict).to.not.equal("affirming");
    expect(failures.map(({ id, code }) => `${id} ${code}`)).to.include("token-key NOT_CHECKED");
  });
});
