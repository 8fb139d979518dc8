import { expect } from "chai";
import type { ErrorCode } from "../../../offchain/errors.ts";
import { parseCertificate, type Certificate } from "../../../offchain/x509/certificate.ts";
import { isRevoked, readRevocationList, verifyRevocationList } from "../../../offchain/x509/crl.ts";
import {
  certificate,
  createKeys,
  extension,
  NOW,
  pem,
  revocationList,
  seq,
  type CertificateParts,
  type ListParts,
} from "../../support/pki.ts";
import { expectRefusal } from "../../support/expect-refusal.ts";

const caKeys = createKeys();
const otherKeys = createKeys();
const CA: CertificateParts = { subject: "CA", issuer: "CA", keys: caKeys, issuerKeys: caKeys, isCa: true };
const LIST: ListParts = { issuer: "CA", issuerKeys: caKeys };
const ca = parseCertificate(certificate(CA));
const leaf = (serial: string): Certificate =>
  parseCertificate(
    certificate({
      subject: "Leaf",
      issuer: "CA",
      keys: otherKeys,
      issuerKeys: caKeys,
      serial: Buffer.from(serial, "hex"),
    }),
  );

describe("revocation lists", () => {
  const refusals: readonly [string, ErrorCode, Partial<ListParts>][] = [
    ["another issuer name", "CHAIN_UNTRUSTED", { issuer: "Another CA" }],
    ["another authority key id", "CHAIN_UNTRUSTED", { authorityKeyId: otherKeys.keyId }],
    ["an empty authority key id", "CHAIN_UNTRUSTED", { authorityKeyId: Buffer.of() }],
    ["a foreign signature under the right names", "SIGNATURE_INVALID", { signer: otherKeys }],
    ["a list past its next update", "CERTIFICATE_EXPIRED", { nextUpdate: NOW - 1000 }],
    ["a list of the future", "CERTIFICATE_EXPIRED", { thisUpdate: NOW + 1000 }],
    ["a partial list", "EVIDENCE_UNSUPPORTED", { extensions: [extension("2.5.29.28", true, seq())] }],
  ];
  for (const [what, code, parts] of refusals) {
    it(`refuses ${what}`, () =>
      expectRefusal(code, () =>
        verifyRevocationList(readRevocationList(revocationList({ ...LIST, ...parts })), ca, NOW),
      ));
  }

  it("refuses a list by a certificate that may not sign lists", () =>
    expectRefusal("CHAIN_UNTRUSTED", () =>
      verifyRevocationList(
        readRevocationList(revocationList(LIST)),
        parseCertificate(certificate({ ...CA, keyUsage: [2, 0b0000_0100] })),
        NOW,
      ),
    ));

  it("knows a revoked serial only under its own issuer", async () => {
    const list = readRevocationList(revocationList({ ...LIST, revoked: [Buffer.from("ff01", "hex"), Buffer.of(3)] }));
    await verifyRevocationList(list, ca, NOW);
    expect(isRevoked(list, leaf("ff01"))).to.equal(true);
    expect(isRevoked(list, leaf("02"))).to.equal(false);
    const foreign = readRevocationList(revocationList({ ...LIST, issuer: "Another CA", revoked: [Buffer.of(2)] }));
    expect(isRevoked(foreign, leaf("02"))).to.equal(false);
  });

  it("reads DER, hex and PEM alike", () => {
    const bytes = revocationList({ ...LIST, revoked: [Buffer.of(9)] });
    for (const form of [bytes, Buffer.from(bytes.toString("hex")), pem("X509 CRL", bytes)]) {
      expect([...readRevocationList(form).revoked]).to.deep.equal(["09"]);
    }
  });

  it("refuses every truncation", async () => {
    const bytes = revocationList({ ...LIST, revoked: [Buffer.of(9)] });
    for (let length = 0; length < bytes.length; length += 1) {
      await expectRefusal("EVIDENCE_MALFORMED", () => readRevocationList(bytes.subarray(0, length)));
    }
  });
});
