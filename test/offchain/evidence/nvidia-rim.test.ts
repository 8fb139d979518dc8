import { expect } from "chai";
import { issueRim } from "../../../offchain/device/simulated/nvidia/rim.ts";
import { nvidiaDeviceTrustRoot, nvidiaRimTrustRoot } from "../../../offchain/device/simulated/nvidia/vendor.ts";
import type { ErrorCode } from "../../../offchain/errors.ts";
import { parseRim } from "../../../offchain/evidence/nvidia/rim.ts";
import { verifyRim } from "../../../offchain/evidence/nvidia/rim-verify.ts";
import { VENDOR_ROOTS } from "../../../offchain/verifier/trust-roots.ts";
import { verifyManifest } from "../../../offchain/verifier/verify-rim.ts";
import { ChainVerifier } from "../../../offchain/x509/chain.ts";
import { codeOfAsync } from "../../support/errors.ts";
import { expectRefusal } from "../../support/expect-refusal.ts";
import { createKeys, NOW, type CertificateParts } from "../../support/pki.ts";
import {
  C14N11,
  createRimSigner,
  digestText,
  resource,
  signedInfoContent,
  signedRim,
  SWID,
  type RimParts,
} from "../../support/rim.ts";
import { SIMULATED_NOW } from "../../support/simulated-intel.ts";
import { testNvidiaVendor } from "../../support/simulated-nvidia.ts";
import { describeVectors, readVector } from "../../support/vectors.ts";

const signer = createRimSigner();
const stranger = createRimSigner();
const [foreignSigner = Buffer.of()] = createRimSigner(() => ({ issuer: "Another CA" })).certificates;
const rules = { roots: [signer.root], now: NOW };
const verify = (parts: RimParts = {}) => verifyRim(signedRim(signer, parts), new ChainVerifier(), rules);
const read = (parts: RimParts) => parseRim(signedRim(signer, parts));
const swap =
  (from: string | RegExp, to: string) =>
  (text: string): string => {
    const swapped = text.replace(from, to);
    if (swapped === text) throw new RangeError(`${String(from)} is not in the manifest`);
    return swapped;
  };
const certified = (change: (place: number) => Partial<CertificateParts>): Promise<unknown> => {
  const other = createRimSigner(change);
  return verifyRim(signedRim(other), new ChainVerifier(), { roots: [other.root], now: NOW });
};

