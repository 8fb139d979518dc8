import { expect } from "chai";
import { AbiCoder, id, keccak256, TypedDataEncoder, ZeroAddress, ZeroHash } from "ethers";
import { network as hardhatNetwork } from "hardhat";
import { as, deploy, type NodeRegistry } from "../support/deployed.ts";
import {
  ADDITION_DELAY,
  bond,
  DAY,
  deployNetwork,
  enclaveKey,
  ENDPOINT,
  HOUR,
  KEY_OVERLAP,
  MIN_STAKE,
  PLATFORM_ID,
  POLICY,
  SALT,
  TDX,
  THAW,
  verdictFor,
  WORKLOAD,
} from "../support/protocol.ts";
import {
  BINDING_TYPES,
  bindingOf,
  REFUSAL,
  signBinding,
  STATUS,
  type Signer,
  type TestVerdict,
} from "../support/verdicts.ts";

const { ethers, networkHelpers } = await hardhatNetwork.create();
const { time } = networkHelpers;

const HISTORY = "0x0000F90827F1C53a10cb7A02335B175320002935";
const SOMEBODY = "0x0000000000000000000000000000000000000001";
/** MSTORE 255, REVERT 32 bytes. */
const REVERTING = "0x60ff5f5260205ffd";

/** The network with one account that may record results without a committee. */
async function fixture() {
  const network = await deployNetwork(ethers);
  const [attester] = network.accounts.slice(6);
  if (!attester) throw new Error("too few accounts");
  await network.registry.setProver(attester, true);
  const attesting = as(network.registry, attester);
  const record = async (verdict: TestVerdict, key: Signer) =>
    attesting.attest(verdict, await signBinding(network.registryDomain, verdict, key));
  const attest = async (key: Signer, changes: Partial<TestVerdict> = {}) => {
    const verdict = await verdictFor(network, key, changes);
    await record(verdict, key);
    return verdict;
  };
  return { ...network, attester, attesting, record, attest, own: as(network.registry, network.operator) };
}

/** The same with an active node. */
async function active() {
  const network = await fixture();
  const verdict = await network.attest(network.key);
  return { ...network, verdict };
}

const load = async () => networkHelpers.loadFixture(fixture);
const loadActive = async () => networkHelpers.loadFixture(active);

async function statusOf(registry: NodeRegistry, nodeId: string): Promise<bigint> {
  return (await registry.node(nodeId)).status;
}

