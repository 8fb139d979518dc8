import { secp256k1 } from "@noble/curves/secp256k1.js";
import { expect } from "chai";
import { computeAddress, hexlify, keccak256 as ethersKeccak, SigningKey } from "ethers";
import * as fc from "fast-check";
import { constants, createHash, createHmac, generateKeyPairSync, sign } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { concat, isZero, toHex, utf8 } from "../../../offchain/encoding/bytes.ts";
import { BACKS } from "../../support/crypto-backs.ts";
import type { AnyBack } from "../../support/crypto-backs.ts";

const bytes = fc.uint8Array({ maxLength: 200 });

function spkiOf(key: KeyObject): Uint8Array {
  return new Uint8Array(key.export({ format: "der", type: "spki" }));
}

/** Whether a back refuses, at once or later. */
async function refuses(work: () => unknown): Promise<boolean> {
  try {
    await work();
    return false;
  } catch {
    return true;
  }
}

for (const [name, back] of BACKS) describe(`crypto/${name}`, () => testBack(name, back));

describe("crypto", () => {
  it("has one face: both backs export the same names", () => {
    const [node = [], browser = []] = BACKS.map(([, back]) => Object.keys(back).toSorted());
    expect(node).to.not.be.empty;
    expect(browser).to.deep.equal(node);
  });
});

