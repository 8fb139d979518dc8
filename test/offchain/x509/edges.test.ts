/** The values on both sides of every limit that the readers of certificates have. */
import { expect } from "chai";
import { createHash, sign } from "node:crypto";
import { parseCertificate, type Certificate } from "../../../offchain/x509/certificate.ts";
import { ChainVerifier } from "../../../offchain/x509/chain.ts";
import { isRevoked, readRevocationList, verifyRevocationList } from "../../../offchain/x509/crl.ts";
import { DerReader } from "../../../offchain/x509/der.ts";
import { nameText } from "../../../offchain/x509/name-text.ts";
import { isPem, parsePem } from "../../../offchain/x509/pem.ts";
import {
  importKey,
  readPublicKey,
  readSignatureAlgorithm,
  verifyDerSignature,
} from "../../../offchain/x509/signature.ts";
import { checkValidity } from "../../../offchain/x509/validity.ts";
import { expectRefusal } from "../../support/expect-refusal.ts";
import {
  bits,
  certificate,
  createKeys,
  createRsaKeys,
  der,
  ECDSA_SHA256,
  ECDSA_SHA384,
  extension,
  int,
  NOW,
  octets,
  oid,
  pem,
  revocationList,
  rsaPss,
  seq,
  signed,
  standardExtensions,
  time,
  type Bytes,
  type CertificateParts,
} from "../../support/pki.ts";

const MALFORMED = "EVIDENCE_MALFORMED";
const UNSUPPORTED = "EVIDENCE_UNSUPPORTED";
const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replaceAll(" ", ""), "hex"));
const read = (bytes: Bytes): DerReader => new DerReader(new Uint8Array(bytes));
const utc = (text: string): Buffer => der(0x17, Buffer.from(text));
const generalized = (text: string): Buffer => der(0x18, Buffer.from(text));

const keys = createKeys();
const other = createKeys();
const p384 = createKeys("P-384");
const CA: CertificateParts = { subject: "CA", issuer: "CA", keys, issuerKeys: keys, isCa: true };
const LEAF: CertificateParts = { subject: "Leaf", issuer: "CA", keys: other, issuerKeys: keys };
const parsed = (parts: CertificateParts): Certificate => parseCertificate(new Uint8Array(certificate(parts)));

