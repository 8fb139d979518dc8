import { expect } from "chai";
import { AbiCoder, keccak256, Signature, TypedDataEncoder, verifyTypedData, Wallet } from "ethers";
import { toHex } from "../../../offchain/encoding/bytes.ts";
import type { Hex } from "../../../offchain/encoding/bytes.ts";
import { channelId, checkVoucher, parseVoucher } from "../../../offchain/receipt/voucher.ts";
import { signVoucher, voucherDigest, voucherToJson } from "../../../offchain/receipt/voucher.ts";
import type { Voucher } from "../../../offchain/receipt/voucher.ts";
import { codeOf } from "../../support/errors.ts";
import { DOMAIN, NODE_ID, otherHex, PAYER, PAYER_KEY, SIGNING_KEY, VOUCHER } from "../../support/receipts.ts";

const ETHERS_DOMAIN = { name: "Cloister InferenceEscrow", version: "1", ...DOMAIN };
const ETHERS_TYPES = {
  Voucher: [
    { name: "channelId", type: "bytes32" },
    { name: "sequence", type: "uint64" },
    { name: "amount", type: "uint128" },
    { name: "keyEpoch", type: "uint32" },
    { name: "modelId", type: "bytes32" },
    { name: "requestCommitment", type: "bytes32" },
  ],
};

