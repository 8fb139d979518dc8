import { expect } from "chai";
import { createHash, verify, X509Certificate } from "node:crypto";
import { goldenMeasurements } from "../../../../../offchain/device/simulated/nvidia/firmware.ts";
import { issueRim } from "../../../../../offchain/device/simulated/nvidia/rim.ts";
import type { RimDefects } from "../../../../../offchain/device/simulated/nvidia/rim.ts";
import { nvidiaRimTrustRoot } from "../../../../../offchain/device/simulated/nvidia/vendor.ts";
import { testNvidiaDevice, testNvidiaVendor } from "../../../../support/simulated-nvidia.ts";
import { describeVectors, readVector } from "../../../../support/vectors.ts";

const DRIVER = { kind: "gpu", component: "driver", version: "951.51.02" } as const;
const SIGNATURE = /<ds:Signature .*<\/ds:Signature>/s;
const textIn = (rim: string, element: string): string =>
  new RegExp(`<ds:${element}>([^<]*)</ds:${element}>`).exec(rim)?.[1] ?? "";

describe("simulated NVIDIA manifest", () => {
  const vendor = testNvidiaVendor();
  const rimOf = (defects?: RimDefects): string => new TextDecoder().decode(issueRim(vendor, DRIVER, defects));

  const certificatesOf = (rim: string): X509Certificate[] =>
    [...rim.matchAll(/<ds:X509Certificate>([^<]*)</g)].map(
      ([, base64 = ""]) => new X509Certificate(Buffer.from(base64, "base64")),
    );

  /** The digest is over the document without its signature, the signature over what names the digest. */
  function holds(rim: string): { digest: boolean; signature: boolean } {
    const body = createHash("sha384").update(rim.replace(SIGNATURE, "")).digest("base64");
    const signedInfo = /<ds:SignedInfo>(.*)<\/ds:SignedInfo>/s.exec(rim)?.[1] ?? "";
    const scope = [
      'xmlns="http://standards.iso.org/iso/19770/-2/2015/schema.xsd"',
      'xmlns:ds="http://www.w3.org/2000/09/xmldsig#"',
      'xmlns:ns0="http://standards.iso.org/iso/19770/-2/2015/schema.xsd"',
      'xmlns:ns2="http://www.w3.org/2001/04/xmlenc#sha384"',
    ].join(" ");
    const signed = Buffer.from(`<ds:SignedInfo ${scope}>${signedInfo}</ds:SignedInfo>`);
    const key = certificatesOf(rim)[0]!.publicKey;
    const signature = Buffer.from(textIn(rim, "SignatureValue"), "base64");
    return {
      digest: textIn(rim, "DigestValue") === body,
      signature: verify("sha384", signed, { key, dsaEncoding: "ieee-p1363" }, signature),
    };
  }

  it("is signed under the vendor's own root of manifests", () => {
    const rim = rimOf();
    expect(holds(rim)).to.deep.equal({ digest: true, signature: true });
    const chain = certificatesOf(rim);
    expect(chain).to.have.length(4);
    for (const [place, certificate] of chain.entries()) {
      const issuer = chain[Math.min(place + 1, chain.length - 1)]!;
      expect(certificate.verify(issuer.publicKey) && certificate.checkIssued(issuer)).to.equal(true);
    }
    const spki = chain.at(-1)!.publicKey.export({ type: "spki", format: "der" });
    expect(createHash("sha256").update(spki).digest("hex")).to.equal(nvidiaRimTrustRoot(vendor).spkiSha256);
  });

  it("names every measurement of its version and of no other", () => {
    const rim = rimOf();
    const lineOf = (index: number): string =>
      new RegExp(`<ns0:Resource [^>]*index="${index}"[^>]*>`).exec(rim)?.[0] ?? "";
    for (const { index, digests } of goldenMeasurements("gpu", "driver", DRIVER.version)) {
      expect(lineOf(index)).to.contain('active="True"');
      for (const digest of digests) expect(lineOf(index)).to.contain(Buffer.from(digest).toString("hex"));
    }
    const [other] = goldenMeasurements("gpu", "driver", "951.51.01");
    expect(rim).to.not.contain(Buffer.from(other!.digests[0]!).toString("hex"));
    expect(rim.match(/active="True"/g)).to.have.length(goldenMeasurements("gpu", "driver", DRIVER.version).length);
  });

  it("breaks where a defect says so", () => {
    expect(holds(rimOf({ editedMeasurement: 7 }))).to.deep.equal({ digest: false, signature: true });
    expect(holds(rimOf({ forgedSignature: true }))).to.deep.equal({ digest: true, signature: false });
    expect(holds(rimOf({ otherMeasurement: 7 }))).to.deep.equal({ digest: true, signature: true });
    expect(rimOf({ otherMeasurement: 7 })).to.not.equal(rimOf());
    expect(rimOf({ unsigned: true })).to.not.match(SIGNATURE);
    expect(rimOf({ otherProduct: true })).to.contain('product="GB100"');
    expect(rimOf({ truncatedBy: 3 })).to.match(/<\/SoftwareIdenti$/);
    const ended = new Date("2026-01-01T00:00:00Z");
    expect(certificatesOf(rimOf({ signerNotAfter: ended.getTime() }))[0]!.validToDate).to.deep.equal(ended);
    const byDevice = rimOf({ signedByDevice: testNvidiaDevice(vendor) });
    expect(certificatesOf(byDevice)[0]!.subject).to.contain("GSP FMC LF");
    expect(holds(byDevice)).to.deep.equal({ digest: true, signature: true });
  });

  const real = "nvidia/NVIDIA__attestation-sdk/rim/NV_GPU_DRIVER_GH100_550.144.03.xml";
  describeVectors("shape of a real manifest", [real], () => {
    /** Each kind of element with the names of its attributes. */
    const shapeOf = (xml: string): readonly string[] => {
      const elements = [...xml.matchAll(/<([\w:]+)((?:\s[\w:]+="[^"]*")*)\s*\/?>/g)].map(
        ([, name = "", attributes = ""]) => {
          const names = [...attributes.matchAll(/\s([\w:]+)=/g)].map(([, attribute = ""]) => attribute);
          return [name, ...names.filter((attribute) => !/Hash[1-9]$/.test(attribute)).sort()].join(" ");
        },
      );
      return [...new Set(elements)].sort();
    };
    it("has the elements and attributes of a real one", async () => {
      expect(shapeOf(rimOf())).to.deep.equal(shapeOf(new TextDecoder().decode(await readVector(real))));
    });
  });
});