describe("DerReader at its limits", () => {
  const refusals: readonly [string, Bytes, (reader: DerReader) => unknown][] = [
    ["a length that ends early", hex("04 82 01"), (r) => r.any("x")],
    ["a long length without octets", hex("04 81"), (r) => r.any("x")],
    ["an indefinite length before enough octets", Buffer.concat([hex("04 80"), Buffer.alloc(128)]), (r) => r.any("x")],
    ["another tag as an element", hex("05 00"), (r) => r.element(0x30, "x")],
    ["another tag as content", hex("05 00"), (r) => r.content(0x04, "x")],
    ["a boolean without content", hex("01 00"), (r) => r.boolean("x")],
    ["a boolean of two octets", hex("01 02 ff ff"), (r) => r.boolean("x")],
    ["an object identifier that starts with padding", hex("06 02 80 01"), (r) => r.oid("x")],
    ["an arc beyond 53 bits", hex("06 0a 2a ff ff ff ff ff ff ff ff 7f"), (r) => r.oid("x")],
    ["named bits without any but unused ones", hex("03 01 01"), (r) => r.namedBits("x")],
    ["a UTCTime with a year of four digits", utc("20260115000000Z"), (r) => r.time("x")],
    ["a UTCTime with a digit too many", utc("2601150000000Z"), (r) => r.time("x")],
    ["a UTCTime without its Z", utc("2601150000000"), (r) => r.time("x")],
    ["a GeneralizedTime with a year of two digits", generalized("260115000000Z"), (r) => r.time("x")],
    ["a year before 100", generalized("00500101000000Z"), (r) => r.time("x")],
    ["month 13", utc("261301000000Z"), (r) => r.time("x")],
    ["month 0", utc("260001000000Z"), (r) => r.time("x")],
    ["day 0", utc("260100000000Z"), (r) => r.time("x")],
    ["hour 24", utc("260115240000Z"), (r) => r.time("x")],
    ["minute 60", utc("260115006000Z"), (r) => r.time("x")],
    ["second 60", utc("260115000060Z"), (r) => r.time("x")],
    ["a character before 0 as the second digit", utc("26011500001/Z"), (r) => r.time("x")],
    ["a character after 9 as the second digit", utc("26011500000:Z"), (r) => r.time("x")],
    ["a character before 0 as the first digit", utc("26011505/900Z"), (r) => r.time("x")],
    ["a character after 9 as the first digit", utc(":50115000000Z"), (r) => r.time("x")],
    ["a time of another type", der(0x13, Buffer.from("260115000000Z")), (r) => r.time("x")],
  ];
  for (const [what, bytes, action] of refusals) {
    it(`refuses ${what}`, () => expectRefusal(MALFORMED, () => action(read(bytes))));
  }

  it("reads lengths of one to four octets", () => {
    for (const length of [0, 127, 128, 255, 256, 65_536, 1 << 24]) {
      const octetsOfLength = length < 0x80 ? [length] : lengthOctets(length);
      const bytes = Buffer.concat([Buffer.of(4, ...octetsOfLength), Buffer.alloc(length)]);
      expect(read(bytes).octetString("x").length).to.equal(length);
    }
  });

  it("reads integers on both sides of their sign octet", () => {
    expect([...read(hex("02 02 00 80")).unsigned("x")]).to.deep.equal([0x80]);
    expect([...read(hex("02 01 00")).unsigned("x")]).to.deep.equal([0]);
    expect([...read(hex("02 01 7f")).unsigned("x")]).to.deep.equal([0x7f]);
    expect([...read(hex("02 02 ff 7f")).integer("x")]).to.deep.equal([0xff, 0x7f]);
    expect(read(hex("02 04 7f ff ff ff")).uint32("x")).to.equal(0x7fff_ffff);
    expect(read(hex("02 05 00 ff ff ff ff")).uint32("x")).to.equal(0xffff_ffff);
    expect(read(hex("02 02 01 02")).uint32("x")).to.equal(258);
  });

  it("reads booleans, bits and identifiers", () => {
    expect(read(hex("01 01 00")).boolean("x")).to.equal(false);
    expect(read(hex("01 01 ff")).boolean("x")).to.equal(true);
    expect([...read(hex("03 01 00")).namedBits("x")]).to.deep.equal([]);
    expect([...read(hex("03 03 07 00 80")).namedBits("x")]).to.deep.equal([8]);
    expect(read(hex("06 03 81 80 01")).oid("x")).to.equal("2.16305");
  });

  it("reads the last second of a day and of a leap year", () => {
    expect(read(utc("280229235959Z")).time("x")).to.equal(Date.UTC(2028, 1, 29, 23, 59, 59));
    expect(read(generalized("21991231235959Z")).time("x")).to.equal(Date.UTC(2199, 11, 31, 23, 59, 59));
  });

  it("enters an optional element only where it is next", () => {
    const reader = read(hex("a0 03 02 01 05 05 00"));
    expect(reader.enterIf(0xa1, "x")).to.equal(undefined);
    expect(reader.enterIf(0xa0, "x")?.uint32("x")).to.equal(5);
    expect(reader.nextTag).to.equal(5);
    reader.any("x");
    expect(reader.nextTag).to.equal(undefined);
    expect(reader.enterIf(5, "x")).to.equal(undefined);
  });
});

function lengthOctets(length: number): number[] {
  const digits = length.toString(16);
  const bytes = Buffer.from(digits.padStart(digits.length + (digits.length % 2), "0"), "hex");
  return [0x80 | bytes.length, ...bytes];
}

