/** What Intel's certificates must be and say: the PCK's extension, its chain, and whoever signs TCB info. */
import { expect } from "chai";
import type { ErrorCode } from "../../../offchain/errors.ts";
import {
  checkNotRevoked,
  dcapRules,
  pckCaOf,
  pckChainOf,
  verifyCrlIssuer,
  verifyPckChain,
  verifyTcbSigner,
} from "../../../offchain/evidence/dcap/pck-chain.ts";
import { hasSgxExtension, readPckExtension } from "../../../offchain/evidence/dcap/pck.ts";
import type { Quote } from "../../../offchain/evidence/dcap/quote.ts";
import { trustRootOf } from "../../../offchain/verifier/trust-roots.ts";
import { parseCertificate, type Certificate } from "../../../offchain/x509/certificate.ts";
import { ChainVerifier } from "../../../offchain/x509/chain.ts";
import { readRevocationList } from "../../../offchain/x509/crl.ts";
import { codeOf } from "../../support/errors.ts";
import { expectRefusal } from "../../support/expect-refusal.ts";
import {
  certificate,
  createKeys,
  der,
  extension,
  int,
  NOW,
  octets,
  oid,
  pem,
  revocationList,
  seq,
  standardExtensions,
  type Bytes,
  type CertificateParts,
} from "../../support/pki.ts";

const SGX = "1.2.840.113741.1.13.1";
const member = (arc: string, value: Bytes): Buffer => seq(oid(`${SGX}.${arc}`), value);
const enumerated = (value: number): Buffer => der(0x0a, Buffer.of(value));

/** The members by their last arcs; undefined leaves one out. */
type Members = Readonly<Record<string, Bytes | undefined>>;

const written = (members: Members, parent = ""): Buffer[] =>
  Object.entries(members).flatMap(([arc, value]) => (value === undefined ? [] : [member(`${parent}${arc}`, value)]));

const TCB: Members = {
  ...Object.fromEntries(Array.from({ length: 16 }, (_, index) => [String(index + 1), int(index)])),
  "17": int(0x1234),
  "18": octets(Buffer.alloc(16, 7)),
};

function sgxExtension(members: Members = {}, tcb: Members = {}, further: readonly Bytes[] = []): Buffer {
  const all: Members = {
    "1": octets(Buffer.alloc(16, 1)),
    "2": seq(...written({ ...TCB, ...tcb }, "2.")),
    "3": octets(Buffer.of(0, 5)),
    "4": octets(Buffer.alloc(6, 4)),
    "5": enumerated(1),
    ...members,
  };
  return seq(...written(all), ...further);
}

const keys = createKeys();
const withExtension = (value: Bytes): Certificate =>
  parseCertificate(
    new Uint8Array(
      certificate({
        subject: "PCK",
        issuer: "PCK",
        keys,
        issuerKeys: keys,
        extensions: [extension(SGX, false, value)],
      }),
    ),
  );

