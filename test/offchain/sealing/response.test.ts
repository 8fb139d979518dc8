import { aesGcmOpen } from "#crypto";
import { expect } from "chai";
import * as fc from "fast-check";
import { hkdfSync } from "node:crypto";
import { concat, parseHex, uintBytes, utf8 } from "../../../offchain/encoding/bytes.ts";
import { CHUNK_LENGTH, chunkedLength } from "../../../offchain/sealing/chunks.ts";
import { nonceAt } from "../../../offchain/sealing/hpke.ts";
import { bucketOf, MAX_CONTENT_LENGTH, unpad } from "../../../offchain/sealing/padding.ts";
import { createSealingKey, openRequest, sealRequest } from "../../../offchain/sealing/request.ts";
import { MAX_SEALED_RESPONSE, openResponse, sealResponse } from "../../../offchain/sealing/response.ts";
import type { ResponseContext } from "../../../offchain/sealing/response.ts";
import { codeOfAsync } from "../../support/errors.ts";
import { otherHex, word } from "../../support/receipts.ts";

const CONTEXT: ResponseContext = { enc: word(0xe1), secret: word(0x5e) };
const NONCE = 32;
const FRAME = 4 + CHUNK_LENGTH + 16;

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  return Uint8Array.from(bytes, (byte, index) => (index === at ? byte ^ 1 : byte));
}

function codeOfOpening(sealed: Uint8Array, context = CONTEXT): Promise<string> {
  return codeOfAsync(() => openResponse(context, sealed));
}

