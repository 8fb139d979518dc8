import { expect } from "chai";
import { signingAddress } from "#crypto";
import { infer, type CheckedAnswer, type InferOptions } from "../../../offchain/client/infer.ts";
import type { VerifiedNode } from "../../../offchain/client/verify-node.ts";
import { resume, type ResumeOptions } from "../../../offchain/client/resume.ts";
import { toHex, type Hex } from "../../../offchain/encoding/bytes.ts";
import { float32Values, type Tensor } from "../../../offchain/encoding/tensor.ts";
import type { ErrorCode } from "../../../offchain/errors.ts";
import type { Listening } from "../../../offchain/http/server.ts";
import { decodeResponse, encodeResponse, type InferenceAnswer } from "../../../offchain/receipt/message.ts";
import { signReceipt, type Receipt } from "../../../offchain/receipt/receipt.ts";
import { openRequest } from "../../../offchain/sealing/request.ts";
import { openResponse, sealResponse } from "../../../offchain/sealing/response.ts";
import { CHANNEL_MIGRATIONS, channels, type Channels, type ClientChannel } from "../../../offchain/store/channels.ts";
import { openStore, type Store } from "../../../offchain/store/store.ts";
import { createInferenceService, type InferenceParts } from "../../../offchain/worker/inference-service.ts";
import { createEnclaveKeys } from "../../../offchain/worker/keys.ts";
import { breakableLine, type BrokenLine } from "../../support/broken-line.ts";
import { expectRefusal } from "../../support/expect-refusal.ts";
import { DOMAIN, NODE_ID, PAYER, PAYER_KEY, otherHex, word } from "../../support/receipts.ts";
import {
  CHANNEL,
  createTestWorker,
  EVIDENCE_HASH,
  KEY_EPOCH,
  serveTestWorker,
  shades,
  UNIT_PRICE,
  type TestWorker,
} from "../../support/worker.ts";

type Infer = (sealed: Uint8Array) => Promise<Uint8Array>;

const STRANGER = new Uint8Array(32).fill(0x33);

