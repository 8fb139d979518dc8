import { expect } from "chai";
import { signingAddress } from "#crypto";
import { toHex, type Hex } from "../../../offchain/encoding/bytes.ts";
import { float32Tensor, float32Values } from "../../../offchain/encoding/tensor.ts";
import { StoreError } from "../../../offchain/errors.ts";
import type { Model } from "../../../offchain/inference/session.ts";
import { commitTensors } from "../../../offchain/receipt/commitment.ts";
import { checkReceipt } from "../../../offchain/receipt/receipt.ts";
import { channelId } from "../../../offchain/receipt/voucher.ts";
import type { Vouchers } from "../../../offchain/store/vouchers.ts";
import { createInferenceService, type InferenceParts } from "../../../offchain/worker/inference-service.ts";
import { createEnclaveKeys } from "../../../offchain/worker/keys.ts";
import { openResponse } from "../../../offchain/sealing/response.ts";
import { expectRefusal } from "../../support/expect-refusal.ts";
import { DOMAIN, NODE_ID, word } from "../../support/receipts.ts";
import {
  createTestWorker,
  EVIDENCE_HASH,
  KEY_EPOCH,
  NO_SIGNATURE,
  openedAnswer,
  openedResponse,
  sealedRequest,
  shades,
  UNIT_PRICE,
  type RequestChange,
  type SentRequest,
  type TestWorker,
} from "../../support/worker.ts";