describe("algorithms and keys", () => {
  const algorithm = (bytes: Bytes) => readSignatureAlgorithm(read(bytes).enter("x"));
  const pss = (...parameters: readonly Bytes[]): Buffer => seq(oid("1.2.840.113549.1.1.10"), seq(...parameters));
  const sha384 = seq(oid("2.16.840.1.101.3.4.2.2"), der(0x05));
  const hash = der(0xa0, sha384);
  const mask = (id = "1.2.840.113549.1.1.8", of: Bytes = sha384): Buffer => der(0xa1, seq(oid(id), of));
  const salt = der(0xa2, int(48));

  it("knows ECDSA with SHA-256 and SHA-384, and RSASSA-PSS with SHA-384", () => {
    expect(algorithm(ECDSA_SHA256)).to.equal("ecdsa-p256-sha256");
    expect(algorithm(ECDSA_SHA384)).to.equal("ecdsa-p384-sha384");
    expect(algorithm(rsaPss())).to.equal("rsa4096-pss-sha384");
    expect(algorithm(pss(hash, mask(), salt))).to.equal("rsa4096-pss-sha384");
    expect(algorithm(pss(der(0xa0, seq(oid("2.16.840.1.101.3.4.2.2"))), mask(), salt))).to.equal("rsa4096-pss-sha384");
  });

  const unsupported: readonly [string, Bytes, string][] = [
    ["RSA of PKCS #1", seq(oid("1.2.840.113549.1.1.11")), UNSUPPORTED],
    ["another hash", rsaPss({ hash: "2.16.840.1.101.3.4.2.1" }), UNSUPPORTED],
    [
      "another hash of the mask only",
      pss(hash, mask(undefined, seq(oid("2.16.840.1.101.3.4.2.1"))), salt),
      UNSUPPORTED,
    ],
    ["another hash of the message only", pss(der(0xa0, seq(oid("2.16.840.1.101.3.4.2.1"))), mask(), salt), UNSUPPORTED],
    ["another mask", pss(hash, mask("1.2.840.113549.1.1.9"), salt), UNSUPPORTED],
    ["a shorter salt", rsaPss({ salt: 32 }), UNSUPPORTED],
    ["another trailer", rsaPss({ trailer: 2 }), UNSUPPORTED],
    ["the default hash", pss(mask(), salt), UNSUPPORTED],
    ["the default salt", pss(hash, mask()), UNSUPPORTED],
    [
      "parameters that are not NULL",
      pss(der(0xa0, seq(oid("2.16.840.1.101.3.4.2.2"), der(0x05, hex("00")))), mask(), salt),
      MALFORMED,
    ],
    ["a member too many", pss(hash, mask(), salt, der(0xa3, int(1)), der(0xa4, int(1))), MALFORMED],
    ["ECDSA with parameters", seq(oid("1.2.840.10045.4.3.2"), der(0x05)), MALFORMED],
  ];
  for (const [what, bytes, code] of unsupported) {
    it(`refuses ${what}`, () => expectRefusal(code as typeof MALFORMED, () => algorithm(bytes)));
  }

  const EC = "1.2.840.10045.2.1";
  const spki = (curve: string, point: Bytes, id = EC): Uint8Array =>
    new Uint8Array(seq(seq(oid(id), oid(curve)), bits(0, ...point)));
  const point = (length: number, first = 4): Buffer => Buffer.concat([Buffer.of(first), Buffer.alloc(length - 1, 1)]);
  const rsa = (modulus: Bytes, exponent = 65_537, parameters: Bytes = der(0x05)): Uint8Array =>
    new Uint8Array(
      seq(seq(oid("1.2.840.113549.1.1.1"), parameters), bits(0, ...seq(wholeInt(modulus), exponentInt(exponent)))),
    );
  const wholeInt = (bytes: Bytes): Buffer =>
    der(0x02, (bytes[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), bytes]) : bytes);
  const exponentInt = (value: number): Buffer => der(0x02, value === 65_537 ? Buffer.of(1, 0, 1) : Buffer.of(value));
  const modulus = (length: number, first = 0xc1): Buffer =>
    Buffer.concat([Buffer.of(first), Buffer.alloc(length - 1, 3)]);

  it("reads keys on P-256, P-384 and of RSA with 4096 bits", () => {
    expect(readPublicKey(new Uint8Array(keys.spki)).curve).to.equal("P-256");
    expect(readPublicKey(new Uint8Array(p384.spki)).curve).to.equal("P-384");
    const key = readPublicKey(rsa(modulus(512)));
    expect(key.curve).to.equal(undefined);
    expect(key.spki).to.deep.equal(rsa(modulus(512)));
    expect(readPublicKey(rsa(modulus(512, 0x80))).curve).to.equal(undefined);
  });

  const P256 = "1.2.840.10045.3.1.7";
  const wrongKeys: readonly [string, Uint8Array, string][] = [
    ["a curve that is not known", spki("1.3.132.0.10", point(65)), UNSUPPORTED],
    ["a point of another length", spki(P256, point(97)), MALFORMED],
    ["a compressed point", spki(P256, point(65, 2)), MALFORMED],
    ["a key that is neither", spki(P256, point(65), "1.3.101.112"), MALFORMED],
    ["Ed25519", new Uint8Array(seq(seq(oid("1.3.101.112")), bits(0, ...Buffer.alloc(32)))), UNSUPPORTED],
    ["RSA of fewer bits", rsa(modulus(511)), UNSUPPORTED],
    ["RSA of 4095 bits", rsa(modulus(512, 0x7f)), UNSUPPORTED],
    ["RSA of more bits", rsa(modulus(513)), UNSUPPORTED],
    ["another exponent", rsa(modulus(512), 3), UNSUPPORTED],
    ["RSA with parameters", rsa(modulus(512), 65_537, der(0x05, hex("00"))), MALFORMED],
  ];
  for (const [what, bytes, code] of wrongKeys) {
    it(`refuses ${what}`, () => expectRefusal(code as typeof MALFORMED, () => readPublicKey(bytes)));
  }

  it("refuses a point that is not on its curve", () =>
    expectRefusal(MALFORMED, () => importKey(readPublicKey(spki(P256, point(65))))));

  it("imports a key once", async () => {
    const key = readPublicKey(new Uint8Array(keys.spki));
    expect(await importKey(key)).to.equal(await importKey(key));
  });

  it("verifies with the algorithm's own kind of key only", async () => {
    const message = Buffer.from("message");
    const rsaKeys = createRsaKeys();
    const [ec, ec384, rsaKey] = [keys, p384, rsaKeys].map((pair) => readPublicKey(new Uint8Array(pair.spki)));
    if (ec === undefined || ec384 === undefined || rsaKey === undefined) throw new RangeError("three keys");
    const by256 = sign("sha256", message, { key: keys.privateKey, dsaEncoding: "der" });
    const by384 = sign("sha384", message, { key: p384.privateKey, dsaEncoding: "der" });
    const byRsa = signed(message, rsaPss(), rsaKeys).subarray(-512);
    expect(await verifyDerSignature("ecdsa-p256-sha256", ec, message, by256)).to.equal(true);
    expect(await verifyDerSignature("ecdsa-p384-sha384", ec384, message, by384)).to.equal(true);
    expect(await verifyDerSignature("rsa4096-pss-sha384", rsaKey, message, byRsa)).to.equal(true);
    expect(await verifyDerSignature("ecdsa-p256-sha256", ec384, message, by256)).to.equal(false);
    expect(await verifyDerSignature("ecdsa-p384-sha384", ec, message, by384)).to.equal(false);
    expect(await verifyDerSignature("rsa4096-pss-sha384", ec, message, byRsa)).to.equal(false);
    expect(await verifyDerSignature("ecdsa-p256-sha256", rsaKey, message, by256)).to.equal(false);
    expect(await verifyDerSignature("rsa4096-pss-sha384", rsaKey, message, Buffer.alloc(512, 1))).to.equal(false);
  });

  it("says that a number wider than the curve does not hold", async () => {
    const key = readPublicKey(new Uint8Array(keys.spki));
    const wide = Buffer.concat([Buffer.of(1), Buffer.alloc(32)]);
    for (const [r, s] of [
      [wide, Buffer.of(1)],
      [Buffer.of(1), wide],
    ] as const) {
      expect(await verifyDerSignature("ecdsa-p256-sha256", key, Buffer.of(1), seq(int(r), int(s)))).to.equal(false);
    }
  });
});

