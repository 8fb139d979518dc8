import { expect } from "chai";
import type { ErrorCode } from "../../../offchain/errors.ts";
import { toHex } from "../../../offchain/encoding/bytes.ts";
import { parseCertificate } from "../../../offchain/x509/certificate.ts";
import { Memory } from "../../../offchain/x509/memory.ts";
import { certificateIdOf, keyHashOf, writeCertificateId } from "../../../offchain/x509/ocsp-id.ts";
import { nonceExtension, parseOcspRequest, writeOcspRequest } from "../../../offchain/x509/ocsp-request.ts";
import { parseOcspResponse } from "../../../offchain/x509/ocsp-response.ts";
import { speaksOf, verifyOcspResponse, type OcspRules } from "../../../offchain/x509/ocsp.ts";
import { codeOfAsync } from "../../support/errors.ts";
import { expectRefusal } from "../../support/expect-refusal.ts";
import {
  basicResponse,
  byKey,
  byName,
  GOOD,
  OCSP_SIGNING,
  ocspResponse,
  revoked,
  successful,
  UNKNOWN,
  type AnswerParts,
} from "../../support/ocsp.ts";
import {
  bool,
  certificate,
  createKeys,
  der,
  ECDSA_SHA384,
  extension,
  int,
  LEAF_USAGE,
  name,
  NOW,
  octets,
  oid,
  seq,
  type CertificateParts,
} from "../../support/pki.ts";

const HOUR = 3_600_000;
const [issuerKeys, leafKeys, responderKeys] = [createKeys("P-384"), createKeys("P-384"), createKeys("P-384")];
const ISSUER: CertificateParts = {
  subject: "Issuer",
  issuer: "Issuer",
  keys: issuerKeys,
  issuerKeys,
  isCa: true,
  algorithm: ECDSA_SHA384,
};
const LEAF: CertificateParts = { ...ISSUER, subject: "Leaf", keys: leafKeys, isCa: false, serial: Buffer.of(0xf1, 2) };
const RESPONDER: CertificateParts = {
  ...ISSUER,
  subject: "Responder",
  keys: responderKeys,
  isCa: false,
  extensions: [extension("2.5.29.37", true, OCSP_SIGNING())],
};
const issuer = parseCertificate(certificate(ISSUER));
const leaf = parseCertificate(certificate(LEAF));
const other = parseCertificate(certificate({ ...LEAF, serial: Buffer.of(3) }));
const stranger = parseCertificate(certificate({ ...ISSUER, keys: leafKeys, issuerKeys: leafKeys }));
const PARTS: AnswerParts = { certificate: leaf, issuer, signer: issuerKeys };
const RULES: OcspRules = { certificate: leaf, issuer, now: NOW };

const verify = (parts: Partial<AnswerParts> = {}, rules: Partial<OcspRules> = {}) =>
  verifyOcspResponse(parseOcspResponse(ocspResponse({ ...PARTS, ...parts })), { ...RULES, ...rules });

const delegated = (change: Partial<CertificateParts> = {}): Partial<AnswerParts> => {
  const der = certificate({ ...RESPONDER, ...change });
  const named = parseCertificate(der, new Set(["2.5.29.37"]));
  return { signer: responderKeys, responder: byName(named.subject.raw), certificates: [certificate(LEAF), der] };
};

