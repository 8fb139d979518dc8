import { expect } from "chai";
import { verify, X509Certificate } from "node:crypto";
import { amdCrl, amdEndorsements } from "../../../../../offchain/device/simulated/amd/endorsements.ts";
import {
  amdPlatformFromJson,
  amdPlatformToJson,
  provisionAmdPlatform,
  vekSubjectOf,
} from "../../../../../offchain/device/simulated/amd/platform.ts";
import { PRODUCTS } from "../../../../../offchain/device/simulated/amd/product.ts";
import { simulatedAmdDevice } from "../../../../../offchain/device/simulated/amd/report.ts";
import {
  amdTrustRoot,
  amdVendorFromJson,
  amdVendorToJson,
  createSimulatedAmd,
  revokeAuthority,
  type SimulatedAmd,
} from "../../../../../offchain/device/simulated/amd/vendor.ts";
import { certifyVek } from "../../../../../offchain/device/simulated/amd/vek.ts";
import { codeOf } from "../../../../support/errors.ts";
import { derSkeleton } from "../../../../support/der-skeleton.ts";
import { testAmd } from "../../../../support/simulated-amd.ts";
import { SIMULATED_NOW, TEST_MEASUREMENTS } from "../../../../support/simulated-intel.ts";
import { describeVectors, readVector } from "../../../../support/vectors.ts";

const bytesOf = (hex: string): Buffer => Buffer.from(hex.slice(2), "hex");