describe("certificates at their limits", () => {
  it("reads what is not said as no authority, without a limit and without key identifiers", () => {
    const { isCa, pathLength, keyUsage, authorityKeyId, subjectKeyId } = parsed({ ...LEAF, standardExtensions: [] });
    expect({ isCa, pathLength, keyUsage, authorityKeyId, subjectKeyId }).to.deep.equal({
      isCa: false,
      pathLength: undefined,
      keyUsage: undefined,
      authorityKeyId: undefined,
      subjectKeyId: undefined,
    });
  });

  it("takes an authority key identifier that names no key as none", () => {
    const issuer = extension("2.5.29.35", false, seq(der(0xa1, der(0x82, Buffer.from("x")))));
    expect(parsed({ ...LEAF, standardExtensions: [issuer] }).authorityKeyId).to.equal(undefined);
  });

  it("lets only RSA's issuer end the key usage with zero bits", async () => {
    const keyUsage = [0, 0b0000_0110];
    expect([...(parsed({ ...CA, keyUsage, algorithm: rsaPss() }).keyUsage ?? [])]).to.deep.equal([5, 6]);
    await expectRefusal(MALFORMED, () => parsed({ ...CA, keyUsage }));
  });

  const named = (value: Bytes, more: readonly Bytes[] = []): Uint8Array => {
    const name = seq(der(0x31, seq(oid("2.5.4.3"), value, ...more)));
    const tbs = seq(
      der(0xa0, int(2)),
      int(1),
      ECDSA_SHA256,
      name,
      seq(time(NOW), time(NOW)),
      name,
      keys.spki,
      der(0xa3, seq()),
    );
    return new Uint8Array(signed(tbs, ECDSA_SHA256, keys));
  };

  it("reads a common name of two string types, and refuses others and what follows", async () => {
    expect(parseCertificate(named(der(0x0c, Buffer.from("a")))).subject.commonName).to.equal("a");
    expect(parseCertificate(named(der(0x13, Buffer.from("b")))).subject.commonName).to.equal("b");
    await expectRefusal(MALFORMED, () => parseCertificate(named(der(0x1e, Buffer.from("c")))));
    await expectRefusal(MALFORMED, () => parseCertificate(named(der(0x0c, Buffer.from("a")), [der(0x05)])));
  });

  it("writes a name as text, the last part first", () => {
    const part = (...attributes: readonly Bytes[]): Buffer => der(0x31, ...attributes);
    const attribute = (id: string, text: string): Buffer => seq(oid(id), der(0x0c, Buffer.from(text)));
    const raw = new Uint8Array(
      seq(
        part(attribute("2.5.4.6", "DE")),
        part(attribute("2.5.4.8", "BY"), attribute("2.5.4.7", "Town")),
        part(attribute("2.5.4.10", String.raw`A, "B" <C>; D+E\F`)),
        part(attribute("2.5.4.11", "Unit")),
        part(attribute("1.2.3", "other")),
        part(attribute("2.5.4.3", "Name")),
      ),
    );
    const expected = String.raw`CN=Name,1.2.3=other,OU=Unit,O=A\, \"B\" \<C\>\; D\+E\\F,ST=BY+L=Town,C=DE`;
    expect(nameText({ raw, commonName: undefined })).to.equal(expected);
  });

  it("includes both ends of a validity", async () => {
    checkValidity("x", 10, 20, 10);
    checkValidity("x", 10, 20, 20);
    await expectRefusal("CERTIFICATE_EXPIRED", () => checkValidity("x", 10, 20, 9));
    await expectRefusal("CERTIFICATE_EXPIRED", () => checkValidity("x", 10, 20, 21));
  });
});

