import { aesGcmOpen, aesGcmSeal, agreeX25519, createAgreementKey, createSigningKey, hmacSha256 } from "#crypto";
import { importEcPoint, importSpki, keccak256, randomBytes, recoverAddress, sha256, sha384 } from "#crypto";
import { signDigest, signingAddress, timingSafeEqual, verifyEcdsa, verifyRsaPss } from "#crypto";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { expect } from "chai";
import { computeAddress, hexlify, keccak256 as ethersKeccak, SigningKey } from "ethers";
import * as fc from "fast-check";
import { createHash, createHmac, generateKeyPairSync, sign } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { concat, toHex, utf8 } from "../../../offchain/encoding/bytes.ts";

const bytes = fc.uint8Array({ maxLength: 200 });

function spkiOf(key: KeyObject): Uint8Array {
  return new Uint8Array(key.export({ format: "der", type: "spki" }));
}

describe("crypto/node", () => {
  describe("hashes", () => {
    it("hash their parts as one text", () => {
      fc.assert(
        fc.property(bytes, bytes, (a, b) => {
          const oracle = (name: string): string => createHash(name).update(a).update(b).digest("hex");
          expect(toHex(sha256(a, b))).to.equal(`0x${oracle("sha256")}`);
          expect(toHex(sha384(a, b))).to.equal(`0x${oracle("sha384")}`);
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
    it("refuse a point off the curve, another length, and bytes that are no key", () => {
      const { publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
      const spki = spkiOf(publicKey);
      const xy = spki.slice(-64);
      expect(() => importEcPoint("P-256", xy)).to.not.throw();
      expect(() =>
        importEcPoint(
          "P-256",
          Uint8Array.from(xy, (byte, at) => (at === 63 ? byte ^ 1 : byte)),
        ),
      ).to.throw();
      expect(() => importEcPoint("P-256", new Uint8Array(64))).to.throw();
      expect(() => importEcPoint("P-256", concat(new Uint8Array(2), xy))).to.throw(RangeError);
      expect(() => importEcPoint("P-384", xy)).to.throw(RangeError);
      expect(() =>
        importSpki(Uint8Array.from(spki, (byte, at) => (at === spki.length - 1 ? byte ^ 1 : byte))),
      ).to.throw();
      expect(() => importSpki(new Uint8Array(0))).to.throw();
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
      const ed25519 = generateKeyPairSync("ed25519");
      const pkcs1 = sign("sha256", message, rsa.privateKey);
      expect(await verifyEcdsa("sha256", await importSpki(spkiOf(rsa.publicKey)), message, pkcs1)).to.equal(false);
      const der = sign("sha256", message, ec.privateKey);
      expect(await verifyRsaPss("sha256", await importSpki(spkiOf(ec.publicKey)), message, der)).to.equal(false);
      const pure = sign(null, message, ed25519.privateKey);
      expect(await verifyEcdsa("sha256", await importSpki(spkiOf(ed25519.publicKey)), message, pure)).to.equal(false);
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
});
