import { Decoder, encode } from "cbor-x";
import { expect } from "chai";
import { createHash, verify, X509Certificate } from "node:crypto";
import { simulatedAwsDevice } from "../../../../../offchain/device/simulated/aws/document.ts";
import {
  awsPlatformFromJson,
  awsPlatformToJson,
  provisionAwsPlatform,
} from "../../../../../offchain/device/simulated/aws/platform.ts";
import {
  awsTrustRoot,
  awsVendorFromJson,
  awsVendorToJson,
  createSimulatedAws,
} from "../../../../../offchain/device/simulated/aws/vendor.ts";
import { codeOf } from "../../../../support/errors.ts";
import { derSkeleton } from "../../../../support/der-skeleton.ts";
import { testAws } from "../../../../support/simulated-aws.ts";
import { SIMULATED_NOW, TEST_MEASUREMENTS } from "../../../../support/simulated-intel.ts";
import { describeVectors, readVector } from "../../../../support/vectors.ts";

const REAL = "nitro/base-org__nitro-validator/nitro-2024-11-30-69d51f984229.cbor";
const decoder = new Decoder({ mapsAsObjects: false, useRecords: false });

type Fields = ReadonlyMap<string, unknown>;

interface Message {
  readonly protectedBytes: Uint8Array;
  readonly payload: Uint8Array;
  readonly signature: Uint8Array;
  readonly fields: Fields;
  /** Root first, the enclave's last. */
  readonly certificates: readonly X509Certificate[];
}

/** A message as a decoder that is not this project's reads it. */
function decoded(bytes: Uint8Array): Message {
  const [protectedBytes, , payload, signature] = decoder.decode(bytes) as [Uint8Array, Fields, Uint8Array, Uint8Array];
  const fields = decoder.decode(payload) as Fields;
  const ders = [...(fields.get("cabundle") as Uint8Array[]), fields.get("certificate") as Uint8Array];
  return { protectedBytes, payload, signature, fields, certificates: ders.map((der) => new X509Certificate(der)) };
}

