import { expect } from "chai";
import { network } from "hardhat";
import { as, deploy, type Deployed, type TestToken } from "../support/deployed.ts";
import { signing, terms as termsOf } from "../support/escrow.ts";
import type { Escrow, MockRegistry, Service, Terms } from "../support/escrow.ts";

const { ethers, networkHelpers } = await network.create();

const NODE = ethers.id("node");
const MODEL = ethers.id("model");
const REWARD = 1000n;
const HOUR = 3600;
const SALT = ethers.id("salt");
const OUTPUT = "0x00000001";
const key = new ethers.Wallet(ethers.id("enclave key"));
const service: Service = { nodeId: NODE, keyEpoch: 1n, modelId: MODEL, evidenceHash: ethers.id("evidence") };

type Consumer = Deployed<
  "answer" | "answered" | "ask" | "escrow" | "owed" | "refund" | "requestId" | "requests" | "withdraw"
>;

async function fixture() {
  const [, asker, operator, stranger] = await ethers.getSigners();
  if (!asker || !operator || !stranger) throw new Error("too few accounts");
  const token = await deploy<TestToken>(ethers, "TestToken");
  const registry = await deploy<MockRegistry>(ethers, "MockNodeRegistry", [ethers.ZeroAddress]);
  const escrow = await deploy<Escrow>(ethers, "InferenceEscrow", [token, registry, 1]);
  const consumer = await deploy<Consumer>(ethers, "ExampleConsumer", [escrow]);
  await registry.setNode(NODE, operator, true);
  await registry.setKey(NODE, 1n, key);
  const { chainId } = await ethers.provider.getNetwork();
  const verifyingContract = await escrow.getAddress();
  const sign = signing(ethers, { name: "Cloister InferenceEscrow", version: "1", chainId, verifyingContract });
  const request = ethers.id("request 1");
  const deadline = (await networkHelpers.time.latest()) + HOUR;
  await as(consumer, asker).ask(MODEL, request, deadline, { value: REWARD });
  const id = (await consumer.requestId(asker, request)) as string;
  return { asker, operator, stranger, registry, consumer, sign, request, deadline, id };
}

type Fixture = Awaited<ReturnType<typeof fixture>>;
const load = (): Promise<Fixture> => networkHelpers.loadFixture(fixture);

interface Change {
  readonly terms?: Partial<Terms>;
  readonly service?: Partial<Service>;
  readonly by?: typeof key;
}

async function answerOf(f: Fixture, { terms, service: other, by = key }: Change = {}) {
  const of = { ...service, ...other };
  const responseCommitment = ethers.sha256(ethers.concat([SALT, OUTPUT]));
  const given: Terms = { ...termsOf(ethers, f.stranger.address, 5n), responseCommitment, ...terms };
  return [f.sign.receipt(of, given), await f.sign.signReceipt(by, of, given), SALT, OUTPUT] as const;
}

