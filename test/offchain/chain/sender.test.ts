import { expect } from "chai";
import { inspect } from "node:util";
import type { Contracts } from "../../../offchain/chain/contracts.ts";
import type { Sender } from "../../../offchain/chain/sender.ts";
import type { Hex } from "../../../offchain/encoding/bytes.ts";
import type { LocalChain } from "../../support/local-chain.ts";
import { readMembers, readThreshold } from "../../../offchain/chain/committee.ts";
import { openContracts, readEvents } from "../../../offchain/chain/contracts.ts";
import { depositChannels, readChannel } from "../../../offchain/chain/escrow.ts";
import { revertName } from "../../../offchain/chain/failure.ts";
import {
  listModels,
  listOffers,
  readModel,
  readOffer,
  registerModel,
  setOffer,
} from "../../../offchain/chain/models.ts";
import { blockAt, connectChain, latestBlock } from "../../../offchain/chain/provider.ts";
import { readAppraisal, readWorkload } from "../../../offchain/chain/reference-values.ts";
import { exitNode, isActive, listNodes, readNode, readReceiptKey, register } from "../../../offchain/chain/registry.ts";
import { eventsOf, findSent, openSender } from "../../../offchain/chain/sender.ts";
import { bond, readStake, requestUnbond } from "../../../offchain/chain/stake.ts";
import { approve, mintTestTokens, readAllowance, readBalance } from "../../../offchain/chain/token.ts";
import { deployLocally } from "../../support/deployments.ts";
import { temporaryDirectory } from "../../support/directories.ts";
import { startLocalChain } from "../../support/local-chain.ts";
import { refusal } from "../../support/refusal.ts";

const ZERO: Hex = `0x${"00".repeat(20)}`;
const HASH: Hex = `0x${"ab".repeat(32)}`;
const KEY: Hex = `0x${"42".repeat(32)}`;
const STAKE = 10n ** 18n;