describe("simulated AWS vendor", () => {
  const vendor = testAws();
  const platform = provisionAwsPlatform(vendor, { now: SIMULATED_NOW, name: "machine" });
  const options = { now: () => SIMULATED_NOW };

  async function made(
    more: { readonly publicKey?: Uint8Array; readonly nonce?: Uint8Array } = {},
  ): Promise<Uint8Array> {
    return simulatedAwsDevice(platform, TEST_MEASUREMENTS, { ...options, ...more }).quote(new Uint8Array(64));
  }

  it("says SIMULATED in every name of every certificate", async () => {
    const { certificates } = decoded(await made());
    expect(certificates).to.have.length(5);
    for (const { subject, issuer } of certificates) {
      for (const name of [subject, issuer]) expect(name).to.contain("O=SIMULATED Amazon");
    }
  });

  it("makes chains and documents that OpenSSL verifies", async () => {
    const { certificates, protectedBytes, payload, signature } = decoded(await made());
    for (const [index, certificate] of certificates.entries()) {
      const issuer = certificates[Math.max(0, index - 1)]!;
      expect(certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)).to.equal(true);
    }
    const signed = encode(["Signature1", Buffer.from(protectedBytes), Buffer.of(), Buffer.from(payload)]);
    const key = { key: certificates.at(-1)!.publicKey, dsaEncoding: "ieee-p1363" } as const;
    expect(verify("sha384", signed, key, signature)).to.equal(true);
  });

  it("has the same root key for the same seed and another for another", () => {
    const root = awsTrustRoot(testAws(SIMULATED_NOW + 1));
    expect(root).to.deep.equal(awsTrustRoot(vendor));
    expect(root).to.include({ name: "SIMULATED aws.nitro-enclaves", simulated: true });
    expect(awsTrustRoot(createSimulatedAws({ now: SIMULATED_NOW })).spkiSha256).to.not.equal(root.spkiSha256);
    expect(() => createSimulatedAws({ now: SIMULATED_NOW, seed: new Uint8Array(31) })).to.throw(RangeError);
  });

  it("makes the same instance for the same name and another for another", () => {
    const make = (name?: string) =>
      provisionAwsPlatform(vendor, { now: SIMULATED_NOW, ...(name === undefined ? {} : { name }) });
    expect(make("a").instanceId).to.equal(make("a").instanceId);
    expect(new Set([make("a"), make("b"), make(), make()].map(({ instanceId }) => instanceId)).size).to.equal(4);
    expect(awsPlatformToJson(make())).to.not.contain(vendor.seed.slice(2));
  });

  it("refuses report data of another length", async () => {
    const quoted = simulatedAwsDevice(platform, TEST_MEASUREMENTS, options).quote(new Uint8Array(63));
    expect(await quoted.catch((error: unknown) => error)).to.be.instanceOf(RangeError);
  });

  it("reads back its state files and refuses any member missing, wrong or added", () => {
    expect(awsVendorFromJson(awsVendorToJson(vendor))).to.deep.equal(vendor);
    expect(awsPlatformFromJson(awsPlatformToJson(platform))).to.deep.equal(platform);
    const change = (text: string, members: object): string => JSON.stringify({ ...JSON.parse(text), ...members });
    const [ofVendor, ofPlatform] = [awsVendorToJson(vendor), awsPlatformToJson(platform)];
    const vendors = [
      ...Object.keys(vendor).map((name) => change(ofVendor, { [name]: undefined })),
      change(ofVendor, { vendor: "AWS" }),
      change(ofVendor, { more: 1 }),
    ];
    for (const text of vendors) expect(codeOf(() => awsVendorFromJson(text))).to.equal("CONFIG_INVALID");
    const platforms = [
      ...Object.keys(platform).map((name) => change(ofPlatform, { [name]: undefined })),
      change(ofPlatform, { instanceId: "machine" }),
      change(ofPlatform, { cabundle: ["no hex"] }),
      change(ofPlatform, { enclaveKey: `0x${"ff".repeat(48)}` }),
    ];
    for (const text of platforms) expect(codeOf(() => awsPlatformFromJson(text))).to.equal("CONFIG_INVALID");
  });

  describeVectors("against AWS's own", [REAL], () => {
    const shapeOf = (bytes: Uint8Array): unknown => {
      const { protectedBytes, fields, signature } = decoded(bytes);
      const lengths = [...(fields.get("pcrs") as ReadonlyMap<number, Uint8Array>)].map(([index, pcr]) => [
        index,
        pcr.length,
      ]);
      return {
        head: Buffer.from(bytes.subarray(0, 7)).toString("hex"),
        protectedBytes: Buffer.from(protectedBytes).toString("hex"),
        signature: signature.length,
        names: [...fields.keys()],
        lengths,
        moduleId: (fields.get("module_id") as string).length,
        timestamp: typeof fields.get("timestamp"),
      };
    };

    it("writes the same members in the same order and encoding", async () => {
      expect(shapeOf(await made())).to.deep.equal(shapeOf(await readVector(REAL)));
    });

    it("issues the same five certificates", async () => {
      const skeletons = (bytes: Uint8Array): string[] => decoded(bytes).certificates.map(({ raw }) => derSkeleton(raw));
      expect(skeletons(await made())).to.deep.equal(skeletons(await readVector(REAL)));
    });

    it("measures the instance's id as AWS does", async () => {
      for (const bytes of [await made(), await readVector(REAL)]) {
        const { fields } = decoded(bytes);
        const [instance = ""] = (fields.get("module_id") as string).split("-enc");
        const expected = createHash("sha384").update(Buffer.alloc(48)).update(instance).digest("hex");
        const pcr = (fields.get("pcrs") as ReadonlyMap<number, Uint8Array>).get(4)!;
        expect(Buffer.from(pcr).toString("hex")).to.equal(expected);
      }
    });
  });
});
