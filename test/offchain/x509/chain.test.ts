import { expect } from "chai";
import { createHash } from "node:crypto";
import type { ErrorCode } from "../../../offchain/errors.ts";
import { parseCertificate } from "../../../offchain/x509/certificate.ts";
import { ChainVerifier, type ChainRules, type PinnedRoot } from "../../../offchain/x509/chain.ts";
import {
  bits,
  bool,
  certificate,
  createKeys,
  der,
  extension,
  int,
  NOW,
  oid,
  pem,
  seq,
  standardExtensions,
  type CertificateParts,
} from "../../support/pki.ts";
import { expectRefusal } from "../../support/expect-refusal.ts";

const rootKeys = createKeys();
const caKeys = createKeys();
const leafKeys = createKeys();
const otherKeys = createKeys();

const ROOT: CertificateParts = {
  subject: "Root",
  issuer: "Root",
  keys: rootKeys,
  issuerKeys: rootKeys,
  isCa: true,
  pathLength: 1,
};
const CA: CertificateParts = {
  subject: "CA",
  issuer: "Root",
  keys: caKeys,
  issuerKeys: rootKeys,
  isCa: true,
  pathLength: 0,
};
const LEAF: CertificateParts = { subject: "Leaf", issuer: "CA", keys: leafKeys, issuerKeys: caKeys };

const root: PinnedRoot = { spkiSha256: createHash("sha256").update(rootKeys.spki).digest("hex") };
const rules: ChainRules<PinnedRoot> = { roots: [root], now: NOW, algorithm: "ecdsa-p256-sha256", maxLength: 4 };

interface Changes {
  readonly root?: Partial<CertificateParts>;
  readonly ca?: Partial<CertificateParts>;
  readonly leaf?: Partial<CertificateParts>;
  readonly rules?: Partial<typeof rules>;
}

async function verify(changes: Changes = {}, order = [2, 1, 0]): Promise<unknown> {
  const made = [
    { ...ROOT, ...changes.root },
    { ...CA, ...changes.ca },
    { ...LEAF, ...changes.leaf },
  ].map(certificate);
  const chain = order.map((index) => made[index] ?? Buffer.of());
  const verifier = new ChainVerifier();
  return verifier.verify(verifier.parse(pem("CERTIFICATE", ...chain)), { ...rules, ...changes.rules });
}

describe("ChainVerifier", () => {
  it("accepts leaf, CA and pinned root, and names them", async () => {
    const verified = (await verify()) as Awaited<ReturnType<ChainVerifier["verify"]>>;
    expect(verified.leaf.subject.commonName).to.equal("Leaf");
    expect(verified.issuer.subject.commonName).to.equal("CA");
    expect(verified.root).to.equal(root);
  });

  const refusals: readonly [string, ErrorCode, Changes, number[]?][] = [
    [
      "another root of the same name",
      "CHAIN_UNTRUSTED",
      { root: { keys: otherKeys, issuerKeys: otherKeys }, ca: { issuerKeys: otherKeys } },
    ],
    ["no pinned root at all", "CHAIN_UNTRUSTED", { rules: { roots: [] } }],
    ["a chain without its root", "CHAIN_UNTRUSTED", {}, [2, 1]],
    ["a root alone", "CHAIN_UNTRUSTED", {}, [0]],
    ["a chain root first", "CHAIN_UNTRUSTED", {}, [0, 1, 2]],
    ["a leaf that the root did not issue", "CHAIN_UNTRUSTED", {}, [2, 0]],
    ["more certificates than allowed", "CHAIN_UNTRUSTED", { rules: { maxLength: 2 } }],
    [
      "a leaf signed by a foreign key",
      "SIGNATURE_INVALID",
      { leaf: { issuerKeys: otherKeys, authorityKeyId: caKeys.keyId } },
    ],
    ["a root not signed by itself", "SIGNATURE_INVALID", { root: { issuerKeys: otherKeys } }],
    [
      "a CA without cA",
      "CHAIN_UNTRUSTED",
      {
        ca: {
          isCa: false,
          keyUsage: [1, 0b0000_0110],
          standardExtensions: standardExtensions({
            ...LEAF,
            keys: caKeys,
            issuerKeys: rootKeys,
            keyUsage: [1, 0b0000_0110],
          }),
        },
      },
    ],
    ["a CA that may not sign certificates", "CHAIN_UNTRUSTED", { ca: { keyUsage: [6, 0b1100_0000] } }],
    ["a path longer than the root allows", "CHAIN_UNTRUSTED", { root: { pathLength: 0 } }],
    ["another issuer name", "CHAIN_UNTRUSTED", { leaf: { issuer: "Another CA" } }],
    ["another authority key id", "CHAIN_UNTRUSTED", { leaf: { authorityKeyId: otherKeys.keyId } }],
    ["an empty authority key id", "CHAIN_UNTRUSTED", { leaf: { authorityKeyId: Buffer.of() } }],
    ["an expired leaf", "CERTIFICATE_EXPIRED", { leaf: { notAfter: NOW - 1000 } }],
    ["an expired CA", "CERTIFICATE_EXPIRED", { ca: { notAfter: NOW - 1000 } }],
    ["a root not valid yet", "CERTIFICATE_EXPIRED", { root: { notBefore: NOW + 1000 } }],
    ["another algorithm than expected", "CHAIN_UNTRUSTED", { rules: { algorithm: "ecdsa-p384-sha384" } }],
  ];
  for (const [what, code, changes, order] of refusals) {
    it(`refuses ${what}`, () => expectRefusal(code, () => verify(changes, order)));
  }

  it("checks validity again where signatures are remembered", async () => {
    const verifier = new ChainVerifier();
    const chain = pem("CERTIFICATE", ...[LEAF, CA, ROOT].map(certificate));
    await verifier.verify(verifier.parse(chain), rules);
    await expectRefusal("CERTIFICATE_EXPIRED", () =>
      verifier.verify(verifier.parse(chain), { ...rules, now: NOW + 365 * 86_400_000 }),
    );
    await expectRefusal("CHAIN_UNTRUSTED", () => verifier.verify(verifier.parse(chain), { ...rules, roots: [] }));
  });
});