describe("simulated AMD vendor", () => {
  let vendor: SimulatedAmd;
  before(async () => {
    vendor = await testAmd();
  });

  const reportOf = (platform: ReturnType<typeof provisionAmdPlatform>): Promise<Uint8Array> =>
    simulatedAmdDevice(platform, TEST_MEASUREMENTS).quote(new Uint8Array(64));

  it("says SIMULATED in every name of every certificate, and AMD's common names", () => {
    for (const product of PRODUCTS) {
      const { ark, ask, asvk } = vendor.certificates[product];
      const vek = certifyVek(vendor, vekSubjectOf(provisionAmdPlatform(vendor, { product })));
      const names = [bytesOf(ark), bytesOf(ask), bytesOf(asvk), vek].map((der) => {
        const { subject, issuer } = new X509Certificate(der);
        for (const name of [subject, issuer]) expect(name).to.contain("O=SIMULATED Advanced Micro Devices\n");
        return /CN=(.*)$/.exec(subject)?.[1];
      });
      expect(names).to.deep.equal([`ARK-${product}`, `SEV-${product}`, `SEV-VLEK-${product}`, "SEV-VCEK"]);
    }
  });

  it("makes chains and reports that OpenSSL verifies", async () => {
    for (const product of PRODUCTS) {
      for (const signingKey of ["VCEK", "VLEK"] as const) {
        const platform = provisionAmdPlatform(vendor, { product, signingKey });
        const { vek, ask, ark } = amdEndorsements(vendor, platform, { now: SIMULATED_NOW });
        const [leaf, issuer, root] = [vek!, ask!, ark!].map((der) => new X509Certificate(der));
        expect(leaf!.checkIssued(issuer!) && leaf!.verify(issuer!.publicKey)).to.equal(true);
        expect(issuer!.checkIssued(root!) && issuer!.verify(root!.publicKey)).to.equal(true);
        expect(root!.verify(root!.publicKey)).to.equal(true);
        expect(root!.publicKey.asymmetricKeyDetails?.modulusLength).to.equal(4096);
        const report = await reportOf(platform);
        const scalar = (at: number): Buffer => Buffer.from(report.subarray(at, at + 48)).reverse();
        const signature = Buffer.concat([scalar(0x2a0), scalar(0x2a0 + 72)]);
        const key = { key: leaf!.publicKey, dsaEncoding: "ieee-p1363" } as const;
        expect(verify("sha384", report.subarray(0, 0x2a0), key, signature)).to.equal(true);
      }
    }
  });

  it("has one trust root for its keys and another for other ones", async () => {
    const { name, simulated, spkiSha256 } = amdTrustRoot(vendor);
    expect({ name, simulated }).to.deep.equal({ name: "SIMULATED AMD ARK", simulated: true });
    const [ark, ask] = [vendor.keys.ask, vendor.keys.ark];
    const other = await createSimulatedAmd({ now: SIMULATED_NOW, keys: { ...vendor.keys, ark, ask } });
    expect(amdTrustRoot(other).spkiSha256).to.not.equal(spkiSha256);
    const again = await createSimulatedAmd({ now: SIMULATED_NOW, keys: vendor.keys });
    expect(amdTrustRoot(again).spkiSha256).to.equal(spkiSha256);
  });

  it("refuses a seed of another length", async () => {
    const made = createSimulatedAmd({ now: SIMULATED_NOW, seed: new Uint8Array(31), keys: vendor.keys });
    expect(await made.catch((error: unknown) => error)).to.be.instanceOf(RangeError);
  });

  it("makes the same machine for the same name and another for another", () => {
    const make = (name?: string) => provisionAmdPlatform(vendor, name === undefined ? {} : { name });
    expect(make("a")).to.deep.equal(make("a"));
    expect(new Set([make("a"), make("b"), make(), make()].map(({ chipId }) => chipId)).size).to.equal(4);
    const older = provisionAmdPlatform(vendor, { name: "a", reported: { bl: 1, tee: 0, snp: 1, ucode: 1 } });
    expect(older.chipId).to.equal(make("a").chipId);
    expect(older.key).to.not.equal(make("a").key);
  });

  it("keeps the vendor's keys and seed out of the machine's file", () => {
    const text = amdPlatformToJson(provisionAmdPlatform(vendor));
    for (const secret of [vendor.seed, ...Object.values(vendor.keys)]) expect(text).to.not.contain(secret.slice(2));
  });

  describe("state files", () => {
    it("come back as they were, marked as simulated", () => {
      const revoked = revokeAuthority(vendor, { product: "Genoa", authority: "ask", revokedAt: SIMULATED_NOW });
      const platform = provisionAmdPlatform(vendor, { product: "Turin", signingKey: "VLEK" });
      expect(amdVendorFromJson(amdVendorToJson(revoked))).to.deep.equal(revoked);
      expect(amdPlatformFromJson(amdPlatformToJson(platform))).to.deep.equal(platform);
      for (const state of [revoked, platform]) expect(state).to.include({ simulated: true, vendor: "SIMULATED AMD" });
    });

    it("are refused with any member missing, wrong or added", () => {
      const change = (text: string, members: object): string => JSON.stringify({ ...JSON.parse(text), ...members });
      const [ofVendor, ofPlatform] = [amdVendorToJson(vendor), amdPlatformToJson(provisionAmdPlatform(vendor))];
      const vendors = [
        "not JSON",
        ...Object.keys(vendor).map((name) => change(ofVendor, { [name]: undefined })),
        change(ofVendor, { simulated: false }),
        change(ofVendor, { vendor: "AMD" }),
        change(ofVendor, { keys: { ...vendor.keys, ark: "0x00" } }),
        change(ofVendor, { revoked: [{ product: "Naples", authority: "ask", revokedAt: 1 }] }),
        change(ofVendor, { more: 1 }),
      ];
      for (const text of vendors) expect(codeOf(() => amdVendorFromJson(text))).to.equal("CONFIG_INVALID");
      const platforms = [
        ...Object.keys(JSON.parse(ofPlatform)).map((name) => change(ofPlatform, { [name]: undefined })),
        change(ofPlatform, { product: "Naples" }),
        change(ofPlatform, { reportVersion: "4" }),
        change(ofPlatform, { chipId: "0x00" }),
        change(ofPlatform, { key: `0x${"00".repeat(48)}` }),
        change(ofPlatform, { key: `0x${"ff".repeat(48)}` }),
      ];
      for (const text of platforms) expect(codeOf(() => amdPlatformFromJson(text))).to.equal("CONFIG_INVALID");
    });
  });

  const REAL: readonly (readonly [string, (made: SimulatedAmd) => Uint8Array])[] = [
    ["snp/certs/ark-milan.pem", (made) => bytesOf(made.certificates.Milan.ark)],
    ["snp/certs/ark-turin.pem", (made) => bytesOf(made.certificates.Turin.ark)],
    ["snp/certs/sev-genoa.pem", (made) => bytesOf(made.certificates.Genoa.ask)],
    ["snp/certs/sev-vlek-milan.pem", (made) => bytesOf(made.certificates.Milan.asvk)],
    ["snp/certs/vcek-milan-6444b5146cbb.der", (made) => vekOf(made, "Milan", "VCEK")],
    ["snp/certs/vcek-genoa-1b40c122abe8.der", (made) => vekOf(made, "Genoa", "VCEK")],
    ["snp/certs/vcek-turin-49d521f00a62.der", (made) => vekOf(made, "Turin", "VCEK")],
    ["snp/certs/vlek-milan-296a7c99053e.der", (made) => vekOf(made, "Milan", "VLEK")],
    ["snp/crl/ark-milan-2025-05-06.der", (made) => amdCrl(made, "Milan", SIMULATED_NOW)],
  ];

  function vekOf(made: SimulatedAmd, product: "Milan" | "Genoa" | "Turin", signingKey: "VCEK" | "VLEK"): Uint8Array {
    return certifyVek(made, vekSubjectOf(provisionAmdPlatform(made, { product, signingKey })));
  }

  describeVectors(
    "against AMD's own",
    REAL.map(([path]) => path),
    () => {
      for (const [path, make] of REAL) {
        it(`is built as ${path}`, async () => {
          const file = await readVector(path);
          const real = path.endsWith(".pem") ? new X509Certificate(file).raw : file;
          expect(derSkeleton(make(vendor))).to.equal(derSkeleton(real));
        });
      }
    },
  );
});