describe("sealing/response", () => {
  const content = utf8("a small response");

  describe("sealResponse and openResponse", () => {
    it("bring content back through the contexts of a real request, kept as JSON in between", async () => {
      const key = await createSealingKey();
      const request = { sealingKey: key.publicKey, keyEpoch: 1, channelId: word(1), content: utf8("hello") };
      const { sealed, context } = await sealRequest(request);
      const kept = JSON.parse(JSON.stringify(context)) as ResponseContext;
      const opened = await openRequest(sealed, () => key);
      expect(await openResponse(kept, await sealResponse(opened.context, content))).to.deep.equal(content);
    });

    it("bring any content back, and the wire length depends on the bucket alone", async () => {
      await fc.assert(
        fc.asyncProperty(fc.uint8Array({ maxLength: 5000 }), async (bytes) => {
          const sealed = await sealResponse(CONTEXT, bytes);
          expect(sealed.length).to.equal(NONCE + chunkedLength(bucketOf(bytes.length)));
          expect(await openResponse(CONTEXT, sealed)).to.deep.equal(bytes);
        }),
        { numRuns: 40 },
      );
    });

    it("carry the largest content, and refuse one byte more", async () => {
      const largest = await sealResponse(CONTEXT, new Uint8Array(MAX_CONTENT_LENGTH));
      expect(largest.length).to.equal(MAX_SEALED_RESPONSE);
      expect((await openResponse(CONTEXT, largest)).length).to.equal(MAX_CONTENT_LENGTH);
      expect(await codeOfAsync(() => sealResponse(CONTEXT, new Uint8Array(MAX_CONTENT_LENGTH + 1)))).to.equal(
        "SEAL_INVALID",
      );
      expect(await codeOfOpening(new Uint8Array(MAX_SEALED_RESPONSE + 1))).to.equal("SEAL_INVALID");
    });

    it("derive the keys of docs/protocol.md section 8", async () => {
      const sealed = await sealResponse(CONTEXT, content);
      const salt = concat(parseHex(CONTEXT.enc) ?? new Uint8Array(0), sealed.subarray(0, NONCE));
      const secret = parseHex(CONTEXT.secret) ?? new Uint8Array(0);
      const derived = new Uint8Array(hkdfSync("sha256", secret, salt, utf8("cloister/response/key/v1"), 44));
      const aad = concat(uintBytes(0, 4), Uint8Array.of(1));
      const nonce = nonceAt(derived.subarray(32), 0);
      const padded = await aesGcmOpen(derived.subarray(0, 32), nonce, sealed.subarray(NONCE + 4), aad);
      expect(unpad(padded ?? new Uint8Array(0))).to.deep.equal(content);
    });

    it("never use a nonce twice: the same response twice shares no bytes", async () => {
      const [first, second] = [await sealResponse(CONTEXT, content), await sealResponse(CONTEXT, content)];
      expect(first.subarray(0, NONCE)).to.not.deep.equal(second.subarray(0, NONCE));
      expect(first.subarray(NONCE + 4, NONCE + 36)).to.not.deep.equal(second.subarray(NONCE + 4, NONCE + 36));
    });
  });

  describe("openResponse", () => {
    it("refuses another request's context and a context that is none", async () => {
      const sealed = await sealResponse(CONTEXT, content);
      expect(await codeOfOpening(sealed, { ...CONTEXT, enc: otherHex(CONTEXT.enc) })).to.equal("SEAL_INVALID");
      expect(await codeOfOpening(sealed, { ...CONTEXT, secret: otherHex(CONTEXT.secret) })).to.equal("SEAL_INVALID");
      expect(await codeOfOpening(sealed, { ...CONTEXT, secret: "0x00" })).to.equal("SEAL_INVALID");
      expect(await codeOfAsync(() => sealResponse({ ...CONTEXT, enc: "0x" }, content))).to.equal("SEAL_INVALID");
    });

    it("refuses every flipped byte", async () => {
      const sealed = await sealResponse(CONTEXT, content);
      // A length mark that says a little more than there is looks like a cut; nothing is opened either way.
      const longer = new Set([NONCE + 2, NONCE + 3]);
      for (let at = 0; at < sealed.length; at += 1) {
        const code = await codeOfOpening(flipped(sealed, at));
        expect(code, `byte ${at}`).to.equal(longer.has(at) ? "SEAL_TRUNCATED" : "SEAL_INVALID");
      }
    });

    it("tells a response cut at every byte as truncated", async () => {
      const sealed = await sealResponse(CONTEXT, content);
      for (let length = 0; length < sealed.length; length += 1)
        expect(await codeOfOpening(sealed.subarray(0, length)), `${length} bytes`).to.equal("SEAL_TRUNCATED");
    });

    it("tells a large response cut at every border of chunks, and inside one, as truncated", async () => {
      const sealed = await sealResponse(CONTEXT, new Uint8Array(200_000));
      const count = Math.ceil((sealed.length - NONCE) / FRAME);
      expect(count).to.equal(4);
      for (let kept = 0; kept < count; kept += 1) {
        for (const more of [0, 3, 4, 20, 1000]) {
          const cut = sealed.subarray(0, NONCE + kept * FRAME + more);
          expect(await codeOfOpening(cut), `${kept} chunks and ${more} bytes`).to.equal("SEAL_TRUNCATED");
        }
      }
    });

    it("tells a cut response with a changed beginning as invalid", async () => {
      const sealed = await sealResponse(CONTEXT, new Uint8Array(200_000));
      const cut = sealed.subarray(0, NONCE + 2 * FRAME);
      expect(await codeOfOpening(flipped(cut, NONCE + 100))).to.equal("SEAL_INVALID");
      expect(await codeOfOpening(flipped(cut, 0))).to.equal("SEAL_INVALID");
    });

    it("refuses bytes after the final chunk and chunks in another order", async () => {
      const sealed = await sealResponse(CONTEXT, new Uint8Array(200_000));
      const chunk = (index: number): Uint8Array => sealed.subarray(NONCE + index * FRAME, NONCE + (index + 1) * FRAME);
      const nonce = sealed.subarray(0, NONCE);
      expect(await codeOfOpening(concat(sealed, chunk(3)))).to.equal("SEAL_INVALID");
      expect(await codeOfOpening(concat(nonce, chunk(1), chunk(0), chunk(2), chunk(3)))).to.equal("SEAL_INVALID");
      expect(await codeOfOpening(concat(nonce, chunk(0), chunk(2), chunk(3)))).to.equal("SEAL_INVALID");
    });
  });
});