describe("OCSP", () => {
  describe("requests", () => {
    for (const hash of ["sha1", "sha256", "sha384"] as const) {
      it(`asks after a certificate by ${hash}, with and without a nonce`, () => {
        const id = certificateIdOf(leaf, issuer, hash);
        for (const nonce of [undefined, Buffer.alloc(32, 7)]) {
          const request = nonce === undefined ? { certificateIds: [id] } : { certificateIds: [id], nonce };
          const read = parseOcspRequest(writeOcspRequest(request));
          expect(read.certificateIds.map(({ serial }) => serial)).to.deep.equal(["f102"]);
          expect(read.nonce && toHex(read.nonce)).to.equal(nonce && toHex(nonce));
        }
      });
    }

    const id = writeCertificateId(certificateIdOf(leaf, issuer));
    const bad: readonly [string, ErrorCode, Uint8Array][] = [
      ["nothing", "EVIDENCE_MALFORMED", new Uint8Array()],
      ["a rest", "EVIDENCE_MALFORMED", Buffer.concat([writeOcspRequest({ certificateIds: [] }), Buffer.of(0)])],
      ["a signature", "EVIDENCE_MALFORMED", seq(seq(seq(seq(id))), der(0xa0, seq()))],
      ["a nonce of no length", "EVIDENCE_MALFORMED", writeOcspRequest({ certificateIds: [], nonce: new Uint8Array() })],
      [
        "a nonce that is too long",
        "EVIDENCE_MALFORMED",
        writeOcspRequest({ certificateIds: [], nonce: Buffer.alloc(129) }),
      ],
      ["another hash", "EVIDENCE_UNSUPPORTED", seq(seq(seq(seq(seq(seq(oid("1.2.3")))))))],
      ["parameters of a hash", "EVIDENCE_MALFORMED", seq(seq(seq(seq(seq(seq(oid("1.3.14.3.2.26"), int(1)))))))],
    ];
    for (const [what, code, bytes] of bad) {
      it(`refuses ${what}`, () => expectRefusal(code, () => parseOcspRequest(bytes)));
    }
  });

  describe("verifyOcspResponse", () => {
    it("takes the issuer's word, named by key or by name, under every hash", async () => {
      for (const hash of ["sha1", "sha256", "sha384"] as const) {
        for (const responder of [byKey(keyHashOf(issuer)), byName(issuer.subject.raw)]) {
          const answer = await verify({ hash, responder });
          expect([answer.status.kind, answer.validUntil]).to.deep.equal(["good", NOW + HOUR]);
        }
      }
    });

    it("takes the word of a responder that the issuer certified", async () => {
      expect((await verify(delegated())).status.kind).to.equal("good");
      const plain = [extension("2.5.29.37", false, OCSP_SIGNING())];
      expect((await verify(delegated({ extensions: plain }))).status.kind).to.equal("good");
    });

    it("says what the answer says", async () => {
      expect((await verify({ status: UNKNOWN })).status).to.deep.equal({ kind: "unknown" });
      const at = NOW - HOUR;
      expect((await verify({ status: revoked(at, 1) })).status).to.deep.equal({ kind: "revoked", at, reason: 1 });
      expect((await verify({ status: revoked(at) })).status).to.deep.equal({ kind: "revoked", at, reason: undefined });
    });

    it("takes an answer without a next update for a day", async () => {
      const now = NOW - HOUR + 24 * HOUR;
      expect((await verify({ nextUpdate: null }, { now })).validUntil).to.equal(now);
      await expectRefusal("CERTIFICATE_EXPIRED", () => verify({ nextUpdate: null }, { now: now + 1 }));
    });

    it("compares the nonce where one is expected", async () => {
      const nonce = Buffer.alloc(16, 9);
      const extensions = [nonceExtension(nonce)];
      expect((await verify({ extensions }, { nonce })).status.kind).to.equal("good");
      await expectRefusal("BINDING_MISMATCH", () => verify({ extensions }, { nonce: Buffer.alloc(16, 8) }));
      await expectRefusal("BINDING_MISMATCH", () => verify({}, { nonce }));
    });

    it("remembers a signature, and no validity", async () => {
      const response = parseOcspResponse(ocspResponse(PARTS));
      const rules = { ...RULES, memory: new Memory() };
      await verifyOcspResponse(response, rules);
      await expectRefusal("CERTIFICATE_EXPIRED", () => verifyOcspResponse(response, { ...rules, now: NOW + 2 * HOUR }));
    });

    const foreignKeys = createKeys("P-384");
    const elsewhere = parseCertificate(certificate({ ...ISSUER, subject: "Elsewhere" }));
    const bad: readonly [string, ErrorCode, Partial<AnswerParts>][] = [
      ["an answer for another certificate", "BINDING_MISMATCH", { certificate: other }],
      [
        "an answer for that serial of another issuer key",
        "BINDING_MISMATCH",
        { id: writeCertificateId(certificateIdOf(leaf, stranger)) },
      ],
      [
        "an answer for that serial of another issuer name",
        "BINDING_MISMATCH",
        { id: writeCertificateId(certificateIdOf(leaf, elsewhere)) },
      ],
      ["two answers for the certificate", "CHAIN_UNTRUSTED", { singles: (single) => [single, single] }],
      ["a foreign signature", "SIGNATURE_INVALID", { signer: foreignKeys }],
      ["an answer past its next update", "CERTIFICATE_EXPIRED", { nextUpdate: NOW - 1000 }],
      ["an answer of the future", "CERTIFICATE_EXPIRED", { thisUpdate: NOW + HOUR / 2 }],
      ["an answer produced in the future", "CERTIFICATE_EXPIRED", { producedAt: NOW + HOUR / 2 }],
      ["a responder whose certificate is missing", "CHAIN_UNTRUSTED", { ...delegated(), certificates: [] }],
      ["a responder named by another key", "CHAIN_UNTRUSTED", { responder: byKey(Buffer.alloc(20)) }],
      ["a responder without the purpose", "CHAIN_UNTRUSTED", delegated({ extensions: [] })],
      [
        "a responder with another purpose",
        "CHAIN_UNTRUSTED",
        delegated({ extensions: [extension("2.5.29.37", true, OCSP_SIGNING("1.3.6.1.5.5.7.3.1"))] }),
      ],
      ["a responder that may not sign", "CHAIN_UNTRUSTED", delegated({ keyUsage: [5, 0b0010_0000] })],
      ["a responder of another issuer name", "CHAIN_UNTRUSTED", delegated({ issuer: "Elsewhere" })],
      ["a responder of another issuer key", "CHAIN_UNTRUSTED", delegated({ authorityKeyId: foreignKeys.keyId })],
      ["a responder with an empty issuer key", "CHAIN_UNTRUSTED", delegated({ authorityKeyId: Buffer.of() })],
      [
        "a responder that certified itself",
        "SIGNATURE_INVALID",
        delegated({ issuerKeys: responderKeys, authorityKeyId: issuerKeys.keyId }),
      ],
      ["a responder that is expired", "CERTIFICATE_EXPIRED", delegated({ notAfter: NOW - 1000 })],
      [
        "a responder with an unknown critical extension",
        "EVIDENCE_UNSUPPORTED",
        delegatedRaw([extension("1.2.3", true, seq())]),
      ],
      [
        "a signature by the certificate asked after",
        "CHAIN_UNTRUSTED",
        { signer: leafKeys, responder: byName(leaf.subject.raw), certificates: [certificate(LEAF)] },
      ],
    ];
    for (const [what, code, parts] of bad) {
      it(`refuses ${what}`, () => expectRefusal(code, () => verify(parts)));
    }

    it("speaks of a certificate under its own issuer only", () => {
      const response = parseOcspResponse(ocspResponse(PARTS));
      expect(speaksOf(response, RULES)).to.equal(true);
      expect(speaksOf(response, { ...RULES, certificate: other })).to.equal(false);
      expect(speaksOf(response, { ...RULES, issuer: stranger })).to.equal(false);
    });
  });

  describe("parseOcspResponse", () => {
    const basic = basicResponse(PARTS);
    const bad: readonly [string, ErrorCode, Uint8Array][] = [
      ["tryLater", "ENDORSEMENT_UNAVAILABLE", seq(der(0x0a, Buffer.of(3)))],
      ["unauthorized", "ENDORSEMENT_UNAVAILABLE", seq(der(0x0a, Buffer.of(6)))],
      ["an unknown response status", "ENDORSEMENT_UNAVAILABLE", seq(der(0x0a, Buffer.of(9)))],
      ["success without an answer", "EVIDENCE_MALFORMED", seq(der(0x0a, Buffer.of(0)))],
      ["another type of response", "EVIDENCE_UNSUPPORTED", successful(basic, "1.2.3")],
      ["a rest in the response", "EVIDENCE_MALFORMED", successful(Buffer.concat([basic, Buffer.of(0)]))],
      ["another version", "EVIDENCE_UNSUPPORTED", ocspResponse({ ...PARTS, version: der(0xa0, int(1)) })],
      [
        "a good status with a content",
        "EVIDENCE_MALFORMED",
        ocspResponse({ ...PARTS, status: der(0x80, Buffer.of(0)) }),
      ],
      ["an unknown status", "EVIDENCE_MALFORMED", ocspResponse({ ...PARTS, status: der(0x83) })],
      [
        "a critical extension",
        "EVIDENCE_UNSUPPORTED",
        ocspResponse({ ...PARTS, extensions: [extension("1.2.3", true, octets(GOOD))] }),
      ],
      [
        "a nonce twice",
        "EVIDENCE_MALFORMED",
        ocspResponse({ ...PARTS, extensions: [nonceExtension(GOOD), nonceExtension(GOOD)] }),
      ],
      [
        "an algorithm that is not known",
        "EVIDENCE_UNSUPPORTED",
        ocspResponse({ ...PARTS, algorithm: seq(oid("1.2.840.113549.1.1.5")) }),
      ],
      [
        "many certificates",
        "EVIDENCE_MALFORMED",
        ocspResponse({ ...PARTS, certificates: Array.from({ length: 9 }, () => seq()) }),
      ],
      ["a responder of no kind", "EVIDENCE_MALFORMED", ocspResponse({ ...PARTS, responder: bool(true) })],
    ];
    for (const [what, code, bytes] of bad) {
      it(`refuses ${what}`, () => expectRefusal(code, () => parseOcspResponse(bytes)));
    }

    it("refuses every truncation and every bit that is another", async () => {
      const bytes = ocspResponse(PARTS);
      for (let length = 0; length < bytes.length; length += 1) {
        await expectRefusal("EVIDENCE_MALFORMED", () => parseOcspResponse(bytes.subarray(0, length)));
      }
      for (let bit = 0; bit < 8 * bytes.length; bit += 13) {
        const damaged = Buffer.from(bytes);
        damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        await expectAnyRefusal(() => verifyOcspResponse(parseOcspResponse(damaged), RULES));
      }
    });
  });
});

function delegatedRaw(extensions: readonly Uint8Array[]): Partial<AnswerParts> {
  const der = certificate({ ...RESPONDER, keyUsage: LEAF_USAGE, extensions });
  return { signer: responderKeys, responder: byName(name("Responder")), certificates: [der] };
}

/** A damaged answer is refused with some code, whatever the damage hit. */
async function expectAnyRefusal(action: () => Promise<unknown>): Promise<void> {
  expect(await codeOfAsync(action)).to.not.equal("none");
}
