import { aesGcmOpen, aesGcmSeal } from "#crypto";
import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from "@hpke/core";
import { expect } from "chai";
import { createHash } from "node:crypto";
import { concat, toHex, uintBytes, utf8 } from "../../../offchain/encoding/bytes.ts";
import { createSealingKey } from "../../../offchain/sealing/request.ts";
import { decapsulate, exportSecret, keySchedule, nonceAt } from "../../../offchain/sealing/hpke.ts";
import type { RecipientSecrets } from "../../../offchain/sealing/hpke.ts";
import { sealingKeyOf, unhex } from "../../support/sealing.ts";

const INFO = unhex("4f6465206f6e2061204772656369616e2055726e");
const SUITE = new CipherSuite({ kem: new DhkemX25519HkdfSha256(), kdf: new HkdfSha256(), aead: new Aes256Gcm() });

/** RFC 9180 appendix A.1.1, base mode, DHKEM(X25519, HKDF-SHA256): the part before the AEAD. */
const RFC_A1 = {
  skRm: "4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8",
  pkRm: "3948cfe0ad1ddb695d780e59077195da6c56506b027329794ab02bca80815c4d",
  enc: "37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431",
  sharedSecret: "fe0e18c9f024ce43799ae393c7e8fe8fce9d218875e8227b0187c04e7d2ea1fc",
};

/** RFC 9180 appendix A.2.1, the same KEM under another AEAD. */
const RFC_A2 = {
  skRm: "8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb",
  pkRm: "4310ee97d88cc1f088a5576c77ab0cf5c3ac797f3d95139c6c84b5429c59662a",
  enc: "1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a",
  sharedSecret: "0bbe78490412b4bbea4812666f7916932b828bba79942424abb65244930d69a7",
};

/**
 * The working group's test-vectors.json (which RFC 9180 appendix A excerpts), mode 0, kem 0x0020, kdf 0x0001, aead 0x0002;
 * `accumulated` is SHAKE128 over a thousand ciphertexts, as Go's crypto/hpke keeps the same vector.
 */
const AES_256 = {
  skRm: "497b4502664cfea5d5af0b39934dac72242a74f8480451e1aee7d6a53320333d",
  pkRm: "430f4b9859665145a6b1ba274024487bd66f03a2dd577d7753c68d7d7d00c00c",
  enc: "6c93e09869df3402d7bf231bf540fadd35cd56be14f97178f0954db94b7fc256",
  plaintext: "4265617574792069732074727574682c20747275746820626561757479",
  ciphertext: "e5d84cd531cfb583096e7cfa9641bd3079cf3a91cda813c52deb5f512be9931980a41de125a925cdad859d5b7a",
  exports: {
    "": "ded6cffafaea6b812cbf3e241e88332adbc077aca81512914213810ee291770a",
    TestContext: "7c5ded445732c14fe09727d29b4251c0fd38455fe8440571e687f0886aac94d2",
  },
  accumulated: "1702e73e1e71705faa8241022af1deea",
};

async function secretsOf(vector: { skRm: string; pkRm: string; enc: string }): Promise<RecipientSecrets> {
  const key = sealingKeyOf(unhex(vector.skRm), unhex(vector.pkRm));
  const sharedSecret = await decapsulate(unhex(vector.enc), key);
  if (sharedSecret === undefined) throw new Error("the vector's key does not agree");
  return keySchedule(sharedSecret, INFO);
}

