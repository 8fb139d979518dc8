import "reflect-metadata";
import { AuthorityKeyIdentifierExtension, SubjectKeyIdentifierExtension, X509Certificate } from "@peculiar/x509";
import { expect } from "chai";
import { createSimulatedVendor } from "../../../offchain/device/simulated/intel/vendor.ts";
import { provisionPlatform } from "../../../offchain/device/simulated/intel/platform.ts";
import { parseHex, utf8 } from "../../../offchain/encoding/bytes.ts";
import { parseCertificate } from "../../../offchain/x509/certificate.ts";
import { parsePem } from "../../../offchain/x509/pem.ts";
import { SIMULATED_NOW } from "../../support/simulated-intel.ts";
import { describeVectors, readVector } from "../../support/vectors.ts";

const hexOf = (bytes: Uint8Array | undefined): string | undefined => bytes && Buffer.from(bytes).toString("hex");

/** What both parsers say of a certificate, in one shape. */
function ours(der: Uint8Array): Record<string, unknown> {
  const certificate = parseCertificate(der);
  return {
    serial: certificate.serial,
    subject: certificate.subject.commonName,
    issuer: certificate.issuer.commonName,
    notBefore: certificate.notBefore,
    notAfter: certificate.notAfter,
    spki: hexOf(certificate.publicKey.spki),
    subjectKeyId: hexOf(certificate.subjectKeyId),
    authorityKeyId: hexOf(certificate.authorityKeyId),
    extensions: [...certificate.extensions.keys()].sort(),
  };
}

function theirs(der: Uint8Array): Record<string, unknown> {
  const certificate = new X509Certificate(new Uint8Array(der));
  return {
    serial: certificate.serialNumber.replace(/^00/, ""),
    subject: certificate.subjectName.getField("CN")[0],
    issuer: certificate.issuerName.getField("CN")[0],
    notBefore: certificate.notBefore.getTime(),
    notAfter: certificate.notAfter.getTime(),
    spki: hexOf(new Uint8Array(certificate.publicKey.rawData)),
    subjectKeyId: certificate.getExtension(SubjectKeyIdentifierExtension)?.keyId,
    authorityKeyId: certificate.getExtension(AuthorityKeyIdentifierExtension)?.keyId,
    extensions: certificate.extensions.map(({ type }) => type).sort(),
  };
}

describe("x509/certificate beside @peculiar/x509", () => {
  const vendor = createSimulatedVendor({ now: SIMULATED_NOW, seed: new Uint8Array(32).fill(3) });

  for (const [role, certificate] of Object.entries(vendor.certificates)) {
    it(`reads the simulated ${role} certificate alike`, () => {
      const der = parseHex(certificate) ?? new Uint8Array(0);
      expect(ours(der)).to.deep.equal(theirs(der));
    });
  }

  it("reads the chain of a simulated platform alike", () => {
    const { pckChain } = provisionPlatform(vendor, { tee: "intel-tdx", now: SIMULATED_NOW, name: "oracle" });
    const chain = parsePem(utf8(pckChain), "CERTIFICATE");
    expect(chain).to.have.length(3);
    for (const der of chain) expect(ours(der)).to.deep.equal(theirs(der));
  });

  const realChains = ["dcap/collateral/tcb-signing-chain-2025.pem", "dcap/collateral/pck-platform-ca-chain.pem"];
  describeVectors("of Intel's real chains", realChains, () => {
    for (const path of realChains) {
      it(`reads ${path} alike`, async () => {
        const chain = parsePem(await readVector(path), "CERTIFICATE");
        expect(chain).to.not.be.empty;
        for (const der of chain) expect(ours(der)).to.deep.equal(theirs(der));
      });
    }
  });
});