describe("a PCK certificate's extension", () => {
  it("tells platform, TCB and type", () => {
    const leaf = withExtension(sgxExtension());
    expect(hasSgxExtension(leaf)).to.equal(true);
    expect(readPckExtension(leaf)).to.deep.equal({
      ppid: new Uint8Array(16).fill(1),
      componentSvns: Array.from({ length: 16 }, (_, index) => index),
      pcesvn: 0x1234,
      cpusvn: new Uint8Array(16).fill(7),
      pceid: Uint8Array.of(0, 5),
      fmspc: new Uint8Array(6).fill(4),
      sgxType: 1,
    });
  });

  it("may hold the greatest numbers and further members", () => {
    const value = sgxExtension({ "6": octets(Buffer.alloc(16)) }, { "1": int(0xff), "17": int(0xffff) });
    const { componentSvns, pcesvn } = readPckExtension(withExtension(value));
    expect([componentSvns[0], pcesvn]).to.deep.equal([0xff, 0xffff]);
  });

  const refusals: Readonly<Record<string, Bytes>> = {
    "something after it": Buffer.concat([sgxExtension(), int(1)]),
    "no PPID": sgxExtension({ "1": undefined }),
    "a PPID of 15 bytes": sgxExtension({ "1": octets(Buffer.alloc(15)) }),
    "no TCB": sgxExtension({ "2": undefined }),
    "no first component": sgxExtension({}, { "1": undefined }),
    "no last component": sgxExtension({}, { "16": undefined }),
    "a component of 256": sgxExtension({}, { "16": int(0x100) }),
    "a PCESVN of 65,536": sgxExtension({}, { "17": int(Buffer.of(1, 0, 0)) }),
    "a CPUSVN of 17 bytes": sgxExtension({}, { "18": octets(Buffer.alloc(17)) }),
    "a PCE-ID of 3 bytes": sgxExtension({ "3": octets(Buffer.alloc(3)) }),
    "an FMSPC of 5 bytes": sgxExtension({ "4": octets(Buffer.alloc(5)) }),
    "a type that is an integer": sgxExtension({ "5": int(1) }),
    "a member given twice": sgxExtension({}, {}, [member("5", enumerated(1))]),
    "a member of another parent": sgxExtension({}, {}, [seq(oid("1.2.840.113741.1.13.2.9"), int(1))]),
    "a member of the parent's parent's length": sgxExtension({}, {}, [seq(oid("1.2.840.113741.1.14.1.9"), int(1))]),
    "a member two arcs below": sgxExtension({}, {}, [member("8.1", int(1))]),
    "a member with a further value": sgxExtension({ "5": Buffer.concat([enumerated(1), int(1)]) }),
  };
  for (const [what, value] of Object.entries(refusals)) {
    it(`is refused with ${what}`, () =>
      expectRefusal("EVIDENCE_MALFORMED", () => readPckExtension(withExtension(value))));
  }

  it("is refused where there is none", () => {
    const plain = parseCertificate(new Uint8Array(certificate({ subject: "A", issuer: "A", keys, issuerKeys: keys })));
    expect(hasSgxExtension(plain)).to.equal(false);
    expect(codeOf(() => readPckExtension(plain))).to.equal("EVIDENCE_MALFORMED");
  });
});

const [rootKeys, caKeys, leafKeys] = [createKeys(), createKeys(), createKeys()];
const ROOT: CertificateParts = {
  subject: "Root",
  issuer: "Root",
  keys: rootKeys,
  issuerKeys: rootKeys,
  isCa: true,
};
const CA: CertificateParts = {
  subject: "Intel SGX PCK Platform CA",
  issuer: "Root",
  keys: caKeys,
  issuerKeys: rootKeys,
  isCa: true,
};
const LEAF: CertificateParts = {
  subject: "Intel SGX PCK Certificate",
  issuer: CA.subject,
  keys: leafKeys,
  issuerKeys: caKeys,
};
const SIGNER: CertificateParts = {
  subject: "Intel SGX TCB Signing",
  issuer: "Root",
  keys: leafKeys,
  issuerKeys: rootKeys,
};

const root = certificate(ROOT);
const rules = dcapRules([trustRootOf(new Uint8Array(root), "test root", true)], NOW);
const withoutAuthorityKey = (parts: CertificateParts): CertificateParts => ({
  ...parts,
  standardExtensions: standardExtensions(parts).slice(0, 3),
});
const quoteWith = (certificationDataType: number, certificationData: Bytes): Quote =>
  ({ certification: { certificationDataType, certificationData: new Uint8Array(certificationData) } }) as Quote;
const chainOf = (leaf: CertificateParts, ca: CertificateParts): Buffer =>
  pem("CERTIFICATE", certificate(leaf), certificate(ca), root);
const verify = (chain: Bytes) => verifyPckChain(quoteWith(5, chain), undefined, new ChainVerifier(), rules);