describe("inference service", function () {
  this.timeout(60_000);

  let worker: TestWorker;

  before(async () => {
    worker = await createTestWorker();
  });
  beforeEach(() => worker.reset());
  after(() => worker.close());

  const service = (change: Partial<InferenceParts> = {}) => createInferenceService({ ...worker.parts, ...change });
  const codeOf = async (sent: SentRequest, response: Uint8Array): Promise<string> => {
    const opened = await openedResponse(sent, response);
    return typeof opened === "string" ? opened : "ANSWERED";
  };
  const withModel = (run: Model["run"]): Partial<InferenceParts> => ({
    models: new Map([[worker.modelId, { model: { ...worker.model, run }, price: () => UNIT_PRICE }]]),
  });
  const stored = async (): Promise<number> => (await worker.store.query("SELECT sequence FROM vouchers")).length;

  describe("answers", () => {
    it("carry the model's own outputs under a receipt that holds", async () => {
      const sent = await sealedRequest(worker, { inputs: shades(0, 255), voucher: { amount: 5n * UNIT_PRICE } });
      const answer = await openedAnswer(sent, await service()(sent.sealed));
      const direct = await worker.model.run(shades(0, 255));
      expect(answer.outputs.map(float32Values)).to.deep.equal(direct.map(float32Values));
      checkReceipt(DOMAIN, answer.receipt, answer.receiptSignature, {
        signingKey: toHex(signingAddress(worker.keys.signingKey)),
        voucher: sent.voucher,
        nodeId: NODE_ID,
        requestCommitment: sent.voucher.requestCommitment,
        responseCommitment: commitTensors(answer.responseSalt, answer.outputs),
        evidenceHash: EVIDENCE_HASH,
      });
      expect(answer.receipt).to.deep.include({ units: 2n, amount: 2n * UNIT_PRICE, privacySpent: 0n });
      expect(worker.refused).to.deep.equal([]);
    });

    it("are on the store before they leave, with voucher and receipt", async () => {
      const sent = await sealedRequest(worker);
      const answer = await openedAnswer(sent, await service()(sent.sealed));
      const kept = await worker.parts.vouchers.get(sent.voucher.channelId, 1n);
      expect(kept).to.deep.include({ voucher: sent.voucher, receipt: answer.receipt, settledBy: null });
      expect(kept?.receiptSignature).to.equal(answer.receiptSignature);
    });

    it("add up in a channel, and do not in another", async () => {
      const infer = service();
      const amounts: bigint[] = [];
      for (const sequence of [1n, 2n, 5n]) {
        const sent = await sealedRequest(worker, { voucher: { sequence, amount: 10n * UNIT_PRICE } });
        amounts.push((await openedAnswer(sent, await infer(sent.sealed))).receipt.amount);
      }
      const sent = await sealedRequest(worker, otherPayer());
      amounts.push((await openedAnswer(sent, await infer(sent.sealed))).receipt.amount);
      expect(amounts).to.deep.equal([1n, 2n, 3n, 1n].map((units) => units * UNIT_PRICE));
    });
  });

  describe("repeats", () => {
    it("of the same bytes get the stored bytes, and the model does not run again", async () => {
      let runs = 0;
      const infer = service(withModel((inputs) => ((runs += 1), worker.model.run(inputs))));
      const sent = await sealedRequest(worker);
      const first = await infer(sent.sealed);
      expect(await infer(sent.sealed)).to.deep.equal(first);
      expect(await Promise.all([infer(sent.sealed), infer(sent.sealed)])).to.deep.equal([first, first]);
      expect([runs, await stored()]).to.deep.equal([1, 1]);
    });

    it("get the stored bytes after later requests, and after the model is offered no more", async () => {
      const sent = await sealedRequest(worker);
      const later = await sealedRequest(worker, { voucher: { sequence: 2n, amount: 2n * UNIT_PRICE } });
      const first = await service()(sent.sealed);
      await service()(later.sealed);
      expect(await service({ models: new Map() })(sent.sealed)).to.deep.equal(first);
    });

    const others: readonly (readonly [string, RequestChange])[] = [
      ["another input", { inputs: shades(7) }],
      ["a higher amount", { voucher: { amount: 2n * UNIT_PRICE } }],
    ];
    for (const [what, change] of others) {
      it(`of a sequence under a voucher for ${what} are refused`, async () => {
        const infer = service();
        await infer((await sealedRequest(worker)).sealed);
        const again = await sealedRequest(worker, change);
        expect(await codeOf(again, await infer(again.sealed))).to.equal("VOUCHER_INVALID");
        expect(await stored()).to.equal(1);
      });
    }
  });

  describe("requests that cannot be opened", () => {
    const cases: readonly (readonly [string, string, RequestChange])[] = [
      ["of another key epoch", "KEY_UNKNOWN", { header: { keyEpoch: KEY_EPOCH + 1 } }],
      ["of epoch 0", "KEY_UNKNOWN", { header: { keyEpoch: 0 } }],
    ];
    for (const [what, code, change] of cases) {
      it(`${what} throw ${code}`, async () => {
        const { sealed } = await sealedRequest(worker, change);
        await expectRefusal(code as "KEY_UNKNOWN", () => service()(sealed));
      });
    }

    it("throw KEY_UNKNOWN for an unknown epoch even where the rest is no request at all", async () => {
      const { sealed } = await sealedRequest(worker, { header: { keyEpoch: KEY_EPOCH + 1 } });
      await expectRefusal("KEY_UNKNOWN", () => service()(sealed.slice(0, 37)));
    });

    it("throw KEY_UNKNOWN while the node is not attested", async () => {
      const { sealed } = await sealedRequest(worker);
      await expectRefusal("KEY_UNKNOWN", () => service({ attested: () => undefined })(sealed));
    });

    it("throw SEAL_INVALID under another sealing key, or changed on the way", async () => {
      const { sealed } = await sealedRequest(worker);
      const keys = await createEnclaveKeys();
      await expectRefusal("SEAL_INVALID", () => service({ keys })(sealed));
      for (const at of [10, 40, sealed.length - 1]) {
        const changed = sealed.map((byte, index) => (index === at ? byte ^ 1 : byte));
        await expectRefusal("SEAL_INVALID", () => service()(changed));
      }
      expect(worker.refused).to.deep.equal([]);
    });
  });

  describe("refusals", () => {
    const refused: readonly (readonly [string, string, () => RequestChange])[] = [
      ["a content that is no request", "RECEIPT_MALFORMED", () => ({ content: new Uint8Array(8) })],
      ["a model that the node does not serve", "MODEL_MISMATCH", () => otherModel()],
      ["a voucher for another model", "MODEL_MISMATCH", () => ({ voucher: { modelId: word(1) } })],
      ["a voucher of another epoch", "REQUEST_MISMATCH", () => ({ voucher: { keyEpoch: 1 } })],
      ["a header of another channel", "REQUEST_MISMATCH", () => ({ header: { channelId: word(1) } })],
      ["a voucher for another input", "REQUEST_MISMATCH", () => ({ committed: shades(9) })],
      ["a voucher that nobody signed", "SIGNATURE_INVALID", () => ({ signature: NO_SIGNATURE })],
      ["an amount too low", "VOUCHER_INVALID", () => ({ voucher: { amount: UNIT_PRICE - 1n } })],
      [
        "one unit paid and two sent",
        "VOUCHER_INVALID",
        () => ({ inputs: shades(1, 2), voucher: { amount: UNIT_PRICE } }),
      ],
      ["an amount above the deposit", "VOUCHER_INVALID", () => ({ voucher: { amount: worker.channel.deposit + 1n } })],
      [
        "an input of another shape",
        "INPUT_INVALID",
        () => ({ inputs: [float32Tensor("image", [1, 2], new Float32Array(2))] }),
      ],
      ["no input", "INPUT_INVALID", () => ({ inputs: [] })],
    ];
    for (const [what, code, change] of refused) {
      it(`${what}: ${code}, sealed, and nothing is stored`, async () => {
        const sent = await sealedRequest(worker, change());
        expect(await codeOf(sent, await service()(sent.sealed))).to.equal(code);
        expect([worker.refused, await stored()]).to.deep.equal([[code], 0]);
      });
    }

    it("a model without an offer on chain: MODEL_MISMATCH", async () => {
      const sent = await sealedRequest(worker);
      const models = new Map([[worker.modelId, { model: worker.model, price: () => undefined }]]);
      expect(await codeOf(sent, await service({ models })(sent.sealed))).to.equal("MODEL_MISMATCH");
    });

    it("a closing channel: VOUCHER_INVALID", async () => {
      worker.channel.withdrawableAt = 1;
      const sent = await sealedRequest(worker);
      expect(await codeOf(sent, await service()(sent.sealed))).to.equal("VOUCHER_INVALID");
    });

    it("a fault inside the worker is told as INFERENCE_FAILED and by no word of its own", async () => {
      const sent = await sealedRequest(worker);
      const infer = service(withModel(() => Promise.reject(new RangeError("a secret of the input"))));
      const response = await infer(sent.sealed);
      expect(await codeOf(sent, response)).to.equal("INFERENCE_FAILED");
      expect(Buffer.from(await openResponse(sent.context, response)).includes("secret")).to.equal(false);
    });
  });

  describe("the store", () => {
    const broken = (change: Partial<Vouchers>): Partial<InferenceParts> => ({
      vouchers: { ...worker.parts.vouchers, ...change },
    });

    it("that throws lets no answer go", async () => {
      const put = () => Promise.reject(new StoreError("STORE_UNAVAILABLE", "the disk is full"));
      const sent = await sealedRequest(worker);
      expect(await codeOf(sent, await service(broken({ put }))(sent.sealed))).to.equal("STORE_UNAVAILABLE");
    });

    it("has the exchange when the answer is returned, and not one moment later", async () => {
      const [reached, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      const put: Vouchers["put"] = async (exchange) => {
        reached.resolve();
        await gate.promise;
        return worker.parts.vouchers.put(exchange);
      };
      const sent = await sealedRequest(worker);
      let returned = false;
      const answered = service(broken({ put }))(sent.sealed).then(() => (returned = true));
      await reached.promise;
      await new Promise((resolve) => setImmediate(resolve));
      expect(returned).to.equal(false);
      gate.resolve();
      await answered;
      expect(await stored()).to.equal(1);
    });
  });

  describe("parallel requests", () => {
    it("of one channel run one after the other, and two vouchers of one sequence get one answer", async () => {
      let inside = 0;
      let most = 0;
      const run: Model["run"] = async (inputs) => {
        inside += 1;
        most = Math.max(most, inside);
        await new Promise((resolve) => setImmediate(resolve));
        inside -= 1;
        return worker.model.run(inputs);
      };
      const infer = service(withModel(run));
      const all = await Promise.all(
        [1, 2, 3].map(async (ink) => {
          const sent = await sealedRequest(worker, { inputs: shades(ink) });
          return codeOf(sent, await infer(sent.sealed));
        }),
      );
      expect(all.sort()).to.deep.equal(["ANSWERED", "VOUCHER_INVALID", "VOUCHER_INVALID"]);
      expect([most, await stored()]).to.deep.equal([1, 1]);
    });

    it("of two channels do not wait for each other", async () => {
      let arrived = 0;
      const both = Promise.withResolvers<void>();
      const run: Model["run"] = async (inputs) => {
        arrived += 1;
        if (arrived === 2) both.resolve();
        await both.promise;
        return worker.model.run(inputs);
      };
      const infer = service(withModel(run));
      const sent = [await sealedRequest(worker), await sealedRequest(worker, otherPayer())];
      const codes = await Promise.all(sent.map(async (one) => codeOf(one, await infer(one.sealed))));
      expect(codes).to.deep.equal(["ANSWERED", "ANSWERED"]);
    });
  });

  function otherPayer(): RequestChange {
    const payerKey = new Uint8Array(32).fill(0x44);
    const channel: Hex = channelId(toHex(signingAddress(payerKey)), NODE_ID);
    return { payerKey, voucher: { channelId: channel }, header: { channelId: channel } };
  }

  function otherModel(): RequestChange {
    return { modelId: word(1), voucher: { modelId: word(1) } };
  }
});
