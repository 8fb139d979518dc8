import { expect } from "chai";
import { TypedDataEncoder, verifyTypedData } from "ethers";
import { toHex } from "../../../offchain/encoding/bytes.ts";
import { checkReceipt, parseReceipt, receiptDigest } from "../../../offchain/receipt/receipt.ts";
import { receiptToJson, signReceipt } from "../../../offchain/receipt/receipt.ts";
import type { ExpectedReceipt, Receipt } from "../../../offchain/receipt/receipt.ts";
import { codeOf } from "../../support/errors.ts";
import { DOMAIN, ENCLAVE_KEY, EXPECTED, otherHex } from "../../support/receipts.ts";
import { PAYER_KEY, RECEIPT, SIGNING_KEY, VOUCHER } from "../../support/receipts.ts";

const ETHERS_DOMAIN = { name: "Cloister InferenceEscrow", version: "1", ...DOMAIN };
const ETHERS_TYPES = {
  Receipt: [
    { name: "channelId", type: "bytes32" },
    { name: "sequence", type: "uint64" },
    { name: "amount", type: "uint128" },
    { name: "nodeId", type: "bytes32" },
    { name: "keyEpoch", type: "uint32" },
    { name: "modelId", type: "bytes32" },
    { name: "requestCommitment", type: "bytes32" },
    { name: "responseCommitment", type: "bytes32" },
    { name: "rawCommitment", type: "bytes32" },
    { name: "evidenceHash", type: "bytes32" },
    { name: "units", type: "uint64" },
    { name: "privacySpent", type: "uint64" },
  ],
};

/** What a check says of a receipt that the right enclave signed with other members. */
function codeOfChange(change: Partial<Receipt>, expected: Partial<ExpectedReceipt> = {}): string {
  const receipt = { ...RECEIPT, ...change };
  const signature = signReceipt(DOMAIN, receipt, ENCLAVE_KEY);
  return codeOf(() => checkReceipt(DOMAIN, receipt, signature, { ...EXPECTED, ...expected }));
}