describe("receipt/voucher", () => {
  describe("channelId", () => {
    it("is the hash of the ABI encoding of payer and node", () => {
      const encoded = AbiCoder.defaultAbiCoder().encode(["address", "bytes32"], [PAYER, NODE_ID]);
      expect(channelId(PAYER, NODE_ID)).to.equal(keccak256(encoded));
    });

    it("refuses a payer or a node of another length", () => {
      expect(codeOf(() => channelId(NODE_ID, NODE_ID))).to.equal("RECEIPT_MALFORMED");
      expect(codeOf(() => channelId(PAYER, PAYER))).to.equal("RECEIPT_MALFORMED");
      expect(codeOf(() => channelId("0xzz", NODE_ID))).to.equal("RECEIPT_MALFORMED");
    });
  });

  describe("voucherDigest", () => {
    it("agrees with ethers, at the ends of every range", () => {
      const largest = { ...VOUCHER, sequence: 2n ** 64n - 1n, amount: 2n ** 128n - 1n, keyEpoch: 2 ** 32 - 1 };
      const smallest = { ...VOUCHER, sequence: 0n, amount: 0n, keyEpoch: 0 };
      for (const voucher of [VOUCHER, largest, smallest]) {
        expect(toHex(voucherDigest(DOMAIN, voucher))).to.equal(
          TypedDataEncoder.hash(ETHERS_DOMAIN, ETHERS_TYPES, voucher),
        );
      }
    });

    it("depends on chain and contract", () => {
      const here = toHex(voucherDigest(DOMAIN, VOUCHER));
      expect(toHex(voucherDigest({ ...DOMAIN, chainId: 1n }, VOUCHER))).to.not.equal(here);
      expect(toHex(voucherDigest({ ...DOMAIN, verifyingContract: PAYER }, VOUCHER))).to.not.equal(here);
    });

    const wrong: readonly Partial<Voucher>[] = [
      { sequence: 2n ** 64n },
      { sequence: -1n },
      { amount: 2n ** 128n },
      { keyEpoch: 2 ** 32 },
      { keyEpoch: 0.5 },
      { channelId: PAYER },
      { modelId: "0x" },
      { requestCommitment: "0xnothex" },
    ];
    for (const change of wrong) {
      it(`refuses ${Object.entries(change).join(": ")}`, () => {
        expect(codeOf(() => voucherDigest(DOMAIN, { ...VOUCHER, ...change }))).to.equal("RECEIPT_MALFORMED");
      });
    }

    it("refuses a contract that is no address and a negative chain", () => {
      expect(codeOf(() => voucherDigest({ ...DOMAIN, verifyingContract: NODE_ID }, VOUCHER))).to.equal(
        "RECEIPT_MALFORMED",
      );
      expect(codeOf(() => voucherDigest({ ...DOMAIN, chainId: -1n }, VOUCHER))).to.equal("RECEIPT_MALFORMED");
    });
  });

  describe("signVoucher and checkVoucher", () => {
    it("makes the signature that a wallet makes, and ethers recovers the payer", async () => {
      const signature = signVoucher(DOMAIN, VOUCHER, PAYER_KEY);
      expect(signature).to.equal(
        await new Wallet(toHex(PAYER_KEY)).signTypedData(ETHERS_DOMAIN, ETHERS_TYPES, VOUCHER),
      );
      expect(verifyTypedData(ETHERS_DOMAIN, ETHERS_TYPES, VOUCHER, signature).toLowerCase()).to.equal(PAYER);
      checkVoucher(DOMAIN, VOUCHER, signature, PAYER);
    });

    it("takes the payer's address in any case", () => {
      checkVoucher(
        DOMAIN,
        VOUCHER,
        signVoucher(DOMAIN, VOUCHER, PAYER_KEY),
        PAYER.toUpperCase().replace("X", "x") as Hex,
      );
    });

    it("refuses another signer", () => {
      const signature = signVoucher(DOMAIN, VOUCHER, PAYER_KEY);
      expect(codeOf(() => checkVoucher(DOMAIN, VOUCHER, signature, SIGNING_KEY))).to.equal("SIGNATURE_INVALID");
    });

    it("refuses the signature once any member changes", () => {
      const signature = signVoucher(DOMAIN, VOUCHER, PAYER_KEY);
      const changes: readonly Partial<Voucher>[] = [
        { channelId: otherHex(VOUCHER.channelId) },
        { sequence: VOUCHER.sequence + 1n },
        { amount: VOUCHER.amount + 1n },
        { keyEpoch: VOUCHER.keyEpoch + 1 },
        { modelId: otherHex(VOUCHER.modelId) },
        { requestCommitment: otherHex(VOUCHER.requestCommitment) },
      ];
      for (const change of changes) {
        expect(codeOf(() => checkVoucher(DOMAIN, { ...VOUCHER, ...change }, signature, PAYER))).to.equal(
          "SIGNATURE_INVALID",
        );
      }
    });

    it("refuses the high-s twin, a compact form, short and empty signatures", () => {
      const signature = signVoucher(DOMAIN, VOUCHER, PAYER_KEY);
      const { r, s, v } = Signature.from(signature);
      const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
      const highS = (order - BigInt(s)).toString(16).padStart(64, "0");
      const twin = `${r}${highS}${v === 27 ? "1c" : "1b"}` as Hex;
      const bad: readonly Hex[] = [twin, `${signature.slice(0, -2)}00` as Hex, signature.slice(0, -2) as Hex, "0x"];
      for (const other of bad)
        expect(codeOf(() => checkVoucher(DOMAIN, VOUCHER, other, PAYER))).to.equal("SIGNATURE_INVALID");
    });

    it("refuses sequence 0", () => {
      const voucher = { ...VOUCHER, sequence: 0n };
      const signature = signVoucher(DOMAIN, voucher, PAYER_KEY);
      expect(codeOf(() => checkVoucher(DOMAIN, voucher, signature, PAYER))).to.equal("VOUCHER_INVALID");
    });
  });

  describe("parseVoucher", () => {
    it("reads what voucherToJson writes, through text", () => {
      expect(parseVoucher(JSON.parse(JSON.stringify(voucherToJson(VOUCHER))))).to.deep.equal(VOUCHER);
    });

    it("writes only the members of a voucher", () => {
      const json = voucherToJson(Object.assign({ secret: "no" }, VOUCHER));
      expect(Object.keys(json)).to.have.members(Object.keys(VOUCHER));
    });

    it("makes hex lower-case", () => {
      const json = { ...voucherToJson(VOUCHER), modelId: `0x${"AB".repeat(32)}` };
      expect(parseVoucher(json).modelId).to.equal(`0x${"ab".repeat(32)}`);
    });

    const wrong: Readonly<Record<string, unknown>> = {
      "an unknown member": { ...voucherToJson(VOUCHER), extra: 1 },
      "a member from the prototype": Object.assign(JSON.parse('{"__proto__":{}}'), voucherToJson(VOUCHER)),
      "a number for a 64-bit integer": { ...voucherToJson(VOUCHER), sequence: 7 },
      "a leading zero": { ...voucherToJson(VOUCHER), sequence: "07" },
      "a negative amount": { ...voucherToJson(VOUCHER), amount: "-1" },
      "a hex amount": { ...voucherToJson(VOUCHER), amount: "0x10" },
      "an empty amount": { ...voucherToJson(VOUCHER), amount: "" },
      "an amount with a space": { ...voucherToJson(VOUCHER), amount: " 1" },
      "an amount of 129 bits": { ...voucherToJson(VOUCHER), amount: (2n ** 128n).toString() },
      "a sequence of 65 bits": { ...voucherToJson(VOUCHER), sequence: (2n ** 64n).toString() },
      "an epoch of 33 bits": { ...voucherToJson(VOUCHER), keyEpoch: 2 ** 32 },
      "an epoch as text": { ...voucherToJson(VOUCHER), keyEpoch: "3" },
      "a fractional epoch": { ...voucherToJson(VOUCHER), keyEpoch: 3.5 },
      "a short id": { ...voucherToJson(VOUCHER), modelId: VOUCHER.modelId.slice(0, -2) },
      "an id without 0x": { ...voucherToJson(VOUCHER), modelId: VOUCHER.modelId.slice(2) },
      "an id with an end of line": { ...voucherToJson(VOUCHER), modelId: `${VOUCHER.modelId}\n` },
      "a list": [],
      null: null,
      text: "voucher",
    };
    for (const [name, json] of Object.entries(wrong)) {
      it(`refuses ${name}`, () => {
        expect(codeOf(() => parseVoucher(json))).to.equal("RECEIPT_MALFORMED");
      });
    }

    for (const member of Object.keys(VOUCHER)) {
      it(`refuses a voucher without ${member}`, () => {
        const { [member]: _left, ...rest } = voucherToJson(VOUCHER) as Record<string, unknown>;
        expect(codeOf(() => parseVoucher(rest))).to.equal("RECEIPT_MALFORMED");
      });
    }
  });
});
