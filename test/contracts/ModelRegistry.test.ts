import { expect } from "chai";
import { network } from "hardhat";
import { as, deploy } from "../support/deployed.ts";
import type { MockRegistry, ModelRegistry } from "../support/escrow.ts";

const { ethers, networkHelpers } = await network.create();

const MODEL = ethers.id("model");
const NODE = ethers.id("node");
const UNKNOWN = ethers.id("unknown");
const MAX_OFFERS = 64;
const TERMS = {
  pricePerUnit: 7n,
  manifestHash: ethers.id("manifest"),
  privacyPolicyHash: ethers.ZeroHash,
  keyReleasePolicyHash: ethers.id("key release"),
  uri: "https://models.example/digits/manifest.json",
};

async function fixture() {
  const [, owner, heir, operator, stranger] = await ethers.getSigners();
  if (!owner || !heir || !operator || !stranger) throw new Error("too few accounts");
  const registry = await deploy<MockRegistry>(ethers, "MockNodeRegistry", [ethers.ZeroAddress]);
  const models = await deploy<ModelRegistry>(ethers, "ModelRegistry", [registry]);
  await registry.setNode(NODE, operator, true);
  await as(models, owner).register(MODEL, TERMS);
  return { owner, heir, operator, stranger, registry, models };
}

const load = () => networkHelpers.loadFixture(fixture);
type Fixture = Awaited<ReturnType<typeof fixture>>;

/** Registers `count` further models and returns their roots. */
async function more(f: Fixture, count: number): Promise<string[]> {
  const roots = Array.from({ length: count }, (_, i) => ethers.id(`model ${i}`));
  for (const root of roots) await f.models.register(root, TERMS);
  return roots;
}

