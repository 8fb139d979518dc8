import { expect } from "chai";
import { X509Certificate } from "node:crypto";
import { platformFromJson, platformToJson } from "../../../../../offchain/device/simulated/intel/platform-file.ts";
import { provisionPlatform } from "../../../../../offchain/device/simulated/intel/platform.ts";
import {
  createSimulatedVendor,
  revoke,
  simulatedTrustRoot,
  vendorFromJson,
  vendorToJson,
} from "../../../../../offchain/device/simulated/intel/vendor.ts";
import { codeOf } from "../../../../support/errors.ts";
import { SIMULATED_NOW, testVendor } from "../../../../support/simulated-intel.ts";

const certificatesIn = (pem: string): X509Certificate[] =>
  pem
    .split(/(?<=-----END CERTIFICATE-----\n)/)
    .filter((part) => part !== "")
    .map((part) => new X509Certificate(part));

describe("simulated Intel vendor", () => {
  describe("createSimulatedVendor", () => {
    it("says SIMULATED in every name of every certificate", () => {
      const vendor = testVendor();
      const platform = provisionPlatform(vendor, { tee: "intel-tdx", now: SIMULATED_NOW });
      const issued = Object.values(vendor.certificates).map(
        (der) => new X509Certificate(Buffer.from(der.slice(2), "hex")),
      );
      for (const certificate of [...issued, ...certificatesIn(platform.pckChain)]) {
        for (const name of [certificate.subject, certificate.issuer]) {
          expect(name).to.match(/^CN=SIMULATED Intel /);
          expect(name).to.match(/\nO=SIMULATED Intel Corporation\n/);
        }
      }
    });

    it("has the same root key for the same seed and another for another", () => {
      const root = simulatedTrustRoot(testVendor());
      expect(root).to.deep.equal({
        name: "SIMULATED Intel SGX Root CA",
        spkiSha256: "8194e76d733b85fa653a443657432269c476c332337ba18964e0c631bd470655",
        simulated: true,
      });
      const other = createSimulatedVendor({ now: SIMULATED_NOW });
      expect(simulatedTrustRoot(other).spkiSha256).to.not.equal(root.spkiSha256);
    });

    it("refuses a seed of another length", () => {
      expect(() => createSimulatedVendor({ now: SIMULATED_NOW, seed: new Uint8Array(31) })).to.throw(RangeError);
    });
  });

  describe("provisionPlatform", () => {
    const vendor = testVendor();

    it("certifies under the CA of the machine's kind, down from the root", () => {
      for (const [tee, ca] of [
        ["intel-sgx", "Processor"],
        ["intel-tdx", "Platform"],
      ] as const) {
        const [leaf, issuer, root] = certificatesIn(provisionPlatform(vendor, { tee, now: SIMULATED_NOW }).pckChain);
        expect(leaf?.subject).to.contain("CN=SIMULATED Intel SGX PCK Certificate");
        expect(issuer?.subject).to.contain(`CN=SIMULATED Intel SGX PCK ${ca} CA`);
        expect(leaf?.verify(issuer!.publicKey) && leaf.checkIssued(issuer!)).to.equal(true);
        expect(issuer?.verify(root!.publicKey) && issuer.checkIssued(root!)).to.equal(true);
      }
    });

    it("makes the same machine for the same name and another for another", () => {
      const make = (name?: string) =>
        provisionPlatform(vendor, { tee: "intel-sgx", now: SIMULATED_NOW, ...(name === undefined ? {} : { name }) });
      expect(make("a").ppid).to.equal(make("a").ppid);
      expect(make("a").pckKey).to.equal(make("a").pckKey);
      const ppids = [make("a"), make("b"), make(), make()].map((platform) => platform.ppid);
      expect(new Set(ppids).size).to.equal(4);
    });

    it("keeps the vendor's keys and seed out of the machine's file", () => {
      const text = platformToJson(provisionPlatform(vendor, { tee: "intel-sgx", now: SIMULATED_NOW }));
      expect(text).to.not.contain(vendor.seed.slice(2));
    });
  });

  describe("state files", () => {
    const vendor = revoke(testVendor(), { issuer: "platform", serial: "0x0102", revokedAt: SIMULATED_NOW });
    const platform = provisionPlatform(vendor, { tee: "intel-tdx", now: SIMULATED_NOW, tcb: "OutOfDate" });

    it("come back as they were", () => {
      expect(vendorFromJson(vendorToJson(vendor))).to.deep.equal(vendor);
      expect(platformFromJson(platformToJson(platform))).to.deep.equal(platform);
    });

    it("are marked as simulated", () => {
      for (const text of [vendorToJson(vendor), platformToJson(platform)]) {
        expect(JSON.parse(text)).to.include({ simulated: true, vendor: "SIMULATED Intel" });
      }
    });

    it("are refused with any member missing, wrong or added", () => {
      const change = (text: string, members: object): string => JSON.stringify({ ...JSON.parse(text), ...members });
      const ofVendor = [
        "not JSON",
        "[]",
        ...Object.keys(vendor).map((name) => change(vendorToJson(vendor), { [name]: undefined })),
        change(vendorToJson(vendor), { simulated: false }),
        change(vendorToJson(vendor), { vendor: "Intel" }),
        change(vendorToJson(vendor), { seed: "0x01" }),
        change(vendorToJson(vendor), { certificates: { root: "0x" } }),
        change(vendorToJson(vendor), { revoked: [{ issuer: "leaf", serial: "0x01", revokedAt: 1 }] }),
        change(vendorToJson(vendor), { more: 1 }),
      ];
      expect(ofVendor.map((text) => codeOf(() => vendorFromJson(text)))).to.deep.equal(
        ofVendor.map(() => "CONFIG_INVALID"),
      );
      const order = "0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
      const ofPlatform = [
        ...Object.keys(platform).map((name) => change(platformToJson(platform), { [name]: undefined })),
        change(platformToJson(platform), { tee: "amd-sev-snp" }),
        change(platformToJson(platform), { pceSvn: 65_536 }),
        change(platformToJson(platform), { pckKey: order }),
        change(platformToJson(platform), { attestationKey: `0x${"00".repeat(32)}` }),
      ];
      expect(ofPlatform.map((text) => codeOf(() => platformFromJson(text)))).to.deep.equal(
        ofPlatform.map(() => "CONFIG_INVALID"),
      );
    });
  });
});