describe("reference integrity manifests", () => {
  it("are read and hold under their signer's chain", async () => {
    const { manifest, chain } = await verify({
      resources: [
        resource(7, [digestText(1), digestText(2)]),
        resource(3, [digestText(0)], { active: "False" }),
        resource(0, ["00".repeat(32)], { size: "32", type: "Opaque" }),
      ],
    });
    expect([manifest.product, manifest.version, manifest.tagId, manifest.unknownTypes]).to.deep.equal([
      "GH100",
      "590.12",
      "tag",
      ["Opaque"],
    ]);
    expect(
      manifest.measurements.map(({ index, isActive, digests }) => [index, isActive, digests.length]),
    ).to.deep.equal([
      [3, false, 1],
      [7, true, 2],
    ]);
    expect(chain.root).to.equal(signer.root);
  });

  it("hold in another spelling of the same canonical form, and with the older name of it", async () => {
    const spelled = (text: string): string =>
      `<?xml version='1.0' encoding='utf-8'?>\n${text.replace('corpus="false" name="GH100"', "name='GH100'\n corpus='false'")}\n`;
    expect((await verify({ document: spelled })).manifest.version).to.equal("590.12");
    const older = (content: string): string =>
      content.replaceAll(C14N11, "http://www.w3.org/TR/2001/REC-xml-c14n-20010315");
    expect((await verify({ signedInfo: older })).manifest.version).to.equal("590.12");
  });

  describe("are refused by what they say", () => {
    const meta = '<ns0:Meta colloquialVersion="1" product="GH100"></ns0:Meta>';
    const refusals: readonly (readonly [string, ErrorCode, RimParts])[] = [
      ["another document", "EVIDENCE_MALFORMED", { document: () => "<a/>" }],
      ["no namespace", "EVIDENCE_MALFORMED", { document: swap(`xmlns="${SWID}"`, 'xmlns="u"') }],
      ["a document type declaration", "EVIDENCE_MALFORMED", { document: (text) => `<!DOCTYPE a>${text}` }],
      ["a comment", "EVIDENCE_MALFORMED", { document: swap("<ns0:Payload>", "<ns0:Payload><!-- -->") }],
      ["a tag of a corpus", "EVIDENCE_UNSUPPORTED", { attributes: 'corpus="true" name="GH100" tagId="tag"' }],
      ["a tag of a patch", "EVIDENCE_UNSUPPORTED", { attributes: 'name="GH100" patch="true" tagId="tag"' }],
      ["a supplement", "EVIDENCE_UNSUPPORTED", { attributes: 'name="GH100" supplemental="true" tagId="tag"' }],
      ["no tag id", "EVIDENCE_MALFORMED", { attributes: 'name="GH100"' }],
      ["no meta", "EVIDENCE_MALFORMED", { meta: "" }],
      ["two metas", "EVIDENCE_MALFORMED", { meta: meta + meta }],
      ["no version", "EVIDENCE_MALFORMED", { meta: '<ns0:Meta product="GH100"></ns0:Meta>' }],
      ["no product", "EVIDENCE_MALFORMED", { meta: '<ns0:Meta colloquialVersion="1"></ns0:Meta>' }],
      ["two payloads", "EVIDENCE_MALFORMED", { extra: "<ns0:Payload></ns0:Payload>" }],
      ["other evidence beside the payload", "EVIDENCE_UNSUPPORTED", { extra: "<ns0:Evidence></ns0:Evidence>" }],
      ["text beside the payload", "EVIDENCE_MALFORMED", { extra: "text" }],
      ["text in the payload", "EVIDENCE_MALFORMED", { resources: ["text"] }],
      ["a directory in the payload", "EVIDENCE_UNSUPPORTED", { resources: ["<ns0:Directory></ns0:Directory>"] }],
      [
        "a measurement twice",
        "EVIDENCE_MALFORMED",
        { resources: [resource(1, [digestText(1)]), resource(1, [digestText(1)])] },
      ],
      [
        "an index that is no number",
        "EVIDENCE_MALFORMED",
        { resources: [resource(1, [digestText(1)], { index: "one" })] },
      ],
      ["a signed index", "EVIDENCE_MALFORMED", { resources: [resource(1, [digestText(1)], { index: "-1" })] }],
      [
        "an index with zeros before",
        "EVIDENCE_MALFORMED",
        { resources: [resource(1, [digestText(1)], { index: "01" })] },
      ],
      ["an index that SPDM has not", "EVIDENCE_MALFORMED", { resources: [resource(255, [digestText(1)])] }],
      [
        "neither active nor not",
        "EVIDENCE_MALFORMED",
        { resources: [resource(1, [digestText(1)], { active: "true" })] },
      ],
      [
        "fewer digests than it says",
        "EVIDENCE_MALFORMED",
        { resources: [resource(1, [digestText(1)], { alternatives: "2" })] },
      ],
      [
        "more digests than it says",
        "EVIDENCE_MALFORMED",
        { resources: [resource(1, [digestText(1), digestText(2)], { alternatives: "1" })] },
      ],
      ["no digest", "EVIDENCE_MALFORMED", { resources: [resource(1, [])] }],
      ["a digest of another size", "EVIDENCE_MALFORMED", { resources: [resource(1, [digestText(1)], { size: "32" })] }],
      ["a digest that is not hex", "EVIDENCE_MALFORMED", { resources: [resource(1, ["x".repeat(96)])] }],
    ];
    for (const [what, code, parts] of refusals) it(`with ${what}`, () => expectRefusal(code, () => read(parts)));
  });

  describe("are refused by their signature", () => {
    const evil = resource(1, [digestText(9)]);
    const body = /<ns0:Resource.*<\/ns0:Resource>/s;
    const refusals: readonly (readonly [string, ErrorCode, RimParts])[] = [
      ["with none", "EVIDENCE_MALFORMED", { signature: () => "" }],
      ["with two", "EVIDENCE_MALFORMED", { signature: (element) => element + element }],
      [
        "with one more inside of the payload",
        "EVIDENCE_MALFORMED",
        { resources: [`<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"></ds:Signature>`] },
      ],
      [
        "with one that is not the document's child",
        "EVIDENCE_MALFORMED",
        { signature: (element) => `<ns0:Entity>${element}</ns0:Entity>` },
      ],
      ["with another digest", "SIGNATURE_INVALID", { document: swap(digestText(2), digestText(9)) }],
      ["with other white space", "SIGNATURE_INVALID", { document: swap("<ns0:Payload>", "<ns0:Payload> ") }],
      [
        "with one more measurement",
        "SIGNATURE_INVALID",
        { document: swap("</ns0:Payload>", `${resource(2, [digestText(9)])}</ns0:Payload>`) },
      ],
      ["with an attribute more", "SIGNATURE_INVALID", { document: swap('tagId="tag"', 'tagId="tag" version="2"') }],
      ["with a namespace more", "SIGNATURE_INVALID", { document: swap("<ns0:Payload>", '<ns0:Payload xmlns:x="u">') }],
      ["by a key that nobody certified", "SIGNATURE_INVALID", { signer: createKeys("P-384") }],
      [
        "of a signed part in which something else was put",
        "SIGNATURE_INVALID",
        { document: swap(/<ds:DigestValue>.{8}/, "<ds:DigestValue>AAAAAAAA") },
      ],
      ["of nothing but a part", "EVIDENCE_UNSUPPORTED", { signedInfo: swap('URI=""', 'URI="#tag"') }],
      ["of another document", "EVIDENCE_UNSUPPORTED", { signedInfo: swap('URI=""', 'URI="http://a/"') }],
      ["of a reference with a type", "EVIDENCE_UNSUPPORTED", { signedInfo: swap('URI=""', 'Type="u" URI=""') }],
      [
        "of two references",
        "EVIDENCE_MALFORMED",
        { signedInfo: (content) => content + (/<ds:Reference.*/.exec(content)?.[0] ?? "") },
      ],
      [
        "without a transform",
        "EVIDENCE_MALFORMED",
        { signedInfo: swap(/<ds:Transforms>.*<\/ds:Transforms>/, "<ds:Transforms></ds:Transforms>") },
      ],
      [
        "with another transform",
        "EVIDENCE_UNSUPPORTED",
        {
          signedInfo: swap(
            "http://www.w3.org/2000/09/xmldsig#enveloped-signature",
            "http://www.w3.org/TR/1999/REC-xslt-19991116",
          ),
        },
      ],
      [
        "with an XPath",
        "EVIDENCE_UNSUPPORTED",
        { signedInfo: swap(`#enveloped-signature">`, `#enveloped-signature"><XPath>true()</XPath>`) },
      ],
      ["with comments", "EVIDENCE_UNSUPPORTED", { signedInfo: swap(`${C14N11}"`, `${C14N11}#WithComments"`) }],
      ["of another algorithm", "EVIDENCE_UNSUPPORTED", { signedInfo: swap("ecdsa-sha384", "ecdsa-sha256") }],
      [
        "by HMAC",
        "EVIDENCE_UNSUPPORTED",
        {
          signedInfo: swap(
            "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384",
            "http://www.w3.org/2000/09/xmldsig#hmac-sha1",
          ),
        },
      ],
      [
        "over another digest algorithm",
        "EVIDENCE_UNSUPPORTED",
        { signedInfo: swap("xmldsig-more#sha384", "xmlenc#sha256") },
      ],
      ["with a digest that is not base64", "EVIDENCE_MALFORMED", { signedInfo: () => signedInfoContent("=") }],
      [
        "with an object beside it",
        "EVIDENCE_MALFORMED",
        { signature: swap("</ds:Signature>", `<ds:Object>${evil}</ds:Object></ds:Signature>`) },
      ],
      [
        "with the signed document put aside in an object",
        "EVIDENCE_MALFORMED",
        { document: (text) => wrapped(text, evil, body) },
      ],
      ["without key information", "EVIDENCE_MALFORMED", { signature: swap(/<ds:KeyInfo>.*<\/ds:KeyInfo>/s, "") }],
      [
        "with a bare key",
        "EVIDENCE_MALFORMED",
        { signature: swap("<ds:X509Data>", "<ds:KeyValue></ds:KeyValue><ds:X509Data>") },
      ],
      ["without certificates", "EVIDENCE_MALFORMED", { certificates: [] }],
      [
        "with many certificates",
        "EVIDENCE_MALFORMED",
        { certificates: Array.from({ length: 9 }, () => signer.certificates[0]!) },
      ],
      [
        "with something else than certificates",
        "EVIDENCE_UNSUPPORTED",
        { signature: swap("<ds:X509Data>", "<ds:X509Data><ds:X509SubjectName></ds:X509SubjectName>") },
      ],
      [
        "with a certificate that is none",
        "EVIDENCE_MALFORMED",
        { certificates: [Buffer.from("x"), ...signer.certificates.slice(1)] },
      ],
      [
        "under a root that is not trusted",
        "CHAIN_UNTRUSTED",
        { certificates: stranger.certificates, signer: stranger.keys[0]! },
      ],
      [
        "with the signer's certificate of another chain",
        "CHAIN_UNTRUSTED",
        {
          certificates: [foreignSigner, ...signer.certificates.slice(1)],
        },
      ],
      ["without the root", "CHAIN_UNTRUSTED", { certificates: signer.certificates.slice(0, 2) }],
      [
        "of the authority's certificate first",
        "CHAIN_UNTRUSTED",
        { certificates: signer.certificates.slice(1), signer: signer.keys[1]! },
      ],
    ];
    for (const [what, code, parts] of refusals) it(what, () => expectRefusal(code, () => verify(parts)));

    const chains: readonly (readonly [string, ErrorCode, (place: number) => Partial<CertificateParts>])[] = [
      ["whose certificate is expired", "CERTIFICATE_EXPIRED", (place) => (place === 0 ? { notAfter: NOW - 1 } : {})],
      [
        "whose authority's certificate is expired",
        "CERTIFICATE_EXPIRED",
        (place) => (place === 1 ? { notAfter: NOW - 1 } : {}),
      ],
      ["that may not sign data", "CHAIN_UNTRUSTED", (place) => (place === 0 ? { keyUsage: [5, 0b0010_0000] } : {})],
      ["that is an authority", "CHAIN_UNTRUSTED", (place) => (place === 0 ? { isCa: true } : {})],
      ["whose issuer is no authority", "CHAIN_UNTRUSTED", (place) => (place === 1 ? { isCa: false } : {})],
      [
        "that does not name its issuer's key",
        "CHAIN_UNTRUSTED",
        (place) => (place === 0 ? { authorityKeyId: Buffer.of() } : {}),
      ],
    ];
    for (const [what, code, change] of chains)
      it(`by a signer ${what}`, () => expectRefusal(code, () => certified(change)));
  });

  it("are refused with any bit that is another", async () => {
    const bytes = signedRim(signer);
    for (let bit = 3; bit < 8 * bytes.length; bit += 61) {
      const damaged = Buffer.from(bytes);
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const code = await codeOfAsync(() => verifyRim(damaged, new ChainVerifier(), rules));
      expect(code, `bit ${bit}`).to.not.equal("none");
    }
  });

  it("end only at roots of reference values, and devices only at the others", async () => {
    const asEvidence = [{ ...signer.root, purpose: "evidence" as const }];
    const { verdict, failures } = await verifyManifest(signedRim(signer), { trustRoots: asEvidence, now: NOW });
    expect([verdict, failures[0]?.code]).to.deep.equal(["contraindicated", "CHAIN_UNTRUSTED"]);
    const other = [{ ...signer.root, family: "dcap" }];
    expect((await verifyManifest(signedRim(signer), { trustRoots: other, now: NOW })).verdict).to.equal(
      "contraindicated",
    );
    expect((await verifyManifest(signedRim(signer), { trustRoots: [signer.root], now: NOW })).verdict).to.equal(
      "affirming",
    );
  });

  describe("of the simulated vendor", () => {
    const vendor = testNvidiaVendor();
    const roots = [nvidiaRimTrustRoot(vendor), nvidiaDeviceTrustRoot(vendor)];
    const subject = { kind: "gpu", component: "driver", version: "951.51.02" } as const;
    const judged = async (defects: Parameters<typeof issueRim>[2]) =>
      verifyManifest(issueRim(vendor, subject, defects), { trustRoots: roots, now: SIMULATED_NOW });

    it("hold", async () => expect((await judged({})).verdict).to.equal("affirming"));

    const defects: readonly (readonly [string, ErrorCode, Parameters<typeof issueRim>[2]])[] = [
      ["edited after signing", "SIGNATURE_INVALID", { editedMeasurement: 7 }],
      ["signed by nobody's key", "SIGNATURE_INVALID", { forgedSignature: true }],
      ["not signed", "EVIDENCE_MALFORMED", { unsigned: true }],
      ["signed by a certificate that ended", "CERTIFICATE_EXPIRED", { signerNotAfter: SIMULATED_NOW - 1 }],
      ["signed by an authority of devices", "CHAIN_UNTRUSTED", { signedByDeviceAuthority: true }],
      ["cut off", "EVIDENCE_MALFORMED", { truncatedBy: 9 }],
    ];
    for (const [what, code, defect] of defects) {
      it(`are refused ${what}`, async () => {
        const { verdict, failures } = await judged(defect);
        expect([verdict, failures.map((failure) => failure.code)]).to.deep.equal(["contraindicated", [code]]);
      });
    }
  });

  const real = "nvidia/NVIDIA__attestation-sdk/rim/NV_GPU_DRIVER_GH100_550.144.03.xml";
  describeVectors("of NVIDIA", [real], () => {
    it("is verified under the pinned root, as long as its certificates hold", async () => {
      const rim = await readVector(real);
      const at = (time: string) => verifyManifest(rim, { trustRoots: VENDOR_ROOTS, now: Date.parse(time) });
      expect((await at("2025-12-30T00:00:00Z")).verdict).to.equal("affirming");
      expect((await at("2027-01-01T00:00:00Z")).failures.map(({ code }) => code)).to.deep.equal([
        "CERTIFICATE_EXPIRED",
      ]);
    });
  });
});

/** The genuine document inside an object of its own signature, and another one around it. */
function wrapped(text: string, evil: string, body: RegExp): string {
  const signature = /<ds:Signature .*<\/ds:Signature>/s.exec(text)?.[0] ?? "";
  const genuine = text.replace(signature, "");
  const moved = signature.replace("</ds:Signature>", `<ds:Object>${genuine}</ds:Object></ds:Signature>`);
  return genuine.replace(body, evil).replace("</SoftwareIdentity>", `${moved}</SoftwareIdentity>`);
}