describe("ModelRegistry", () => {
  describe("constructor", () => {
    it("keeps the node registry and refuses none", async () => {
      const f = await load();
      expect(await f.models.registry()).to.equal(await f.registry.getAddress());
      await expect(ethers.deployContract("ModelRegistry", [ethers.ZeroAddress])).to.be.revertedWithCustomError(
        f.models,
        "ModelRegistryZeroAddress",
      );
    });
  });

  describe("register", () => {
    it("makes the caller the owner and keeps the terms", async () => {
      const f = await load();
      const root = ethers.id("another model");
      await expect(as(f.models, f.stranger).register(root, TERMS))
        .to.emit(f.models, "ModelRegistered")
        .withArgs(root, f.stranger, Object.values(TERMS));
      const [owner, pendingOwner, retired, terms] = await f.models.model(root);
      expect([owner, pendingOwner, retired]).to.deep.equal([f.stranger.address, ethers.ZeroAddress, false]);
      expect(terms).to.deep.equal(Object.values(TERMS));
    });

    it("refuses a root that has an owner, even to that owner and after it retired the model", async () => {
      const f = await load();
      await as(f.models, f.owner).retire(MODEL);
      for (const caller of [f.owner, f.stranger]) {
        await expect(as(f.models, caller).register(MODEL, TERMS))
          .to.be.revertedWithCustomError(f.models, "ModelRegistryAlreadyRegistered")
          .withArgs(MODEL, f.owner);
      }
    });

    it("refuses a root or a manifest hash of zero", async () => {
      const f = await load();
      const given = [
        [ethers.ZeroHash, TERMS],
        [UNKNOWN, { ...TERMS, manifestHash: ethers.ZeroHash }],
      ] as const;
      for (const [root, terms] of given) {
        await expect(f.models.register(root, terms)).to.be.revertedWithCustomError(f.models, "ModelRegistryZeroHash");
      }
    });

    it("takes a uri of 1 to 512 bytes", async () => {
      const f = await load();
      for (const length of [1, 512]) {
        await f.models.register(ethers.id(`uri of ${length}`), { ...TERMS, uri: "u".repeat(length) });
      }
      for (const length of [0, 513]) {
        await expect(f.models.register(UNKNOWN, { ...TERMS, uri: "u".repeat(length) }))
          .to.be.revertedWithCustomError(f.models, "ModelRegistryUriLength")
          .withArgs(length);
      }
    });
  });

  describe("model, modelCount, models", () => {
    it("reverts for an unknown root", async () => {
      const f = await load();
      await expect(f.models.model(UNKNOWN))
        .to.be.revertedWithCustomError(f.models, "ModelRegistryUnknownModel")
        .withArgs(UNKNOWN);
    });

    it("list the roots in order, in pages that end where the list does", async () => {
      const f = await load();
      const all = [MODEL, ...(await more(f, 4))];
      expect(await f.models.modelCount()).to.equal(5n);
      const pages: readonly [number | bigint, number | bigint, string[]][] = [
        [0, 10, all],
        [0, 2, all.slice(0, 2)],
        [2, 2, all.slice(2, 4)],
        [4, 2, all.slice(4)],
        [5, 1, []],
        [ethers.MaxUint256, ethers.MaxUint256, []],
        [1, ethers.MaxUint256, all.slice(1)],
        [1, 0, []],
      ];
      for (const [start, count, page] of pages) expect(await f.models.models(start, count)).to.deep.equal(page);
    });
  });

  describe("setPrice", () => {
    it("suggests another price", async () => {
      const f = await load();
      await expect(as(f.models, f.owner).setPrice(MODEL, 8n)).to.emit(f.models, "ModelPriceSet").withArgs(MODEL, 8n);
      expect((await f.models.model(MODEL)).terms.pricePerUnit).to.equal(8n);
    });
  });

  describe("transferOwnership and acceptOwnership", () => {
    it("hand a model over in two steps", async () => {
      const f = await load();
      await expect(as(f.models, f.owner).transferOwnership(MODEL, f.heir))
        .to.emit(f.models, "ModelTransferStarted")
        .withArgs(MODEL, f.owner, f.heir);
      expect(await f.models.model(MODEL).then((model) => [model.owner, model.pendingOwner])).to.deep.equal([
        f.owner.address,
        f.heir.address,
      ]);
      await expect(as(f.models, f.heir).acceptOwnership(MODEL))
        .to.emit(f.models, "ModelTransferred")
        .withArgs(MODEL, f.owner, f.heir);
      await as(f.models, f.heir).setPrice(MODEL, 9n);
      await expect(as(f.models, f.owner).setPrice(MODEL, 8n))
        .to.be.revertedWithCustomError(f.models, "ModelRegistryNotOwner")
        .withArgs(MODEL, f.owner);
      await expect(as(f.models, f.heir).acceptOwnership(MODEL))
        .to.be.revertedWithCustomError(f.models, "ModelRegistryNotPendingOwner")
        .withArgs(MODEL, f.heir);
    });

    it("can be stopped before the other accepts, who alone can", async () => {
      const f = await load();
      await as(f.models, f.owner).transferOwnership(MODEL, f.heir);
      await expect(as(f.models, f.stranger).acceptOwnership(MODEL))
        .to.be.revertedWithCustomError(f.models, "ModelRegistryNotPendingOwner")
        .withArgs(MODEL, f.stranger);
      await as(f.models, f.owner).transferOwnership(MODEL, ethers.ZeroAddress);
      await expect(as(f.models, f.heir).acceptOwnership(MODEL))
        .to.be.revertedWithCustomError(f.models, "ModelRegistryNotPendingOwner")
        .withArgs(MODEL, f.heir);
    });
  });

  describe("retire", () => {
    it("is for ever and ends what the owner may do, but no offer", async () => {
      const f = await load();
      await as(f.models, f.operator).setOffer(NODE, MODEL, 5n);
      await expect(as(f.models, f.owner).retire(MODEL)).to.emit(f.models, "ModelRetired").withArgs(MODEL);
      expect((await f.models.model(MODEL)).retired).to.equal(true);
      await as(f.models, f.operator).setOffer(NODE, MODEL, 6n);
      expect(await f.models.offer(NODE, MODEL)).to.deep.equal([true, 6n]);
    });
  });

  describe("the owner's functions", () => {
    const calls: readonly [string, (models: ModelRegistry, root: string, f: Fixture) => Promise<unknown>][] = [
      ["setPrice", (models, root) => models.setPrice(root, 1n)],
      ["transferOwnership", (models, root, f) => models.transferOwnership(root, f.heir)],
      ["retire", (models, root) => models.retire(root)],
    ];
    for (const [name, call] of calls) {
      it(`${name} is refused to a stranger, for an unknown model, and for a retired one`, async () => {
        const f = await load();
        await expect(call(as(f.models, f.stranger), MODEL, f))
          .to.be.revertedWithCustomError(f.models, "ModelRegistryNotOwner")
          .withArgs(MODEL, f.stranger);
        await expect(call(as(f.models, f.owner), UNKNOWN, f))
          .to.be.revertedWithCustomError(f.models, "ModelRegistryUnknownModel")
          .withArgs(UNKNOWN);
        await as(f.models, f.owner).retire(MODEL);
        await expect(call(as(f.models, f.owner), MODEL, f))
          .to.be.revertedWithCustomError(f.models, "ModelRegistryRetired")
          .withArgs(MODEL);
      });
    }
  });

  describe("setOffer, removeOffer, offer, offers", () => {
    it("offer a model at the operator's own price, change it and stop", async () => {
      const f = await load();
      const models = as(f.models, f.operator);
      expect(await f.models.offer(NODE, MODEL)).to.deep.equal([false, 0n]);
      await expect(models.setOffer(NODE, MODEL, 0n))
        .to.emit(f.models, "OfferSet")
        .withArgs(NODE, MODEL, 0n);
      expect(await f.models.offer(NODE, MODEL)).to.deep.equal([true, 0n]);
      await models.setOffer(NODE, MODEL, 5n);
      expect(await f.models.offers(NODE)).to.deep.equal([[MODEL, 5n]]);
      await expect(models.removeOffer(NODE, MODEL)).to.emit(f.models, "OfferRemoved").withArgs(NODE, MODEL);
      expect(await f.models.offer(NODE, MODEL)).to.deep.equal([false, 0n]);
      expect(await f.models.offers(NODE)).to.deep.equal([]);
    });

    it("are the operator's alone", async () => {
      const f = await load();
      for (const call of [
        as(f.models, f.owner).setOffer(NODE, MODEL, 5n),
        as(f.models, f.owner).removeOffer(NODE, MODEL),
      ]) {
        await expect(call).to.be.revertedWithCustomError(f.models, "ModelRegistryNotOperator").withArgs(NODE, f.owner);
      }
    });

    it("refuse an unknown node, an unknown model, and the end of what is not offered", async () => {
      const f = await load();
      await expect(as(f.models, f.operator).setOffer(UNKNOWN, MODEL, 5n))
        .to.be.revertedWithCustomError(f.models, "ModelRegistryNotOperator")
        .withArgs(UNKNOWN, f.operator);
      await expect(as(f.models, f.operator).setOffer(NODE, UNKNOWN, 5n))
        .to.be.revertedWithCustomError(f.models, "ModelRegistryUnknownModel")
        .withArgs(UNKNOWN);
      await expect(as(f.models, f.operator).removeOffer(NODE, MODEL))
        .to.be.revertedWithCustomError(f.models, "ModelRegistryNoOffer")
        .withArgs(NODE, MODEL);
    });

    it("hold 64 models of a node and no more; a price can still change", async () => {
      const f = await load();
      const models = as(f.models, f.operator);
      const roots = await more(f, MAX_OFFERS);
      for (const [i, root] of roots.entries()) await models.setOffer(NODE, root, i);
      expect(await f.models.offers(NODE)).to.have.length(MAX_OFFERS);
      await expect(models.setOffer(NODE, MODEL, 5n))
        .to.be.revertedWithCustomError(f.models, "ModelRegistryTooManyOffers")
        .withArgs(NODE, MAX_OFFERS);
      await models.setOffer(NODE, roots[3], 99n);
      await models.removeOffer(NODE, roots[0]);
      await models.setOffer(NODE, MODEL, 5n);
      const offers: [string, bigint][] = await f.models.offers(NODE);
      const expected = roots.slice(1).map((root, i) => [root, i + 1 === 3 ? 99n : BigInt(i + 1)]);
      expect(offers.map(([root, price]) => [root, price])).to.have.deep.members([...expected, [MODEL, 5n]]);
    });

    it("keep the rest right, whichever goes first, in the middle or last", async () => {
      const f = await load();
      const models = as(f.models, f.operator);
      const roots = await more(f, 4);
      for (const order of [
        [0, 1, 2, 3],
        [3, 2, 1, 0],
        [1, 3, 0, 2],
      ]) {
        for (const [i, root] of roots.entries()) await models.setOffer(NODE, root, i);
        const left = new Map(roots.map((root, i) => [root, BigInt(i)]));
        for (const gone of order.map((at) => roots[at] ?? "")) {
          await models.removeOffer(NODE, gone);
          left.delete(gone);
          const offers: [string, bigint][] = await f.models.offers(NODE);
          expect(offers.map(([root, price]) => [root, price])).to.have.deep.members([...left]);
          for (const [root, price] of left) expect(await f.models.offer(NODE, root)).to.deep.equal([true, price]);
          expect(await f.models.offer(NODE, gone)).to.deep.equal([false, 0n]);
        }
      }
    });
  });
});
