import { expect } from "chai";
import { network } from "hardhat";
import { packList, packSettlement, parseList } from "../../offchain/chain/packed.ts";
import type { Hex } from "../../offchain/encoding/bytes.ts";
import { toHex } from "../../offchain/encoding/bytes.ts";
import { listDigest, type SettlementList } from "../../offchain/receipt/settlement-list.ts";
import { as, deploy, type TestToken } from "../support/deployed.ts";
import { signing, terms as termsOf } from "../support/escrow.ts";
import type { Domain, Escrow, MockRegistry, Service, Settlement, Terms } from "../support/escrow.ts";

const { ethers, networkHelpers } = await network.create();

const THAW = 3 * 86_400;
const FUNDS = 10n ** 24n;
const REFUSAL = {
  KeyUnknown: 1,
  AboveVoucher: 2,
  AboveDeposit: 3,
  NothingDue: 4,
  ReceiptSignature: 5,
  VoucherSignature: 6,
  NotOptedIn: 7,
  AboveListCap: 8,
} as const;
const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const LIST_TYPES = {
  SettlementList: [
    { name: "nodeId", type: "bytes32" },
    { name: "keyEpoch", type: "uint32" },
    { name: "sequence", type: "uint64" },
    { name: "entries", type: "bytes" },
  ],
};

const NODE = ethers.id("node");
const OTHER_NODE = ethers.id("other node");
const key = new ethers.Wallet(ethers.id("enclave key"));
const nextKey = new ethers.Wallet(ethers.id("next enclave key"));
const service: Service = { nodeId: NODE, keyEpoch: 1n, modelId: ethers.id("model"), evidenceHash: ethers.id("proof") };

async function fixture() {
  const [, payer, other, operator, stranger] = await ethers.getSigners();
  if (!payer || !other || !operator || !stranger) throw new Error("too few accounts");
  const token = await deploy<TestToken>(ethers, "TestToken");
  const registry = await deploy<MockRegistry>(ethers, "MockNodeRegistry", [ethers.ZeroAddress]);
  const escrow = await deploy<Escrow>(ethers, "InferenceEscrow", [token, registry, THAW]);
  for (const nodeId of [NODE, OTHER_NODE]) {
    await registry.setNode(nodeId, operator, true);
    await registry.setKey(nodeId, 1n, key);
  }
  for (const account of [payer, other]) {
    await token.mint(account, FUNDS);
    await as(token, account).approve(escrow, ethers.MaxUint256);
    await as(escrow, account).deposit([{ nodeId: NODE, amount: 1000n }]);
  }
  const { chainId } = await ethers.provider.getNetwork();
  const verifyingContract = await escrow.getAddress();
  const domain: Domain = { name: "Cloister InferenceEscrow", version: "1", chainId, verifyingContract };
  return { payer, other, operator, stranger, token, registry, escrow, domain, sign: signing(ethers, domain) };
}

type Fixture = Awaited<ReturnType<typeof fixture>>;
const load = (): Promise<Fixture> => networkHelpers.loadFixture(fixture);
const idOf = (f: Fixture, account = f.payer): string => f.sign.channelId(account.address, NODE);
const spentOf = async (f: Fixture, account = f.payer): Promise<bigint> =>
  (await f.escrow.channel(account, NODE)).spent as bigint;

async function settlement(f: Fixture, amount: bigint, change: Partial<Terms> = {}, by = key): Promise<Settlement> {
  const given: Terms = { ...termsOf(ethers, f.payer.address, amount), ...change };
  const payer = given.payer === f.other.address ? f.other : f.payer;
  return {
    ...given,
    voucherSignature: await f.sign.signVoucher(payer, service, given),
    receiptSignature: await f.sign.signReceipt(by, service, given),
  };
}