describe("chains at their limits", () => {
  const root = { spkiSha256: createHash("sha256").update(keys.spki).digest("hex") };
  const rules = { roots: [root], now: NOW, algorithm: "ecdsa-p256-sha256", maxLength: 2 } as const;
  const verify = (...parts: readonly CertificateParts[]) => new ChainVerifier().verify(parts.map(parsed), rules);
  const without =
    (...ids: readonly string[]) =>
    (parts: CertificateParts): CertificateParts => ({
      ...parts,
      standardExtensions: standardExtensions(parts).filter(
        (bytes) => !ids.some((id) => Buffer.from(bytes).includes(oid(id))),
      ),
    });
  const SKI = "2.5.29.14";
  const AKI = "2.5.29.35";
  const EMPTY_SKI = extension(SKI, false, octets(Buffer.of()));

  it("accept as many certificates as allowed, and a leaf that names no issuer key", async () => {
    expect((await verify(LEAF, CA)).certificates).to.have.lengthOf(2);
    expect((await verify(without(AKI)(LEAF), without(AKI)(CA))).leaf.authorityKeyId).to.equal(undefined);
  });

  it("refuse less than leaf and root", async () => {
    await expectRefusal("CHAIN_UNTRUSTED", () => verify());
    await expectRefusal("CHAIN_UNTRUSTED", () => verify(CA));
  });

  it("refuse a root that is issued by another name", () =>
    expectRefusal("CHAIN_UNTRUSTED", () => verify({ ...LEAF, issuer: "CA" }, { ...CA, issuer: "Another" })));

  it("refuse an authority without a key usage", () =>
    expectRefusal("CHAIN_UNTRUSTED", () => verify(LEAF, without("2.5.29.15")(CA))));

  it("refuse an issuer key that the issuer does not name, and an empty one on both sides", async () => {
    await expectRefusal("CHAIN_UNTRUSTED", () => verify(LEAF, without(SKI, AKI)(CA)));
    const nameless = without(SKI, AKI)(CA);
    const authority = { ...nameless, standardExtensions: [...(nameless.standardExtensions ?? []), EMPTY_SKI] };
    await expectRefusal("CHAIN_UNTRUSTED", () => verify({ ...LEAF, authorityKeyId: Buffer.of() }, authority));
  });
});

