import { expect } from "chai";
import { network as hardhatNetwork } from "hardhat";
import { as, deploy } from "../support/deployed.ts";
import { signing, terms } from "../support/escrow.ts";
import type { Escrow, Service } from "../support/escrow.ts";
import {
  attest,
  bond,
  DAY,
  deployNetwork,
  enclaveKey,
  ENDPOINT,
  KEY_OVERLAP,
  MIN_STAKE,
  WORKLOAD,
} from "../support/protocol.ts";

const { ethers, networkHelpers } = await hardhatNetwork.create();
const REFUSAL = { KeyUnknown: 1, ReceiptSignature: 5 } as const;
const FUNDS = 1_000n;

/** The network with one attested node, an escrow, and a channel of a payer with that node. */
async function fixture() {
  const network = await deployNetwork(ethers);
  const { token, registry, nodeId, stranger: payer } = network;
  const escrow = await deploy<Escrow>(ethers, "InferenceEscrow", [token, registry, 7 * DAY]);
  await registry.setFaultProver(escrow, true);
  const { evidenceHash } = await attest(network, network.key);
  await token.mint(payer, 2n * FUNDS);
  await as(token, payer).approve(escrow, 2n * FUNDS);
  await as(escrow, payer).deposit([{ nodeId, amount: FUNDS }]);
  const { chainId } = await ethers.provider.getNetwork();
  const verifyingContract = await escrow.getAddress();
  const sign = signing(ethers, { name: "Cloister InferenceEscrow", version: "1", chainId, verifyingContract });
  const service: Service = { nodeId, keyEpoch: 1n, modelId: ethers.id("model"), evidenceHash };
  return { ...network, escrow, payer, sign, service };
}

type Fixture = Awaited<ReturnType<typeof fixture>>;
const load = (): Promise<Fixture> => networkHelpers.loadFixture(fixture);

async function signed(f: Fixture, amount: bigint, keyEpoch = 1n, key = f.key) {
  const service = { ...f.service, keyEpoch };
  const given = terms(ethers, f.payer.address, amount);
  const [voucherSignature, receiptSignature] = await Promise.all([
    f.sign.signVoucher(f.payer, service, given),
    f.sign.signReceipt(key, service, given),
  ]);
  return [service, { ...given, voucherSignature, receiptSignature }] as const;
}

async function pays(f: Fixture, ...given: [amount: bigint, keyEpoch?: bigint, key?: Fixture["key"]]): Promise<void> {
  const before = await f.escrow.earnings(f.operator);
  const { spent } = await f.escrow.channel(f.payer, f.nodeId);
  await f.escrow.settle(...(await signed(f, ...given)));
  expect((await f.escrow.earnings(f.operator)) - before).to.equal(given[0] - spent);
}

async function refuses(
  f: Fixture,
  reason: keyof typeof REFUSAL,
  ...given: [amount: bigint, keyEpoch?: bigint, key?: Fixture["key"]]
): Promise<void> {
  await expect(f.escrow.settle(...(await signed(f, ...given))))
    .to.be.revertedWithCustomError(f.escrow, "InferenceEscrowSettlementRefused")
    .withArgs(f.sign.channelId(f.payer.address, f.nodeId), REFUSAL[reason]);
}

