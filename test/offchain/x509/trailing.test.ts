/** Nothing may follow the last member of any structure that is parsed. */
import { expect } from "chai";
import { parseCertificate } from "../../../offchain/x509/certificate.ts";
import { readRevocationList } from "../../../offchain/x509/crl.ts";
import { certificateIdOf } from "../../../offchain/x509/ocsp-id.ts";
import { nonceExtension, parseOcspRequest, writeOcspRequest } from "../../../offchain/x509/ocsp-request.ts";
import { parseOcspResponse } from "../../../offchain/x509/ocsp-response.ts";
import { withTrailing } from "../../support/der-trailing.ts";
import { codeOf } from "../../support/errors.ts";
import { byName, ocspResponse, revoked } from "../../support/ocsp.ts";
import {
  certificate,
  createKeys,
  createRsaKeys,
  extension,
  int,
  revocationList,
  rsaPss,
  type Bytes,
} from "../../support/pki.ts";

const [keys, rsaKeys] = [createKeys("P-384"), createRsaKeys()];
const AUTHORITY = { subject: "CA", issuer: "CA", isCa: true, pathLength: 1 };
const ca = certificate({ ...AUTHORITY, keys, issuerKeys: keys });
const rsa = certificate({ ...AUTHORITY, keys: rsaKeys, issuerKeys: rsaKeys, algorithm: rsaPss() });
const nonce = new Uint8Array(8).fill(3);

interface Subject {
  readonly bytes: () => Bytes;
  readonly parse: (bytes: Uint8Array) => unknown;
  /** Where what is opaque begins: key identifiers, hashes, signatures, what nobody reads. */
  readonly opaque: readonly string[];
}

const [KEY_IDENTIFIER, AUTHORITY_KEY, SIGNATURE] = ["/0/0/7/0/2/1/0", "/0/0/7/0/3/1/0+", "/0/2"];
const [BASIC, SINGLE] = ["/0/1/0/1/0", "/0/1/0/1/0/0/2/0"];
const RESPONSE = [`${BASIC}/0/0/0`, `${SINGLE}/0/1`, `${SINGLE}/0/2`, `${BASIC}/2`, `${BASIC}/3/0/0`];

function answer(responder?: Bytes): Bytes {
  const issuer = parseCertificate(new Uint8Array(ca));
  const parts = { certificate: issuer, issuer, signer: keys, certificates: [ca], status: revoked(undefined, 1) };
  const named = responder === undefined ? {} : { responder };
  return ocspResponse({ ...parts, ...named, extensions: [nonceExtension(nonce)] });
}

const subjects: Readonly<Record<string, Subject>> = {
  "a certificate": { bytes: () => ca, parse: parseCertificate, opaque: [KEY_IDENTIFIER, AUTHORITY_KEY, SIGNATURE] },
  "a certificate of an RSA key": {
    bytes: () => rsa,
    parse: parseCertificate,
    opaque: [KEY_IDENTIFIER, AUTHORITY_KEY, SIGNATURE],
  },
  "a revocation list": {
    bytes: () => {
      const extensions = [extension("2.5.29.20", false, int(7))];
      return revocationList({ issuer: "CA", issuerKeys: keys, revoked: [Buffer.of(1)], extensions });
    },
    parse: readRevocationList,
    opaque: ["/0/0/6/0/0/1/0+", "/0/0/6/0/1/1", SIGNATURE],
  },
  "an OCSP answer of a responder named by its key": {
    bytes: () => answer(),
    parse: parseOcspResponse,
    opaque: RESPONSE,
  },
  "an OCSP answer of a responder named by its name": {
    bytes: () => answer(byName(parseCertificate(new Uint8Array(ca)).subject.raw)),
    parse: parseOcspResponse,
    opaque: RESPONSE.slice(1),
  },
  "an OCSP request": {
    bytes: () => {
      const issuer = parseCertificate(new Uint8Array(ca));
      return writeOcspRequest({ certificateIds: [certificateIdOf(issuer, issuer)], nonce });
    },
    parse: parseOcspRequest,
    opaque: ["/0/0/0/0/0/1", "/0/0/0/0/0/2"],
  },
};

describe("something after the last member of a structure", () => {
  for (const [what, { bytes, parse, opaque }] of Object.entries(subjects)) {
    it(`is refused everywhere in ${what}`, () => {
      const whole = new Uint8Array(bytes());
      expect(codeOf(() => parse(whole))).to.equal("none");
      const structures = withTrailing(whole).filter(({ path }) => !opaque.some((start) => path.startsWith(start)));
      expect(structures.length).to.be.greaterThan(9);
      for (const { path, bytes: changed } of structures) {
        expect([path, codeOf(() => parse(new Uint8Array(changed)))]).to.deep.equal([path, "EVIDENCE_MALFORMED"]);
      }
    });
  }
});