describe("a PCK chain", () => {
  it("is that of either of Intel's authorities", async () => {
    for (const kind of ["Platform", "Processor"] as const) {
      const subject = `Intel SGX PCK ${kind} CA`;
      const chain = await verify(chainOf({ ...LEAF, issuer: subject }, { ...CA, subject }));
      expect(pckCaOf(chain)).to.equal(kind.toLowerCase());
    }
  });

  const refusals: readonly [string, () => Bytes][] = [
    [
      "a certificate too few",
      () => pem("CERTIFICATE", certificate({ ...LEAF, issuer: "Root", issuerKeys: rootKeys }), root),
    ],
    ["another name of the leaf", () => chainOf({ ...LEAF, subject: "Intel SGX TCB Signing" }, CA)],
    [
      "another name of the authority",
      () => chainOf({ ...LEAF, issuer: "Intel SGX CA" }, { ...CA, subject: "Intel SGX CA" }),
    ],
    ["an authority as its leaf", () => chainOf({ ...LEAF, isCa: true }, CA)],
    ["a leaf that may sign nothing", () => chainOf({ ...LEAF, keyUsage: [5, 0b0010_0000] }, CA)],
    ["a leaf that does not name its issuer's key", () => chainOf(withoutAuthorityKey(LEAF), CA)],
    ["an authority that does not name its issuer's key", () => chainOf(LEAF, withoutAuthorityKey(CA))],
  ];
  for (const [what, chain] of refusals) {
    it(`is refused with ${what}`, () => expectRefusal("CHAIN_UNTRUSTED", () => verify(chain())));
  }

  it("is the quote's own, or the given one where the quote has none", () => {
    const [own, given] = [Uint8Array.of(1), Uint8Array.of(2)];
    expect(pckChainOf(quoteWith(5, own), given)).to.deep.equal(own);
    for (const type of [1, 2, 3, 4, 6, 7]) expect(pckChainOf(quoteWith(type, own), given)).to.equal(given);
    const codes = [0, 8].map((type) => codeOf(() => pckChainOf(quoteWith(type, own), given)));
    const missing = [1, 7].map((type) => codeOf(() => pckChainOf(quoteWith(type, own), undefined)));
    expect([...codes, ...missing]).to.deep.equal(Array.from({ length: 4 }, () => "EVIDENCE_UNSUPPORTED"));
  });
});

const listOf = (...revoked: readonly Bytes[]) =>
  readRevocationList(new Uint8Array(revocationList({ issuer: "Root", issuerKeys: rootKeys, revoked })));

describe("whoever signs Intel's statements", () => {
  const verifySigner = (parts: CertificateParts, list = listOf()) =>
    verifyTcbSigner(pem("CERTIFICATE", certificate(parts), root), new ChainVerifier(), rules, list);

  it("is certified by the root for that", async () => {
    expect((await verifySigner(SIGNER)).leaf.subject.commonName).to.equal(SIGNER.subject);
  });

  const refusals: readonly [string, ErrorCode, CertificateParts][] = [
    ["is named otherwise", "CHAIN_UNTRUSTED", { ...SIGNER, subject: "Intel SGX PCK Certificate" }],
    ["is an authority", "CHAIN_UNTRUSTED", { ...SIGNER, isCa: true }],
    ["may not sign data", "CHAIN_UNTRUSTED", { ...SIGNER, keyUsage: [5, 0b0010_0000] }],
    ["does not name the root's key", "CHAIN_UNTRUSTED", withoutAuthorityKey(SIGNER)],
    ["is a platform", "CHAIN_UNTRUSTED", { ...SIGNER, extensions: [extension(SGX, false, sgxExtension())] }],
    ["is revoked", "CERTIFICATE_REVOKED", { ...SIGNER, serial: Buffer.of(0x55) }],
  ];
  for (const [what, code, parts] of refusals) {
    it(`is refused where it ${what}`, () => expectRefusal(code, () => verifySigner(parts, listOf(Buffer.of(0x55)))));
  }

  it("is no authority below the root's", () =>
    expectRefusal("CHAIN_UNTRUSTED", () =>
      verifyTcbSigner(
        pem("CERTIFICATE", certificate({ ...SIGNER, issuer: CA.subject, issuerKeys: caKeys }), certificate(CA), root),
        new ChainVerifier(),
        rules,
        listOf(),
      ),
    ));
});

describe("a revocation list's issuer", () => {
  it("must be the PCK's own", async () => {
    const chain = await verify(chainOf(LEAF, CA));
    const check = (ca: CertificateParts) =>
      verifyCrlIssuer(pem("CERTIFICATE", certificate(ca), root), new ChainVerifier(), rules, chain);
    await check(CA);
    await expectRefusal("ENDORSEMENT_INVALID", () => check({ ...CA, keys: leafKeys }));
    await expectRefusal("CHAIN_UNTRUSTED", () => check({ ...CA, issuerKeys: leafKeys }));
  });

  it("says what it revoked", () => {
    const certified = parseCertificate(new Uint8Array(certificate({ ...SIGNER, serial: Buffer.of(0x55) })));
    expect(codeOf(() => checkNotRevoked(listOf(Buffer.of(0x54)), certified))).to.equal("none");
    expect(codeOf(() => checkNotRevoked(listOf(Buffer.of(0x54), Buffer.of(0x55)), certified))).to.equal(
      "CERTIFICATE_REVOKED",
    );
  });
});