function testBack(name: string, back: AnyBack): void {
  const { aesGcmOpen, aesGcmSeal, agreeX25519, createAgreementKey, createSigningKey, hmacSha256 } = back;
  const {
    hkdfSha256,
    importEcPoint,
    importSpki,
    keccak256,
    randomBytes,
    recoverAddress,
    sha1,
    sha256,
    sha384,
    sha512,
  } = back;
  const { signDigest, signingAddress, timingSafeEqual, verifyEcdsa, verifyRsaPss } = back;

  describe("hashes", () => {
    it("hash their parts as one text", () => {
      fc.assert(
        fc.property(bytes, bytes, (a, b) => {
          const oracle = (name: string): string => createHash(name).update(a).update(b).digest("hex");
          expect(toHex(sha1(a, b))).to.equal(`0x${oracle("sha1")}`);
          expect(toHex(sha256(a, b))).to.equal(`0x${oracle("sha256")}`);
          expect(toHex(sha384(a, b))).to.equal(`0x${oracle("sha384")}`);
          expect(toHex(sha512(a, b))).to.equal(`0x${oracle("sha512")}`);
          expect(toHex(keccak256(a, b))).to.equal(ethersKeccak(concat(a, b)));
        }),
      );
    });

    it("answer in plain byte arrays", () => {
      const answers = [sha256(), sha384(), keccak256(), randomBytes(4), hmacSha256(new Uint8Array(1))];
      for (const answer of answers) expect(Object.getPrototypeOf(answer)).to.equal(Uint8Array.prototype);
    });
  });

  describe("hmacSha256", () => {
    it("agrees with OpenSSL for keys shorter and longer than a block", () => {
      fc.assert(
        fc.property(bytes, bytes, bytes, (key, a, b) => {
          const oracle = createHmac("sha256", key).update(a).update(b).digest("hex");
          expect(toHex(hmacSha256(key, a, b))).to.equal(`0x${oracle}`);
        }),
      );
    });

    it("has the value of RFC 4231 section 4.3", () => {
      expect(toHex(hmacSha256(utf8("Jefe"), utf8("what do ya want "), utf8("for nothing?")))).to.equal(
        "0x5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
      );
    });
  });

  describe("randomBytes", () => {
    it("draws more than WebCrypto gives in one call", () => {
      const bytes = randomBytes(200_000);
      expect(bytes).to.have.length(200_000);
      expect(isZero(bytes.subarray(-32))).to.equal(false);
    });
  });

  describe("hkdfSha256", () => {
    it("gives not more than 255 blocks", () => {
      const [ikm, salt, info] = [utf8("ikm"), utf8("salt"), utf8("info")];
      expect(hkdfSha256({ ikm, salt, info, length: 255 * 32 })).to.have.length(255 * 32);
      expect(() => hkdfSha256({ ikm, salt, info, length: 255 * 32 + 1 })).to.throw(RangeError);
    });
  });

  describe("timingSafeEqual", () => {
    it("compares bytes and answers false for other lengths", () => {
      expect(timingSafeEqual(Uint8Array.of(1, 2), Uint8Array.of(1, 2))).to.equal(true);
      expect(timingSafeEqual(Uint8Array.of(1, 2), Uint8Array.of(1, 3))).to.equal(false);
      expect(timingSafeEqual(Uint8Array.of(1, 2), Uint8Array.of(1))).to.equal(false);
    });
  });

  describe("aesGcmSeal and aesGcmOpen", () => {
    it("refuse keys and nonces of other lengths, and open nothing shorter than a tag", async () => {
      const [key, nonce, none] = [new Uint8Array(32), new Uint8Array(12), new Uint8Array(0)];
      expect(() => aesGcmSeal(new Uint8Array(31), nonce, none, none)).to.throw(RangeError);
      expect(() => aesGcmOpen(none, nonce, new Uint8Array(16), none)).to.throw(RangeError);
      expect(() => aesGcmSeal(key, new Uint8Array(16), none, none)).to.throw(RangeError);
      expect(await aesGcmOpen(key, nonce, new Uint8Array(15), none)).to.equal(undefined);
    });

    it("open only under the same key, nonce and associated data", async () => {
      const [key, nonce, aad] = [randomBytes(32), randomBytes(12), utf8("aad")];
      const sealed = await aesGcmSeal(key, nonce, utf8("text"), aad);
      expect(await aesGcmOpen(key, nonce, sealed, aad)).to.deep.equal(utf8("text"));
      expect(await aesGcmOpen(randomBytes(32), nonce, sealed, aad)).to.equal(undefined);
      expect(await aesGcmOpen(key, randomBytes(12), sealed, aad)).to.equal(undefined);
      expect(await aesGcmOpen(key, nonce, sealed, utf8("other"))).to.equal(undefined);
    });
  });

  describe("createAgreementKey and agreeX25519", () => {
    it("give both ends one secret", async () => {
      const [a, b] = [await createAgreementKey(), await createAgreementKey()];
      expect(a.publicKey).to.have.length(32);
      const shared = await agreeX25519(a.privateKey, b.publicKey);
      expect(shared).to.have.length(32);
      expect(await agreeX25519(b.privateKey, a.publicKey)).to.deep.equal(shared);
    });
  });

  describe("importSpki and importEcPoint", () => {
    it("refuse a point off the curve, another length, and bytes that are no key", async () => {
      for (const [namedCurve, width] of [
        ["P-256", 64],
        ["P-384", 96],
      ] as const) {
        const spki = spkiOf(generateKeyPairSync("ec", { namedCurve }).publicKey);
        const off = Uint8Array.from(spki, (byte, at) => (at === spki.length - 1 ? byte ^ 1 : byte));
        const xy = spki.slice(-width);
        expect(await refuses(() => importEcPoint(namedCurve, xy))).to.equal(false);
        expect(await refuses(() => importSpki(spki))).to.equal(false);
        expect(await refuses(() => importEcPoint(namedCurve, off.slice(-width)))).to.equal(true);
        expect(await refuses(() => importEcPoint(namedCurve, new Uint8Array(width)))).to.equal(true);
        expect(() => importEcPoint(namedCurve, concat(new Uint8Array(2), xy))).to.throw(RangeError);
        expect(() => importEcPoint(namedCurve === "P-256" ? "P-384" : "P-256", xy)).to.throw(RangeError);
        expect(await refuses(() => importSpki(off))).to.equal(true);
        expect(await refuses(() => importSpki(spki.subarray(1)))).to.equal(true);
      }
      const spki = spkiOf(generateKeyPairSync("ec", { namedCurve: "secp256k1" }).publicKey);
      const off = Uint8Array.from(spki, (byte, at) => (at === spki.length - 1 ? byte ^ 1 : byte));
      expect(await refuses(() => importSpki(spki))).to.equal(false);
      expect(await refuses(() => importSpki(off))).to.equal(true);
      expect(await refuses(() => importSpki(new Uint8Array(0)))).to.equal(true);
    });
  });

  describe("verifyEcdsa and verifyRsaPss", () => {
    const message = utf8("message");

    it("refuse DER and signatures of another length", async () => {
      const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
      const key = await importSpki(spkiOf(publicKey));
      const good = sign("sha256", message, { key: privateKey, dsaEncoding: "ieee-p1363" });
      expect(await verifyEcdsa("sha256", key, message, good)).to.equal(true);
      expect(await verifyEcdsa("sha256", key, message, sign("sha256", message, privateKey))).to.equal(false);
      expect(await verifyEcdsa("sha256", key, message, concat(good, Uint8Array.of(0)))).to.equal(false);
      expect(await verifyEcdsa("sha256", key, message, new Uint8Array(0))).to.equal(false);
      expect(await verifyEcdsa("sha256", key, message, new Uint8Array(64))).to.equal(false);
    });

    it("never fall back to another scheme for a key of another kind", async () => {
      const ec = generateKeyPairSync("ec", { namedCurve: "P-256" });
      const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
      const pkcs1 = sign("sha256", message, rsa.privateKey);
      expect(await verifyEcdsa("sha256", await importSpki(spkiOf(rsa.publicKey)), message, pkcs1)).to.equal(false);
      const der = sign("sha256", message, ec.privateKey);
      expect(await verifyRsaPss("sha256", await importSpki(spkiOf(ec.publicKey)), message, der)).to.equal(false);
    });

    it("make no use of a key of a kind that no vendor has", async () => {
      const { publicKey, privateKey } = generateKeyPairSync("ed25519");
      const pure = sign(null, message, privateKey);
      const verify = async () => verifyEcdsa("sha256", await importSpki(spkiOf(publicKey)), message, pure);
      if (name === "node") expect(await verify()).to.equal(false);
      else expect(await refuses(verify)).to.equal(true);
    });

    it("verify RSA-PSS under each hash with a salt of its length, and with no other", async () => {
      const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
      const key = await importSpki(spkiOf(publicKey));
      for (const [hash, saltLength] of [
        ["sha256", 32],
        ["sha384", 48],
        ["sha512", 64],
      ] as const) {
        const signedWith = (length: number) =>
          sign(hash, message, { key: privateKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: length });
        expect(await verifyRsaPss(hash, key, message, signedWith(saltLength))).to.equal(true);
        expect(await verifyRsaPss(hash, key, message, signedWith(20))).to.equal(false);
        expect(
          await verifyRsaPss(hash === "sha256" ? "sha384" : "sha256", key, message, signedWith(saltLength)),
        ).to.equal(false);
      }
    });
  });

  describe("signDigest, recoverAddress and signingAddress", () => {
    it("make the deterministic low-s signatures of ethers and noble", () => {
      fc.assert(
        fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (digest) => {
          const key = createSigningKey();
          const signature = signDigest(key, digest);
          expect(hexlify(signature)).to.equal(new SigningKey(hexlify(key)).sign(digest).serialized);
          expect(signature.subarray(0, 64)).to.deep.equal(secp256k1.sign(digest, key, { prehash: false }));
          expect(recoverAddress(digest, signature)).to.deep.equal(signingAddress(key));
        }),
        { numRuns: 20 },
      );
    });

    it("give the address that ethers computes", () => {
      const key = createSigningKey();
      expect(toHex(signingAddress(key))).to.equal(computeAddress(hexlify(key)).toLowerCase());
    });

    it("recover nothing from what is no signature", () => {
      const digest = sha256(utf8("digest"));
      const good = signDigest(createSigningKey(), digest);
      const withV = (v: number): Uint8Array => concat(good.subarray(0, 64), Uint8Array.of(v));
      const wrong = [
        new Uint8Array(0),
        good.subarray(0, 64),
        concat(good, Uint8Array.of(0)),
        withV(0),
        withV(1),
        withV(29),
        new Uint8Array(65).fill(27, 64),
        concat(new Uint8Array(32).fill(0xff), good.subarray(32)),
        concat(good.subarray(0, 32), new Uint8Array(32), good.subarray(64)),
      ];
      for (const signature of wrong) expect(recoverAddress(digest, signature)).to.equal(undefined);
      expect(recoverAddress(digest.subarray(1), good)).to.equal(undefined);
    });
  });
}
