import { expect } from "chai";
import type { ContractTransactionResponse } from "ethers";
import { network } from "hardhat";
import { toHex } from "../../offchain/encoding/bytes.ts";
import { receiptDigest } from "../../offchain/receipt/receipt.ts";
import { channelId, voucherDigest } from "../../offchain/receipt/voucher.ts";
import { as, deploy } from "../support/deployed.ts";
import type { AccessManager, Deployed, HostileToken, NodeStake, TestToken } from "../support/deployed.ts";
import { signing, terms as termsOf } from "../support/escrow.ts";
import type { Domain, Escrow, MockRegistry, Service, Settlement, Terms } from "../support/escrow.ts";
import { RECEIPT, VOUCHER, PAYER, NODE_ID } from "../support/receipts.ts";

const { ethers, networkHelpers } = await network.create();

const DAY = 86_400;
const THAW = BigInt(7 * DAY);
const UNIT = 10n ** 18n;
const FUNDS = 10_000n * UNIT;

const REFUSAL = {
  None: 0,
  KeyUnknown: 1,
  AboveVoucher: 2,
  AboveDeposit: 3,
  NothingDue: 4,
  ReceiptSignature: 5,
  VoucherSignature: 6,
} as const;

const NODE_A = ethers.id("node a");
const NODE_A2 = ethers.id("second node of operator a");
const NODE_B = ethers.id("node b");
const keyA = new ethers.Wallet(ethers.id("enclave key a"));
const keyA2 = new ethers.Wallet(ethers.id("enclave key a2"));
const keyB = new ethers.Wallet(ethers.id("enclave key b"));
const serviceA: Service = {
  nodeId: NODE_A,
  keyEpoch: 1n,
  modelId: ethers.id("model"),
  evidenceHash: ethers.id("evidence a"),
};
const serviceA2: Service = { ...serviceA, nodeId: NODE_A2, evidenceHash: ethers.id("evidence a2") };
const serviceB: Service = { ...serviceA, nodeId: NODE_B, keyEpoch: 3n, evidenceHash: ethers.id("evidence b") };

type Token = TestToken & Deployed<"name">;

async function fixture() {
  const [deployer, payer, other, operatorA, operatorB, stranger] = await ethers.getSigners();
  if (!deployer || !payer || !other || !operatorA || !operatorB || !stranger) throw new Error("too few accounts");
  const token = await deploy<Token>(ethers, "TestToken");
  const manager = await deploy<AccessManager>(ethers, "AccessManager", [deployer]);
  const stake = await deploy<NodeStake>(ethers, "NodeStake", [manager, token, 21 * DAY, 5000]);
  const registry = await deploy<MockRegistry>(ethers, "MockNodeRegistry", [stake]);
  const escrow = await deploy<Escrow>(ethers, "InferenceEscrow", [token, registry, THAW]);
  await stake.addLock(registry);
  await registry.setNode(NODE_A, operatorA, true);
  await registry.setNode(NODE_A2, operatorA, true);
  await registry.setNode(NODE_B, operatorB, true);
  await registry.setKey(NODE_A, serviceA.keyEpoch, keyA);
  await registry.setKey(NODE_A2, serviceA2.keyEpoch, keyA2);
  await registry.setKey(NODE_B, serviceB.keyEpoch, keyB);
  for (const account of [payer, other]) {
    await token.mint(account, FUNDS);
    await as(token, account).approve(escrow, ethers.MaxUint256);
  }
  const { chainId } = await ethers.provider.getNetwork();
  const domain: Domain = {
    name: "Cloister InferenceEscrow",
    version: "1",
    chainId,
    verifyingContract: await escrow.getAddress(),
  };
  const sign = signing(ethers, domain);
  return { payer, other, operatorA, operatorB, stranger, token, registry, stake, escrow, domain, sign };
}

const registryErrors = new ethers.Interface([
  "error NodeRegistryUnknownNode(bytes32 nodeId)",
  "error NodeRegistryNotKeyOf(bytes32 nodeId, address signingKey)",
  "error NodeRegistryWrongStatus(bytes32 nodeId, uint8 status)",
]);

type Fixture = Awaited<ReturnType<typeof fixture>>;
const load = (): Promise<Fixture> => networkHelpers.loadFixture(fixture);

/** The terms of a request of `payer` for `amount`. */
const terms = (f: Fixture, amount: bigint, changes: Partial<Terms> = {}): Terms => ({
  ...termsOf(ethers, f.payer.address, amount),
  ...changes,
});

interface Signers {
  readonly payer?: Parameters<Fixture["sign"]["signVoucher"]>[0];
  readonly key?: Parameters<Fixture["sign"]["signReceipt"]>[0];
}

/** A settlement with both signatures, by `payer` and by key a unless told otherwise. */
async function settlement(f: Fixture, service: Service, given: Terms, signers: Signers = {}): Promise<Settlement> {
  return {
    ...given,
    voucherSignature: await f.sign.signVoucher(signers.payer ?? f.payer, service, given),
    receiptSignature: await f.sign.signReceipt(signers.key ?? keyA, service, given),
  };
}

const open = (f: Fixture, amount: bigint, nodeId = NODE_A) =>
  as(f.escrow, f.payer).deposit([{ nodeId, amount }]) as Promise<ContractTransactionResponse>;

async function settled(f: Fixture, amount: bigint, changes: Partial<Terms> = {}): Promise<void> {
  await f.escrow.settle(serviceA, await settlement(f, serviceA, terms(f, amount, changes)));
}

async function channelOf(f: Fixture, nodeId = NODE_A, payer = f.payer.address) {
  const { deposit, spent, withdrawableAt } = await f.escrow.channel(payer, nodeId);
  return { deposit, spent, withdrawableAt };
}

const idOf = (f: Fixture, nodeId = NODE_A, payer = f.payer.address): string => f.sign.channelId(payer, nodeId);

async function thawed(f: Fixture, nodeId = NODE_A): Promise<void> {
  await as(f.escrow, f.payer).close(nodeId);
  await networkHelpers.time.increase(THAW);
}

