import { expect } from "chai";
import type { ChannelState } from "../../../offchain/chain/escrow.ts";
import { float32Tensor } from "../../../offchain/encoding/tensor.ts";
import { commitTensors } from "../../../offchain/receipt/commitment.ts";
import type { InferenceRequest } from "../../../offchain/receipt/message.ts";
import { channelId, signVoucher, type Voucher } from "../../../offchain/receipt/voucher.ts";
import { checkAmount, checkPromise } from "../../../offchain/worker/payment.ts";
import { codeOf } from "../../support/errors.ts";
import { DOMAIN, NODE_ID, otherHex, PAYER, PAYER_KEY, word } from "../../support/receipts.ts";

const SALT = new Uint8Array(32).fill(9);
const INPUTS = [float32Tensor("image", [1, 2], Float32Array.of(0.5, 1))];
const CONTEXT = { escrow: DOMAIN, nodeId: NODE_ID, keyEpoch: 3, channelId: channelId(PAYER, NODE_ID) };
const VOUCHER: Voucher = {
  channelId: CONTEXT.channelId,
  sequence: 8n,
  amount: 1000n,
  keyEpoch: CONTEXT.keyEpoch,
  modelId: word(0xa1),
  requestCommitment: commitTensors(SALT, INPUTS),
};

function requestOf(change: Partial<Voucher> = {}, more: Partial<InferenceRequest> = {}): InferenceRequest {
  const voucher = { ...VOUCHER, ...change };
  const voucherSignature = signVoucher(DOMAIN, voucher, PAYER_KEY);
  return { modelId: VOUCHER.modelId, requestSalt: SALT, voucher, voucherSignature, inputs: INPUTS, ...more };
}

describe("worker payment", () => {
  describe("checkPromise", () => {
    it("gives the payer who signed", () => {
      expect(checkPromise(CONTEXT, requestOf())).to.equal(PAYER);
    });

    const stranger = new Uint8Array(32).fill(0x33);
    const otherEscrow = { ...DOMAIN, verifyingContract: otherHex(DOMAIN.verifyingContract) };
    const otherChain = { ...DOMAIN, chainId: DOMAIN.chainId + 1n };
    const signedUnder = (domain: typeof DOMAIN) => signVoucher(domain, VOUCHER, PAYER_KEY);
    const refused: readonly (readonly [what: string, code: string, request: InferenceRequest])[] = [
      ["for another channel", "REQUEST_MISMATCH", requestOf({ channelId: word(0x01) })],
      ["for another key epoch", "REQUEST_MISMATCH", requestOf({ keyEpoch: 2 })],
      ["for another model", "MODEL_MISMATCH", requestOf({ modelId: word(0xa2) })],
      ["whose request names another model", "MODEL_MISMATCH", requestOf({}, { modelId: word(0xa2) })],
      ["of sequence 0", "VOUCHER_INVALID", requestOf({ sequence: 0n })],
      [
        "by a stranger",
        "SIGNATURE_INVALID",
        requestOf({}, { voucherSignature: signVoucher(DOMAIN, VOUCHER, stranger) }),
      ],
      ["for another escrow", "SIGNATURE_INVALID", requestOf({}, { voucherSignature: signedUnder(otherEscrow) })],
      ["for another chain", "SIGNATURE_INVALID", requestOf({}, { voucherSignature: signedUnder(otherChain) })],
      ["that nobody signed", "SIGNATURE_INVALID", requestOf({}, { voucherSignature: `0x${"00".repeat(65)}` })],
      [
        "whose amount was raised after signing",
        "SIGNATURE_INVALID",
        { ...requestOf(), voucher: { ...VOUCHER, amount: 1001n } },
      ],
      ["for another commitment", "REQUEST_MISMATCH", requestOf({ requestCommitment: word(0xb2) })],
      ["under another salt", "REQUEST_MISMATCH", requestOf({}, { requestSalt: new Uint8Array(32) })],
      [
        "with another input",
        "REQUEST_MISMATCH",
        requestOf({}, { inputs: [float32Tensor("image", [1, 2], Float32Array.of(0.5, 2))] }),
      ],
    ];
    for (const [what, code, request] of refused) {
      it(`refuses a voucher ${what}`, () => {
        expect(codeOf(() => checkPromise(CONTEXT, request))).to.equal(code);
      });
    }

    it("refuses the payer's voucher where the header names another payer's channel", () => {
      const channel = channelId(otherHex(PAYER), NODE_ID);
      const request = requestOf({ channelId: channel });
      expect(codeOf(() => checkPromise({ ...CONTEXT, channelId: channel }, request))).to.equal("SIGNATURE_INVALID");
    });
  });

  describe("checkAmount", () => {
    const OPEN: ChannelState = { deposit: 10_000n, spent: 0n, withdrawableAt: 0, listCap: 0n };
    const last = { sequence: 7n, amount: 900n };
    type Case = {
      readonly voucher?: Partial<Voucher>;
      readonly channel?: Partial<ChannelState>;
      readonly last?: typeof last | undefined;
      readonly cost?: bigint;
    };
    const amountOf = (given: Case): bigint =>
      checkAmount(
        { ...VOUCHER, ...given.voucher },
        { ...OPEN, ...given.channel },
        { last: "last" in given ? given.last : last, cost: given.cost ?? 100n },
      );

    const accepted: readonly (readonly [string, bigint, Case])[] = [
      ["what was owed and the cost", 1000n, {}],
      ["no more than that, whatever is promised", 1000n, { voucher: { amount: 5000n } }],
      ["the cost in a new channel", 100n, { last: undefined }],
      [
        "what the chain has paid and the cost, where the store forgot it",
        800n,
        { last: undefined, channel: { spent: 700n } },
      ],
      ["the same for any later sequence", 1000n, { voucher: { sequence: 1000n } }],
      ["all of the deposit", 10_000n, { voucher: { amount: 10_000n }, cost: 9100n }],
    ];
    for (const [what, due, given] of accepted) {
      it(`takes ${what}`, () => {
        expect(amountOf(given)).to.equal(due);
      });
    }

    const refused: readonly (readonly [string, Case])[] = [
      ["a sequence that is used", { voucher: { sequence: 7n } }],
      ["a sequence below the last", { voucher: { sequence: 1n } }],
      ["an amount one below what is due", { voucher: { amount: 999n } }],
      ["an amount that ignores what the chain has paid", { channel: { spent: 901n } }],
      ["an amount above the deposit", { voucher: { amount: 10_001n } }],
      ["a channel without a deposit", { channel: { deposit: 0n } }],
      ["a closing channel", { channel: { withdrawableAt: 1_800_000_000 } }],
    ];
    for (const [what, given] of refused) {
      it(`refuses ${what}`, () => {
        expect(codeOf(() => amountOf(given))).to.equal("VOUCHER_INVALID");
      });
    }
  });
});
