import { aesGcmSeal } from "#crypto";
import type { MaybePromise } from "#crypto";
import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from "@hpke/core";
import { expect } from "chai";
import * as fc from "fast-check";
import { concat, uintBytes, utf8 } from "../../../offchain/encoding/bytes.ts";
import { SealError } from "../../../offchain/errors.ts";
import { CHUNK_LENGTH, chunkedLength, sealChunks } from "../../../offchain/sealing/chunks.ts";
import type { Transform } from "../../../offchain/sealing/chunks.ts";
import type { SealingKey } from "../../../offchain/sealing/hpke.ts";
import { bucketOf, MAX_CONTENT_LENGTH, pad } from "../../../offchain/sealing/padding.ts";
import { createSealingKey, MAX_SEALED_REQUEST } from "../../../offchain/sealing/request.ts";
import { openRequest, sealRequest } from "../../../offchain/sealing/request.ts";
import { codeOfAsync } from "../../support/errors.ts";
import { word } from "../../support/receipts.ts";

const EPOCH = 5;
const CHANNEL = word(0xc4);
const HEAD = 37;
const BODY = HEAD + 32;
const SUITE = new CipherSuite({ kem: new DhkemX25519HkdfSha256(), kdf: new HkdfSha256(), aead: new Aes256Gcm() });

function flipped(bytes: Uint8Array, at: number, bit = 1): Uint8Array {
  return Uint8Array.from(bytes, (byte, index) => (index === at ? byte ^ bit : byte));
}

/** Everything a peer could see of an error, as text. */
async function shapeOf(action: () => Promise<unknown>): Promise<string> {
  try {
    await action();
    return "none";
  } catch (error) {
    if (!(error instanceof SealError)) throw error;
    const { name, code, message, next, cause } = error;
    return JSON.stringify({ name, code, message, next, cause });
  }
}