describe("client", function () {
  this.timeout(60_000);

  let worker: TestWorker;
  let store: Store;
  let book: Channels;
  let server: Listening;
  let line: BrokenLine;
  /** What answers at the server; a test may put another in its place. */
  let answering: Infer;

  before(async () => {
    worker = await createTestWorker();
    store = await openStore({ memory: true }, CHANNEL_MIGRATIONS);
    book = channels(store);
    server = await serveTestWorker(worker, (sealed) => answering(sealed));
  });
  beforeEach(async () => {
    await worker.reset();
    await store.query("DELETE FROM open_requests");
    await store.query("DELETE FROM channels");
    answering = honest();
    line = await breakableLine(server.url);
  });
  afterEach(() => line.close());
  after(async () => {
    await server.close(0);
    await store.close();
    await worker.close();
  });

  const honest = (change: Partial<InferenceParts> = {}): Infer =>
    createInferenceService({ ...worker.parts, ...change });

  function options(): InferOptions {
    const binding = {
      nodeId: NODE_ID,
      operator: `0x${"0b".repeat(20)}` as const,
      signingKey: worker.keys.signingAddress,
      sealingKey: toHex(worker.keys.sealingKey.publicKey),
      gpuEvidenceHash: word(0),
      configHash: word(0),
    };
    const node: VerifiedNode = {
      nodeId: NODE_ID,
      endpoint: line.url,
      keyEpoch: KEY_EPOCH,
      nodeEvidence: {
        platform: "intel-tdx",
        evidence: new Uint8Array(0),
        devices: [],
        binding,
        anchor: { blockNumber: 1n, blockHash: word(1) },
        possession: `0x${"00".repeat(65)}`,
        keyEpoch: KEY_EPOCH,
        simulated: true,
      },
      evidenceHash: EVIDENCE_HASH,
      endorsements: {},
      result: { verdict: "affirming", simulated: true, platform: null, claims: null, checks: [], failures: [] },
      validUntil: 0,
    };
    return {
      node,
      verifyAgain: async () => node,
      escrow: DOMAIN,
      payerKey: PAYER_KEY,
      payer: PAYER,
      modelId: worker.modelId,
      price: UNIT_PRICE,
      channels: book,
      timeoutMs: 10_000,
    };
  }

  const ask = (inputs: readonly Tensor[] = shades(0), change: Partial<InferOptions> = {}): Promise<CheckedAnswer> =>
    infer(inputs, { ...options(), ...change });
  const channel = async (): Promise<ClientChannel> => {
    const found = await book.get(CHANNEL);
    if (found === undefined) throw new RangeError("there is no channel");
    return found;
  };
  const open = async (): Promise<readonly bigint[]> =>
    (await book.openRequests(CHANNEL)).map(({ voucher }) => voucher.sequence);
  const settings = (): ResumeOptions => {
    const { node, ...rest } = options();
    return { ...rest, node, signingKey: async () => node.nodeEvidence.binding.signingKey };
  };

  describe("infer", () => {
    it("gives the model's outputs, and raises what is owed by the receipt", async () => {
      const answered = await ask(shades(0, 128));
      const direct = await worker.model.run(shades(0, 128));
      expect(answered.outputs.map(float32Values)).to.deep.equal(direct.map(float32Values));
      expect(await channel()).to.deep.include({ sequence: 1n, amount: 2n * UNIT_PRICE, owed: 2n * UNIT_PRICE });
      expect(await open()).to.deep.equal([]);
      const next = await ask();
      expect(next.voucher).to.deep.include({ sequence: 2n, amount: 3n * UNIT_PRICE });
    });

    it("owes what the node asks for, not what was promised", async () => {
      await ask(shades(0), { price: 10n * UNIT_PRICE });
      expect(await channel()).to.deep.include({ amount: 10n * UNIT_PRICE, owed: UNIT_PRICE });
      expect((await ask()).voucher.amount).to.equal(2n * UNIT_PRICE);
    });

    it("makes every request another one", async () => {
      const [first, second] = [await ask(), await ask()];
      expect(first.voucher.requestCommitment).to.not.equal(second.voucher.requestCommitment);
      expect(first.requestSalt).to.not.deep.equal(second.requestSalt);
    });

    it("keeps the promise before anything leaves", async () => {
      const seen: (readonly bigint[])[] = [];
      const service = honest();
      answering = async (sealed) => {
        seen.push(await open());
        return service(sealed);
      };
      await ask();
      expect(seen).to.deep.equal([[1n]]);
    });

    it("owes nothing for a refused request, and goes on", async () => {
      await ask();
      worker.channel.withdrawableAt = 1;
      await expectRefusal("SERVICE_REFUSED", () => ask());
      worker.channel.withdrawableAt = 0;
      expect(await channel()).to.deep.include({ sequence: 2n, owed: UNIT_PRICE });
      expect(await open()).to.deep.equal([]);
      expect((await ask()).voucher).to.deep.include({ sequence: 3n, amount: 2n * UNIT_PRICE });
    });

    it("takes a receipt of renewed evidence once that is verified, and only of that", async () => {
      answering = honest({ attested: () => ({ keyEpoch: KEY_EPOCH, evidenceHash: word(0x77) }) });
      const again = (evidenceHash: Hex) => async () => ({ ...options().node, evidenceHash });
      const answered = await ask(shades(0), { verifyAgain: again(word(0x77)) });
      expect([answered.node.evidenceHash, await open()]).to.deep.equal([word(0x77), []]);
      await expectRefusal("NODE_NOT_ATTESTED", () => ask(shades(0), { verifyAgain: again(word(0x78)) }));
      const otherKey = { ...options().node.nodeEvidence.binding, signingKey: toHex(signingAddress(STRANGER)) };
      const { node } = options();
      const replaced = { ...node, evidenceHash: word(0x77), nodeEvidence: { ...node.nodeEvidence, binding: otherKey } };
      await expectRefusal("SIGNATURE_INVALID", () => ask(shades(0), { verifyAgain: async () => replaced }));
    });

    it("sends nothing to a sealing key that is none", async () => {
      let received = 0;
      answering = () => Promise.reject(new RangeError(`${(received += 1)} requests`));
      const { node } = options();
      const binding = { ...node.nodeEvidence.binding, sealingKey: "0x1234" as Hex };
      const broken = { ...node, nodeEvidence: { ...node.nodeEvidence, binding } };
      await expectRefusal("SEAL_INVALID", () => ask(shades(0), { node: broken }));
      expect([received, await open(), (await channel()).sequence]).to.deep.equal([0, [], 0n]);
    });
  });

  describe("an answer that does not hold", () => {
    /** Answers by an enclave whose answer was changed, and signed again by `key` where that is given. */
    const changed = (change: (answer: InferenceAnswer) => InferenceAnswer): Infer => {
      const service = honest();
      return async (sealed) => {
        const { context } = await openRequest(sealed, () => worker.keys.sealingKey);
        const answer = decodeResponse(await openResponse(context, await service(sealed)));
        if ("error" in answer) throw new RangeError(answer.error.code);
        return sealResponse(context, encodeResponse(change(answer)));
      };
    };
    const resigned = (change: Partial<Receipt>, key = worker.keys.signingKey): Infer =>
      changed((answer) => {
        const receipt = { ...answer.receipt, ...change };
        return { ...answer, receipt, receiptSignature: signReceipt(DOMAIN, receipt, key) };
      });
    const flipped = (bytes: Uint8Array): Uint8Array => bytes.map((byte, index) => (index === 0 ? byte ^ 1 : byte));

    const lies: readonly (readonly [string, ErrorCode, () => Infer])[] = [
      [
        "other outputs than the receipt's",
        "OUTPUT_MISMATCH",
        () =>
          changed((answer) => ({
            ...answer,
            outputs: answer.outputs.map((one) => ({ ...one, data: flipped(one.data) })),
          })),
      ],
      [
        "another salt than the receipt's",
        "OUTPUT_MISMATCH",
        () => changed((answer) => ({ ...answer, responseSalt: flipped(answer.responseSalt) })),
      ],
      ["a receipt for other outputs", "OUTPUT_MISMATCH", () => resigned({ responseCommitment: word(1) })],
      ["a receipt for no inference", "OUTPUT_MISMATCH", () => resigned({ units: 0n })],
      ["a receipt by another key", "SIGNATURE_INVALID", () => resigned({}, STRANGER)],
      [
        "a receipt changed after signing",
        "SIGNATURE_INVALID",
        () => changed((answer) => ({ ...answer, receipt: { ...answer.receipt, units: 2n } })),
      ],
      ["a receipt for another request", "REQUEST_MISMATCH", () => resigned({ requestCommitment: word(1) })],
      ["a receipt for another model", "MODEL_MISMATCH", () => resigned({ modelId: word(1) })],
      ["a receipt of another node", "NODE_NOT_ATTESTED", () => resigned({ nodeId: word(1) })],
      ["a receipt of another epoch", "NODE_NOT_ATTESTED", () => resigned({ keyEpoch: KEY_EPOCH + 1 })],
      ["a receipt of other evidence", "NODE_NOT_ATTESTED", () => resigned({ evidenceHash: word(1) })],
      ["a receipt of another channel", "VOUCHER_INVALID", () => resigned({ channelId: otherHex(CHANNEL) })],
      ["a receipt of another sequence", "VOUCHER_INVALID", () => resigned({ sequence: 2n })],
      ["a receipt for more than was promised", "VOUCHER_INVALID", () => resigned({ amount: UNIT_PRICE + 1n })],
    ];
    for (const [what, code, lie] of lies) {
      it(`${what}: ${code}, and what was promised counts as owed`, async () => {
        answering = lie();
        await expectRefusal(code, () => ask());
        expect([await open(), (await channel()).owed]).to.deep.equal([[1n], 0n]);
        answering = honest();
        expect((await ask()).voucher).to.deep.include({ sequence: 2n, amount: 2n * UNIT_PRICE });
      });
    }

    it("one that somebody changed on the way: SEAL_INVALID", async () => {
      const service = honest();
      answering = async (sealed) => flipped(await service(sealed));
      await expectRefusal("SEAL_INVALID", () => ask());
      expect(await open()).to.deep.equal([1n]);
    });

    it("one for another request of the same client: SEAL_INVALID", async () => {
      const service = honest();
      let first: Uint8Array | undefined;
      answering = async (sealed) => (first ??= await service(sealed));
      await ask();
      await expectRefusal("SEAL_INVALID", () => ask());
    });
  });

  describe("a connection that breaks", () => {
    it("before the answer arrived: the stored answer is fetched, and the model ran once", async () => {
      let runs = 0;
      const service = honest();
      answering = (sealed) => ((runs += 1), service(sealed));
      line.breakNext("cut");
      const answered = await ask();
      expect(answered.answer.receipt.sequence).to.equal(1n);
      expect([runs, await open(), (await channel()).owed]).to.deep.equal([1, [], UNIT_PRICE]);
    });

    it("before the request arrived: SERVICE_UNAVAILABLE, and the request stays open", async () => {
      line.breakNext("drop");
      await expectRefusal("SERVICE_UNAVAILABLE", () => ask());
      expect([await open(), worker.refused]).to.deep.equal([[1n], []]);
    });
  });

  describe("resume", () => {
    /** Leaves a request open as a crash of the client would; `answered` says whether the worker had it. */
    const crash = async ({ answered }: { readonly answered: boolean }): Promise<void> => {
      line.breakNext(...(answered ? (["cut", "drop"] as const) : (["drop", "drop"] as const)));
      await expectRefusal("SERVICE_UNAVAILABLE", () => ask());
      expect(await open()).to.deep.equal([1n]);
    };

    it("does nothing where nothing is open", async () => {
      await ask();
      expect(await resume(settings())).to.deep.equal([]);
    });

    for (const answered of [true, false]) {
      it(`gets the answer of a request that ${answered ? "was answered" : "never arrived"}`, async () => {
        await crash({ answered });
        const [resumed, ...others] = await resume(settings());
        expect(others).to.deep.equal([]);
        if (resumed?.outcome !== "answered") throw new RangeError(`the request is ${resumed?.outcome}`);
        expect(resumed.receipt).to.deep.include({ sequence: 1n, amount: UNIT_PRICE });
        const direct = await worker.model.run(shades(0));
        expect(resumed.outputs.map(float32Values)).to.deep.equal(direct.map(float32Values));
        expect([await open(), (await channel()).owed]).to.deep.equal([[], UNIT_PRICE]);
        expect((await ask()).voucher.amount).to.equal(2n * UNIT_PRICE);
      });
    }

    it("owes nothing for a request that is refused now", async () => {
      await crash({ answered: false });
      worker.channel.withdrawableAt = 1;
      expect(await resume(settings())).to.deep.equal([{ outcome: "refused", sequence: 1n }]);
      expect([await open(), (await channel()).owed]).to.deep.equal([[], 0n]);
    });

    it("counts a request as lost, and as owed, where the node's keys are gone and nothing is stored", async () => {
      await crash({ answered: false });
      answering = honest({
        keys: await createEnclaveKeys(),
        attested: () => ({ keyEpoch: KEY_EPOCH + 1, evidenceHash: word(5) }),
      });
      expect(await resume(settings())).to.deep.equal([{ outcome: "lost", sequence: 1n }]);
      expect([await open(), (await channel()).owed]).to.deep.equal([[], UNIT_PRICE]);
    });

    it("gets the stored answer of keys that are gone, checked against the registry's key of that epoch", async () => {
      await crash({ answered: true });
      answering = honest({
        keys: await createEnclaveKeys(),
        attested: () => ({ keyEpoch: KEY_EPOCH + 1, evidenceHash: word(5) }),
      });
      const asked: number[] = [];
      const signingKey = async (keyEpoch: number): Promise<Hex> => (asked.push(keyEpoch), worker.keys.signingAddress);
      const [resumed] = await resume({ ...settings(), signingKey });
      expect([resumed?.outcome, asked]).to.deep.equal(["answered", [KEY_EPOCH]]);
    });

    it("takes no answer under a key that the registry does not name", async () => {
      await crash({ answered: true });
      for (const signingKey of [toHex(signingAddress(STRANGER)), `0x${"00".repeat(20)}` as const]) {
        await expectRefusal("SIGNATURE_INVALID", () => resume({ ...settings(), signingKey: async () => signingKey }));
      }
      expect([await open(), (await channel()).owed]).to.deep.equal([[1n], 0n]);
    });

    it("leaves everything open where the node does not answer", async () => {
      await crash({ answered: true });
      line.breakNext("drop", "drop");
      await expectRefusal("SERVICE_UNAVAILABLE", () => resume(settings()));
      expect(await open()).to.deep.equal([1n]);
    });
  });
});