describe("InferenceEscrow", () => {
  describe("constructor", () => {
    it("keeps what it was made with", async () => {
      const f = await load();
      expect(await f.escrow.token()).to.equal(await f.token.getAddress());
      expect(await f.escrow.registry()).to.equal(await f.registry.getAddress());
      expect(await f.escrow.thaw()).to.equal(THAW);
    });

    it("refuses an address of zero", async () => {
      const f = await load();
      const given = [f.token, f.registry];
      for (let i = 0; i < given.length; i++) {
        const addresses = given.map((contract, at) => (at === i ? ethers.ZeroAddress : contract));
        await expect(ethers.deployContract("InferenceEscrow", [...addresses, THAW])).to.be.revertedWithCustomError(
          f.escrow,
          "InferenceEscrowZeroAddress",
        );
      }
    });

    it("refuses a thaw of zero or of more than a year", async () => {
      const f = await load();
      for (const thaw of [0, 365 * DAY + 1]) {
        await expect(ethers.deployContract("InferenceEscrow", [f.token, f.registry, thaw]))
          .to.be.revertedWithCustomError(f.escrow, "InferenceEscrowInvalidThaw")
          .withArgs(thaw);
      }
    });
  });

  describe("voucherDigest, receiptDigest, channelId", () => {
    it("agree with signTypedData", async () => {
      const f = await load();
      const given = terms(f, 7n, { privacySpent: 12n, rawCommitment: ethers.id("raw"), units: 3n });
      const voucher = await f.escrow.voucherDigest(f.sign.voucher(serviceB, given));
      const receipt = await f.escrow.receiptDigest(f.sign.receipt(serviceB, given));
      const byPayer = await f.sign.signVoucher(f.payer, serviceB, given);
      const byKey = await f.sign.signReceipt(keyB, serviceB, given);
      expect(ethers.recoverAddress(voucher, byPayer)).to.equal(f.payer.address);
      expect(ethers.recoverAddress(receipt, byKey)).to.equal(keyB.address);
      expect(await f.escrow.channelId(f.payer, NODE_A)).to.equal(idOf(f));
    });

    it("agree with the off-chain code", async () => {
      const f = await load();
      const domain = { chainId: f.domain.chainId, verifyingContract: f.domain.verifyingContract as `0x${string}` };
      expect(await f.escrow.voucherDigest(VOUCHER)).to.equal(toHex(voucherDigest(domain, VOUCHER)));
      expect(await f.escrow.receiptDigest(RECEIPT)).to.equal(toHex(receiptDigest(domain, RECEIPT)));
      expect(await f.escrow.channelId(PAYER, NODE_ID)).to.equal(channelId(PAYER, NODE_ID));
    });
  });

  describe("deposit", () => {
    it("opens several channels, of several operators, with one transfer", async () => {
      const f = await load();
      const deposits = [
        { nodeId: NODE_A, amount: 5n },
        { nodeId: NODE_B, amount: 7n },
        { nodeId: NODE_A, amount: 1n },
      ];
      const tx = as(f.escrow, f.payer).deposit(deposits);
      await expect(tx).to.emit(f.escrow, "ChannelFunded").withArgs(idOf(f), f.payer, NODE_A, 5n, 5n);
      await expect(tx).to.emit(f.escrow, "ChannelFunded").withArgs(idOf(f, NODE_B), f.payer, NODE_B, 7n, 7n);
      await expect(tx).to.emit(f.escrow, "ChannelFunded").withArgs(idOf(f), f.payer, NODE_A, 1n, 6n);
      await expect(tx).to.emit(f.token, "Transfer").withArgs(f.payer, f.escrow, 13n);
      await expect(tx).to.changeTokenBalances(ethers, f.token, [f.payer, f.escrow], [-13n, 13n]);
      expect(await channelOf(f)).to.deep.equal({ deposit: 6n, spent: 0n, withdrawableAt: 0n });
      expect(await channelOf(f, NODE_B)).to.deep.equal({ deposit: 7n, spent: 0n, withdrawableAt: 0n });
    });

    it("refuses an amount of zero", async () => {
      const f = await load();
      await expect(open(f, 0n)).to.be.revertedWithCustomError(f.escrow, "InferenceEscrowZeroAmount").withArgs(NODE_A);
    });

    it("opens no channel to a node that is not active, alone or among others", async () => {
      const f = await load();
      await f.registry.setNode(NODE_B, f.operatorB, false);
      const deposits = [NODE_A, NODE_B].map((nodeId) => ({ nodeId, amount: 5n }));
      for (const given of [deposits, deposits.slice(1)]) {
        await expect(as(f.escrow, f.payer).deposit(given))
          .to.be.revertedWithCustomError(f.escrow, "InferenceEscrowNodeInactive")
          .withArgs(NODE_B);
      }
      expect((await channelOf(f)).deposit).to.equal(0n);
    });

    it("tops a channel with a rest up though its node is not active, and no spent one", async () => {
      const f = await load();
      await open(f, 10n);
      await f.registry.setNode(NODE_A, f.operatorA, false);
      await open(f, 5n);
      expect((await channelOf(f)).deposit).to.equal(15n);
      await settled(f, 15n);
      await expect(open(f, 5n)).to.be.revertedWithCustomError(f.escrow, "InferenceEscrowNodeInactive").withArgs(NODE_A);
    });

    it("tops no closing channel up", async () => {
      const f = await load();
      await open(f, 10n);
      await as(f.escrow, f.payer).close(NODE_A);
      const { withdrawableAt } = await channelOf(f);
      await expect(open(f, 1n))
        .to.be.revertedWithCustomError(f.escrow, "InferenceEscrowChannelClosing")
        .withArgs(idOf(f), withdrawableAt);
    });

    it("refuses more than a channel can hold", async () => {
      const f = await load();
      const most = 2n ** 96n - 1n;
      await f.token.mint(f.payer, most);
      await open(f, most);
      expect((await channelOf(f)).deposit).to.equal(most);
      await expect(open(f, 1n)).to.be.revertedWithPanic(0x11);
    });

    it("refuses without allowance or balance", async () => {
      const f = await load();
      await as(f.token, f.payer).approve(f.escrow, 4n);
      await expect(open(f, 5n))
        .to.be.revertedWithCustomError(f.token, "ERC20InsufficientAllowance")
        .withArgs(f.escrow, 4n, 5n);
      await expect(as(f.escrow, f.other).deposit([{ nodeId: NODE_A, amount: FUNDS + 1n }]))
        .to.be.revertedWithCustomError(f.token, "ERC20InsufficientBalance")
        .withArgs(f.other, FUNDS, FUNDS + 1n);
    });

    it("does nothing for an empty list", async () => {
      const f = await load();
      await expect(as(f.escrow, f.payer).deposit([])).to.changeTokenBalance(ethers, f.token, f.escrow, 0n);
    });
  });

  describe("depositWithPermit", () => {
    const DEADLINE = ethers.MaxUint256;

    async function permit(f: Fixture, value: bigint, owner = f.payer) {
      const types = {
        Permit: [
          { name: "owner", type: "address" },
          { name: "spender", type: "address" },
          { name: "value", type: "uint256" },
          { name: "nonce", type: "uint256" },
          { name: "deadline", type: "uint256" },
        ],
      };
      const domain = { ...f.domain, name: await f.token.name(), verifyingContract: await f.token.getAddress() };
      const message = {
        owner: owner.address,
        spender: await f.escrow.getAddress(),
        value,
        nonce: await f.token.nonces(owner),
        deadline: DEADLINE,
      };
      return ethers.Signature.from(await owner.signTypedData(domain, types, message));
    }

    const deposits = [
      { nodeId: NODE_A, amount: 5n },
      { nodeId: NODE_B, amount: 7n },
    ];

    it("opens channels without an approval", async () => {
      const f = await load();
      await as(f.token, f.payer).approve(f.escrow, 0n);
      const { v, r, s } = await permit(f, 12n);
      const tx = as(f.escrow, f.payer).depositWithPermit(deposits, DEADLINE, v, r, s);
      await expect(tx).to.changeTokenBalances(ethers, f.token, [f.payer, f.escrow], [-12n, 12n]);
      expect((await channelOf(f, NODE_B)).deposit).to.equal(7n);
    });

    it("opens channels though somebody used the permit first", async () => {
      const f = await load();
      await as(f.token, f.payer).approve(f.escrow, 0n);
      const { v, r, s } = await permit(f, 12n);
      await as(f.token, f.stranger).permit(f.payer, f.escrow, 12n, DEADLINE, v, r, s);
      const tx = as(f.escrow, f.payer).depositWithPermit(deposits, DEADLINE, v, r, s);
      await expect(tx).to.changeTokenBalances(ethers, f.token, [f.payer, f.escrow], [-12n, 12n]);
    });

    it("refuses another's permit, one for less, and one that has lapsed", async () => {
      const f = await load();
      await as(f.token, f.payer).approve(f.escrow, 11n);
      const lapsed = { ...(await permit(f, 12n)).toJSON(), deadline: 1n };
      for (const given of [await permit(f, 12n, f.other), await permit(f, 11n), lapsed]) {
        const { r, s, v } = ethers.Signature.from({ r: given.r, s: given.s, v: given.v });
        const deadline = "deadline" in given ? given.deadline : DEADLINE;
        await expect(as(f.escrow, f.payer).depositWithPermit(deposits, deadline, v, r, s))
          .to.be.revertedWithCustomError(f.escrow, "InferenceEscrowPermitRefused")
          .withArgs(12n, 11n);
      }
    });
  });

  describe("close and reopen", () => {
    it("start the thaw and stop it", async () => {
      const f = await load();
      await open(f, 10n);
      const closing = await as(f.escrow, f.payer).close(NODE_A);
      const at = BigInt(await networkHelpers.time.latest()) + THAW;
      await expect(closing).to.emit(f.escrow, "ChannelClosing").withArgs(idOf(f), at);
      expect((await channelOf(f)).withdrawableAt).to.equal(at);
      await expect(as(f.escrow, f.payer).reopen(NODE_A)).to.emit(f.escrow, "ChannelReopened").withArgs(idOf(f));
      expect(await channelOf(f)).to.deep.equal({ deposit: 10n, spent: 0n, withdrawableAt: 0n });
      await open(f, 1n);
      await expect(as(f.escrow, f.payer).withdraw(NODE_A)).to.be.revertedWithCustomError(
        f.escrow,
        "InferenceEscrowChannelNotClosing",
      );
    });

    it("cannot close twice, which would not even restart the clock", async () => {
      const f = await load();
      await open(f, 10n);
      await as(f.escrow, f.payer).close(NODE_A);
      const { withdrawableAt } = await channelOf(f);
      await expect(as(f.escrow, f.payer).close(NODE_A))
        .to.be.revertedWithCustomError(f.escrow, "InferenceEscrowChannelClosing")
        .withArgs(idOf(f), withdrawableAt);
    });

    it("are the payer's alone: another's call is about its own channel", async () => {
      const f = await load();
      await open(f, 10n);
      for (const caller of [f.stranger, f.operatorA]) {
        await expect(as(f.escrow, caller).close(NODE_A))
          .to.be.revertedWithCustomError(f.escrow, "InferenceEscrowChannelEmpty")
          .withArgs(idOf(f, NODE_A, caller.address));
      }
    });

    it("refuse a channel without a rest", async () => {
      const f = await load();
      await open(f, 10n);
      await settled(f, 10n);
      await expect(as(f.escrow, f.payer).close(NODE_A))
        .to.be.revertedWithCustomError(f.escrow, "InferenceEscrowChannelEmpty")
        .withArgs(idOf(f));
    });

    it("refuse to reopen what is not closing", async () => {
      const f = await load();
      await open(f, 10n);
      await expect(as(f.escrow, f.payer).reopen(NODE_A))
        .to.be.revertedWithCustomError(f.escrow, "InferenceEscrowChannelNotClosing")
        .withArgs(idOf(f));
    });
  });

  describe("withdraw and withdrawMany", () => {
    it("pay the rest back after the thaw, to the second", async () => {
      const f = await load();
      await open(f, 10n);
      await settled(f, 4n);
      await as(f.escrow, f.payer).close(NODE_A);
      const { withdrawableAt } = await channelOf(f);
      await networkHelpers.time.setNextBlockTimestamp(withdrawableAt - 1n);
      await expect(as(f.escrow, f.payer).withdraw(NODE_A))
        .to.be.revertedWithCustomError(f.escrow, "InferenceEscrowChannelThawing")
        .withArgs(idOf(f), withdrawableAt);
      await networkHelpers.time.setNextBlockTimestamp(withdrawableAt);
      const tx = as(f.escrow, f.payer).withdraw(NODE_A);
      await expect(tx).to.emit(f.escrow, "ChannelWithdrawn").withArgs(idOf(f), 6n);
      await expect(tx).to.changeTokenBalances(ethers, f.token, [f.payer, f.escrow], [6n, -6n]);
      expect(await channelOf(f)).to.deep.equal({ deposit: 4n, spent: 4n, withdrawableAt: 0n });
    });

    it("need nobody's help: not the node's, nor the registry's", async () => {
      const f = await load();
      await open(f, 10n);
      await f.registry.setNode(NODE_A, f.operatorA, false);
      await f.registry.convict(NODE_A, keyA, f.stranger);
      await thawed(f);
      await expect(as(f.escrow, f.payer).withdraw(NODE_A)).to.changeTokenBalance(ethers, f.token, f.payer, 10n);
    });

    it("leave the node what it settles during the thaw and after it", async () => {
      const f = await load();
      await open(f, 10n);
      await as(f.escrow, f.payer).close(NODE_A);
      await settled(f, 3n);
      await networkHelpers.time.increase(THAW);
      await settled(f, 5n, { sequence: 2n });
      await expect(as(f.escrow, f.payer).withdraw(NODE_A)).to.changeTokenBalance(ethers, f.token, f.payer, 5n);
      expect(await f.escrow.earnings(f.operatorA)).to.equal(5n);
    });

    it("pay nothing where all was settled during the thaw, and leave the channel open to deposits", async () => {
      const f = await load();
      await open(f, 10n);
      await thawed(f);
      await settled(f, 10n);
      await expect(as(f.escrow, f.payer).withdraw(NODE_A)).to.changeTokenBalance(ethers, f.token, f.payer, 0n);
      await open(f, 1n);
      expect(await channelOf(f)).to.deep.equal({ deposit: 11n, spent: 10n, withdrawableAt: 0n });
    });

    it("pay once", async () => {
      const f = await load();
      await open(f, 10n);
      await thawed(f);
      await as(f.escrow, f.payer).withdraw(NODE_A);
      await expect(as(f.escrow, f.payer).withdraw(NODE_A))
        .to.be.revertedWithCustomError(f.escrow, "InferenceEscrowChannelNotClosing")
        .withArgs(idOf(f));
    });

    it("pay many channels with one transfer, or none", async () => {
      const f = await load();
      await open(f, 10n);
      await open(f, 20n, NODE_B);
      await open(f, 40n, NODE_A2);
      await as(f.escrow, f.payer).close(NODE_A);
      await thawed(f, NODE_B);
      const many = [NODE_A, NODE_B];
      for (const bad of [
        [...many, NODE_A2],
        [...many, NODE_A],
      ]) {
        await expect(as(f.escrow, f.payer).withdrawMany(bad))
          .to.be.revertedWithCustomError(f.escrow, "InferenceEscrowChannelNotClosing")
          .withArgs(idOf(f, bad[2]));
      }
      const tx = as(f.escrow, f.payer).withdrawMany(many);
      await expect(tx).to.changeTokenBalances(ethers, f.token, [f.payer, f.escrow], [30n, -30n]);
      await expect(tx).to.emit(f.token, "Transfer").withArgs(f.escrow, f.payer, 30n);
    });
  });

  describe("settle", () => {
    it("credits the operator with the difference to what was settled before", async () => {
      const f = await load();
      await open(f, 10n);
      const first = await settlement(f, serviceA, terms(f, 3n, { units: 2n, privacySpent: 9n }));
      await expect(as(f.escrow, f.stranger).settle(serviceA, first))
        .to.emit(f.escrow, "Settled")
        .withArgs(idOf(f), 1n, 3n, 2n, 9n);
      const later = terms(f, 9n, { sequence: 7n, receiptAmount: 8n });
      const second = await settlement(f, serviceA, later);
      expect(await f.escrow.settle.staticCall(serviceA, second)).to.equal(5n);
      await expect(f.escrow.settle(serviceA, second)).to.emit(f.escrow, "Settled").withArgs(idOf(f), 7n, 5n, 1n, 0n);
      expect(await f.escrow.earnings(f.operatorA)).to.equal(8n);
      expect(await channelOf(f)).to.deep.equal({ deposit: 10n, spent: 8n, withdrawableAt: 0n });
    });

    it("moves no token before the operator withdraws", async () => {
      const f = await load();
      await open(f, 10n);
      const given = await settlement(f, serviceA, terms(f, 10n));
      await expect(f.escrow.settle(serviceA, given)).to.changeTokenBalance(ethers, f.token, f.escrow, 0n);
    });

    const refuses = (
      title: string,
      reason: keyof typeof REFUSAL,
      make: (f: Fixture) => Promise<readonly [Service, Settlement]>,
    ): void => {
      it(`refuses ${title}`, async () => {
        const f = await load();
        await open(f, 10n);
        await settled(f, 1n);
        const [service, given] = await make(f);
        await expect(f.escrow.settle(service, given))
          .to.be.revertedWithCustomError(f.escrow, "InferenceEscrowSettlementRefused")
          .withArgs(idOf(f, service.nodeId, given.payer), REFUSAL[reason]);
        expect(await f.escrow.settleBatch.staticCall([{ service, settlements: [given] }])).to.deep.equal([0n]);
        await expect(f.escrow.settleBatch([{ service, settlements: [given] }]))
          .to.emit(f.escrow, "SettlementRefused")
          .withArgs(idOf(f, service.nodeId, given.payer), REFUSAL[reason]);
        expect((await channelOf(f)).spent).to.equal(1n);
        expect(await f.escrow.earnings(f.operatorA)).to.equal(1n);
      });
    };

    /** Signs `given`, then says `said` instead. */
    const said =
      (service: Service, given: Partial<Terms>, change: Partial<Settlement>, signers?: Signers) => async (f: Fixture) =>
        [service, { ...(await settlement(f, service, terms(f, 5n, given), signers)), ...change }] as const;
    const otherDomain =
      (change: (f: Fixture) => Partial<Domain>, part: "voucherSignature" | "receiptSignature") =>
      async (f: Fixture) => {
        const foreign = signing(ethers, { ...f.domain, ...change(f) });
        const given = terms(f, 5n);
        const signature =
          part === "voucherSignature"
            ? await foreign.signVoucher(f.payer, serviceA, given)
            : await foreign.signReceipt(keyA, serviceA, given);
        return [serviceA, { ...(await settlement(f, serviceA, given)), [part]: signature }] as const;
      };

    describe("keys", () => {
      refuses("a receipt by a key that was never attested", "ReceiptSignature", said(serviceA, {}, {}, { key: keyB }));
      refuses("a receipt by the payer", "ReceiptSignature", async (f) => said(serviceA, {}, {}, { key: f.payer })(f));
      refuses("a receipt of a key epoch that never was", "KeyUnknown", said({ ...serviceA, keyEpoch: 2n }, {}, {}));
      refuses("a receipt of epoch zero", "KeyUnknown", said({ ...serviceA, keyEpoch: 0n }, {}, {}));
      refuses("a receipt of an unknown node", "KeyUnknown", said({ ...serviceA, nodeId: ethers.id("?") }, {}, {}));
      refuses("a receipt by a revoked key", "KeyUnknown", async (f) => {
        await f.registry.dropKey(NODE_A, 1n);
        return said(serviceA, {}, {})(f);
      });
      refuses("a receipt by the new key in the old epoch", "ReceiptSignature", async (f) => {
        await f.registry.setKey(NODE_A, 2n, keyA2);
        return said(serviceA, {}, {}, { key: keyA2 })(f);
      });
      refuses("a receipt by the old key in the new epoch", "ReceiptSignature", async (f) => {
        await f.registry.setKey(NODE_A, 2n, keyA2);
        return said({ ...serviceA, keyEpoch: 2n }, {}, {})(f);
      });
      refuses("a receipt by a rotated key after the overlap", "KeyUnknown", async (f) => {
        await f.registry.setKey(NODE_A, 2n, keyA2);
        await f.registry.dropKey(NODE_A, 1n);
        return said(serviceA, {}, {})(f);
      });

      it("takes a receipt by a rotated key inside the overlap, and the new key's", async () => {
        const f = await load();
        await open(f, 10n);
        await f.registry.setKey(NODE_A, 2n, keyA2);
        await settled(f, 2n);
        const next: Service = { ...serviceA, keyEpoch: 2n };
        await f.escrow.settle(next, await settlement(f, next, terms(f, 3n), { key: keyA2 }));
        expect((await channelOf(f)).spent).to.equal(3n);
      });

      it("takes receipts of a node that is not active any more while its key holds", async () => {
        const f = await load();
        await open(f, 10n);
        await f.registry.setNode(NODE_A, f.operatorA, false);
        await settled(f, 2n);
        expect(await f.escrow.earnings(f.operatorA)).to.equal(2n);
      });
    });

    describe("amounts", () => {
      refuses("a receipt above the voucher", "AboveVoucher", said(serviceA, { receiptAmount: 6n }, {}));
      refuses("a voucher above the deposit", "AboveDeposit", said(serviceA, { voucherAmount: 11n }, {}));
      refuses("a voucher above any deposit", "AboveDeposit", said(serviceA, { voucherAmount: 2n ** 128n - 1n }, {}));
      refuses("what was settled before", "NothingDue", said(serviceA, { voucherAmount: 1n, receiptAmount: 1n }, {}));
      refuses("less than was settled before", "NothingDue", said(serviceA, { receiptAmount: 0n }, {}));
      refuses("a channel that was never opened", "AboveDeposit", async (f) => said(serviceB, {}, {}, { key: keyB })(f));
    });

    describe("signatures", () => {
      const members: readonly [string, Partial<Settlement>][] = [
        ["sequence", { sequence: 2n }],
        ["receipt amount", { receiptAmount: 4n }],
        ["request", { requestCommitment: ethers.ZeroHash }],
        ["response", { responseCommitment: ethers.ZeroHash }],
        ["raw commitment", { rawCommitment: ethers.id("raw") }],
        ["units", { units: 2n }],
        ["privacy spent", { privacySpent: 1n }],
      ];
      for (const [name, change] of members) {
        refuses(`another ${name} than the receipt's`, "ReceiptSignature", said(serviceA, {}, change));
      }
      refuses("another amount than the voucher's", "VoucherSignature", said(serviceA, {}, { voucherAmount: 6n }));
      for (const change of [{ modelId: ethers.id("other model") }, { evidenceHash: ethers.ZeroHash }]) {
        refuses(`another ${Object.keys(change)[0]} than the receipt's`, "ReceiptSignature", async (f) => {
          const [, given] = await said(serviceA, {}, {})(f);
          return [{ ...serviceA, ...change }, given];
        });
      }
      for (const change of [
        { sequence: 2n },
        { requestCommitment: ethers.id("other request") },
        { voucherAmount: 9n },
      ] as const) {
        refuses(`a voucher with another ${Object.keys(change)[0]} than the receipt`, "VoucherSignature", async (f) => {
          const [, given] = await said(serviceA, {}, {})(f);
          const voucherSignature = await f.sign.signVoucher(f.payer, serviceA, { ...terms(f, 5n), ...change });
          return [serviceA, { ...given, voucherSignature }];
        });
      }
      for (const change of [{ keyEpoch: 2n }, { modelId: ethers.id("other model") }, { nodeId: NODE_B }] as const) {
        refuses(`a voucher with another ${Object.keys(change)[0]}`, "VoucherSignature", async (f) => {
          const [, given] = await said(serviceA, {}, {})(f);
          const voucherSignature = await f.sign.signVoucher(f.payer, { ...serviceA, ...change }, terms(f, 5n));
          return [serviceA, { ...given, voucherSignature }];
        });
      }
      refuses("a voucher by another payer", "VoucherSignature", async (f) =>
        said(serviceA, {}, {}, { payer: f.other })(f),
      );
      refuses("a voucher by the operator", "VoucherSignature", async (f) =>
        said(serviceA, {}, {}, { payer: f.operatorA })(f),
      );
      for (const part of ["voucherSignature", "receiptSignature"] as const) {
        const reason = part === "voucherSignature" ? "VoucherSignature" : "ReceiptSignature";
        refuses(
          `a ${part} of another chain`,
          reason,
          otherDomain(() => ({ chainId: 1n }), part),
        );
        refuses(
          `a ${part} of another contract`,
          reason,
          otherDomain((f) => ({ verifyingContract: f.stranger.address }), part),
        );
        refuses(
          `a ${part} of another name`,
          reason,
          otherDomain(() => ({ name: "Cloister NodeRegistry" }), part),
        );
        refuses(
          `a ${part} of another version`,
          reason,
          otherDomain(() => ({ version: "2" }), part),
        );
        refuses(`an empty ${part}`, reason, said(serviceA, {}, { [part]: "0x" }));
        refuses(`a ${part} of zeros`, reason, said(serviceA, {}, { [part]: `0x${"00".repeat(65)}` }));
        refuses(`a ${part} one byte too long`, reason, async (f) => {
          const [, given] = await said(serviceA, {}, {})(f);
          return [serviceA, { ...given, [part]: `${given[part]}00` }];
        });
        refuses(`a ${part} with a high s`, reason, async (f) => {
          const [, given] = await said(serviceA, {}, {})(f);
          const { r, s, v } = ethers.Signature.from(given[part]);
          const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
          const high = ethers.toBeHex(order - BigInt(s), 32);
          return [serviceA, { ...given, [part]: ethers.concat([r, high, v === 27 ? "0x1c" : "0x1b"]) }];
        });
      }
      refuses("a payer of zero", "AboveDeposit", said(serviceA, { payer: ethers.ZeroAddress }, {}));
    });

    it("refuses the vouchers of before after a withdrawal and another deposit, as far as they were settled", async () => {
      const f = await load();
      await open(f, 10n);
      const old = await settlement(f, serviceA, terms(f, 6n));
      await f.escrow.settle(serviceA, old);
      await thawed(f);
      await as(f.escrow, f.payer).withdraw(NODE_A);
      await expect(f.escrow.settle(serviceA, await settlement(f, serviceA, terms(f, 7n))))
        .to.be.revertedWithCustomError(f.escrow, "InferenceEscrowSettlementRefused")
        .withArgs(idOf(f), REFUSAL.AboveDeposit);
      await open(f, 10n);
      expect(await channelOf(f)).to.deep.equal({ deposit: 16n, spent: 6n, withdrawableAt: 0n });
      await expect(f.escrow.settle(serviceA, old))
        .to.be.revertedWithCustomError(f.escrow, "InferenceEscrowSettlementRefused")
        .withArgs(idOf(f), REFUSAL.NothingDue);
      await settled(f, 7n, { sequence: 2n });
      expect(await f.escrow.earnings(f.operatorA)).to.equal(7n);
    });

    it("reopening takes no receipt's money away", async () => {
      const f = await load();
      await open(f, 10n);
      await as(f.escrow, f.payer).close(NODE_A);
      await as(f.escrow, f.payer).reopen(NODE_A);
      await settled(f, 10n);
      expect(await f.escrow.earnings(f.operatorA)).to.equal(10n);
    });
  });

  describe("settleBatch", () => {
    it("pays several operators and several nodes of one, and leaves the bad ones out", async () => {
      const f = await load();
      for (const nodeId of [NODE_A, NODE_A2, NODE_B]) {
        await open(f, 100n, nodeId);
        await as(f.escrow, f.other).deposit([{ nodeId, amount: 100n }]);
      }
      const others = { payer: f.other.address };
      const good = await settlement(f, serviceA, terms(f, 11n));
      const forged = await settlement(f, serviceA, terms(f, 13n, others));
      const ofOther = await settlement(f, serviceA, terms(f, 17n, others), { payer: f.other });
      const ofA2 = await settlement(f, serviceA2, terms(f, 19n), { key: keyA2 });
      const unsigned = await settlement(f, serviceB, terms(f, 23n));
      const ofB = await settlement(f, serviceB, terms(f, 29n, others), { payer: f.other, key: keyB });
      const batches = [
        { service: serviceA, settlements: [good, forged, good, ofOther] },
        { service: { ...serviceA, keyEpoch: 9n }, settlements: [good] },
        { service: serviceA2, settlements: [ofA2] },
        { service: serviceB, settlements: [unsigned, ofB] },
        { service: serviceB, settlements: [] },
      ];
      expect(await f.escrow.settleBatch.staticCall(batches)).to.deep.equal([11n, 0n, 0n, 17n, 0n, 19n, 0n, 29n]);
      const tx = as(f.escrow, f.stranger).settleBatch(batches);
      const refused = (id: string, reason: number) =>
        expect(tx).to.emit(f.escrow, "SettlementRefused").withArgs(id, reason);
      await refused(idOf(f, NODE_A, f.other.address), REFUSAL.VoucherSignature);
      await refused(idOf(f), REFUSAL.NothingDue);
      await refused(idOf(f), REFUSAL.KeyUnknown);
      await refused(idOf(f, NODE_B), REFUSAL.ReceiptSignature);
      await expect(tx)
        .to.emit(f.escrow, "Settled")
        .withArgs(idOf(f, NODE_B, f.other.address), 1n, 29n, 1n, 0n);
      expect(await f.escrow.earnings(f.operatorA)).to.equal(11n + 17n + 19n);
      expect(await f.escrow.earnings(f.operatorB)).to.equal(29n);
    });

    it("pays nothing when it is sent again", async () => {
      const f = await load();
      await open(f, 100n);
      const batch = [{ service: serviceA, settlements: [await settlement(f, serviceA, terms(f, 11n))] }];
      await f.escrow.settleBatch(batch);
      await expect(f.escrow.settleBatch(batch))
        .to.emit(f.escrow, "SettlementRefused")
        .withArgs(idOf(f), REFUSAL.NothingDue);
      expect(await f.escrow.earnings(f.operatorA)).to.equal(11n);
    });

    it("pays each step of one channel where they stand in order, and once where they do not", async () => {
      const f = await load();
      await open(f, 100n);
      const steps = await Promise.all(
        [3n, 5n, 9n].map((amount, i) => settlement(f, serviceA, terms(f, amount, { sequence: BigInt(i + 1) }))),
      );
      const paid = (settlements: Settlement[]) => f.escrow.settleBatch.staticCall([{ service: serviceA, settlements }]);
      expect(await paid(steps)).to.deep.equal([3n, 2n, 4n]);
      expect(await paid(steps.toReversed())).to.deep.equal([9n, 0n, 0n]);
    });

    it("does nothing for an empty list", async () => {
      const f = await load();
      expect(await f.escrow.settleBatch.staticCall([])).to.deep.equal([]);
    });
  });

  describe("payers that are contracts (EIP-1271)", () => {
    const MANNER = { Honest: 0, Greedy: 1, Reverting: 2, Short: 3, Long: 4 } as const;

    async function walletFixture() {
      const f = await fixture();
      const wallet = await deploy<Deployed<"execute" | "setManner">>(ethers, "PayerWallet", [f.payer]);
      const address = await wallet.getAddress();
      const call = (contract: Escrow | Token, name: string, args: unknown[]) =>
        wallet.execute(contract, contract.interface.encodeFunctionData(name, args));
      await f.token.mint(wallet, 100n);
      await call(f.token, "approve", [f.domain.verifyingContract, 100n]);
      await call(f.escrow, "deposit", [[{ nodeId: NODE_A, amount: 100n }]]);
      const given = await settlement(f, serviceA, terms(f, 5n, { payer: address }));
      return { ...f, wallet, address, call, given: { ...given, voucherSignature: `${given.voucherSignature}00` } };
    }

    it("pay by the wallet's word and get their rest back", async () => {
      const f = await networkHelpers.loadFixture(walletFixture);
      await f.escrow.settle(serviceA, f.given);
      expect(await f.escrow.earnings(f.operatorA)).to.equal(5n);
      await f.call(f.escrow, "close", [NODE_A]);
      await networkHelpers.time.increase(THAW);
      await expect(f.call(f.escrow, "withdraw", [NODE_A])).to.changeTokenBalance(ethers, f.token, f.wallet, 95n);
    });

    it("do not pay for a signature that the wallet refuses", async () => {
      const f = await networkHelpers.loadFixture(walletFixture);
      const forged = { ...f.given, voucherSignature: `${await f.sign.signVoucher(f.other, serviceA, f.given)}00` };
      for (const given of [forged, { ...f.given, voucherSignature: "0x" }]) {
        await expect(f.escrow.settle(serviceA, given))
          .to.be.revertedWithCustomError(f.escrow, "InferenceEscrowSettlementRefused")
          .withArgs(idOf(f, NODE_A, f.address), REFUSAL.VoucherSignature);
      }
    });

    it("cannot stop a batch by greed, by a revert or by a short answer", async () => {
      const f = await networkHelpers.loadFixture(walletFixture);
      await open(f, 10n);
      const honest = await settlement(f, serviceA, terms(f, 7n));
      const batch = [{ service: serviceA, settlements: [f.given, honest] }];
      for (const manner of [MANNER.Greedy, MANNER.Reverting, MANNER.Short]) {
        await f.wallet.setManner(manner);
        expect(await f.escrow.settleBatch.staticCall(batch, { gasLimit: 700_000n })).to.deep.equal([0n, 7n]);
      }
    });

    it("do not make a batch pay for a long answer", async () => {
      const f = await networkHelpers.loadFixture(walletFixture);
      await f.wallet.setManner(MANNER.Long);
      expect(await f.escrow.settle.staticCall(serviceA, f.given, { gasLimit: 250_000n })).to.equal(5n);
    });

    it("keep paying by key where an account has delegated its code (EIP-7702)", async () => {
      const f = await networkHelpers.loadFixture(walletFixture);
      await open(f, 10n);
      await networkHelpers.setCode(f.payer.address, `0xef0100${f.address.slice(2)}`);
      await settled(f, 7n);
      expect(await f.escrow.earnings(f.operatorA)).to.equal(7n);
    });
  });

  describe("withdrawEarnings", () => {
    it("pays the operator what all its nodes earned, once", async () => {
      const f = await load();
      await open(f, 100n);
      await open(f, 100n, NODE_A2);
      await settled(f, 11n);
      await f.escrow.settle(serviceA2, await settlement(f, serviceA2, terms(f, 19n), { key: keyA2 }));
      const tx = as(f.escrow, f.operatorA).withdrawEarnings();
      await expect(tx).to.emit(f.escrow, "EarningsWithdrawn").withArgs(f.operatorA, 30n);
      await expect(tx).to.changeTokenBalances(ethers, f.token, [f.operatorA, f.escrow], [30n, -30n]);
      expect(await f.escrow.earnings(f.operatorA)).to.equal(0n);
      await expect(as(f.escrow, f.operatorA).withdrawEarnings())
        .to.be.revertedWithCustomError(f.escrow, "InferenceEscrowNoEarnings")
        .withArgs(f.operatorA);
    });

    it("is the operator's alone", async () => {
      const f = await load();
      await open(f, 100n);
      await settled(f, 11n);
      await expect(as(f.escrow, f.stranger).withdrawEarnings())
        .to.be.revertedWithCustomError(f.escrow, "InferenceEscrowNoEarnings")
        .withArgs(f.stranger);
    });
  });

  describe("reportConflictingReceipts", () => {
    const BOND = 1000n;

    async function bondedFixture() {
      const f = await fixture();
      await f.token.mint(f.operatorA, BOND);
      await as(f.token, f.operatorA).approve(f.stake, BOND);
      await as(f.stake, f.operatorA).deposit(BOND);
      return f;
    }
    const loadBonded = () => networkHelpers.loadFixture(bondedFixture);

    /** Two receipts, the second with changes to its terms or its service, each signed by its key. */
    async function conflict(f: Fixture, change: Partial<Terms & Service>, keys = [keyA, keyA]) {
      const pair = [terms(f, 5n), { ...terms(f, 5n), ...change }] as const;
      const services = [serviceA, { ...serviceA, ...change }] as const;
      const [first, second] = pair.map((given, i) => f.sign.receipt(services[i] ?? serviceA, given));
      const signatures = await Promise.all(
        pair.map((given, i) => f.sign.signReceipt(keys[i] ?? keyA, services[i] ?? serviceA, given)),
      );
      return [first, second, ...signatures] as const;
    }

    const changes: Partial<Terms & Service>[] = [
      { receiptAmount: 6n },
      { keyEpoch: 2n },
      { modelId: ethers.id("other model") },
      { requestCommitment: ethers.id("other request") },
      { responseCommitment: ethers.id("other response") },
      { rawCommitment: ethers.id("raw") },
      { evidenceHash: ethers.id("other evidence") },
      { units: 2n },
      { privacySpent: 1n },
    ];
    for (const change of changes) {
      it(`slashes for two receipts that differ in ${Object.keys(change)[0]}`, async () => {
        const f = await loadBonded();
        const tx = as(f.escrow, f.stranger).reportConflictingReceipts(...(await conflict(f, change)));
        await expect(tx)
          .to.emit(f.escrow, "ConflictingReceipts")
          .withArgs(NODE_A, idOf(f), 1n, keyA.address, f.stranger);
        await expect(tx).to.emit(f.stake, "StakeSlashed").withArgs(f.operatorA, f.stranger, 250n, 250n);
        expect((await f.stake.stakeOf(f.operatorA)).bonded).to.equal(500n);
      });
    }

    it("slashes for a key that is not payable any more, and stake that is leaving", async () => {
      const f = await loadBonded();
      await f.registry.setKey(NODE_A, 2n, keyA2);
      await f.registry.dropKey(NODE_A, 1n);
      await as(f.stake, f.operatorA).requestUnbond(BOND);
      await as(f.escrow, f.stranger).reportConflictingReceipts(...(await conflict(f, { units: 2n })));
      expect((await f.stake.stakeOf(f.operatorA)).unbonding).to.equal(500n);
    });

    it("slashes a node once", async () => {
      const f = await loadBonded();
      await as(f.escrow, f.stranger).reportConflictingReceipts(...(await conflict(f, { units: 2n })));
      await expect(f.escrow.reportConflictingReceipts(...(await conflict(f, { units: 3n }))))
        .to.be.revertedWithCustomError({ interface: registryErrors }, "NodeRegistryWrongStatus")
        .withArgs(NODE_A, 5);
    });

    it("takes the node out even where there is no bond left", async () => {
      const f = await load();
      await f.escrow.reportConflictingReceipts(...(await conflict(f, { units: 2n })));
      await expect(f.registry.convict(NODE_A, keyA, f.stranger)).to.be.revertedWithCustomError(
        { interface: registryErrors },
        "NodeRegistryWrongStatus",
      );
    });

    it("refuses what is no conflict", async () => {
      const f = await loadBonded();
      const harmless: Partial<Terms & Service>[] = [
        {},
        { sequence: 2n, units: 2n },
        { payer: f.other.address },
        { nodeId: NODE_B },
      ];
      for (const change of harmless) {
        const given = await conflict(f, change);
        const digests = [await f.escrow.receiptDigest(given[0]), await f.escrow.receiptDigest(given[1])];
        await expect(f.escrow.reportConflictingReceipts(...given))
          .to.be.revertedWithCustomError(f.escrow, "InferenceEscrowNoConflict")
          .withArgs(...digests);
      }
      expect((await f.stake.stakeOf(f.operatorA)).bonded).to.equal(BOND);
    });

    it("refuses one channel and sequence under two nodes", async () => {
      const f = await loadBonded();
      const [first] = await conflict(f, {});
      const second = { ...first, nodeId: NODE_A2 };
      await expect(f.escrow.reportConflictingReceipts(first, second, "0x", "0x")).to.be.revertedWithCustomError(
        f.escrow,
        "InferenceEscrowNoConflict",
      );
    });

    it("refuses receipts by two keys, though both are the node's", async () => {
      const f = await loadBonded();
      await f.registry.setKey(NODE_A, 2n, keyA2);
      await expect(f.escrow.reportConflictingReceipts(...(await conflict(f, { units: 2n }, [keyA, keyA2]))))
        .to.be.revertedWithCustomError(f.escrow, "InferenceEscrowSignersDiffer")
        .withArgs(keyA.address, keyA2.address);
    });

    it("refuses receipts by a key that is not the node's, or nobody's", async () => {
      const f = await loadBonded();
      for (const key of [keyB, new ethers.Wallet(ethers.id("stranger's key"))]) {
        await expect(f.escrow.reportConflictingReceipts(...(await conflict(f, { units: 2n }, [key, key]))))
          .to.be.revertedWithCustomError({ interface: registryErrors }, "NodeRegistryNotKeyOf")
          .withArgs(NODE_A, key.address);
      }
    });

    it("refuses an unattested key for the node that is none", async () => {
      const f = await loadBonded();
      const key = new ethers.Wallet(ethers.id("stranger's key"));
      const given = terms(f, 5n);
      const none = { ...serviceA, nodeId: ethers.ZeroHash };
      const signatures = [given, { ...given, units: 2n }].map((each) => f.sign.signReceipt(key, none, each));
      const receipts = [given, { ...given, units: 2n }].map((each) => f.sign.receipt(none, each));
      await expect(f.escrow.reportConflictingReceipts(...receipts, ...(await Promise.all(signatures))))
        .to.be.revertedWithCustomError({ interface: registryErrors }, "NodeRegistryUnknownNode")
        .withArgs(ethers.ZeroHash);
    });

    it("refuses signatures that are none", async () => {
      const f = await loadBonded();
      const [first, second, good] = await conflict(f, { units: 2n });
      await expect(f.escrow.reportConflictingReceipts(first, second, "0x", good)).to.be.revertedWithCustomError(
        f.escrow,
        "ECDSAInvalidSignatureLength",
      );
      await expect(
        f.escrow.reportConflictingReceipts(first, second, good, `0x${"00".repeat(65)}`),
      ).to.be.revertedWithCustomError(f.escrow, "ECDSAInvalidSignature");
    });
  });

  describe("hostile tokens", () => {
    async function hostileFixture() {
      const base = await fixture();
      const token = await deploy<HostileToken & Token>(ethers, "HostileToken");
      const escrow = await deploy<Escrow>(ethers, "InferenceEscrow", [token, base.registry, THAW]);
      const domain = { ...base.domain, verifyingContract: await escrow.getAddress() };
      await token.mint(base.payer, FUNDS);
      await as(token, base.payer).approve(escrow, FUNDS);
      return { ...base, token, escrow, domain, sign: signing(ethers, domain) };
    }
    const loadHostile = () => networkHelpers.loadFixture(hostileFixture);

    it("that take a fee are refused", async () => {
      const f = await loadHostile();
      await f.token.setFee(1n);
      await expect(open(f, 10n))
        .to.be.revertedWithCustomError(f.escrow, "InferenceEscrowUnexpectedTransfer")
        .withArgs(10n, 9n);
    });

    it("that know no permit need an allowance", async () => {
      const f = await loadHostile();
      const zero = ethers.ZeroHash;
      const deposits = [{ nodeId: NODE_A, amount: 10n }];
      await as(f.escrow, f.payer).depositWithPermit(deposits, 0n, 27, zero, zero);
      await as(f.token, f.payer).approve(f.escrow, 9n);
      await expect(as(f.escrow, f.payer).depositWithPermit(deposits, 0n, 27, zero, zero))
        .to.be.revertedWithCustomError(f.escrow, "InferenceEscrowPermitRefused")
        .withArgs(10n, 9n);
    });

    it("cannot come back in through any function that moves money", async () => {
      const f = await loadHostile();
      await open(f, 10n);
      await settled(f, 3n);
      const batch = [{ service: serviceA, settlements: [] }];
      const given = await settlement(f, serviceA, terms(f, 5n));
      const receipt = f.sign.receipt(serviceA, terms(f, 5n));
      const ways: readonly [string, unknown[]][] = [
        ["deposit", [[]]],
        ["depositWithPermit", [[], 0n, 27, ethers.ZeroHash, ethers.ZeroHash]],
        ["withdraw", [NODE_A]],
        ["withdrawMany", [[]]],
        ["settle", [serviceA, given]],
        ["settleBatch", [batch]],
        ["withdrawEarnings", []],
        ["reportConflictingReceipts", [receipt, receipt, "0x", "0x"]],
      ];
      await thawed(f);
      for (const [name, args] of ways) {
        await f.token.arm(f.escrow, f.escrow.interface.encodeFunctionData(name, args));
        for (const enter of [
          () => as(f.escrow, f.operatorA).withdrawEarnings(),
          () => as(f.escrow, f.payer).withdraw(NODE_A),
          () => as(f.escrow, f.payer).deposit([{ nodeId: NODE_B, amount: 1n }]),
        ]) {
          await expect(enter()).to.be.revertedWithCustomError(f.escrow, "ReentrancyGuardReentrantCall");
        }
      }
    });
  });
});