describe("NodeRegistry", () => {
  describe("constructor", () => {
    it("names what it stands on", async () => {
      const { registry, stake, referenceValues } = await load();
      expect(await registry.stake()).to.equal(await stake.getAddress());
      expect(await registry.referenceValues()).to.equal(await referenceValues.getAddress());
      expect(await registry.keyOverlap()).to.equal(KEY_OVERLAP);
      expect(await registry.minStake()).to.equal(MIN_STAKE);
    });

    it("refuses missing addresses, no stake and an overlap above seven days", async () => {
      const { registry, manager, stake, referenceValues } = await load();
      const refused: readonly [unknown[], string, unknown[]][] = [
        [[ZeroAddress, stake, referenceValues, 1, 1, 0], "NodeRegistryZeroAddress", []],
        [[manager, ZeroAddress, referenceValues, 1, 1, 0], "NodeRegistryZeroAddress", []],
        [[manager, stake, ZeroAddress, 1, 1, 0], "NodeRegistryZeroAddress", []],
        [[manager, stake, referenceValues, 0, 1, 0], "NodeRegistryZeroMinStake", []],
        [[manager, stake, referenceValues, 1, 7 * DAY + 1, 0], "NodeRegistryInvalidKeyOverlap", [7 * DAY + 1]],
        [[manager, stake, referenceValues, 1, 1, 7 * DAY + 1], "NodeRegistryInvalidChallengeWindow", [7 * DAY + 1]],
      ];
      for (const [args, error, values] of refused) {
        await expect(deploy(ethers, "NodeRegistry", args))
          .to.be.revertedWithCustomError(registry, error)
          .withArgs(...values);
      }
    });
  });

  describe("who may do what", () => {
    const CALLS: readonly [keyof NodeRegistry, (nodeId: string) => unknown[], string][] = [
      ["setCommittee", () => [SOMEBODY], "governor"],
      ["setProver", () => [SOMEBODY, true], "governor"],
      ["setFaultProver", () => [SOMEBODY, true], "governor"],
      ["setMinStake", () => [5n], "governor"],
      ["unpause", () => [], "governor"],
      ["pause", () => [], "guardian"],
      ["dismissCommittee", () => [], "guardian"],
      ["dismissProver", () => [SOMEBODY], "guardian"],
      ["revoke", (nodeId) => [nodeId, "reason"], "guardian"],
    ];

    for (const [method, values, role] of CALLS) {
      it(`${String(method)} is for the ${role}`, async () => {
        const { registry, governor, guardian, community, operator, slasher, attester, nodeId } = await loadActive();
        const allowed = { governor: [governor], guardian: [guardian, governor] }[role] ?? [];
        for (const account of [governor, guardian, community, operator, slasher, attester]) {
          if (allowed.includes(account)) continue;
          await expect(as(registry, account).getFunction(method as string)(...values(nodeId)))
            .to.be.revertedWithCustomError(registry, "AccessManagedUnauthorized")
            .withArgs(account);
        }
      });
    }
  });

  describe("register", () => {
    it("names the node by operator and salt and lists it", async () => {
      const { registry, own, operator, nodeId } = await load();
      const second = keccak256(AbiCoder.defaultAbiCoder().encode(["address", "bytes32"], [operator.address, id("b")]));
      expect(await own.getFunction("register").staticCall(id("b"), ENDPOINT)).to.equal(second);
      await expect(own.register(id("b"), ENDPOINT))
        .to.emit(registry, "NodeRegistered")
        .withArgs(second, operator, ENDPOINT);
      expect(await registry.nodeCount()).to.equal(2);
      expect(await registry.nodeAt(1)).to.equal(second);
      expect(await registry.liveNodes(operator)).to.equal(2);
      const [first, other] = await registry.nodes(0, 10);
      expect([first.nodeId, first.endpoint, first.operator]).to.deep.equal([nodeId, ENDPOINT, operator.address]);
      expect([other.nodeId, other.status, other.keyEpoch]).to.deep.equal([second, STATUS.Registered, 0n]);
      expect(await registry.isActive(second)).to.equal(false);
    });

    it("needs a bond for one more live node", async () => {
      const { registry, own, operator, stranger } = await load();
      await own.register(id("b"), ENDPOINT);
      await expect(own.register(id("c"), ENDPOINT))
        .to.be.revertedWithCustomError(registry, "NodeRegistryInsufficientStake")
        .withArgs(operator, 3n * MIN_STAKE, 2n * MIN_STAKE);
      await expect(as(registry, stranger).register(SALT, ENDPOINT))
        .to.be.revertedWithCustomError(registry, "NodeRegistryInsufficientStake")
        .withArgs(stranger, MIN_STAKE, 0n);
    });

    it("does not count stake that is unbonding", async () => {
      const { registry, own, stake, operator } = await load();
      await as(stake, operator).requestUnbond(1n);
      await expect(own.register(id("b"), ENDPOINT))
        .to.be.revertedWithCustomError(registry, "NodeRegistryInsufficientStake")
        .withArgs(operator, 2n * MIN_STAKE, 2n * MIN_STAKE - 1n);
    });

    it("refuses a salt twice, even after an exit", async () => {
      const { registry, own, nodeId } = await load();
      await expect(own.register(SALT, ENDPOINT))
        .to.be.revertedWithCustomError(registry, "NodeRegistryNodeExists")
        .withArgs(nodeId);
      await own.exit(nodeId);
      await expect(own.register(SALT, ENDPOINT))
        .to.be.revertedWithCustomError(registry, "NodeRegistryNodeExists")
        .withArgs(nodeId);
    });

    it("refuses endpoints out of bounds", async () => {
      const { registry, own } = await load();
      for (const length of [0, 257]) {
        await expect(own.register(id("b"), "x".repeat(length)))
          .to.be.revertedWithCustomError(registry, "NodeRegistryInvalidEndpoint")
          .withArgs(length);
      }
      await own.register(id("b"), "x".repeat(256));
    });
  });

  describe("setEndpoint", () => {
    it("is for the operator of a live node", async () => {
      const { registry, own, operator, stranger, nodeId } = await load();
      await expect(own.setEndpoint(nodeId, "http://b"))
        .to.emit(registry, "NodeEndpointSet")
        .withArgs(nodeId, "http://b");
      expect((await registry.node(nodeId)).endpoint).to.equal("http://b");
      await expect(own.setEndpoint(nodeId, ""))
        .to.be.revertedWithCustomError(registry, "NodeRegistryInvalidEndpoint")
        .withArgs(0);
      await expect(as(registry, stranger).setEndpoint(nodeId, "http://c"))
        .to.be.revertedWithCustomError(registry, "NodeRegistryNotOperator")
        .withArgs(nodeId, operator, stranger);
      await expect(own.setEndpoint(ZeroHash, "http://c"))
        .to.be.revertedWithCustomError(registry, "NodeRegistryUnknownNode")
        .withArgs(ZeroHash);
      await own.exit(nodeId);
      await expect(own.setEndpoint(nodeId, "http://c"))
        .to.be.revertedWithCustomError(registry, "NodeRegistryWrongStatus")
        .withArgs(nodeId, STATUS.Exited);
    });
  });

  describe("attest", () => {
    it("records a result and activates the node", async () => {
      const network = await load();
      const { registry, record, key, nodeId } = network;
      const verdict = await verdictFor(network, key);
      const { sealingKey, configHash, evidenceHash, expiresAt } = verdict;
      await expect(record(verdict, key))
        .to.emit(registry, "NodeAttested")
        .withArgs(nodeId, key.address, 1, sealingKey, configHash, TDX, false, WORKLOAD, evidenceHash, expiresAt);
      expect(await registry.isActive(nodeId)).to.equal(true);
      expect(await registry.isKeyOf(nodeId, key.address)).to.equal(true);
      expect(await registry.platformNode(PLATFORM_ID)).to.equal(nodeId);
      expect(await registry.node(nodeId)).to.deep.equal([
        nodeId,
        verdict.operator,
        STATUS.Active,
        key.address,
        1n,
        BigInt(TDX),
        1n,
        17n,
        1n,
        WORKLOAD,
        evidenceHash,
        BigInt(await time.latest()),
        BigInt(expiresAt),
        ZeroAddress,
        0n,
        0n,
        ENDPOINT,
      ]);
    });

    it("says so in the event when the evidence is simulated", async () => {
      const { registry, referenceValues, attest, key } = await load();
      await referenceValues.setPlatformPolicy(0x82, POLICY);
      await referenceValues.addWorkload(id("simulated"), 0x82, false);
      await time.increase(ADDITION_DELAY);
      const changes = { platform: 0x82, workloadId: id("simulated"), policyVersion: 2 };
      await attest(key, changes);
      const [event] = await registry.queryFilter("NodeAttested", "latest");
      expect(event && "args" in event ? [event.args["platform"], event.args["simulated"]] : []).to.deep.equal([
        0x82n,
        true,
      ]);
    });

    it("binds keys as ethers hashes them (trap 28: a domain with chain and contract)", async () => {
      const network = await load();
      const verdict = await verdictFor(network, network.key);
      expect(await network.registry.bindingDigest(verdict)).to.equal(
        TypedDataEncoder.hash(network.registryDomain, BINDING_TYPES, bindingOf(verdict)),
      );
    });

    it("is for the committee and provers only", async () => {
      const network = await load();
      const verdict = await verdictFor(network, network.key);
      const possession = await signBinding(network.registryDomain, verdict, network.key);
      for (const account of [network.governor, network.guardian, network.operator]) {
        await expect(as(network.registry, account).attest(verdict, possession))
          .to.be.revertedWithCustomError(network.registry, "NodeRegistryNotAttester")
          .withArgs(account);
      }
    });

    const REFUSED: readonly [
      string,
      (verdict: TestVerdict) => Partial<TestVerdict>,
      string,
      (v: TestVerdict) => unknown[],
    ][] = [
      ["an unknown node", () => ({ nodeId: id("no") }), "NodeRegistryUnknownNode", () => [id("no")]],
      [
        "another operator",
        () => ({ operator: ZeroAddress }),
        "NodeRegistryNotOperator",
        (v) => [v.nodeId, v.operator, ZeroAddress],
      ],
      [
        "another workload under the version of this one",
        () => ({ workloadId: id("no") }),
        "NodeRegistryNotAcceptable",
        (v) => [v.nodeId, REFUSAL.WorkloadOfOtherVersion],
      ],
      [
        "a version that is not the live one",
        () => ({ policyVersion: 2 }),
        "NodeRegistryNotAcceptable",
        (v) => [v.nodeId, REFUSAL.WorkloadUnknown],
      ],
      [
        "a platform without an identity",
        () => ({ platformId: ZeroHash }),
        "NodeRegistryNoPlatformIdentity",
        (v) => [v.nodeId],
      ],
      ["a platform without a policy", () => ({ platform: 1 }), "NodeRegistryEvidenceTooOld", (v) => [v.issuedAt, 0]],
      [
        "a TCB status that policy does not accept",
        () => ({ tcbStatus: 3 }),
        "NodeRegistryNotAcceptable",
        (v) => [v.nodeId, REFUSAL.TcbStatusNotAccepted],
      ],
      [
        "an evaluation number that is too low",
        () => ({ evaluationNumber: 16 }),
        "NodeRegistryNotAcceptable",
        (v) => [v.nodeId, REFUSAL.EvaluationTooLow],
      ],
      [
        "an evaluation number of more than 16 bits",
        () => ({ evaluationNumber: 2 ** 16 }),
        "SafeCastOverflowedUintDowncast",
        () => [16, 2 ** 16],
      ],
      [
        "a validity longer than the policy's",
        (v) => ({ expiresAt: v.expiresAt + 1 }),
        "NodeRegistryValidityTooLong",
        () => [DAY, DAY + 1],
      ],
      [
        "the wrong hash of the anchor block",
        () => ({ blockHash: id("no") }),
        "NodeRegistryWrongBlockHash",
        (v) => [v.blockNumber, v.blockHash, id("no")],
      ],
    ];

    for (const [sentence, changes, error, values] of REFUSED) {
      it(`refuses ${sentence}`, async () => {
        const network = await load();
        const verdict = await verdictFor(network, network.key);
        await expect(network.record({ ...verdict, ...changes(verdict) }, network.key))
          .to.be.revertedWithCustomError(network.registry, error)
          .withArgs(...values(verdict));
      });
    }

    it("refuses a result from the future and one that has expired (trap 26: freshness to the second)", async () => {
      const network = await load();
      const verdict = await verdictFor(network, network.key);
      const now = verdict.issuedAt + 10;
      const refused: readonly [Partial<TestVerdict>, string, number[]][] = [
        [{ issuedAt: now + 1 }, "NodeRegistryFutureResult", [now + 1, now]],
        [{ expiresAt: now }, "NodeRegistryResultExpired", [now, now]],
        [{ expiresAt: 0 }, "NodeRegistryResultExpired", [0, now]],
      ];
      for (const [changes, error, values] of refused) {
        await networkHelpers.loadFixture(fixture);
        await time.setNextBlockTimestamp(now);
        await expect(network.record({ ...verdict, ...changes }, network.key))
          .to.be.revertedWithCustomError(network.registry, error)
          .withArgs(...values);
      }
      await networkHelpers.loadFixture(fixture);
      await time.setNextBlockTimestamp(now);
      await network.record({ ...verdict, issuedAt: now, expiresAt: now + 1 }, network.key);
    });

    it("refuses old evidence for fresh keys (trap 11)", async () => {
      const network = await load();
      const verdict = await verdictFor(network, network.key);
      await time.setNextBlockTimestamp(verdict.issuedAt + POLICY.maxEvidenceAge + 1);
      await expect(network.record(verdict, network.key))
        .to.be.revertedWithCustomError(network.registry, "NodeRegistryEvidenceTooOld")
        .withArgs(verdict.issuedAt, POLICY.maxEvidenceAge);
      const fresh = await verdictFor(network, network.key);
      await time.setNextBlockTimestamp(fresh.issuedAt + POLICY.maxEvidenceAge);
      await network.record(fresh, network.key);
    });

    it("refuses an anchor that nobody can know, even with hash zero (trap 7: unset equals zero)", async () => {
      const network = await load();
      const verdict = await verdictFor(network, network.key);
      await networkHelpers.setCode(HISTORY, "0x");
      for (const blockNumber of [verdict.blockNumber + 1, verdict.blockNumber + 1_000_000]) {
        await expect(network.record({ ...verdict, blockNumber, blockHash: ZeroHash }, network.key))
          .to.be.revertedWithCustomError(network.registry, "NodeRegistryUnknownBlock")
          .withArgs(blockNumber);
      }
    });

    for (const [sentence, code] of [
      ["has no history contract", "0x"],
      ["has one that reverts with a text (which is no hash)", REVERTING],
      ["has one that returns half a hash", "0x60ff5f5260105ff3"],
    ] as const) {
      it(`refuses an anchor older than 256 blocks where the chain ${sentence}`, async () => {
        const network = await load();
        const verdict = await verdictFor(network, network.key);
        await networkHelpers.setCode(HISTORY, code);
        await networkHelpers.mine(256, { interval: 1 });
        await expect(network.record(verdict, network.key))
          .to.be.revertedWithCustomError(network.registry, "NodeRegistryUnknownBlock")
          .withArgs(verdict.blockNumber);
      });
    }

    it("takes an older anchor from the history contract of EIP-2935", async () => {
      const network = await load();
      const verdict = await verdictFor(network, network.key);
      // PUSH32 hash, PUSH0, MSTORE, PUSH1 32, PUSH0, RETURN: a history that knows one hash.
      const history = `0x7f${verdict.blockHash.slice(2)}5f5260205ff3`;
      await networkHelpers.setCode(HISTORY, history);
      await networkHelpers.mine(300, { interval: 1 });
      await network.record(verdict, network.key);
      expect(await network.registry.isActive(network.nodeId)).to.equal(true);
    });

    it("refuses keys without a proof of possession", async () => {
      const network = await load();
      const { registry, attesting, registryDomain, key } = network;
      const thief = enclaveKey("thief");
      const verdict = await verdictFor(network, key);
      await expect(network.record(verdict, thief))
        .to.be.revertedWithCustomError(registry, "NodeRegistryNoPossession")
        .withArgs(key.address, thief.address);
      const elsewhere = await signBinding({ ...registryDomain, chainId: 1 }, verdict, key);
      await expect(attesting.attest(verdict, elsewhere)).to.be.revertedWithCustomError(
        registry,
        "NodeRegistryNoPossession",
      );
      await expect(attesting.attest(verdict, "0x"))
        .to.be.revertedWithCustomError(registry, "ECDSAInvalidSignatureLength")
        .withArgs(0);
    });

    it("refuses nobody's key, even where a record has none", async () => {
      const { registry, guardian, record, key, nodeId, ...network } = await loadActive();
      await as(registry, guardian).revoke(nodeId, "");
      const nobody = await verdictFor({ ...network, nodeId }, key, { signingKey: ZeroAddress });
      await expect(record(nobody, key))
        .to.be.revertedWithCustomError(registry, "NodeRegistryNoPossession")
        .withArgs(ZeroAddress, key.address);
    });

    it("refuses possession for another node: a registration cannot be taken over", async () => {
      const network = await loadActive();
      await network.own.register(id("b"), ENDPOINT);
      const other = await network.registry.nodeAt(1);
      const verdict = await verdictFor(network, enclaveKey("other"), { nodeId: other });
      const possession = await signBinding(
        network.registryDomain,
        { ...verdict, nodeId: network.nodeId },
        enclaveKey("other"),
      );
      await expect(network.attesting.attest(verdict, possession)).to.be.revertedWithCustomError(
        network.registry,
        "NodeRegistryNoPossession",
      );
    });

    it("needs the operator's bond, also after a slash", async () => {
      const network = await load();
      const { registry, lock, operator, stranger, attest, key } = network;
      await lock.slash(operator, MIN_STAKE, stranger);
      await attest(key);
      await lock.slash(operator, MIN_STAKE, stranger);
      await expect(attest(key))
        .to.be.revertedWithCustomError(registry, "NodeRegistryInsufficientStake")
        .withArgs(operator, MIN_STAKE, MIN_STAKE / 2n);
    });

    it("is closed before policy and stake report to the registry (trap 3: no flag that is off by default)", async () => {
      const { manager, stake, referenceValues, registry, own, operator } = await load();
      const args = [manager, stake, referenceValues, MIN_STAKE, KEY_OVERLAP, 0];
      const alone = await deploy<NodeRegistry>(ethers, "NodeRegistry", args);
      await expect(as(alone, operator).register(SALT, ENDPOINT)).to.be.revertedWithCustomError(
        alone,
        "NodeRegistryNotLinked",
      );
      await stake.addLock(alone);
      await expect(as(alone, operator).register(SALT, ENDPOINT)).to.be.revertedWithCustomError(
        alone,
        "NodeRegistryNotLinked",
      );
      await stake.removeLock(registry);
      await expect(own.register(id("b"), ENDPOINT)).to.be.revertedWithCustomError(registry, "NodeRegistryNotLinked");
    });

    it("hears policy and stake from nobody else", async () => {
      const { registry, governor } = await load();
      const calls: readonly [keyof NodeRegistry, unknown[], string][] = [
        ["policyLinked", [], "NodeRegistryNotReferenceValues"],
        ["policyChanged", [], "NodeRegistryNotReferenceValues"],
        ["platformDenied", [PLATFORM_ID], "NodeRegistryNotReferenceValues"],
        ["stakeLinked", [true], "NodeRegistryNotStake"],
        ["stakeSlashed", [governor], "NodeRegistryNotStake"],
      ];
      for (const [method, values, error] of calls) {
        await expect(registry.getFunction(method as string)(...values))
          .to.be.revertedWithCustomError(registry, error)
          .withArgs(governor);
      }
    });

    it("takes one active node for each platform identity", async () => {
      const { registry, own, attest, nodeId, verdict } = await loadActive();
      await own.register(id("b"), ENDPOINT);
      const other = { nodeId: await registry.nodeAt(1) };
      await expect(attest(enclaveKey("other"), other))
        .to.be.revertedWithCustomError(registry, "NodeRegistryPlatformTaken")
        .withArgs(PLATFORM_ID, nodeId);
      await time.increaseTo(verdict.expiresAt);
      await attest(enclaveKey("other"), other);
      expect(await registry.platformNode(PLATFORM_ID)).to.equal(other.nodeId);
      await expect(attest(enclaveKey("back")))
        .to.be.revertedWithCustomError(registry, "NodeRegistryPlatformTaken")
        .withArgs(PLATFORM_ID, other.nodeId);
      await attest(enclaveKey("back"), { platformId: id("elsewhere") });
      expect(await registry.isActive(nodeId)).to.equal(true);
    });

    it("leaves a platform free that its node moved away from", async () => {
      const { registry, own, attest, nodeId } = await loadActive();
      await attest(enclaveKey("moved"), { platformId: id("elsewhere") });
      await own.register(id("b"), ENDPOINT);
      const other = await registry.nodeAt(1);
      await attest(enclaveKey("other"), { nodeId: other });
      expect([await registry.isActive(nodeId), await registry.isActive(other)]).to.deep.equal([true, true]);
    });

    it("refuses nodes that left", async () => {
      const network = await load();
      const { registry, own, nodeId, attest, key } = network;
      await own.exit(nodeId);
      await expect(attest(key))
        .to.be.revertedWithCustomError(registry, "NodeRegistryWrongStatus")
        .withArgs(nodeId, STATUS.Exited);
    });

    it("refuses a denied platform identity and a denied workload (community layer)", async () => {
      const { registry, referenceValues, community, attest, key, nodeId } = await load();
      await as(referenceValues, community).deny(PLATFORM_ID, "");
      await expect(attest(key))
        .to.be.revertedWithCustomError(registry, "NodeRegistryNotAcceptable")
        .withArgs(nodeId, REFUSAL.PlatformDenied);
      await as(referenceValues, community).deny(WORKLOAD, "");
      await expect(attest(key))
        .to.be.revertedWithCustomError(registry, "NodeRegistryNotAcceptable")
        .withArgs(nodeId, REFUSAL.WorkloadDenied);
    });
  });

  describe("renewal and rotation", () => {
    it("renews the same key in its epoch", async () => {
      const { registry, attest, key, nodeId, verdict } = await loadActive();
      const renewed = await attest(key, { tcbStatus: 2, evaluationNumber: 18 });
      const node = await registry.node(nodeId);
      expect([node.keyEpoch, node.signingKey, node.previousKey]).to.deep.equal([1n, key.address, ZeroAddress]);
      expect([node.tcbStatus, node.evaluationNumber]).to.deep.equal([2n, 18n]);
      expect(node.expiresAt).to.equal(renewed.expiresAt);
      expect(renewed.expiresAt).to.be.greaterThan(verdict.expiresAt);
    });

    it("renews an expired node", async () => {
      const { registry, attest, key, nodeId } = await loadActive();
      await time.increase(2 * DAY);
      expect(await registry.isActive(nodeId)).to.equal(false);
      await attest(key);
      expect(await registry.isActive(nodeId)).to.equal(true);
    });

    it("refuses the same or an older result (trap 15: replay whatever the signatures)", async () => {
      const network = await load();
      const { registry, attest, record, key } = network;
      const older = await verdictFor(network, enclaveKey("older"));
      await networkHelpers.mine();
      const verdict = await attest(key);
      const recordedAt = await time.latest();
      await expect(record(verdict, key))
        .to.be.revertedWithCustomError(registry, "NodeRegistryStaleResult")
        .withArgs(recordedAt, verdict.issuedAt);
      await expect(record(older, enclaveKey("older")))
        .to.be.revertedWithCustomError(registry, "NodeRegistryStaleResult")
        .withArgs(recordedAt, older.issuedAt);
    });

    it("keeps receipts of the previous key payable for the overlap after a rotation", async () => {
      const { registry, attest, key, nodeId, operator } = await loadActive();
      const next = enclaveKey("next");
      await attest(next);
      const rotatedAt = await time.latest();
      const node = await registry.node(nodeId);
      expect([node.keyEpoch, node.signingKey]).to.deep.equal([2n, next.address]);
      expect([node.previousKey, node.previousEpoch, node.previousUntil]).to.deep.equal([
        key.address,
        1n,
        BigInt(rotatedAt + KEY_OVERLAP),
      ]);
      expect(await registry.receiptKey(nodeId, 2)).to.deep.equal([next.address, operator.address]);
      await time.increaseTo(rotatedAt + KEY_OVERLAP);
      expect(await registry.receiptKey(nodeId, 1)).to.deep.equal([key.address, operator.address]);
      await time.increase(1);
      expect(await registry.receiptKey(nodeId, 1)).to.deep.equal([ZeroAddress, operator.address]);
    });

    it("does not make an expired key payable again by a rotation", async () => {
      const { registry, attest, nodeId, verdict } = await loadActive();
      await time.increaseTo(verdict.expiresAt + KEY_OVERLAP + 1);
      await attest(enclaveKey("next"));
      expect((await registry.node(nodeId)).previousUntil).to.equal(verdict.expiresAt + KEY_OVERLAP);
      expect((await registry.receiptKey(nodeId, 1)).signingKey).to.equal(ZeroAddress);
    });

    it("remembers every replaced key for ever and takes none back", async () => {
      const { registry, attest, own, key, nodeId } = await loadActive();
      await attest(enclaveKey("second"));
      await attest(enclaveKey("third"));
      expect(await registry.isKeyOf(nodeId, key.address)).to.equal(true);
      expect(await registry.isKeyOf(nodeId, ZeroAddress)).to.equal(false);
      await expect(attest(key))
        .to.be.revertedWithCustomError(registry, "NodeRegistryKeyUsed")
        .withArgs(key.address, nodeId);
      await own.register(id("b"), ENDPOINT);
      await expect(attest(enclaveKey("third"), { nodeId: await registry.nodeAt(1) }))
        .to.be.revertedWithCustomError(registry, "NodeRegistryKeyUsed")
        .withArgs(enclaveKey("third").address, nodeId);
    });
  });

  describe("isActive", () => {
    it("is false for what was never registered or never attested", async () => {
      const { registry, nodeId } = await load();
      expect(await registry.isActive(id("no"))).to.equal(false);
      expect(await registry.isActive(nodeId)).to.equal(false);
    });

    it("ends by itself at the end of validity", async () => {
      const { registry, nodeId, verdict } = await loadActive();
      await time.increaseTo(verdict.expiresAt - 1);
      expect(await registry.isActive(nodeId)).to.equal(true);
      await time.increaseTo(verdict.expiresAt);
      expect(await registry.isActive(nodeId)).to.equal(false);
    });

    it("follows each layer of policy at once", async () => {
      const { registry, referenceValues, guardian, community, nodeId } = await loadActive();
      const guarding = as(referenceValues, guardian);
      const steps = [
        async () => guarding.suspendPlatform(TDX),
        async () => guarding.removeTcbStatus(TDX, 1),
        async () => guarding.raiseMinEvaluationNumber(TDX, 18),
        async () => guarding.removeWorkload(WORKLOAD),
        async () => as(referenceValues, community).deny(WORKLOAD, ""),
        async () => as(referenceValues, community).deny(PLATFORM_ID, ""),
      ];
      for (const step of steps) {
        const snapshot = await networkHelpers.takeSnapshot();
        expect(await registry.isActive(nodeId)).to.equal(true);
        await step();
        expect(await registry.isActive(nodeId)).to.equal(false);
        await snapshot.restore();
      }
    });

    it("needs the bond for all live nodes, and comes back with it", async () => {
      const network = await loadActive();
      const { registry, stake, lock, own, operator, stranger, nodeId } = network;
      await own.register(id("b"), ENDPOINT);
      await expect(as(stake, operator).requestUnbond(1n))
        .to.be.revertedWithCustomError(stake, "NodeStakeLocked")
        .withArgs(operator, 2n * MIN_STAKE, 2n * MIN_STAKE, 1n);
      await lock.slash(operator, 1n, stranger);
      expect(await registry.isActive(nodeId)).to.equal(false);
      await bond(network, operator.address, 1n);
      expect(await registry.isActive(nodeId)).to.equal(true);
      await lock.slash(operator, 1n, stranger);
      await own.exit(await registry.nodeAt(1));
      expect(await registry.isActive(nodeId)).to.equal(true);
    });

    it("follows the stake that each node needs", async () => {
      const { registry, nodeId } = await loadActive();
      await expect(registry.setMinStake(2n * MIN_STAKE + 1n))
        .to.emit(registry, "MinStakeSet")
        .withArgs(2n * MIN_STAKE + 1n);
      expect(await registry.isActive(nodeId)).to.equal(false);
      await expect(registry.setMinStake(0)).to.be.revertedWithCustomError(registry, "NodeRegistryZeroMinStake");
    });
  });

  describe("pause", () => {
    it("means closed (trap 35): nothing active, nothing registers or attests, what was earned stays payable", async () => {
      const network = await loadActive();
      const { registry, guardian, own, attest, key, nodeId, operator } = network;
      await expect(as(registry, guardian).pause()).to.emit(registry, "Paused").withArgs(guardian);
      expect(await registry.paused()).to.equal(true);
      expect(await registry.isActive(nodeId)).to.equal(false);
      await expect(own.register(id("b"), ENDPOINT)).to.be.revertedWithCustomError(registry, "NodeRegistryPaused");
      await expect(attest(key)).to.be.revertedWithCustomError(registry, "NodeRegistryPaused");
      await expect(as(registry, guardian).pause()).to.be.revertedWithCustomError(registry, "NodeRegistryPaused");
      expect(await registry.receiptKey(nodeId, 1)).to.deep.equal([key.address, operator.address]);
      await own.exit(nodeId);
    });

    it("ends by the governor alone", async () => {
      const { registry, guardian, nodeId } = await loadActive();
      await as(registry, guardian).pause();
      await expect(registry.unpause()).to.emit(registry, "Unpaused");
      expect(await registry.isActive(nodeId)).to.equal(true);
      await expect(registry.unpause()).to.be.revertedWithCustomError(registry, "NodeRegistryNotPaused");
    });
  });

  describe("recheck", () => {
    it("lets anyone revoke a node that policy no longer accepts, and its keys for ever", async () => {
      const network = await loadActive();
      const { registry, referenceValues, guardian, stranger, attest, key, nodeId, operator } = network;
      await attest(enclaveKey("second"));
      await as(referenceValues, guardian).removeWorkload(WORKLOAD);
      await expect(as(registry, stranger).recheck(nodeId))
        .to.emit(registry, "NodeRevoked")
        .withArgs(nodeId, enclaveKey("second").address, REFUSAL.WorkloadRemoved, "");
      const node = await registry.node(nodeId);
      expect(node.status).to.equal(STATUS.Revoked);
      for (const epoch of [0, 1, 2]) {
        expect(await registry.receiptKey(nodeId, epoch)).to.deep.equal([ZeroAddress, operator.address]);
      }
      expect(await registry.isKeyOf(nodeId, key.address)).to.equal(true);
    });

    it("notes once for each policy epoch that a node is acceptable", async () => {
      const { registry, referenceValues, guardian, nodeId } = await loadActive();
      const before = await registry.epoch();
      await as(referenceValues, guardian).removeTcbStatus(TDX, 2);
      expect(await registry.epoch()).to.equal(before + 1n);
      expect(await registry.isActive(nodeId)).to.equal(true);
      await expect(registry.recheck(nodeId))
        .to.emit(registry, "NodeRechecked")
        .withArgs(nodeId, before + 1n);
      expect(await registry.isActive(nodeId)).to.equal(true);
      await expect(registry.recheck(nodeId)).to.be.revertedWithCustomError(registry, "NodeRegistryStillAcceptable");
    });

    it("refuses to revoke what is acceptable, and what is not active", async () => {
      const { registry, lock, operator, stranger, own, nodeId } = await loadActive();
      await expect(registry.recheck(nodeId))
        .to.be.revertedWithCustomError(registry, "NodeRegistryStillAcceptable")
        .withArgs(nodeId);
      await lock.slash(operator, MIN_STAKE, stranger);
      await lock.slash(operator, MIN_STAKE, stranger);
      expect(await registry.isActive(nodeId)).to.equal(false);
      await expect(registry.recheck(nodeId))
        .to.be.revertedWithCustomError(registry, "NodeRegistryInsufficientStake")
        .withArgs(operator, MIN_STAKE, MIN_STAKE / 2n);
      await own.exit(nodeId);
      await expect(registry.recheck(nodeId))
        .to.be.revertedWithCustomError(registry, "NodeRegistryWrongStatus")
        .withArgs(nodeId, STATUS.Exited);
      await expect(registry.recheck(id("no")))
        .to.be.revertedWithCustomError(registry, "NodeRegistryUnknownNode")
        .withArgs(id("no"));
    });

    it("does not revoke because a node expired (trap 10: a missing renewal is no fault)", async () => {
      const { registry, nodeId } = await loadActive();
      await time.increase(2 * DAY);
      await expect(registry.recheck(nodeId)).to.be.revertedWithCustomError(registry, "NodeRegistryStillAcceptable");
    });

    it("lets a revoked node come back with a new key only", async () => {
      const { registry, referenceValues, guardian, attest, key, nodeId } = await loadActive();
      await as(referenceValues, guardian).suspendPlatform(TDX);
      await registry.recheck(nodeId);
      await referenceValues.setPlatformPolicy(TDX, POLICY);
      await expect(attest(key))
        .to.be.revertedWithCustomError(registry, "NodeRegistryKeyUsed")
        .withArgs(key.address, nodeId);
      await attest(enclaveKey("second"));
      const node = await registry.node(nodeId);
      expect([node.status, node.keyEpoch, node.previousKey]).to.deep.equal([STATUS.Active, 2n, ZeroAddress]);
      expect((await registry.receiptKey(nodeId, 1)).signingKey).to.equal(ZeroAddress);
    });
  });

  describe("a removed workload that is added again (trap 12)", () => {
    it("revives no key, rechecked or not", async () => {
      for (const recheck of [true, false]) {
        const network = await loadActive();
        const { registry, referenceValues, guardian, attest, key, nodeId } = network;
        await as(referenceValues, guardian).removeWorkload(WORKLOAD);
        await referenceValues.addWorkload(WORKLOAD, TDX, false);
        await time.increase(ADDITION_DELAY);
        if (recheck) await registry.recheck(nodeId);
        expect(await registry.isActive(nodeId)).to.equal(false);
        const renewal = expect(attest(key, { policyVersion: 2 })).to.be;
        if (recheck) {
          await renewal.revertedWithCustomError(registry, "NodeRegistryKeyUsed").withArgs(key.address, nodeId);
        } else {
          await renewal.revertedWithCustomError(registry, "NodeRegistryKeyOfOtherPolicy").withArgs(key.address, 1, 2);
        }
        await expect(attest(key)).to.be.revertedWithCustomError(
          registry,
          recheck ? "NodeRegistryKeyUsed" : "NodeRegistryNotAcceptable",
        );
        await attest(enclaveKey("second"), { policyVersion: 2 });
        expect(await registry.isActive(nodeId)).to.equal(true);
      }
    });

    it("does not accept a key of before through another node of the operator", async () => {
      const { registry, referenceValues, guardian, own, attest, key, nodeId } = await loadActive();
      await as(referenceValues, guardian).removeWorkload(WORKLOAD);
      await referenceValues.addWorkload(WORKLOAD, TDX, false);
      await time.increase(ADDITION_DELAY);
      await own.register(id("b"), ENDPOINT);
      await expect(attest(key, { nodeId: await registry.nodeAt(1), policyVersion: 2 }))
        .to.be.revertedWithCustomError(registry, "NodeRegistryKeyUsed")
        .withArgs(key.address, nodeId);
    });
  });

  describe("revoke", () => {
    it("takes the keys of an active node, with the guardian's reason", async () => {
      const { registry, guardian, attest, key, nodeId } = await loadActive();
      const guarding = as(registry, guardian);
      await expect(guarding.revoke(nodeId, "key seen elsewhere"))
        .to.emit(registry, "NodeRevoked")
        .withArgs(nodeId, key.address, REFUSAL.None, "key seen elsewhere");
      expect(await registry.isActive(nodeId)).to.equal(false);
      await expect(guarding.revoke(nodeId, ""))
        .to.be.revertedWithCustomError(registry, "NodeRegistryWrongStatus")
        .withArgs(nodeId, STATUS.Revoked);
      await expect(attest(key)).to.be.revertedWithCustomError(registry, "NodeRegistryKeyUsed");
    });

    it("leaves a revoked key unpayable when the node exits afterwards", async () => {
      const { registry, guardian, own, nodeId } = await loadActive();
      await as(registry, guardian).revoke(nodeId, "");
      await own.exit(nodeId);
      expect((await registry.receiptKey(nodeId, 1)).signingKey).to.equal(ZeroAddress);
    });
  });

  describe("exit", () => {
    it("ends service at once and leaves receipts payable for the overlap", async () => {
      const { registry, own, operator, key, nodeId, verdict } = await loadActive();
      await expect(own.exit(nodeId)).to.emit(registry, "NodeExited").withArgs(nodeId, operator);
      expect(await registry.isActive(nodeId)).to.equal(false);
      expect(await registry.liveNodes(operator)).to.equal(0);
      expect(await statusOf(registry, nodeId)).to.equal(STATUS.Exited);
      await time.increaseTo(verdict.expiresAt + KEY_OVERLAP);
      expect(await registry.receiptKey(nodeId, 1)).to.deep.equal([key.address, operator.address]);
      await time.increase(1);
      expect((await registry.receiptKey(nodeId, 1)).signingKey).to.equal(ZeroAddress);
    });

    it("is for the operator, once", async () => {
      const { registry, own, operator, stranger, nodeId } = await loadActive();
      await expect(as(registry, stranger).exit(nodeId))
        .to.be.revertedWithCustomError(registry, "NodeRegistryNotOperator")
        .withArgs(nodeId, operator, stranger);
      await own.exit(nodeId);
      await expect(own.exit(nodeId))
        .to.be.revertedWithCustomError(registry, "NodeRegistryWrongStatus")
        .withArgs(nodeId, STATUS.Exited);
    });

    it("frees the bond, which stays slashable while it thaws", async () => {
      const { own, stake, lock, token, operator, slasher, nodeId } = await loadActive();
      await own.exit(nodeId);
      await as(stake, operator).requestUnbond(2n * MIN_STAKE);
      await time.increase(THAW - HOUR);
      await lock.slash(operator, MIN_STAKE, slasher);
      await time.increase(HOUR);
      await as(stake, operator).withdraw();
      expect(await token.balanceOf(operator)).to.equal(MIN_STAKE);
    });
  });

  describe("convict", () => {
    it("ends a node and its keys for ever, once, and slashes for the challenger", async () => {
      const { registry, stake, slasher, stranger, operator, key, nodeId, attest } = await loadActive();
      const accusing = as(registry, slasher);
      const convicting = accusing.convict(nodeId, key.address, stranger);
      await expect(convicting).to.emit(registry, "NodeSlashed").withArgs(nodeId, key.address);
      await expect(convicting)
        .to.emit(stake, "StakeSlashed")
        .withArgs(operator, stranger, MIN_STAKE / 2n, MIN_STAKE / 2n);
      expect(await statusOf(registry, nodeId)).to.equal(STATUS.Slashed);
      expect(await registry.liveNodes(operator)).to.equal(0);
      expect((await registry.receiptKey(nodeId, 1)).signingKey).to.equal(ZeroAddress);
      await expect(accusing.convict(nodeId, key.address, stranger))
        .to.be.revertedWithCustomError(registry, "NodeRegistryWrongStatus")
        .withArgs(nodeId, STATUS.Slashed);
      await expect(attest(key))
        .to.be.revertedWithCustomError(registry, "NodeRegistryWrongStatus")
        .withArgs(nodeId, STATUS.Slashed);
    });

    it("asks again whether the operator's other nodes are covered", async () => {
      const { registry, own, attest, slasher, stranger, key, nodeId } = await loadActive();
      await own.register(id("b"), ENDPOINT);
      const other = await registry.nodeAt(1);
      await attest(enclaveKey("other"), { nodeId: other, platformId: id("elsewhere") });
      await as(registry, slasher).convict(nodeId, key.address, stranger);
      expect(await registry.isActive(other)).to.equal(true);
      await as(registry, slasher).convict(other, enclaveKey("other").address, stranger);
      expect(await registry.isActive(other)).to.equal(false);
    });

    it("reaches a node that left before the proof, by any key that it ever had", async () => {
      const { registry, slasher, stranger, own, attest, operator, key, nodeId } = await loadActive();
      await attest(enclaveKey("second"));
      await attest(enclaveKey("third"));
      await own.exit(nodeId);
      await as(registry, slasher).convict(nodeId, key.address, stranger);
      expect(await statusOf(registry, nodeId)).to.equal(STATUS.Slashed);
      expect(await registry.liveNodes(operator)).to.equal(0);
    });

    it("refuses unknown nodes, keys that are not the node's, and who proves no faults", async () => {
      const { registry, slasher, stranger, governor, key, nodeId } = await loadActive();
      const accusing = as(registry, slasher);
      await expect(accusing.convict(id("no"), key.address, stranger))
        .to.be.revertedWithCustomError(registry, "NodeRegistryUnknownNode")
        .withArgs(id("no"));
      for (const other of [ZeroAddress, enclaveKey("other").address]) {
        await expect(accusing.convict(nodeId, other, stranger))
          .to.be.revertedWithCustomError(registry, "NodeRegistryNotKeyOf")
          .withArgs(nodeId, other);
      }
      for (const account of [governor, stranger]) {
        await expect(as(registry, account).convict(nodeId, key.address, stranger))
          .to.be.revertedWithCustomError(registry, "NodeRegistryNotFaultProver")
          .withArgs(account);
      }
    });
  });

  describe("who records and who convicts", () => {
    it("is named by the governor and dismissed by the guardian, at once", async () => {
      const network = await load();
      const { registry, guardian, committee, attester, attest, key } = network;
      expect(await registry.committee()).to.equal(await committee.getAddress());
      await expect(registry.setProver(ZeroAddress, true)).to.be.revertedWithCustomError(
        registry,
        "NodeRegistryZeroAddress",
      );
      await expect(registry.setFaultProver(ZeroAddress, true)).to.be.revertedWithCustomError(
        registry,
        "NodeRegistryZeroAddress",
      );
      await expect(as(registry, guardian).dismissProver(attester))
        .to.emit(registry, "ProverSet")
        .withArgs(attester, false);
      expect(await registry.isProver(attester)).to.equal(false);
      await expect(attest(key)).to.be.revertedWithCustomError(registry, "NodeRegistryNotAttester");
      await expect(as(registry, guardian).dismissCommittee()).to.emit(registry, "CommitteeSet").withArgs(ZeroAddress);
      expect(await registry.committee()).to.equal(ZeroAddress);
      await expect(registry.setCommittee(attester)).to.emit(registry, "CommitteeSet").withArgs(attester);
      await attest(key);
      await expect(registry.setFaultProver(attester, true))
        .to.emit(registry, "FaultProverSet")
        .withArgs(attester, true);
      expect(await registry.isFaultProver(attester)).to.equal(true);
    });
  });

  describe("nodes", () => {
    it("are listed in pages that end where the list ends", async () => {
      const network = await load();
      const { registry, own, operator } = network;
      await bond(network, operator.address, 5n * MIN_STAKE);
      for (const name of ["b", "c", "d"]) await own.register(id(name), ENDPOINT);
      const pageOf = async (start: number, count: number) => (await registry.nodes(start, count)).length;
      expect([await pageOf(0, 2), await pageOf(2, 10), await pageOf(4, 1), await pageOf(9, 9)]).to.deep.equal([
        2, 2, 0, 0,
      ]);
      const [third] = await registry.nodes(2, 1);
      expect(third.nodeId).to.equal(await registry.nodeAt(2));
    });

    it("are unknown before they are registered", async () => {
      const { registry } = await load();
      await expect(registry.node(id("no")))
        .to.be.revertedWithCustomError(registry, "NodeRegistryUnknownNode")
        .withArgs(id("no"));
      expect(await registry.receiptKey(id("no"), 0)).to.deep.equal([ZeroAddress, ZeroAddress]);
      await expect(registry.nodeAt(5)).to.be.revertedWithPanic(0x32);
    });
  });
});
