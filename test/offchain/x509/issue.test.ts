import { expect } from "chai";
import { generateKeyPairSync, X509Certificate } from "node:crypto";
import { parseCertificate } from "../../../offchain/x509/certificate.ts";
import { verifyDerSignature } from "../../../offchain/x509/signature.ts";
import { bitString, element, integer, objectIdentifier, time } from "../../../offchain/x509/der-writer.ts";
import {
  authorityKeyIdentifier,
  basicConstraints,
  crlDistributionPoint,
  crlNumber,
  keyUsage,
  subjectKeyIdentifier,
} from "../../../offchain/x509/issue-extensions.ts";
import { issueCertificate, issueCrl, issuerKeyIdentifier, toPem } from "../../../offchain/x509/issue.ts";
import type { CertificateTemplate } from "../../../offchain/x509/issue.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

describe("x509 DER writer", () => {
  it("writes what X.690 asks for", () => {
    const cases: [Uint8Array, string][] = [
      [integer(0), "020100"],
      [integer(127), "02017f"],
      [integer(128), "02020080"],
      [integer(256), "02020100"],
      [integer(Uint8Array.of(0, 0, 0x80)), "02020080"],
      [integer(Uint8Array.of(0, 0)), "020100"],
      [objectIdentifier("2.5.29.15"), "0603551d0f"],
      [objectIdentifier("1.2.840.113741.1.13.1"), "06092a864886f84d010d01"],
      [objectIdentifier("1.2.840.113741.1.13.1.2.17"), "060b2a864886f84d010d010211"],
      [bitString(Uint8Array.of(0xff)), "030200ff"],
      [element("octetString", new Uint8Array(127)).subarray(0, 2), "047f"],
      [element("octetString", new Uint8Array(128)).subarray(0, 3), "048180"],
      [element("octetString", new Uint8Array(256)).subarray(0, 4), "04820100"],
      [element({ context: 3, constructed: true }), "a300"],
      [element({ context: 6, constructed: false }), "8600"],
      [time(Date.UTC(2049, 11, 31, 23, 59, 59, 999)), `170d${hex(Buffer.from("491231235959Z"))}`],
      [time(Date.UTC(2050, 0, 1)), `180f${hex(Buffer.from("20500101000000Z"))}`],
    ];
    expect(cases.map(([bytes]) => hex(bytes))).to.deep.equal(cases.map(([, expected]) => expected));
  });
});

describe("x509 issue", () => {
  const root = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const leaf = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const name = (commonName: string) => ({
    commonName,
    organization: "SIMULATED Org",
    locality: "Here",
    state: "CA",
    country: "US",
  });
  const issuer = { name: name("SIMULATED Root"), privateKey: root.privateKey };
  const template: CertificateTemplate = {
    serial: Uint8Array.of(0x80, 1),
    subject: issuer.name,
    publicKey: root.publicKey,
    notBefore: Date.UTC(2026, 0, 1),
    notAfter: Date.UTC(2049, 11, 31, 23, 59, 59),
    extensions: [
      basicConstraints({ pathLength: 1 }),
      keyUsage(["keyCertSign", "crlSign"]),
      subjectKeyIdentifier(root.publicKey),
      crlDistributionPoint("https://simulated.invalid/root.der"),
    ],
  };

  describe("issueCertificate", () => {
    it("issues a root that signs itself and certificates", () => {
      const certificate = new X509Certificate(issueCertificate(template, issuer));
      expect(certificate.ca).to.equal(true);
      expect(certificate.verify(root.publicKey)).to.equal(true);
      expect(certificate.serialNumber).to.equal("8001");
      expect(certificate.subject).to.equal("CN=SIMULATED Root\nO=SIMULATED Org\nL=Here\nST=CA\nC=US");
      expect(certificate.validToDate.getTime()).to.equal(template.notAfter);
    });

    it("issues a leaf that its issuer's name, key and identifier lead to", () => {
      const extension = { oid: "1.2.3.4", critical: false, value: Uint8Array.of(0x05, 0x00) };
      const extensions = [
        basicConstraints("leaf"),
        keyUsage(["digitalSignature"]),
        authorityKeyIdentifier(issuerKeyIdentifier(issuer)),
        extension,
      ];
      const subject = { ...template, subject: name("leaf"), publicKey: leaf.publicKey };
      const der = issueCertificate({ ...subject, extensions }, issuer);
      const certificate = new X509Certificate(der);
      const rootCertificate = new X509Certificate(issueCertificate(template, issuer));
      expect(certificate.ca).to.equal(false);
      expect(certificate.checkIssued(rootCertificate)).to.equal(true);
      expect(certificate.verify(root.publicKey)).to.equal(true);
      expect(certificate.verify(leaf.publicKey)).to.equal(false);
      expect(hex(der)).to.contain("06032a030404020500");
    });

    it("signs with the algorithm of the issuer's key, in the bytes that verifiers ask for", async () => {
      const rsa = generateKeyPairSync("rsa", { modulusLength: 4096 });
      const p384 = generateKeyPairSync("ec", { namedCurve: "P-384" });
      for (const [keys, algorithm] of [
        [root, "ecdsa-p256-sha256"],
        [p384, "ecdsa-p384-sha384"],
        [rsa, "rsa4096-pss-sha384"],
      ] as const) {
        for (const writesTrailer of [false, true]) {
          const self = { name: issuer.name, privateKey: keys.privateKey, writesTrailer };
          const der = issueCertificate({ ...template, publicKey: keys.publicKey }, self);
          const parsed = parseCertificate(der);
          expect(parsed).to.include({ algorithm, isCa: true, pathLength: 1 });
          expect(await verifyDerSignature(algorithm, parsed.publicKey, parsed.tbs, parsed.signature)).to.equal(true);
          expect(new X509Certificate(der).verify(keys.publicKey)).to.equal(true);
        }
      }
      const p521 = generateKeyPairSync("ec", { namedCurve: "P-521" });
      expect(() => issueCertificate(template, { ...issuer, privateKey: p521.privateKey })).to.throw(RangeError);
    });

    it("refuses a serial number of no bytes or more than 20", () => {
      for (const length of [0, 21]) {
        const serial = new Uint8Array(length).fill(1);
        expect(() => issueCertificate({ ...template, serial }, issuer)).to.throw(RangeError);
      }
    });
  });

  describe("issueCrl", () => {
    it("lists serial numbers in version 2 with a number", () => {
      const extensions = [crlNumber(300), authorityKeyIdentifier(issuerKeyIdentifier(issuer))];
      const times = { thisUpdate: Date.UTC(2026, 0, 1), nextUpdate: Date.UTC(2026, 1, 1), extensions };
      const serial = Uint8Array.of(0x11, 0x22, 0x33);
      const empty = hex(issueCrl({ ...times, revoked: [] }, issuer));
      const listed = hex(issueCrl({ ...times, revoked: [{ serial, revokedAt: times.thisUpdate }] }, issuer));
      expect(empty).to.not.contain("0203112233");
      expect(listed).to.contain("0203112233");
      for (const crl of [empty, listed]) expect(crl).to.contain("0603551d1404040202012c");
    });
  });

  describe("toPem", () => {
    it("writes lines of 64 characters that decode to the same bytes", () => {
      const der = issueCertificate(template, issuer);
      const pem = toPem("CERTIFICATE", der);
      const lines = pem.split("\n");
      expect(lines[0]).to.equal("-----BEGIN CERTIFICATE-----");
      expect(lines.slice(1, -3).every((line) => line.length === 64)).to.equal(true);
      expect(hex(new X509Certificate(pem).raw)).to.equal(hex(der));
    });
  });
});