describe("sealing/hpke", () => {
  describe("decapsulate", () => {
    for (const [name, vector] of Object.entries({ "A.1.1": RFC_A1, "A.2.1": RFC_A2 })) {
      it(`gives the shared secret of RFC 9180 ${name}`, async () => {
        const key = sealingKeyOf(unhex(vector.skRm), unhex(vector.pkRm));
        expect(await decapsulate(unhex(vector.enc), key)).to.deep.equal(unhex(vector.sharedSecret));
      });
    }

    it("refuses points of low order and other lengths", async () => {
      const key = await createSealingKey();
      const lowOrder = [
        "00".repeat(32),
        `01${"00".repeat(31)}`,
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        `ec${"ff".repeat(30)}7f`,
        `ed${"ff".repeat(30)}7f`,
        `ee${"ff".repeat(30)}7f`,
      ];
      for (const point of lowOrder) expect(await decapsulate(unhex(point), key)).to.equal(undefined);
      expect(await decapsulate(new Uint8Array(31), key)).to.equal(undefined);
      expect(await decapsulate(new Uint8Array(0), key)).to.equal(undefined);
    });
  });

  describe("keySchedule, nonceAt and exportSecret", () => {
    it("open the first ciphertext of the AES-256-GCM vector", async () => {
      const { key, baseNonce } = await secretsOf(AES_256);
      const opened = await aesGcmOpen(key, nonceAt(baseNonce, 0), unhex(AES_256.ciphertext), utf8("Count-0"));
      expect(opened).to.deep.equal(unhex(AES_256.plaintext));
    });

    it("export the vector's secrets", async () => {
      const secrets = await secretsOf(AES_256);
      for (const [context, value] of Object.entries(AES_256.exports))
        expect(exportSecret(secrets, utf8(context))).to.deep.equal(unhex(value));
    });

    it("make the thousand ciphertexts of the accumulated vector", async () => {
      const { key, baseNonce } = await secretsOf(AES_256);
      const source = createHash("shake128", { outputLength: 1 << 19 }).digest();
      const sink = createHash("shake128", { outputLength: 16 });
      let offset = 0;
      const draw = (): Uint8Array => {
        const length = source[offset] ?? 0;
        offset += 1 + length;
        return source.subarray(offset - length, offset);
      };
      for (let index = 0; index < 1000; index += 1) {
        const aad = draw();
        sink.update(await aesGcmSeal(key, nonceAt(baseNonce, index), draw(), aad));
      }
      expect(sink.digest("hex")).to.equal(AES_256.accumulated);
    });

    it("count nonces in the last bytes", () => {
      const base = Uint8Array.from({ length: 12 }, () => 0xf0);
      expect(toHex(nonceAt(base, 0))).to.equal(toHex(base));
      expect(toHex(nonceAt(base, 0x0102))).to.equal("0xf0f0f0f0f0f0f0f0f0f0f1f2");
      expect(toHex(nonceAt(base, 0xffff_ffff))).to.equal("0xf0f0f0f0f0f0f0f00f0f0f0f");
    });
  });

  describe("interoperation with @hpke/core", () => {
    it("opens and exports what the library seals and exports, message by message", async () => {
      const recipient = await createSealingKey();
      const recipientPublicKey = await SUITE.kem.deserializePublicKey(recipient.publicKey);
      const sender = await SUITE.createSenderContext({ recipientPublicKey, info: INFO });
      const sharedSecret = await decapsulate(new Uint8Array(sender.enc), recipient);
      const secrets = keySchedule(sharedSecret ?? new Uint8Array(0), INFO);
      for (let index = 0; index < 5; index += 1) {
        const sealed = new Uint8Array(await sender.seal(utf8(`message ${index}`), uintBytes(index, 4)));
        const opened = await aesGcmOpen(secrets.key, nonceAt(secrets.baseNonce, index), sealed, uintBytes(index, 4));
        expect(opened).to.deep.equal(utf8(`message ${index}`));
      }
      const exported = new Uint8Array(await sender.export(utf8("context"), 32));
      expect(exportSecret(secrets, utf8("context"))).to.deep.equal(exported);
    });

    it("makes messages that the library opens", async () => {
      const vector = AES_256;
      const secrets = await secretsOf(vector);
      const recipientKey = await SUITE.kem.importKey("raw", Uint8Array.from(unhex(vector.skRm)).buffer, false);
      const recipient = await SUITE.createRecipientContext({ recipientKey, enc: unhex(vector.enc), info: INFO });
      for (let index = 0; index < 5; index += 1) {
        const message = concat(utf8("message"), uintBytes(index, 1));
        const sealed = await aesGcmSeal(secrets.key, nonceAt(secrets.baseNonce, index), message, new Uint8Array(0));
        expect(new Uint8Array(await recipient.open(sealed))).to.deep.equal(message);
      }
    });
  });
});