describe("parseCertificate", () => {
  const standard = standardExtensions(LEAF);
  const [constraints = Buffer.of()] = standard;
  const refusals: readonly [string, ErrorCode, Partial<CertificateParts>][] = [
    ["version 1", "EVIDENCE_MALFORMED", { version: der(0xa0, int(0)) }],
    ["two signature algorithms", "EVIDENCE_MALFORMED", { outerAlgorithm: seq(oid("1.2.840.10045.4.3.3")) }],
    ["an unknown signature algorithm", "EVIDENCE_UNSUPPORTED", { algorithm: seq(oid("1.2.840.113549.1.1.11")) }],
    ["parameters of ECDSA", "EVIDENCE_MALFORMED", { algorithm: seq(oid("1.2.840.10045.4.3.2"), der(0x05)) }],
    ["an extension twice", "EVIDENCE_MALFORMED", { extensions: [constraints] }],
    ["an unknown critical extension", "EVIDENCE_UNSUPPORTED", { extensions: [extension("1.2.3.4", true, seq())] }],
    ["a path length without cA", "EVIDENCE_MALFORMED", { pathLength: 0 }],
    [
      "cA false spelled out in a non-canonical way",
      "EVIDENCE_MALFORMED",
      { standardExtensions: [extension("2.5.29.19", true, seq(der(0x01, Buffer.of(1))))] },
    ],
    [
      "key usage with trailing zero bits",
      "EVIDENCE_MALFORMED",
      { standardExtensions: [extension("2.5.29.15", true, bits(0, 0x80, 0))] },
    ],
    ["a serial number of 21 octets", "EVIDENCE_MALFORMED", { serial: Buffer.alloc(21, 1) }],
  ];
  for (const [what, code, parts] of refusals) {
    it(`refuses ${what}`, () => expectRefusal(code, () => parseCertificate(certificate({ ...LEAF, ...parts }))));
  }

  it("refuses bytes after the certificate and every truncation", async () => {
    const whole = certificate(LEAF);
    await expectRefusal("EVIDENCE_MALFORMED", () => parseCertificate(Buffer.concat([whole, Buffer.of(0)])));
    for (let length = 0; length < whole.length; length += 1) {
      await expectRefusal("EVIDENCE_MALFORMED", () => parseCertificate(whole.subarray(0, length)));
    }
  });

  it("refuses a key whose point is not on its curve", async () => {
    const spki = Buffer.from(leafKeys.spki);
    spki.writeUInt8((spki.at(-1) ?? 0) ^ 1, spki.length - 1);
    const verifier = new ChainVerifier();
    const bad = { ...leafKeys, spki };
    const chain = [{ ...LEAF, issuer: "CA", issuerKeys: caKeys }, { ...CA, keys: { ...caKeys, spki } }, ROOT].map(
      certificate,
    );
    expect(parseCertificate(certificate({ ...LEAF, keys: bad })).publicKey.curve).to.equal("P-256");
    await expectRefusal("EVIDENCE_MALFORMED", () =>
      verifier.verify(verifier.parse(pem("CERTIFICATE", ...chain)), rules),
    );
  });

  it("reads what a certificate says", () => {
    const parsed = parseCertificate(
      certificate({ ...CA, serial: Buffer.from("ff00", "hex"), extensions: [extension("1.2.3.4", false, bool(true))] }),
    );
    expect(parsed.serial).to.equal("ff00");
    expect(parsed.isCa).to.equal(true);
    expect(parsed.pathLength).to.equal(0);
    expect([...(parsed.keyUsage ?? [])]).to.deep.equal([5, 6]);
    expect(parsed.extensions.has("1.2.3.4")).to.equal(true);
  });
});