describe("receipt/receipt", () => {
  describe("receiptDigest", () => {
    it("agrees with ethers, at the ends of every range", () => {
      const max = 2n ** 64n - 1n;
      const largest = { ...RECEIPT, sequence: max, amount: 2n ** 128n - 1n, keyEpoch: 2 ** 32 - 1, units: max };
      const full = { ...largest, privacySpent: max };
      const smallest = { ...RECEIPT, sequence: 0n, amount: 0n, keyEpoch: 0, units: 0n };
      for (const receipt of [RECEIPT, largest, full, smallest]) {
        expect(toHex(receiptDigest(DOMAIN, receipt))).to.equal(
          TypedDataEncoder.hash(ETHERS_DOMAIN, ETHERS_TYPES, receipt),
        );
      }
    });

    it("changes with every member", () => {
      const changed = (Object.keys(RECEIPT) as (keyof Receipt)[]).map((member) => {
        const value = RECEIPT[member];
        const other = typeof value === "string" ? otherHex(value) : typeof value === "bigint" ? value + 1n : value + 1;
        return toHex(receiptDigest(DOMAIN, { ...RECEIPT, [member]: other }));
      });
      expect(new Set([...changed, toHex(receiptDigest(DOMAIN, RECEIPT))]).size).to.equal(13);
    });
  });

  describe("checkReceipt", () => {
    it("accepts the receipt of the attested enclave, and so does ethers", () => {
      const signature = signReceipt(DOMAIN, RECEIPT, ENCLAVE_KEY);
      checkReceipt(DOMAIN, RECEIPT, signature, EXPECTED);
      expect(verifyTypedData(ETHERS_DOMAIN, ETHERS_TYPES, RECEIPT, signature).toLowerCase()).to.equal(SIGNING_KEY);
    });

    it("accepts the whole of the promised amount and any amount below", () => {
      expect(codeOfChange({ amount: VOUCHER.amount })).to.equal("none");
      expect(codeOfChange({ amount: 0n })).to.equal("none");
    });

    it("leaves units, noise and privacy spent to the caller", () => {
      expect(codeOfChange({ units: 5n, rawCommitment: RECEIPT.responseCommitment, privacySpent: 9n })).to.equal("none");
    });

    const refusals: readonly (readonly [what: string, change: Partial<Receipt>, code: string])[] = [
      ["another node", { nodeId: otherHex(RECEIPT.nodeId) }, "NODE_NOT_ATTESTED"],
      ["another key epoch", { keyEpoch: RECEIPT.keyEpoch + 1 }, "NODE_NOT_ATTESTED"],
      ["other evidence", { evidenceHash: otherHex(RECEIPT.evidenceHash) }, "NODE_NOT_ATTESTED"],
      ["another channel", { channelId: otherHex(RECEIPT.channelId) }, "VOUCHER_INVALID"],
      ["an earlier sequence", { sequence: RECEIPT.sequence - 1n }, "VOUCHER_INVALID"],
      ["a later sequence", { sequence: RECEIPT.sequence + 1n }, "VOUCHER_INVALID"],
      ["more than was promised", { amount: VOUCHER.amount + 1n }, "VOUCHER_INVALID"],
      ["another model", { modelId: otherHex(RECEIPT.modelId) }, "MODEL_MISMATCH"],
      ["another request", { requestCommitment: otherHex(RECEIPT.requestCommitment) }, "REQUEST_MISMATCH"],
      ["another output", { responseCommitment: otherHex(RECEIPT.responseCommitment) }, "OUTPUT_MISMATCH"],
      ["a value out of range", { evidenceHash: "0x00" }, "RECEIPT_MALFORMED"],
    ];
    for (const [what, change, code] of refusals) {
      it(`refuses ${what} with ${code}`, () => {
        const receipt = { ...RECEIPT, ...change };
        const sign = (): string => codeOfChange(change);
        const actual = code === "RECEIPT_MALFORMED" ? codeOf(() => receiptDigest(DOMAIN, receipt)) : sign();
        expect(actual).to.equal(code);
      });
    }

    it("refuses a voucher that was given for another request", () => {
      const voucher = { ...VOUCHER, requestCommitment: otherHex(VOUCHER.requestCommitment) };
      expect(codeOfChange({}, { voucher })).to.equal("REQUEST_MISMATCH");
    });

    it("refuses a receipt that another key signed, before anything else", () => {
      const receipt = { ...RECEIPT, nodeId: otherHex(RECEIPT.nodeId) };
      const signature = signReceipt(DOMAIN, receipt, PAYER_KEY);
      expect(codeOf(() => checkReceipt(DOMAIN, receipt, signature, EXPECTED))).to.equal("SIGNATURE_INVALID");
    });

    it("refuses a receipt of another chain or escrow", () => {
      const signature = signReceipt({ ...DOMAIN, chainId: 1n }, RECEIPT, ENCLAVE_KEY);
      expect(codeOf(() => checkReceipt(DOMAIN, RECEIPT, signature, EXPECTED))).to.equal("SIGNATURE_INVALID");
    });
  });

  describe("parseReceipt", () => {
    it("reads what receiptToJson writes, through text", () => {
      expect(parseReceipt(JSON.parse(JSON.stringify(receiptToJson(RECEIPT))))).to.deep.equal(RECEIPT);
    });

    for (const member of Object.keys(RECEIPT)) {
      it(`refuses a receipt without ${member}, or with a wrong one`, () => {
        const { [member]: _left, ...rest } = receiptToJson(RECEIPT) as Record<string, unknown>;
        expect(codeOf(() => parseReceipt(rest))).to.equal("RECEIPT_MALFORMED");
        for (const wrong of [null, {}, "", "0x", -1, true, "1e3"])
          expect(codeOf(() => parseReceipt({ ...rest, [member]: wrong }))).to.equal("RECEIPT_MALFORMED");
      });
    }

    it("refuses an unknown member", () => {
      expect(codeOf(() => parseReceipt({ ...receiptToJson(RECEIPT), note: "" }))).to.equal("RECEIPT_MALFORMED");
    });
  });
});