describe("settlement under the registry's word", () => {
  it("opens a channel only to a node that is attested", async () => {
    const f = await load();
    await bond(f, f.operator.address, MIN_STAKE);
    await as(f.registry, f.operator).register(ethers.id("another"), ENDPOINT);
    const nodeId = String(await f.registry.nodeAt(1));
    await expect(as(f.escrow, f.payer).deposit([{ nodeId, amount: 1n }]))
      .to.be.revertedWithCustomError(f.escrow, "InferenceEscrowNodeInactive")
      .withArgs(nodeId);
  });

  it("pays receipts of a rotated key inside the overlap and none after it", async () => {
    const f = await load();
    const second = enclaveKey("second");
    await attest(f, second);
    await pays(f, 10n);
    await pays(f, 11n, 2n, second);
    await refuses(f, "ReceiptSignature", 12n, 2n);
    await refuses(f, "ReceiptSignature", 12n, 1n, second);
    await networkHelpers.time.increase(KEY_OVERLAP + 1);
    await refuses(f, "KeyUnknown", 12n);
    await pays(f, 12n, 2n, second);
  });

  it("pays no receipt of the key before the last but one", async () => {
    const f = await load();
    await attest(f, enclaveKey("second"));
    await attest(f, enclaveKey("third"));
    await refuses(f, "KeyUnknown", 10n);
  });

  it("pays an expired node's receipts for the overlap and none after it", async () => {
    const f = await load();
    const { expiresAt } = await f.registry.node(f.nodeId);
    await networkHelpers.time.increaseTo(BigInt(expiresAt) + 1n);
    expect(await f.registry.isActive(f.nodeId)).to.equal(false);
    await pays(f, 10n);
    await networkHelpers.time.increase(KEY_OVERLAP);
    await refuses(f, "KeyUnknown", 11n);
  });

  it("pays while the registry is paused, and after the node left", async () => {
    const f = await load();
    await as(f.registry, f.guardian).pause();
    await pays(f, 10n);
    await f.registry.unpause();
    await as(f.registry, f.operator).exit(f.nodeId);
    await pays(f, 11n);
  });

  it("pays nothing for a revoked key, current or previous", async () => {
    const f = await load();
    const second = enclaveKey("second");
    await attest(f, second);
    await as(f.registry, f.guardian).revoke(f.nodeId, "leaked");
    await refuses(f, "KeyUnknown", 10n, 2n, second);
    await refuses(f, "KeyUnknown", 10n);
  });

  it("pays nothing once the node's policy was removed and the node re-checked", async () => {
    const f = await load();
    await as(f.referenceValues, f.guardian).removeWorkload(WORKLOAD);
    await f.registry.recheck(f.nodeId);
    await refuses(f, "KeyUnknown", 10n);
  });

  it("gives the payer everything back from a revoked node", async () => {
    const f = await load();
    await as(f.registry, f.guardian).revoke(f.nodeId, "leaked");
    await as(f.escrow, f.payer).close(f.nodeId);
    await networkHelpers.time.increase(7 * DAY);
    await expect(as(f.escrow, f.payer).withdraw(f.nodeId)).to.changeTokenBalance(ethers, f.token, f.payer, FUNDS);
  });

  describe("two receipts for one sequence", () => {
    async function conflict(f: Fixture, key = f.key) {
      const pair = [terms(ethers, f.payer.address, 5n), terms(ethers, f.payer.address, 6n)];
      const signatures = await Promise.all(pair.map((given) => f.sign.signReceipt(key, f.service, given)));
      return [...pair.map((given) => f.sign.receipt(f.service, given)), ...signatures];
    }

    it("cost the operator half of its bond and take the node out, with its key", async () => {
      const f = await load();
      await expect(as(f.escrow, f.payer).reportConflictingReceipts(...(await conflict(f))))
        .to.emit(f.stake, "StakeSlashed")
        .withArgs(f.operator, f.payer, MIN_STAKE / 2n, MIN_STAKE / 2n);
      expect(await f.registry.isActive(f.nodeId)).to.equal(false);
      await refuses(f, "KeyUnknown", 10n);
      await expect(f.escrow.reportConflictingReceipts(...(await conflict(f))))
        .to.be.revertedWithCustomError(f.registry, "NodeRegistryWrongStatus")
        .withArgs(f.nodeId, 5);
    });

    it("count by a key that was rotated out twice, and after the node left", async () => {
      const f = await load();
      await attest(f, enclaveKey("second"));
      await attest(f, enclaveKey("third"));
      await as(f.registry, f.operator).exit(f.nodeId);
      await expect(f.escrow.reportConflictingReceipts(...(await conflict(f)))).to.emit(f.stake, "StakeSlashed");
    });

    it("count only from a contract that the registry takes for a prover of faults", async () => {
      const f = await load();
      const other = await deploy<Escrow>(ethers, "InferenceEscrow", [f.token, f.registry, DAY]);
      const { chainId } = await ethers.provider.getNetwork();
      const verifyingContract = await other.getAddress();
      const sign = signing(ethers, { name: "Cloister InferenceEscrow", version: "1", chainId, verifyingContract });
      const given = await conflict({ ...f, sign });
      await expect(other.reportConflictingReceipts(...given))
        .to.be.revertedWithCustomError(f.registry, "NodeRegistryNotFaultProver")
        .withArgs(verifyingContract);
    });
  });
});
