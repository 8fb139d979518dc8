import { expect } from "chai";
import type { ContractTransactionResponse, Wallet } from "ethers";
import { globalOptions, network as hardhatNetwork } from "hardhat";
import { as, deploy } from "../support/deployed.ts";
import { signing, terms } from "../support/escrow.ts";
import type { Escrow, ModelRegistry, Service, Settlement } from "../support/escrow.ts";
import {
  attest,
  bond,
  DAY,
  deployNetwork,
  enclaveKey,
  ENDPOINT,
  MIN_STAKE,
  SLASHER_ROLE,
} from "../support/protocol.ts";

const { ethers, networkHelpers } = await hardhatNetwork.create();

/**
 * Whole transactions under the rules of Osaka with the real registry, settlements per channel; less than one per cent
 * above. The channels have paid before; the token is the test token with 18 decimals.
 */
const CEILINGS = {
  openFirst: 117_400,
  openAnother: 100_200,
  openTenPerChannel: 46_300,
  topUp: 51_500,
  settleOne: 63_700,
  settleSingle: 61_400,
  settleTenPerChannel: 27_150,
  settleHundredPerChannel: 23_500,
  close: 28_850,
  withdraw: 45_800,
  withdrawEarnings: 56_500,
  conflict: 185_300,
  registerModel: 233_600,
  setOffer: 104_900,
};

const PRICE = 10n ** 15n;
const FUNDS = 1_000n * PRICE;
const NODES = 10;
const PAYERS = 100;

async function gasOf(sent: Promise<ContractTransactionResponse>): Promise<number> {
  const receipt = await (await sent).wait();
  return Number(receipt?.gasUsed);
}

async function fixture() {
  const network = await deployNetwork(ethers);
  const { token, registry, stake, manager, operator } = network;
  const escrow = await deploy<Escrow>(ethers, "InferenceEscrow", [token, registry, stake, 7 * DAY]);
  const models = await deploy<ModelRegistry>(ethers, "ModelRegistry", [registry]);
  await manager.grantRole(SLASHER_ROLE, escrow, 0);
  await bond(network, operator.address, BigInt(NODES) * MIN_STAKE);
  const nodeIds = [network.nodeId];
  for (let i = 1; i < NODES; i++) {
    await as(registry, operator).register(ethers.id(`salt ${i}`), ENDPOINT);
    nodeIds.push(String(await registry.nodeAt(i)));
  }
  for (const [i, nodeId] of nodeIds.entries()) {
    await attest({ ...network, nodeId }, enclaveKey(`node ${i}`), { platformId: ethers.id(`platform ${i}`) });
  }
  const { evidenceHash } = await registry.node(network.nodeId);
  const { chainId } = await ethers.provider.getNetwork();
  const verifyingContract = await escrow.getAddress();
  const sign = signing(ethers, { name: "Cloister InferenceEscrow", version: "1", chainId, verifyingContract });
  const service: Service = { nodeId: network.nodeId, keyEpoch: 1n, modelId: ethers.id("model"), evidenceHash };
  const payers = Array.from({ length: PAYERS }, (_, i) => new ethers.Wallet(ethers.id(`payer ${i}`), ethers.provider));
  for (const payer of payers) {
    await networkHelpers.setBalance(payer.address, ethers.parseEther("1"));
    await token.mint(payer, 100n * FUNDS);
    await as(token, payer).approve(escrow, ethers.MaxUint256);
  }
  return { ...network, escrow, models, nodeIds, payers, sign, service };
}

type Fixture = Awaited<ReturnType<typeof fixture>>;

/** The settlement of `payer`'s request with this sequence, each request for a hundred inferences with noise. */
async function settlement(f: Fixture, payer: Wallet, sequence: bigint): Promise<Settlement> {
  const given = {
    ...terms(ethers, payer.address, sequence * 123n * PRICE, sequence),
    rawCommitment: ethers.id(`raw ${sequence}`),
    units: 100n,
    privacySpent: sequence * 10_000n,
  };
  return {
    ...given,
    voucherSignature: await f.sign.signVoucher(payer, f.service, given),
    receiptSignature: await f.sign.signReceipt(enclaveKey("node 0"), f.service, given),
  };
}

describe("gas of payment", () => {
  const measured: Partial<Record<keyof typeof CEILINGS, number>> = {};

  before(async function measure() {
    if (globalOptions.coverage) this.skip();
    const f = await fixture();
    const { escrow, models, operator, stranger, nodeIds, payers } = f;
    const [first, second] = payers;
    if (!first || !second) throw new Error("too few payers");
    const open = (payer: Wallet, ids: readonly string[]): Promise<ContractTransactionResponse> =>
      as(escrow, payer).deposit(ids.map((nodeId) => ({ nodeId, amount: FUNDS })));
    const batch = async (count: number, sequence: bigint): Promise<number> => {
      const chosen = payers.slice(0, count).map((payer) => settlement(f, payer, sequence));
      const settlements = await Promise.all(chosen);
      return (await gasOf(escrow.settleBatch([{ service: f.service, settlements }]))) / count;
    };

    measured.openFirst = await gasOf(open(first, nodeIds.slice(0, 1)));
    measured.openAnother = await gasOf(open(first, nodeIds.slice(1, 2)));
    measured.openTenPerChannel = (await gasOf(open(second, nodeIds))) / NODES;
    measured.topUp = await gasOf(open(first, nodeIds.slice(0, 1)));
    for (const payer of payers.slice(2)) await open(payer, nodeIds.slice(0, 1));
    await batch(PAYERS, 1n);
    measured.settleOne = await batch(1, 2n);
    measured.settleSingle = await gasOf(escrow.settle(f.service, await settlement(f, first, 3n)));
    measured.settleTenPerChannel = await batch(10, 4n);
    measured.settleHundredPerChannel = await batch(PAYERS, 5n);
    measured.close = await gasOf(as(escrow, first).close(f.service.nodeId));
    await networkHelpers.time.increase(7 * DAY);
    measured.withdraw = await gasOf(as(escrow, first).withdraw(f.service.nodeId));
    measured.withdrawEarnings = await gasOf(as(escrow, operator).withdrawEarnings());

    const conflicting = [await settlement(f, first, 1n), { ...(await settlement(f, first, 1n)), units: 1n }];
    const key = enclaveKey("node 0");
    const signatures = await Promise.all(conflicting.map((given) => f.sign.signReceipt(key, f.service, given)));
    const receipts = conflicting.map((given) => f.sign.receipt(f.service, given));
    measured.conflict = await gasOf(as(escrow, stranger).reportConflictingReceipts(...receipts, ...signatures));

    const modelTerms = {
      pricePerUnit: PRICE,
      manifestHash: ethers.id("manifest"),
      privacyPolicyHash: ethers.id("privacy"),
      keyReleasePolicyHash: ethers.ZeroHash,
      uri: "https://models.example/digits/manifest.json",
    };
    measured.registerModel = await gasOf(models.register(f.service.modelId, modelTerms));
    measured.setOffer = await gasOf(as(models, operator).setOffer(nodeIds[1], f.service.modelId, PRICE));
  });

  for (const name of Object.keys(CEILINGS) as (keyof typeof CEILINGS)[]) {
    it(`${name} stays below its ceiling`, () => {
      expect(measured[name]).to.be.at.most(CEILINGS[name]);
    });
  }
});