describe("revocation lists and PEM at their limits", () => {
  const ca = parsed(CA);
  const LIST = { issuer: "CA", issuerKeys: keys };

  it("reads entries with extensions, and refuses two algorithms", async () => {
    const reason = seq(extension("2.5.29.21", false, der(0x0a, Buffer.of(1))));
    const aki = extension("2.5.29.35", false, seq(der(0x80, keys.keyId)));
    const name = seq(der(0x31, seq(oid("2.5.4.3"), der(0x0c, Buffer.from("CA")))));
    const entry = seq(int(7), time(NOW), reason);
    const tbs = (algorithm: Bytes): Buffer =>
      seq(int(1), algorithm, name, time(NOW), time(NOW), seq(entry), der(0xa0, seq(aki)));
    const list = readRevocationList(new Uint8Array(signed(tbs(ECDSA_SHA256), ECDSA_SHA256, keys)));
    await verifyRevocationList(list, ca, NOW);
    expect(isRevoked(list, parsed({ ...LEAF, serial: Buffer.of(7) }))).to.equal(true);
    const two = new Uint8Array(signed(tbs(ECDSA_SHA384), ECDSA_SHA256, keys));
    await expectRefusal(MALFORMED, () => readRevocationList(two));
  });

  it("refuses a list that names no key, an empty key, and an issuer without a key usage", async () => {
    const verify = (list: Bytes, issuer: Certificate) =>
      verifyRevocationList(readRevocationList(new Uint8Array(list)), issuer, NOW);
    const extensions = [
      extension("2.5.29.19", true, seq(der(0x01, Buffer.of(0xff)))),
      extension("2.5.29.15", true, bits(1, 6)),
    ];
    const nameless = parsed({ ...CA, standardExtensions: extensions });
    await expectRefusal("CHAIN_UNTRUSTED", () => verify(revocationList(LIST), nameless));
    const emptyKey = extension("2.5.29.14", false, octets(Buffer.of()));
    const empty = parsed({ ...CA, standardExtensions: [...extensions, emptyKey] });
    await expectRefusal("CHAIN_UNTRUSTED", () =>
      verify(revocationList({ ...LIST, authorityKeyId: Buffer.of() }), empty),
    );
    const unsaid = parsed({ ...CA, standardExtensions: standardExtensions(CA).filter((_, index) => index !== 1) });
    await expectRefusal("CHAIN_UNTRUSTED", () => verify(revocationList(LIST), unsaid));
  });

  it("refuses two lists in one file, and one of another label", async () => {
    const list = revocationList(LIST);
    await expectRefusal(MALFORMED, () => readRevocationList(pem("X509 CRL", list, list)));
    await expectRefusal(MALFORMED, () => readRevocationList(pem("CERTIFICATE", list)));
  });

  it("refuses zero octets before the end, and two labels", async () => {
    const one = pem("CERTIFICATE", Buffer.of(1, 2, 3));
    await expectRefusal(MALFORMED, () => parsePem(Buffer.concat([Buffer.of(0), one]), "CERTIFICATE"));
    await expectRefusal(MALFORMED, () => parsePem(Buffer.concat([one, Buffer.of(0), one]), "CERTIFICATE"));
    const begin = Buffer.from(one.toString().replace("BEGIN CERTIFICATE", "BEGIN KEY"));
    await expectRefusal(MALFORMED, () => parsePem(begin, "CERTIFICATE"));
  });

  it("knows PEM behind white space from other bytes", () => {
    expect(isPem(Buffer.from(" \n-----BEGIN X-----"))).to.equal(true);
    expect(isPem(Buffer.from("0-----BEGIN X-----"))).to.equal(false);
  });
});