describe("ExampleConsumer", () => {
  it("credits the operator for the answer, whoever brings it", async () => {
    const f = await load();
    const tx = as(f.consumer, f.stranger).answer(f.asker, ...(await answerOf(f)));
    await expect(tx).to.emit(f.consumer, "Answered").withArgs(f.id, f.operator, OUTPUT);
    expect(await f.consumer.owed(f.operator)).to.equal(REWARD);
    const paid = as(f.consumer, f.operator).withdraw();
    await expect(paid).to.changeEtherBalance(ethers, f.operator, REWARD);
    await expect(as(f.consumer, f.operator).withdraw())
      .to.be.revertedWithCustomError(f.consumer, "ExampleConsumerNothingOwed")
      .withArgs(f.operator);
  });

  it("takes one answer to a request, from no receipt twice", async () => {
    const f = await load();
    await f.consumer.answer(f.asker, ...(await answerOf(f)));
    for (const change of [{}, { terms: { sequence: 2n } }]) {
      await expect(f.consumer.answer(f.asker, ...(await answerOf(f, change))))
        .to.be.revertedWithCustomError(f.consumer, "ExampleConsumerUnknownRequest")
        .withArgs(f.id);
    }
    await expect(as(f.consumer, f.asker).ask(MODEL, f.request, f.deadline))
      .to.be.revertedWithCustomError(f.consumer, "ExampleConsumerRequestExists")
      .withArgs(f.id);
  });

  const refuses = (title: string, error: string, change: Change, before?: (f: Fixture) => Promise<unknown>): void => {
    it(`refuses ${title}`, async () => {
      const f = await load();
      await before?.(f);
      await expect(f.consumer.answer(f.asker, ...(await answerOf(f, change)))).to.be.revertedWithCustomError(
        f.consumer,
        error,
      );
      expect(await f.consumer.owed(f.operator)).to.equal(0n);
    });
  };
  const other = ethers.id("other");
  refuses("another model", "CloisterConsumerWrongModel", { service: { modelId: other } });
  refuses("a receipt for a request that nobody made", "ExampleConsumerUnknownRequest", {
    terms: { requestCommitment: other },
  });
  refuses("an unknown node", "CloisterConsumerNodeInactive", { service: { nodeId: other } });
  refuses("an inactive node whose key is still payable", "CloisterConsumerNodeInactive", {}, (f) =>
    f.registry.setNode(NODE, f.operator, false),
  );
  refuses("another key", "CloisterConsumerWrongKey", { by: new ethers.Wallet(other) });
  refuses("a revoked key", "CloisterConsumerWrongKey", {}, (f) => f.registry.dropKey(NODE, 1n));
  refuses("a key of another epoch", "CloisterConsumerWrongKey", { service: { keyEpoch: 2n } });
  refuses("another output", "CloisterConsumerWrongOutput", { terms: { responseCommitment: other } });
  refuses("an answer after the deadline", "ExampleConsumerDeadline", {}, (f) =>
    networkHelpers.time.increaseTo(f.deadline),
  );

  it("refuses a request twice and one whose deadline has passed, and lets another asker use the commitment", async () => {
    const f = await load();
    await expect(as(f.consumer, f.asker).ask(MODEL, f.request, f.deadline)).to.be.revertedWithCustomError(
      f.consumer,
      "ExampleConsumerRequestExists",
    );
    await expect(as(f.consumer, f.asker).ask(MODEL, other, 1)).to.be.revertedWithCustomError(
      f.consumer,
      "ExampleConsumerDeadline",
    );
    await as(f.consumer, f.stranger).ask(MODEL, f.request, f.deadline, { value: 1n });
    await f.consumer.answer(f.stranger, ...(await answerOf(f)));
    await f.consumer.answer(f.asker, ...(await answerOf(f)));
    expect(await f.consumer.owed(f.operator)).to.equal(REWARD + 1n);
  });

  it("gives the reward back after the deadline, once", async () => {
    const f = await load();
    await expect(f.consumer.refund(f.id)).to.be.revertedWithCustomError(f.consumer, "ExampleConsumerDeadline");
    await networkHelpers.time.increaseTo(f.deadline);
    await expect(f.consumer.refund(f.id)).to.emit(f.consumer, "Refunded").withArgs(f.id, f.asker, REWARD);
    await expect(f.consumer.refund(f.id)).to.be.revertedWithCustomError(f.consumer, "ExampleConsumerUnknownRequest");
    await expect(as(f.consumer, f.asker).withdraw()).to.changeEtherBalance(ethers, f.asker, REWARD);
  });

  it("pays an asker that comes back in once", async () => {
    const f = await load();
    const reentrant = await deploy<Deployed<"ask" | "withdraw" | "payments" | "entered">>(ethers, "ReentrantAsker", [
      f.consumer,
    ]);
    await reentrant.ask(MODEL, other, f.deadline, { value: REWARD });
    await networkHelpers.time.increaseTo(f.deadline);
    await f.consumer.refund(await f.consumer.requestId(reentrant, other));
    await reentrant.withdraw(f.consumer.interface.encodeFunctionData("withdraw"));
    expect([await reentrant.payments(), await reentrant.entered()]).to.deep.equal([1n, false]);
    expect(await ethers.provider.getBalance(reentrant)).to.equal(REWARD);
  });
});
