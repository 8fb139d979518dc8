import { expect } from "chai";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseHex, toHex, utf8 } from "../../offchain/encoding/bytes.ts";
import { receiptToJson, signReceipt } from "../../offchain/receipt/receipt.ts";
import { voucherToJson } from "../../offchain/receipt/voucher.ts";
import type { SealingKey } from "../../offchain/sealing/hpke.ts";
import { createSealingKey, openRequest } from "../../offchain/sealing/request.ts";
import { sealResponse } from "../../offchain/sealing/response.ts";
import { conformIn } from "../../scripts/browser/conform.ts";
import { openSession, type Session } from "../../scripts/browser/session.ts";
import { needChromium } from "../support/chromium.ts";
import { DOMAIN, ENCLAVE_KEY, EXPECTED, otherHex, RECEIPT, word } from "../support/receipts.ts";
import { needVectors, VECTORS } from "../support/vectors.ts";

const EPOCH = 7;
const CHANNEL = word(0xc4);

describe("in Chromium", function () {
  this.timeout(300_000);
  let session: Session;

  describe("conformance", () => {
    before(async function () {
      needVectors(this);
      needChromium(this);
      session = await openSession(VECTORS);
    });
    after(() => session?.close());

    it("says of every vector what the manifest expects, and word for word what Node says", async () => {
      const { report, differences } = await conformIn(session, join(VECTORS, "manifest.json"));
      expect(report.agreed).to.be.greaterThan(0);
      expect(report.disagreements).to.deep.equal([]);
      expect(differences).to.deep.equal([]);
    });
  });

  describe("the client's part", () => {
    let folder: string;
    let key: SealingKey;

    before(async function () {
      needChromium(this);
      folder = mkdtempSync(join(tmpdir(), "cloister-page-"));
      writeFileSync(join(folder, "inside.bin"), "inside");
      session = await openSession(folder);
      key = await createSealingKey();
    });
    after(async () => {
      await session?.close();
      if (folder !== undefined) rmSync(folder, { recursive: true });
    });

    const request = () => ({ sealingKey: toHex(key.publicKey), keyEpoch: EPOCH, channelId: CHANNEL, text: "question" });
    const sealed = () => session.page.evaluate(async (given) => globalThis.cloister.seal(given), request());
    const open = async (given: Parameters<typeof globalThis.cloister.open>[0]) =>
      session.page.evaluate(async (input) => globalThis.cloister.open(input), given);

    it("seals a request that a worker opens, and opens the worker's response", async () => {
      const { sealed: sealedRequest, context } = await sealed();
      const opened = await openRequest(parseHex(sealedRequest)!, (epoch) => (epoch === EPOCH ? key : undefined));
      expect(opened.channelId).to.equal(CHANNEL);
      expect(opened.content).to.deep.equal(utf8("question"));
      expect(opened.context).to.deep.equal(context);
      const response = toHex(await sealResponse(opened.context, utf8("answer")));
      expect(await open({ context, sealed: response })).to.equal("answer");
      expect(await open({ context, sealed: otherHex(response) })).to.equal("SEAL_INVALID");
      expect(await open({ context: { ...context, secret: otherHex(context.secret) }, sealed: response })).to.equal(
        "SEAL_INVALID",
      );
      expect(await open({ context, sealed: response.slice(0, -2) as `0x${string}` })).to.equal("SEAL_TRUNCATED");
    });

    it("signs a receipt as Node does, accepts it, and refuses another's", async () => {
      const domain = { chainId: DOMAIN.chainId.toString(), escrow: DOMAIN.verifyingContract };
      const receipt = receiptToJson(RECEIPT);
      const signature = signReceipt(DOMAIN, RECEIPT, ENCLAVE_KEY);
      const toSign = { ...domain, receipt, key: toHex(ENCLAVE_KEY) };
      expect(await session.page.evaluate((given) => globalThis.cloister.sign(given), toSign)).to.equal(signature);
      const expected = { ...EXPECTED, voucher: voucherToJson(EXPECTED.voucher) };
      const genuine = { ...domain, receipt, signature, expected };
      const check = async (changed: Partial<Parameters<typeof globalThis.cloister.check>[0]>) =>
        session.page.evaluate(async (given) => globalThis.cloister.check(given), { ...genuine, ...changed });
      expect(await check({})).to.equal("holds");
      expect(await check({ signature: otherHex(signature) })).to.equal("SIGNATURE_INVALID");
      const otherRequest = { ...expected, requestCommitment: otherHex(EXPECTED.requestCommitment) };
      expect(await check({ expected: otherRequest })).to.equal("REQUEST_MISMATCH");
      expect(await check({ receipt: { ...receipt, units: -1 } })).to.equal("RECEIPT_MALFORMED");
    });

    it("is served the files of its folder and no others", async () => {
      const status = async (path: string) => session.page.evaluate(async (given) => (await fetch(given)).status, path);
      expect(await status("/files/inside.bin")).to.equal(200);
      for (const path of ["/files/absent.bin", "/files/..%2f..%2fetc%2fpasswd", "/files/%2fetc%2fpasswd", "/files/."]) {
        expect(await status(path)).to.equal(404);
      }
    });
  });
});
