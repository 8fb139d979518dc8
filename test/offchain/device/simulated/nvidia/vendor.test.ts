import { expect } from "chai";
import { X509Certificate } from "node:crypto";
import {
  nvidiaDeviceFromJson,
  nvidiaDeviceToJson,
} from "../../../../../offchain/device/simulated/nvidia/device-file.ts";
import { provisionNvidiaDevice } from "../../../../../offchain/device/simulated/nvidia/provision.ts";
import {
  createNvidiaVendor,
  nvidiaDeviceTrustRoot,
  nvidiaVendorFromJson,
  nvidiaVendorToJson,
  revokeNvidia,
} from "../../../../../offchain/device/simulated/nvidia/vendor.ts";
import { codeOf } from "../../../../support/errors.ts";
import { SIMULATED_NOW } from "../../../../support/simulated-intel.ts";
import { testNvidiaDevice, testNvidiaVendor } from "../../../../support/simulated-nvidia.ts";

const certificatesIn = (pem: string): X509Certificate[] =>
  pem
    .split(/(?<=-----END CERTIFICATE-----\n)/)
    .filter((part) => part !== "")
    .map((part) => new X509Certificate(part));

describe("simulated NVIDIA vendor", () => {
  const vendor = testNvidiaVendor();

  describe("createNvidiaVendor", () => {
    it("says SIMULATED in every name of every certificate", () => {
      const issued = Object.values(vendor.certificates).map(
        (der) => new X509Certificate(Buffer.from(der.slice(2), "hex")),
      );
      const devices = (["gpu", "switch"] as const).flatMap((kind) =>
        certificatesIn(testNvidiaDevice(vendor, { kind }).certChain),
      );
      for (const { subject, issuer } of [...issued, ...devices]) {
        for (const name of [subject, issuer]) {
          expect(name).to.match(/^CN=.*SIMULATED/m);
          expect(name).to.match(/^O=SIMULATED NVIDIA/m);
        }
      }
    });

    it("has the same root keys for the same seed and others for another", () => {
      const root = nvidiaDeviceTrustRoot(vendor);
      expect(root).to.include({ name: "SIMULATED NVIDIA Device Identity CA", simulated: true });
      expect(nvidiaDeviceTrustRoot(testNvidiaVendor())).to.deep.equal(root);
      const other = createNvidiaVendor({ now: SIMULATED_NOW });
      expect(nvidiaDeviceTrustRoot(other).spkiSha256).to.not.equal(root.spkiSha256);
    });

    it("refuses a seed of another length", () => {
      expect(() => createNvidiaVendor({ now: SIMULATED_NOW, seed: new Uint8Array(31) })).to.throw(RangeError);
    });
  });

  describe("provisionNvidiaDevice", () => {
    it("certifies firmware, boot code, provisioner and chip family down from the root", () => {
      for (const [kind, names] of [
        ["gpu", ["GH100 A01 GSP FMC LF", "GH100 A01 GSP BROM", "GH100 Provisioner ICA 1", "GH100 Identity"]],
        ["switch", ["LS_10 A01 FSP FMC LF", "LS_10 A01 FSP BROM", "LS_10 Provisioner ICA 1", "GH100 Identity"]],
      ] as const) {
        const chain = certificatesIn(testNvidiaDevice(vendor, { kind }).certChain);
        expect(chain).to.have.length(5);
        for (const [place, name] of names.entries()) {
          const [certificate, issuer] = [chain[place]!, chain[place + 1]!];
          expect(certificate.subject).to.contain(name);
          expect(certificate.verify(issuer.publicKey) && certificate.checkIssued(issuer), name).to.equal(true);
        }
      }
    });

    it("makes the same device for the same name and another for another", () => {
      const make = (name?: string) =>
        provisionNvidiaDevice(vendor, { kind: "gpu", now: SIMULATED_NOW, ...(name === undefined ? {} : { name }) });
      expect(make("a").attestationKey).to.equal(make("a").attestationKey);
      const chips = [make("a"), make("b"), make(), make()].map(({ chipId }) => chipId);
      expect(new Set(chips).size).to.equal(4);
    });

    it("keeps the vendor's seed out of the device's file", () => {
      expect(nvidiaDeviceToJson(testNvidiaDevice(vendor))).to.not.contain(vendor.seed.slice(2));
    });
  });

  describe("state files", () => {
    const state = revokeNvidia(vendor, { issuer: "identity", serial: "0x0102", revokedAt: SIMULATED_NOW });
    const gpu = testNvidiaDevice(vendor);

    it("come back as they were", () => {
      expect(nvidiaVendorFromJson(nvidiaVendorToJson(state))).to.deep.equal(state);
      for (const kind of ["gpu", "switch"] as const) {
        const device = testNvidiaDevice(vendor, { kind });
        expect(nvidiaDeviceFromJson(nvidiaDeviceToJson(device))).to.deep.equal(device);
      }
    });

    it("are marked as simulated", () => {
      for (const text of [nvidiaVendorToJson(state), nvidiaDeviceToJson(gpu)]) {
        expect(JSON.parse(text)).to.include({ simulated: true, vendor: "SIMULATED NVIDIA" });
      }
    });

    it("are refused with any member missing, wrong or added", () => {
      const change = (text: string, members: object): string => JSON.stringify({ ...JSON.parse(text), ...members });
      const ofVendor = [
        "not JSON",
        "[]",
        ...Object.keys(state).map((name) => change(nvidiaVendorToJson(state), { [name]: undefined })),
        change(nvidiaVendorToJson(state), { simulated: false }),
        change(nvidiaVendorToJson(state), { vendor: "NVIDIA" }),
        change(nvidiaVendorToJson(state), { seed: "0x01" }),
        change(nvidiaVendorToJson(state), { certificates: { root: "0x" } }),
        change(nvidiaVendorToJson(state), { revoked: [{ issuer: "leaf", serial: "0x01", revokedAt: 1 }] }),
        change(nvidiaVendorToJson(state), { more: 1 }),
      ];
      expect(ofVendor.map((text) => codeOf(() => nvidiaVendorFromJson(text)))).to.deep.equal(
        ofVendor.map(() => "CONFIG_INVALID"),
      );
      const ofDevice = [
        ...Object.keys(gpu).map((name) => change(nvidiaDeviceToJson(gpu), { [name]: undefined })),
        change(nvidiaDeviceToJson(gpu), { vendor: "SIMULATED Intel" }),
        change(nvidiaDeviceToJson(gpu), { kind: "nic" }),
        change(nvidiaDeviceToJson(gpu), { driverVersion: "1 2" }),
        change(nvidiaDeviceToJson(gpu), { vbiosVersion: "96.51" }),
        change(nvidiaDeviceToJson(gpu), { attestationKey: `0x${"00".repeat(48)}` }),
      ];
      expect(ofDevice.map((text) => codeOf(() => nvidiaDeviceFromJson(text)))).to.deep.equal(
        ofDevice.map(() => "CONFIG_INVALID"),
      );
    });
  });
});
