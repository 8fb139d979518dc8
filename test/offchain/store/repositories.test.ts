import { expect } from "chai";
import type { OpenRequest } from "../../../offchain/store/channels.ts";
import type { Hex } from "../../../offchain/encoding/bytes.ts";
import type { Voucher } from "../../../offchain/receipt/voucher.ts";
import type { SignedVerdict } from "../../../offchain/store/verdicts.ts";
import type { Store } from "../../../offchain/store/store.ts";
import type { Exchange } from "../../../offchain/store/vouchers.ts";
import { CHANNEL_MIGRATIONS, channels } from "../../../offchain/store/channels.ts";
import { openStore } from "../../../offchain/store/store.ts";
import { VERDICT_MIGRATIONS, verdicts } from "../../../offchain/store/verdicts.ts";
import { VOUCHER_MIGRATIONS, vouchers } from "../../../offchain/store/vouchers.ts";
import { refusal } from "../../support/refusal.ts";

const bytes32 = (byte: string): Hex => `0x${byte.repeat(32)}`;

function voucher(channelId: Hex, sequence: bigint, amount: bigint): Voucher {
  return { channelId, sequence, amount, keyEpoch: 1, modelId: bytes32("33"), requestCommitment: bytes32("44") };
}

function exchange(channelId: Hex, sequence: bigint): Omit<Exchange, "settledBy"> {
  const promised = voucher(channelId, sequence, sequence * 10n + 2n ** 120n);
  return {
    payer: `0x${"aa".repeat(20)}`,
    voucher: promised,
    voucherSignature: "0x01",
    receipt: {
      ...promised,
      amount: sequence * 10n,
      nodeId: bytes32("a1"),
      responseCommitment: bytes32("55"),
      rawCommitment: bytes32("00"),
      evidenceHash: bytes32("e1"),
      units: 1n,
      privacySpent: 0n,
    },
    receiptSignature: "0x02",
    sealedResponse: Uint8Array.of(1, 2, Number(sequence)),
    requestHash: bytes32(`f${sequence}`),
  };
}

function openRequest(sequence: bigint, amount: bigint, channelId = bytes32("c1")): OpenRequest {
  return {
    voucher: voucher(channelId, sequence, amount),
    voucherSignature: "0x01",
    requestSalt: bytes32("51"),
    sealed: Uint8Array.of(9),
    responseContext: "secret",
  };
}

const VERDICT: SignedVerdict = {
  evidenceHash: bytes32("e1"),
  nodeId: bytes32("a1"),
  digest: bytes32("d1"),
  verdict: "{}",
  possession: "0x03",
  signature: "0x04",
  signer: `0x${"bb".repeat(20)}`,
  signedAt: 1_700_000_000_000n,
};