describe("sealing/request", () => {
  let key: SealingKey;
  let sealed: Uint8Array;
  const content = utf8("a small request");
  const keyOf = (epoch: number): SealingKey | undefined => (epoch === EPOCH ? key : undefined);
  const seal = async (bytes: Uint8Array): Promise<Uint8Array> =>
    (await sealRequest({ sealingKey: key.publicKey, keyEpoch: EPOCH, channelId: CHANNEL, content: bytes })).sealed;

  /** A genuine sender that does what `frames` says instead of what the protocol says. */
  async function forge(frames: (seal: Transform<Uint8Array>) => Promise<Uint8Array>): Promise<Uint8Array> {
    const header = concat(Uint8Array.of(1), uintBytes(EPOCH, 4), new Uint8Array(32).fill(0xc4));
    const recipientPublicKey = await SUITE.kem.deserializePublicKey(key.publicKey);
    const info = concat(utf8("cloister/request/v1"), header);
    const sender = await SUITE.createSenderContext({ recipientPublicKey, info });
    const body = await frames(async (_index, chunk, aad) => new Uint8Array(await sender.seal(chunk, aad)));
    return concat(header, new Uint8Array(sender.enc), body);
  }

  before(async () => {
    key = await createSealingKey();
    sealed = await seal(content);
  });

  describe("sealRequest and openRequest", () => {
    it("bring content, epoch and channel back, and both ends get one response context", async () => {
      const request = { sealingKey: key.publicKey, keyEpoch: EPOCH, channelId: CHANNEL, content };
      const made = await sealRequest(request);
      const opened = await openRequest(made.sealed, keyOf);
      expect(opened).to.deep.equal({ keyEpoch: EPOCH, channelId: CHANNEL, content, context: made.context });
      expect(made.context.secret).to.match(/^0x[0-9a-f]{64}$/);
    });

    it("bring content of every size around the borders of buckets and chunks back", async () => {
      const borders = [0, 1, 1020, 1021, CHUNK_LENGTH - 4, CHUNK_LENGTH - 3, 2 * CHUNK_LENGTH - 4, 200_000, 602_227];
      for (const length of borders) {
        const bytes = Uint8Array.from({ length }, (_, index) => (index * 31) & 0xff);
        expect((await openRequest(await seal(bytes), keyOf)).content).to.deep.equal(bytes);
      }
    });

    it("bring any content back", async () => {
      await fc.assert(
        fc.asyncProperty(fc.uint8Array({ maxLength: 5000 }), async (bytes) => {
          expect((await openRequest(await seal(bytes), keyOf)).content).to.deep.equal(bytes);
        }),
        { numRuns: 40 },
      );
    });

    it("carry the largest content, and refuse one byte more", async () => {
      const largest = await seal(new Uint8Array(MAX_CONTENT_LENGTH));
      expect(largest.length).to.equal(MAX_SEALED_REQUEST);
      expect((await openRequest(largest, keyOf)).content.length).to.equal(MAX_CONTENT_LENGTH);
      expect(await codeOfAsync(() => seal(new Uint8Array(MAX_CONTENT_LENGTH + 1)))).to.equal("SEAL_INVALID");
      expect(await codeOfAsync(() => openRequest(concat(largest, Uint8Array.of(0)), keyOf))).to.equal("SEAL_INVALID");
    });

    it("make a wire length that depends on the bucket alone", async () => {
      await fc.assert(
        fc.asyncProperty(fc.nat(140_000), fc.nat(255), async (length, fill) => {
          const { length: wire } = await seal(new Uint8Array(length).fill(fill));
          expect(wire).to.equal(BODY + chunkedLength(bucketOf(length)));
        }),
        { numRuns: 25 },
      );
    });

    it("seal the same content to other bytes each time, with only version, epoch and channel in clear", async () => {
      const again = await seal(content);
      expect(again.subarray(0, HEAD)).to.deep.equal(sealed.subarray(0, HEAD));
      const same = again.filter((byte, index) => index >= HEAD && byte === sealed[index]).length;
      expect(same).to.be.lessThan((again.length - HEAD) / 16);
      expect(Buffer.from(sealed).includes(Buffer.from(content))).to.equal(false);
    });

    it("refuse a key, an epoch or a channel that is none", async () => {
      const request = { sealingKey: key.publicKey, keyEpoch: EPOCH, channelId: CHANNEL, content };
      const wrong = [
        { ...request, sealingKey: new Uint8Array(31) },
        { ...request, sealingKey: new Uint8Array(32) },
        { ...request, keyEpoch: -1 },
        { ...request, keyEpoch: 2 ** 32 },
        { ...request, keyEpoch: 0.5 },
        { ...request, channelId: "0x00" as const },
      ];
      for (const bad of wrong) expect(await codeOfAsync(() => sealRequest(bad))).to.equal("SEAL_INVALID");
    });
  });

  describe("openRequest", () => {
    it("refuses an epoch without a key before it looks at anything sealed", async () => {
      const other = concat(Uint8Array.of(1), uintBytes(EPOCH + 1, 4), sealed.subarray(5, HEAD));
      expect(await codeOfAsync(() => openRequest(other, keyOf))).to.equal("KEY_UNKNOWN");
      expect(await codeOfAsync(() => openRequest(concat(other, sealed.subarray(HEAD)), keyOf))).to.equal("KEY_UNKNOWN");
    });

    it("refuses a request sealed to another key of the same epoch", async () => {
      const other = await createSealingKey();
      expect(await codeOfAsync(() => openRequest(sealed, () => other))).to.equal("SEAL_INVALID");
    });

    it("refuses every flipped byte; an epoch flipped to an unknown one is told apart", async () => {
      for (let at = 0; at < sealed.length; at += 1) {
        const code = await codeOfAsync(() => openRequest(flipped(sealed, at), keyOf));
        expect(code, `byte ${at}`).to.equal(at >= 1 && at <= 4 ? "KEY_UNKNOWN" : "SEAL_INVALID");
      }
      const anyEpoch = (): SealingKey => key;
      for (let at = 0; at < BODY; at += 1)
        expect(await codeOfAsync(() => openRequest(flipped(sealed, at), anyEpoch))).to.equal(
          // X25519 ignores the top bit of a key, but HPKE hashes the key as it was sent.
          "SEAL_INVALID",
        );
      expect(await codeOfAsync(() => openRequest(flipped(sealed, BODY - 1, 0x80), anyEpoch))).to.equal("SEAL_INVALID");
    });

    it("refuses a small request cut at every byte, or with one byte more", async () => {
      for (let length = 0; length < sealed.length; length += 1)
        expect(await codeOfAsync(() => openRequest(sealed.subarray(0, length), keyOf))).to.equal("SEAL_INVALID");
      const longer = concat(sealed, Uint8Array.of(0));
      expect(await codeOfAsync(() => openRequest(longer, keyOf))).to.equal("SEAL_INVALID");
    });

    it("refuses a large request cut at every border of chunks, and chunks in another order", async () => {
      const large = await seal(new Uint8Array(300_000));
      const frame = 4 + CHUNK_LENGTH + 16;
      const count = Math.ceil((large.length - BODY) / frame);
      expect(count).to.equal(5);
      for (let kept = 0; kept < count; kept += 1) {
        const cut = large.subarray(0, BODY + kept * frame);
        expect(await codeOfAsync(() => openRequest(cut, keyOf))).to.equal("SEAL_INVALID");
      }
      const chunk = (index: number): Uint8Array => large.subarray(BODY + index * frame, BODY + (index + 1) * frame);
      const head = large.subarray(0, BODY);
      const orders = [[1, 0, 2, 3, 4], [0, 1, 2, 3, 3, 4], [0, 2, 3, 4], [0, 1, 2, 3, 4, 4], [4]];
      for (const order of orders) {
        const other = concat(head, ...order.map(chunk));
        expect(await codeOfAsync(() => openRequest(other, keyOf))).to.equal("SEAL_INVALID");
      }
    });

    it("opens what a genuine sender of another implementation seals", async () => {
      const other = await forge((seal) => sealChunks(pad(content), seal));
      expect((await openRequest(other, keyOf)).content).to.deep.equal(content);
    });

    it("refuses what only a holder of the keys could do wrong", async () => {
      const aad = (index: number, final: number): Uint8Array => concat(uintBytes(index, 4), Uint8Array.of(final));
      const frame = (bytes: Uint8Array): Uint8Array => concat(uintBytes(bytes.length, 4), bytes);
      const padded = pad(content);
      const forgeries = [
        forge(async (seal) => frame(await seal(0, padded, aad(0, 0)))),
        forge(async (seal) => frame(await seal(0, padded, aad(1, 1)))),
        forge(async (seal) => frame(await seal(0, padded, new Uint8Array(0)))),
        forge(async (seal) => {
          const first = frame(await seal(0, padded.subarray(0, 512), aad(0, 0)));
          return concat(first, frame(await seal(1, padded.subarray(512), aad(1, 1))));
        }),
        forge(async (seal) => {
          const whole = frame(await seal(0, padded, aad(0, 0)));
          return concat(whole, frame(await seal(1, new Uint8Array(0), aad(1, 1))));
        }),
        forge(async (seal) => {
          const whole = frame(await seal(0, padded, aad(0, 1)));
          return concat(whole, frame(await seal(1, padded, aad(1, 1))));
        }),
        forge((seal) => sealChunks(concat(padded, new Uint8Array(1024)), seal)),
        forge((seal) => sealChunks(flipped(padded, 1023), seal)),
        forge((seal) => sealChunks(flipped(padded, 0), seal)),
        forge((seal) => sealChunks(content, seal)),
        forge(async (seal) => frame(await seal(0, new Uint8Array(CHUNK_LENGTH + 1), aad(0, 1)))),
        forge(async () => new Uint8Array(0)),
      ];
      for (const forgery of forgeries) {
        const request = await forgery;
        expect(await codeOfAsync(() => openRequest(request, keyOf))).to.equal("SEAL_INVALID");
      }
    });

    it("gives one and the same error, to the byte, for every reason", async () => {
      const zeroEnc = concat(sealed.subarray(0, HEAD), new Uint8Array(32), sealed.subarray(BODY));
      const badPadding = await forge((seal) => sealChunks(flipped(pad(content), 1023), seal));
      const junk = (_index: number, chunk: Uint8Array, aad: Uint8Array): MaybePromise<Uint8Array> =>
        aesGcmSeal(new Uint8Array(32), new Uint8Array(12), chunk, aad);
      const reasons: Readonly<Record<string, Uint8Array>> = {
        "bad tag": flipped(sealed, sealed.length - 1),
        "bad ciphertext": flipped(sealed, BODY + 4),
        "bad encapsulated key": flipped(sealed, HEAD),
        "low-order point": zeroEnc,
        "bad framing": flipped(sealed, BODY),
        "a chunk length of zero": concat(sealed.subarray(0, BODY), new Uint8Array(4)),
        "a chunk length of 2^32 - 1": concat(sealed.subarray(0, BODY), uintBytes(0xffff_ffff, 4)),
        "bad padding": badPadding,
        "another key": concat(sealed.subarray(0, BODY), await sealChunks(pad(content), junk)),
        "bad version": flipped(sealed, 0),
        truncation: sealed.subarray(0, -1),
        "a rest": concat(sealed, Uint8Array.of(0)),
        "too long": new Uint8Array(MAX_SEALED_REQUEST + 1),
        nothing: new Uint8Array(0),
      };
      const shapes = await Promise.all(Object.values(reasons).map((bytes) => shapeOf(() => openRequest(bytes, keyOf))));
      expect([...new Set(shapes)]).to.deep.equal([
        '{"name":"SealError","code":"SEAL_INVALID","message":"the sealed message cannot be opened"}',
      ]);
    });

    it("throws nothing but its own error for arbitrary bytes", async () => {
      await fc.assert(
        fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
          const body = concat(sealed.subarray(0, HEAD), bytes);
          expect(await codeOfAsync(() => openRequest(body, keyOf))).to.equal("SEAL_INVALID");
        }),
      );
    });
  });
});