describe("chain", function () {
  this.timeout(180_000);

  const directory = temporaryDirectory();
  let local: LocalChain;
  let contracts: Contracts;
  let operator: Sender;

  before(async () => {
    local = await startLocalChain();
    contracts = await deployLocally(local, directory, { minStake: STAKE });
    operator = await openSender(local.chain, { privateKey: KEY });
    await local.request("hardhat_setBalance", operator.address, "0x56bc75e2d63100000");
  });

  after(() => local.close());

  describe("connectChain", () => {
    it("refuses another chain than asked for", async () => {
      expect(await refusal(connectChain(local.url, { chainId: 1n }))).to.equal("CONFIG_INVALID");
    });

    it("says that nothing answers", async () => {
      expect(await refusal(connectChain("http://127.0.0.1:9", { timeoutMs: 500 }))).to.equal("RPC_UNAVAILABLE");
    });

    it("reads blocks as anchors", async () => {
      const newest = await latestBlock(local.chain);
      expect(await blockAt(local.chain, newest.blockNumber)).to.deep.equal(newest);
      expect(await blockAt(local.chain, newest.blockNumber + 1000n)).to.equal(undefined);
    });
  });

  describe("openContracts", () => {
    it("refuses a deployment of another chain", () => {
      const deployment = { chainId: 1n, contracts: {} } as unknown as Parameters<typeof openContracts>[1];
      expect(() => openContracts(local.chain, deployment))
        .to.throw()
        .with.property("code", "CONFIG_INVALID");
    });
  });

  describe("sender", () => {
    it("refuses a key that is none, without quoting it", async () => {
      const key: Hex = "0x1234567890";
      const fault = await openSender(local.chain, { privateKey: key }).catch((error: unknown) => error as Error);
      expect(fault).to.have.property("code", "CONFIG_INVALID");
      expect(inspect(fault)).to.not.include("1234567890");
    });

    it("numbers transactions that are sent at once one after the other", async () => {
      const first = await operator.nextNonce();
      const amounts = [1n, 2n, 3n, 4n, 5n];
      const taken: Hex[] = [];
      const sent = await Promise.all(
        amounts.map((amount) =>
          operator.send(mintTestTokens(contracts, operator.address, amount * STAKE), {
            onTaken: (hash) => void taken.push(hash),
          }),
        ),
      );
      expect(await operator.nextNonce()).to.equal(first + 5);
      expect(taken).to.deep.equal(sent.map(({ transaction }) => transaction));
      expect(sent[0]?.gasUsed).to.be.greaterThan(21_000n);
      expect(await readBalance(contracts, operator.address)).to.equal(15n * STAKE);
      expect(await findSent(local.chain, sent[0]?.transaction ?? "0x")).to.have.property(
        "blockNumber",
        sent[0]?.blockNumber,
      );
      expect(await findSent(local.chain, HASH)).to.equal(undefined);
    });

    it("names the contract's refusal and its values, sends nothing, and goes on after it", async () => {
      const before = await operator.nextNonce();
      const fault = await operator
        .send(register(contracts, HASH, "http://node"))
        .catch((error: unknown) => error as Error);
      expect(fault).to.have.property("code", "TX_REVERTED");
      expect(revertName(fault)).to.equal("NodeRegistryInsufficientStake");
      expect((fault as Error).cause)
        .to.have.property("args")
        .that.deep.equals({ operator: operator.address, required: STAKE, bonded: 0n });
      expect(await operator.nextNonce()).to.equal(before);
      await operator.send(approve(contracts, "NodeStake", 15n * STAKE));
      expect(await readAllowance(contracts, operator.address, "NodeStake")).to.equal(15n * STAKE);
    });

    it("tells an account without funds apart", async () => {
      const poor = await openSender(local.chain, { privateKey: HASH });
      expect(await refusal(poor.send(approve(contracts, "NodeStake", 1n)))).to.equal("TX_UNDERPRICED");
    });
  });

  describe("readers", () => {
    let nodeId: Hex;

    it("follows a node from its bond to its exit", async () => {
      await operator.send(bond(contracts, 3n * STAKE));
      expect(await readStake(contracts, operator.address)).to.deep.equal({
        bonded: 3n * STAKE,
        unbonding: 0n,
        withdrawableAt: 0n,
      });
      const sent = await operator.send(register(contracts, HASH, "http://node"));
      const [event] = eventsOf(contracts, sent);
      expect(event).to.deep.include({ contract: "NodeRegistry", name: "NodeRegistered" });
      expect(event?.args).to.deep.include({ operator: operator.address, endpoint: "http://node" });
      nodeId = event?.args["nodeId"] as Hex;
      const node = await readNode(contracts, nodeId);
      expect(node).to.deep.include({
        nodeId,
        status: "registered",
        signingKey: ZERO,
        keyEpoch: 0,
        expiresAt: 0,
        endpoint: "http://node",
      });
      expect(await listNodes(contracts)).to.deep.equal([node]);
      expect(await isActive(contracts, nodeId)).to.equal(false);
      expect(await readReceiptKey(contracts, nodeId, 1)).to.deep.equal({
        signingKey: ZERO,
        operator: operator.address,
      });
      expect(await readNode(contracts, HASH)).to.equal(undefined);
      const range = { from: 0n, to: sent.blockNumber, indexed: [nodeId] };
      expect(await readEvents(contracts, "NodeRegistry", "NodeRegistered", range)).to.deep.equal([event]);
    });

    it("reads the committee and what policy says of a stranger", async () => {
      expect(await readMembers(contracts)).to.deep.equal([]);
      expect(await readThreshold(contracts)).to.equal(2);
      expect(await readWorkload(contracts, HASH)).to.equal(undefined);
      const claims = {
        workloadId: HASH,
        policyVersion: 1,
        platform: 1,
        tcbStatus: 1,
        evaluationNumber: 1,
        platformId: HASH,
        withGpu: false,
      };
      expect(await readAppraisal(contracts, claims)).to.equal("platform-not-accepted");
    });

    it("reads models and offers", async () => {
      const terms = {
        pricePerUnit: 5n,
        manifestHash: HASH,
        privacyPolicyHash: HASH,
        keyReleasePolicyHash: HASH,
        uri: "x:y",
      };
      await operator.send(registerModel(contracts, HASH, terms));
      expect(await readModel(contracts, HASH)).to.deep.equal({
        owner: operator.address,
        pendingOwner: ZERO,
        retired: false,
        terms,
      });
      expect(await readModel(contracts, nodeId)).to.equal(undefined);
      expect(await listModels(contracts)).to.deep.equal([HASH]);
      expect(await readOffer(contracts, nodeId, HASH)).to.equal(undefined);
      await operator.send(setOffer(contracts, nodeId, { modelId: HASH, pricePerUnit: 7n }));
      expect(await readOffer(contracts, nodeId, HASH)).to.equal(7n);
      expect(await listOffers(contracts, nodeId)).to.deep.equal([{ modelId: HASH, pricePerUnit: 7n }]);
    });

    it("refuses a channel to a node that is not active", async () => {
      expect(await readChannel(contracts, operator.address, nodeId)).to.deep.equal({
        deposit: 0n,
        spent: 0n,
        withdrawableAt: 0,
        listCap: 0n,
      });
      const fault = await operator
        .send(depositChannels(contracts, [{ nodeId, amount: 1n }]))
        .catch((error: unknown) => error);
      expect(revertName(fault)).to.equal("InferenceEscrowNodeInactive");
    });

    it("sees stake on its way out and a node that left", async () => {
      await operator.send(exitNode(contracts, nodeId));
      expect((await readNode(contracts, nodeId))?.status).to.equal("exited");
      await operator.send(requestUnbond(contracts, STAKE));
      expect(await readStake(contracts, operator.address)).to.deep.include({ bonded: 2n * STAKE, unbonding: STAKE });
    });
  });
});