describe("store repositories", function () {
  this.timeout(180_000);

  let store: Store;

  before(async () => {
    const migrations = [...CHANNEL_MIGRATIONS, ...VERDICT_MIGRATIONS, ...VOUCHER_MIGRATIONS];
    store = await openStore({ memory: true }, migrations);
  });

  after(() => store.close());

  describe("vouchers", () => {
    const channelA = bytes32("c1");
    const channelB = bytes32("c2");

    it("gives back the first receipt on a repeat and refuses another voucher for the sequence", async () => {
      const book = vouchers(store);
      const first = await book.put(exchange(channelA, 1n));
      expect(first).to.deep.equal({ ...exchange(channelA, 1n), settledBy: null });
      const repeated = await book.put({ ...exchange(channelA, 1n), receiptSignature: "0x99" });
      expect(repeated).to.deep.equal(first);
      expect(await refusal(book.put({ ...exchange(channelA, 1n), voucher: voucher(channelA, 1n, 999n) }))).to.equal(
        "STORE_CONFLICT",
      );
    });

    it("refuses a receipt above its voucher", async () => {
      const { receipt, ...rest } = exchange(channelB, 9n);
      const greedy = { ...rest, receipt: { ...receipt, amount: rest.voucher.amount + 1n } };
      expect(await refusal(vouchers(store).put(greedy))).to.equal("STORE_CONFLICT");
    });

    it("gives the latest of a channel and what is unsettled", async () => {
      const book = vouchers(store);
      for (const sequence of [2n, 3n]) await book.put(exchange(channelA, sequence));
      await book.put(exchange(channelB, 1n));
      expect((await book.latest(channelA))?.voucher.sequence).to.equal(3n);
      expect(await book.latest(bytes32("c3"))).to.equal(undefined);
      expect((await book.unsettled()).map((row) => [row.voucher.channelId, row.voucher.sequence])).to.deep.equal([
        [channelA, 3n],
        [channelB, 1n],
      ]);
    });

    it("settles up to a sequence and keeps what came after", async () => {
      const book = vouchers(store);
      await book.markSettled(channelA, 2n, "0xf1");
      expect((await book.get(channelA, 2n))?.settledBy).to.equal("0xf1");
      expect((await book.unsettled()).map((row) => row.voucher.sequence)).to.deep.equal([3n, 1n]);
      await book.markSettled(channelA, 3n, "0xf2");
      await book.markSettled(channelA, 3n, "0xf3");
      expect((await book.get(channelA, 3n))?.settledBy).to.equal("0xf2");
      expect((await book.unsettled()).map((row) => row.voucher.channelId)).to.deep.equal([channelB]);
    });
  });

  describe("verdicts", () => {
    it("keeps one verdict for an evidence hash, ever", async () => {
      const book = verdicts(store);
      expect(await book.put(VERDICT)).to.deep.equal(VERDICT);
      expect(await book.put(VERDICT)).to.deep.equal(VERDICT);
      expect(await refusal(book.put({ ...VERDICT, digest: bytes32("d2") }))).to.equal("STORE_CONFLICT");
      expect(await book.get(VERDICT.evidenceHash)).to.deep.equal(VERDICT);
    });

    it("gives the latest verdict of a node", async () => {
      const book = verdicts(store);
      const newer = { ...VERDICT, evidenceHash: bytes32("e2"), signedAt: VERDICT.signedAt + 1n };
      await book.put(newer);
      expect(await book.latest(VERDICT.nodeId)).to.deep.equal(newer);
      expect(await book.latest(bytes32("a9"))).to.equal(undefined);
    });

    it("keeps the state of each submission", async () => {
      const book = verdicts(store);
      expect(await book.submission(VERDICT.evidenceHash)).to.deep.equal({ state: "waiting" });
      await book.setSubmission(VERDICT.evidenceHash, { state: "sent", transaction: "0x11" });
      expect(await book.submission(VERDICT.evidenceHash)).to.deep.equal({ state: "sent", transaction: "0x11" });
      await book.setSubmission(VERDICT.evidenceHash, { state: "failed", reason: "NodeRegistryPaused" });
      expect(await book.submission(VERDICT.evidenceHash)).to.deep.equal({
        state: "failed",
        reason: "NodeRegistryPaused",
      });
      expect(await book.counts()).to.deep.equal({ waiting: 1, sent: 0, confirmed: 0, failed: 1 });
    });

    it("says of a refusal whether it is the first of this evidence", async () => {
      const book = verdicts(store);
      expect(await book.refuse(bytes32("ee"), VERDICT.nodeId, "debug")).to.equal(true);
      expect(await book.refuse(bytes32("ee"), VERDICT.nodeId, "debug")).to.equal(false);
    });
  });

  describe("channels", () => {
    const channel = { channelId: bytes32("c1"), payer: `0x${"aa".repeat(20)}`, nodeId: bytes32("a1") } as const;

    it("adds a channel once and keeps what it promised", async () => {
      const book = channels(store);
      await book.add(channel);
      await book.promise(openRequest(1n, 10n));
      await book.add(channel);
      expect(await book.list()).to.deep.equal([{ ...channel, sequence: 1n, amount: 10n, owed: 0n }]);
      expect(await book.get(bytes32("c9"))).to.equal(undefined);
    });

    const refused: readonly (readonly [string, OpenRequest])[] = [
      ["a repeated sequence", openRequest(1n, 20n)],
      ["a gap in the sequence", openRequest(3n, 20n)],
      ["an unknown channel", openRequest(2n, 20n, bytes32("c9"))],
    ];
    for (const [what, request] of refused) {
      it(`refuses to promise ${what}`, async () => {
        expect(await refusal(channels(store).promise(request))).to.equal("STORE_CONFLICT");
      });
    }

    it("keeps open requests until they are finished, and the promise after that", async () => {
      const book = channels(store);
      await book.promise(openRequest(2n, 10n));
      expect((await book.get(channel.channelId))?.owed).to.equal(0n);
      expect(await book.openRequests()).to.deep.equal([openRequest(1n, 10n), openRequest(2n, 10n)]);
      await book.finish(channel.channelId, 1n, 10n);
      expect((await book.get(channel.channelId))?.owed).to.equal(10n);
      expect(await refusal(book.promise(openRequest(3n, 9n)))).to.equal("STORE_CONFLICT");
      expect(await book.openRequests(channel.channelId)).to.deep.equal([openRequest(2n, 10n)]);
      expect(await book.openRequests(bytes32("c9"))).to.deep.equal([]);
      expect((await book.get(channel.channelId))?.sequence).to.equal(2n);
    });
  });
});