/** The entry of a settlement as the worker makes it; what has no packed form is refused here. */
function entryOf(given: Settlement): string {
  const { payer, voucherAmount, voucherSignature, receiptSignature, receiptAmount, ...rest } = given;
  const receipt = { ...rest, amount: receiptAmount, keyEpoch: 1, channelId: "0x", nodeId: "0x" };
  const packed = packSettlement({
    payer: payer as Hex,
    voucherAmount,
    voucherSignature: voucherSignature as Hex,
    receipt: { ...receipt, ...service, keyEpoch: 1 } as never,
    receiptSignature: receiptSignature as Hex,
  });
  if (packed === undefined) throw new Error("the settlement has no packed form");
  return toHex(packed);
}

const batchOf = (given: readonly Settlement[], of = service, withRaw = false) => [
  { service: of, withRaw, settlements: ethers.concat(given.map(entryOf)) },
];

/** The entry with other bytes at `offset`. */
function patched(entry: string, offset: number, bytes: string): string {
  const at = 2 + 2 * offset;
  return entry.slice(0, at) + bytes.slice(2) + entry.slice(at + bytes.length - 2);
}

describe("InferenceEscrow, packed", () => {
  describe("settlePacked", () => {
    it("pays what settleBatch pays, and says so in one event of the node", async () => {
      const f = await load();
      const many = [
        await settlement(f, 10n, { units: 3n, privacySpent: 77n, sequence: 5n }),
        await settlement(f, 20n, { payer: f.other.address, voucherAmount: 30n }),
      ];
      expect(await f.escrow.settlePacked.staticCall(batchOf(many))).to.equal(30n);
      const tx = await as(f.escrow, f.stranger).settlePacked(batchOf(many));
      const [event] = await f.escrow.queryFilter("SettledPacked", tx.blockNumber ?? undefined);
      if (event === undefined || !("args" in event)) throw new Error("no event");
      expect(event.args["nodeId"]).to.equal(NODE);
      expect(parseList(event.args["settled"] as Hex)).to.deep.equal([
        { payer: f.payer.address.toLowerCase(), amount: 10n },
        { payer: f.other.address.toLowerCase(), amount: 20n },
      ]);
      expect(await f.escrow.earnings(f.operator)).to.equal(30n);
      expect([await spentOf(f), await spentOf(f, f.other)]).to.deep.equal([10n, 20n]);
    });

    it("takes commitments to outputs before noise in entries of 300 octets", async () => {
      const f = await load();
      const raw = await settlement(f, 10n, { rawCommitment: ethers.id("raw") });
      expect(await f.escrow.settlePacked.staticCall(batchOf([raw], service, true))).to.equal(10n);
      const other = patched(entryOf(raw), 268, ethers.id("other raw"));
      const batch = [{ service, withRaw: true, settlements: other }];
      await expect(f.escrow.settlePacked(batch))
        .to.emit(f.escrow, "SettlementRefused")
        .withArgs(idOf(f), REFUSAL.ReceiptSignature);
    });

    it("refuses octets that are no whole number of entries", async () => {
      const f = await load();
      const entry = entryOf(await settlement(f, 10n));
      for (const [settlements, withRaw, size] of [
        [`${entry}00`, false, 268],
        [entry.slice(0, -2), false, 268],
        [entry, true, 300],
        ["0x01", false, 268],
      ] as const) {
        await expect(f.escrow.settlePacked([{ service, withRaw, settlements }]))
          .to.be.revertedWithCustomError(f.escrow, "InferenceEscrowPackedLength")
          .withArgs(ethers.dataLength(settlements), size);
      }
    });

    it("does nothing for no batch and for an empty one", async () => {
      const f = await load();
      expect(await f.escrow.settlePacked.staticCall([])).to.equal(0n);
      await expect(f.escrow.settlePacked(batchOf([]))).not.to.emit(f.escrow, "SettledPacked");
    });

    it("leaves out what does not hold and goes on", async () => {
      const f = await load();
      const good = await settlement(f, 10n);
      const forged = await settlement(f, 11n, { payer: f.other.address }, nextKey);
      const last = await settlement(f, 13n, { payer: f.other.address, sequence: 2n });
      const given = [good, forged, good, last];
      expect(await f.escrow.settlePacked.staticCall(batchOf(given))).to.equal(23n);
      const tx = f.escrow.settlePacked(batchOf(given));
      await expect(tx).to.emit(f.escrow, "SettlementRefused").withArgs(idOf(f, f.other), REFUSAL.ReceiptSignature);
      await expect(tx).to.emit(f.escrow, "SettlementRefused").withArgs(idOf(f), REFUSAL.NothingDue);
      await expect(f.escrow.settlePacked(batchOf(given))).not.to.emit(f.escrow, "SettledPacked");
    });

    type Case = (f: Fixture) => Promise<readonly [string, Service]>;
    const refuses = (title: string, reason: keyof typeof REFUSAL, make: Case): void => {
      it(`refuses ${title}`, async () => {
        const f = await load();
        const [settlements, of] = await make(f);
        const batch = [{ service: of, withRaw: false, settlements }];
        const payer = ethers.getAddress(ethers.dataSlice(settlements, 0, 20));
        expect(await f.escrow.settlePacked.staticCall(batch)).to.equal(0n);
        await expect(f.escrow.settlePacked(batch))
          .to.emit(f.escrow, "SettlementRefused")
          .withArgs(f.sign.channelId(payer, of.nodeId), REFUSAL[reason]);
        expect(await spentOf(f)).to.equal(0n);
      });
    };
    const signed =
      (change: Partial<Terms> = {}, of: Service = service, by = key): Case =>
      async (f) => [entryOf(await settlement(f, 5n, change, by)), of];
    const changed =
      (offset: number, bytes: string): Case =>
      async (f) => [patched(entryOf(await settlement(f, 5n)), offset, bytes), service];
    /** The signature at `offset` with the other s and the other parity: the same signer by the curve. */
    const flipped =
      (offset: number): Case =>
      async (f) => {
        const entry = entryOf(await settlement(f, 5n));
        const parityAndS = BigInt(ethers.dataSlice(entry, offset + 32, offset + 64));
        const parity = parityAndS >> 255n;
        const s = ORDER - (parityAndS & (2n ** 255n - 1n));
        const high = ((1n - parity) << 255n) | (s & (2n ** 255n - 1n));
        return [patched(entry, offset + 32, ethers.toBeHex(high, 32)), service];
      };

    refuses("an epoch that never was", "KeyUnknown", signed({}, { ...service, keyEpoch: 2n }));
    refuses("an unknown node", "KeyUnknown", signed({}, { ...service, nodeId: ethers.id("?") }));
    refuses("a revoked key", "KeyUnknown", async (f) => {
      await f.registry.dropKey(NODE, 1n);
      return signed()(f);
    });
    refuses("a receipt above the voucher", "AboveVoucher", signed({ receiptAmount: 6n }));
    refuses("a voucher above the deposit", "AboveDeposit", signed({ voucherAmount: 1001n }));
    refuses("a voucher above any deposit", "AboveDeposit", signed({ voucherAmount: 2n ** 128n - 1n }));
    refuses("an amount of zero", "NothingDue", signed({ receiptAmount: 0n }));
    refuses("another node's channel", "AboveDeposit", signed({}, { ...service, nodeId: OTHER_NODE }));
    refuses("a payer of zero", "AboveDeposit", changed(0, ethers.ZeroAddress));
    refuses("another key", "ReceiptSignature", signed({}, service, nextKey));
    refuses("another sequence", "ReceiptSignature", changed(20, "0x0000000000000009"));
    refuses("another voucher amount", "VoucherSignature", changed(28, ethers.toBeHex(6n, 16)));
    refuses("another receipt amount", "ReceiptSignature", changed(44, ethers.toBeHex(4n, 16)));
    refuses("other units", "ReceiptSignature", changed(60, "0x0000000000000002"));
    refuses("other privacy spent", "ReceiptSignature", changed(68, "0x0000000000000001"));
    refuses("another request", "ReceiptSignature", changed(76, ethers.id("other request")));
    refuses("another response", "ReceiptSignature", changed(108, ethers.id("other response")));
    for (const [part, offset] of [
      ["VoucherSignature", 140],
      ["ReceiptSignature", 204],
    ] as const) {
      refuses(`a ${part} of zeros`, part, changed(offset, `0x${"00".repeat(64)}`));
      refuses(`a ${part} of ones`, part, changed(offset, `0x${"ff".repeat(64)}`));
      refuses(`a ${part} with another r`, part, changed(offset, ethers.id("r")));
      refuses(`a ${part} with a high s`, part, flipped(offset));
    }
    refuses("a voucher by another payer", "VoucherSignature", async (f) => {
      const entry = entryOf(await settlement(f, 5n));
      const other = entryOf({ ...(await settlement(f, 5n, { payer: f.other.address })), payer: f.payer.address });
      return [patched(entry, 140, ethers.dataSlice(other, 140, 204)), service];
    });
  });

  describe("allowList", () => {
    it("keeps the cap rounded down to 17 bits, and only raises it", async () => {
      const f = await load();
      const mine = as(f.escrow, f.payer);
      for (const [cap, kept] of [
        [1n, 1n],
        [131_071n, 131_071n],
        [131_073n, 131_072n],
        [10n ** 18n, ((10n ** 18n) >> 43n) << 43n],
        [2n ** 96n - 1n, (2n ** 17n - 1n) << 79n],
      ] as const) {
        await expect(mine.allowList(NODE, cap)).to.emit(f.escrow, "ListAllowed").withArgs(idOf(f), kept);
        const { deposit, spent, withdrawableAt, listCap } = await f.escrow.channel(f.payer, NODE);
        expect([deposit, spent, withdrawableAt, listCap]).to.deep.equal([1000n, 0n, 0n, kept]);
        for (const offered of [kept, kept - 1n, 0n]) {
          await expect(mine.allowList(NODE, offered))
            .to.be.revertedWithCustomError(f.escrow, "InferenceEscrowListCapNotRaised")
            .withArgs(idOf(f), kept, offered);
        }
      }
    });

    it("is refused in a closing channel, and falls with the withdrawal, also of an empty one", async () => {
      const f = await load();
      const mine = as(f.escrow, f.payer);
      await mine.allowList(NODE, 1000n);
      await f.escrow.settlePacked(batchOf([await settlement(f, 1000n)]));
      await mine.close(NODE);
      const { withdrawableAt } = await f.escrow.channel(f.payer, NODE);
      await expect(mine.allowList(NODE, 2000n))
        .to.be.revertedWithCustomError(f.escrow, "InferenceEscrowChannelClosing")
        .withArgs(idOf(f), withdrawableAt);
      await networkHelpers.time.increase(THAW);
      await mine.withdraw(NODE);
      expect((await f.escrow.channel(f.payer, NODE)).listCap).to.equal(0n);
      await expect(mine.close(NODE)).to.be.revertedWithCustomError(f.escrow, "InferenceEscrowChannelEmpty");
    });
  });

  describe("settleList", () => {
    async function listFixture() {
      const f = await fixture();
      for (const account of [f.payer, f.other]) await as(f.escrow, account).allowList(NODE, 500n);
      return f;
    }
    const loadListed = (): Promise<Fixture> => networkHelpers.loadFixture(listFixture);
    type Owed = readonly (readonly [{ readonly address: string }, bigint])[];

    const listOf = (owed: Owed, sequence: bigint, change: Partial<SettlementList> = {}): SettlementList => ({
      nodeId: NODE as Hex,
      keyEpoch: 1,
      sequence,
      entries: packList(owed.map(([{ address }, amount]) => ({ payer: address as Hex, amount }))),
      ...change,
    });
    const signList = (f: Fixture, list: SettlementList, by = key): Promise<string> =>
      by.signTypedData(f.domain, LIST_TYPES, list);
    const send = async (f: Fixture, list: SettlementList, by = key) =>
      as(f.escrow, f.stranger).settleList(list, await signList(f, list, by));

    it("pays what the enclave says, up to cap and deposit, and says so in one event", async () => {
      const f = await loadListed();
      const owed = [
        [f.payer, 7n],
        [f.other, 9n],
      ] as const;
      const tx = await send(f, listOf(owed, 4n));
      const [event] = await f.escrow.queryFilter("ListSettled", tx.blockNumber ?? undefined);
      if (event === undefined || !("args" in event)) throw new Error("no event");
      expect(event.args.slice(0, 3)).to.deep.equal([NODE, 1n, 4n]);
      expect(parseList(event.args["settled"] as Hex)).to.have.deep.members(
        owed.map(([{ address }, amount]) => ({ payer: address.toLowerCase(), amount })),
      );
      expect(await f.escrow.earnings(f.operator)).to.equal(16n);
      await send(f, listOf([[f.payer, 500n]], 5n));
      expect([await spentOf(f), await spentOf(f, f.other)]).to.deep.equal([500n, 9n]);
      expect(await f.escrow.listSequence(NODE, 1n)).to.equal(5n);
    });

    it("has the digest of signTypedData and of the off-chain code", async () => {
      const f = await loadListed();
      const list = listOf([[f.payer, 7n]], 4n);
      const digest = await f.escrow.listDigest(list);
      expect(ethers.recoverAddress(digest, await signList(f, list))).to.equal(key.address);
      const domain = { chainId: f.domain.chainId, verifyingContract: f.domain.verifyingContract as Hex };
      expect(toHex(listDigest(domain, list))).to.equal(digest);
    });

    it("and vouchers count on one counter", async () => {
      const f = await loadListed();
      await send(f, listOf([[f.payer, 40n]], 1n));
      expect(await f.escrow.settlePacked.staticCall(batchOf([await settlement(f, 50n)]))).to.equal(10n);
      expect(await f.escrow.settlePacked.staticCall(batchOf([await settlement(f, 40n)]))).to.equal(0n);
    });

    it("refuses a replay and lists in another order", async () => {
      const f = await loadListed();
      await send(f, listOf([[f.payer, 7n]], 4n));
      for (const sequence of [4n, 3n, 0n]) {
        await expect(send(f, listOf([[f.payer, 9n]], sequence)))
          .to.be.revertedWithCustomError(f.escrow, "InferenceEscrowListReplayed")
          .withArgs(NODE, 4n, sequence);
      }
    });

    it("refuses a payer named twice, and payers in another order", async () => {
      const f = await loadListed();
      const [low, high] = [f.payer.address, f.other.address].sort((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1));
      const entry = (payer = ethers.ZeroAddress, amount = 7n): string =>
        ethers.concat([payer, ethers.toBeHex(amount, 12)]);
      for (const [first, second] of [
        [low, low],
        [high, low],
        [ethers.ZeroAddress, ethers.ZeroAddress],
      ]) {
        const entries = ethers.concat([entry(first), entry(second, 8n)]) as Hex;
        await expect(send(f, listOf([], 4n, { entries }))).to.be.revertedWithCustomError(
          f.escrow,
          "InferenceEscrowListNotAscending",
        );
      }
      expect(await f.escrow.listSequence(NODE, 1n)).to.equal(0n);
    });

    it("refuses octets that are no whole number of entries", async () => {
      const f = await loadListed();
      const list = listOf([[f.payer, 7n]], 4n);
      await expect(send(f, { ...list, entries: `${list.entries}00` }))
        .to.be.revertedWithCustomError(f.escrow, "InferenceEscrowPackedLength")
        .withArgs(33, 32);
    });

    it("refuses an unknown epoch and a revoked key", async () => {
      const f = await loadListed();
      const unknown = send(f, listOf([[f.payer, 7n]], 4n, { keyEpoch: 2 }));
      await expect(unknown)
        .to.be.revertedWithCustomError(f.escrow, "InferenceEscrowListRefused")
        .withArgs(NODE, REFUSAL.KeyUnknown);
      await f.registry.dropKey(NODE, 1n);
      await expect(send(f, listOf([[f.payer, 7n]], 4n)))
        .to.be.revertedWithCustomError(f.escrow, "InferenceEscrowListRefused")
        .withArgs(NODE, REFUSAL.KeyUnknown);
    });

    it("refuses another signer and anything that is not as signed", async () => {
      const f = await loadListed();
      const list = listOf([[f.payer, 7n]], 4n);
      const signature = await signList(f, list);
      const others: readonly (readonly [SettlementList, string])[] = [
        [list, await signList(f, list, nextKey)],
        [list, "0x"],
        [{ ...list, sequence: 5n }, signature],
        [{ ...list, nodeId: OTHER_NODE as Hex }, signature],
        [listOf([[f.payer, 8n]], 4n), signature],
        [listOf([], 4n), signature],
      ];
      for (const [given, by] of others) {
        await expect(f.escrow.settleList(given, by))
          .to.be.revertedWithCustomError(f.escrow, "InferenceEscrowListRefused")
          .withArgs(given.nodeId, REFUSAL.ReceiptSignature);
      }
    });

    it("counts the sequences of each key epoch for itself", async () => {
      const f = await loadListed();
      await f.registry.setKey(NODE, 2n, nextKey);
      await send(f, listOf([[f.payer, 7n]], 4n));
      await send(f, listOf([[f.payer, 9n]], 1n, { keyEpoch: 2 }), nextKey);
      expect(await spentOf(f)).to.equal(9n);
    });

    it("leaves out who did not opt in, more than the cap or the deposit, and what is paid (trap 38)", async () => {
      const f = await loadListed();
      const refused = async (owed: Owed, sequence: bigint, reason: keyof typeof REFUSAL, id: string) => {
        const tx = send(f, listOf(owed, sequence));
        await expect(tx).to.emit(f.escrow, "SettlementRefused").withArgs(id, REFUSAL[reason]);
        await expect(tx).not.to.emit(f.escrow, "ListSettled");
      };
      await refused([[f.stranger, 1n]], 1n, "NotOptedIn", idOf(f, f.stranger));
      await refused([[f.payer, 501n]], 2n, "AboveListCap", idOf(f));
      await as(f.escrow, f.payer).allowList(NODE, 2000n);
      await refused([[f.payer, 1001n]], 3n, "AboveDeposit", idOf(f));
      await refused([[f.payer, 0n]], 4n, "NothingDue", idOf(f));
      await send(
        f,
        listOf(
          [
            [f.payer, 1000n],
            [f.stranger, 1n],
          ],
          5n,
        ),
      );
      expect(await spentOf(f)).to.equal(1000n);
    });

    it("can settle until the withdrawal, and never after it", async () => {
      const f = await loadListed();
      const mine = as(f.escrow, f.payer);
      await mine.close(NODE);
      await send(f, listOf([[f.payer, 7n]], 1n));
      await networkHelpers.time.increase(THAW);
      await mine.withdraw(NODE);
      await mine.deposit([{ nodeId: NODE, amount: 100n }]);
      await expect(send(f, listOf([[f.payer, 9n]], 2n)))
        .to.emit(f.escrow, "SettlementRefused")
        .withArgs(idOf(f), REFUSAL.NotOptedIn);
    });
  });
});
