import { expect } from "chai";
import { concat, hexlify, id, keccak256, toBeHex, ZeroAddress, ZeroHash } from "ethers";
import { network as hardhatNetwork } from "hardhat";
import { as, deploy, type ToldProof } from "../support/deployed.ts";
import {
  attestPublic,
  CHALLENGE_BOND,
  deployChallenges,
  EVIDENCE,
  openChallenge,
  RESPONSE_TIME,
  signaturesOf,
  votesOf,
  WINDOW,
  type ChallengeNetwork,
} from "../support/challenges.ts";
import {
  enclaveKey,
  submit,
  verdictFor,
  HOUR,
  KEY_OVERLAP,
  MEMBER_BOND,
  PLATFORM_ID,
  TDX,
  UP_TO_DATE,
  WORKLOAD,
} from "../support/protocol.ts";
import { signBinding, STATUS, type TestVerdict } from "../support/verdicts.ts";

const { ethers, networkHelpers } = await hardhatNetwork.create();
const { time } = networkHelpers;

const PHASE = { None: 0n, Opened: 1n, Answered: 2n, Upheld: 3n, Refuted: 4n } as const;
const ENDING = { Timeout: 0n, Votes: 1n, Proof: 2n } as const;
const BURNED = "0x000000000000000000000000000000000000dEaD";

const fixture = () => deployChallenges(ethers);

/** The node attested, and its verdict. */
async function pending() {
  const network = await fixture();
  return { ...network, verdict: await attestPublic(network) };
}

async function opened() {
  const network = await pending();
  await openChallenge(network, network.verdict);
  return network;
}

async function answered() {
  const network = await opened();
  await network.challenges.answer(1, network.verdict, EVIDENCE, []);
  return network;
}

async function drawn() {
  const network = await answered();
  await networkHelpers.mine(3);
  await network.challenges.draw(1);
  return network;
}

const load = <T>(state: () => Promise<T>): Promise<T> => networkHelpers.loadFixture(state);

type State = Awaited<ReturnType<typeof pending>>;

async function vote(network: State, upheld: boolean, voters = network.members.slice(2)) {
  const { verdictDigest } = await network.challenges.challengeOf(1);
  const signatures = await votesOf(network.challengesDomain, { challengeId: 1, verdictDigest, upheld }, voters);
  return network.challenges.resolveByVotes(1, upheld, signatures);
}

async function statusOf({ registry, nodeId }: ChallengeNetwork): Promise<bigint> {
  return (await registry.node(nodeId)).status;
}

async function stakesOf({ stake, members }: ChallengeNetwork): Promise<bigint[]> {
  return Promise.all(members.map((member) => stake.bondedOf(member.address)));
}

/** A proof that is asked about TDX and says what the verdict says, but for `changes`. */
async function tellProof(network: State, changes: object = {}): Promise<ToldProof> {
  const { verdict, registry, challenges } = network;
  const proof = await deploy<ToldProof>(ethers, "ToldProof");
  await proof.tell({
    platform: TDX,
    tcbStatus: UP_TO_DATE,
    evaluationNumber: verdict.evaluationNumber,
    workloadId: WORKLOAD,
    platformId: PLATFORM_ID,
    reportDataHead: await registry.bindingDigest(verdict),
    reportDataTail: concat([toBeHex(verdict.blockNumber, 8), verdict.blockHash.slice(0, 50)]),
    ...changes,
  });
  await challenges.setProof(TDX, proof);
  return proof;
}

describe("VerdictChallenges", () => {
  describe("constructor", () => {
    it("refuses what cannot work: no address, no bond, no time, a thaw that a signer could leave by, no quorum", async () => {
      const { challenges, committee, manager } = await load(fixture);
      const refused: readonly [unknown[], string, unknown[]][] = [
        [[ZeroAddress, committee, 1, 1, 1], "VerdictChallengesZeroAddress", []],
        [[manager, ZeroAddress, 1, 1, 1], "VerdictChallengesZeroAddress", []],
        [[manager, committee, 0, 1, 1], "VerdictChallengesInvalidParameter", [0]],
        [[manager, committee, 1, 0, 1], "VerdictChallengesInvalidParameter", [0]],
        [[manager, committee, 1, 252 * HOUR, 1], "VerdictChallengesInvalidParameter", [252 * HOUR]],
        [[manager, committee, 1, 1, 0], "VerdictChallengesInvalidParameter", [0]],
        [[manager, committee, 1, 1, 16], "VerdictChallengesInvalidParameter", [16]],
      ];
      for (const [args, error, values] of refused) {
        await expect(deploy(ethers, "VerdictChallenges", args))
          .to.be.revertedWithCustomError(challenges, error)
          .withArgs(...values);
      }
    });
  });

  describe("a node with a new key", () => {
    it("is pending, and active by itself when the window is over", async () => {
      const network = await load(pending);
      const { registry, nodeId, verdict } = network;
      expect(await statusOf(network)).to.equal(STATUS.Pending);
      expect(await registry.isActive(nodeId)).to.equal(false);
      expect((await registry.receiptKey(nodeId, 1)).signingKey).to.equal(ZeroAddress);
      await time.increase(WINDOW);
      expect(await statusOf(network)).to.equal(STATUS.Active);
      expect(await registry.isActive(nodeId)).to.equal(true);
      expect((await registry.receiptKey(nodeId, 1)).signingKey).to.equal(verdict.signingKey);
    });

    it("waits from the recording of the verdict, however old its evidence is", async () => {
      const network = await load(fixture);
      const { registry, nodeId } = network;
      const verdict = await verdictFor(network, network.key);
      await time.increase(HOUR / 2 - 60);
      await submit(network, verdict, network.key);
      const recordedAt = await time.latest();
      expect((await registry.node(nodeId)).attestedAt).to.equal(recordedAt);
      await time.increaseTo(recordedAt + WINDOW - 1);
      expect(await registry.isActive(nodeId)).to.equal(false);
      await time.increaseTo(recordedAt + WINDOW);
      expect(await registry.isActive(nodeId)).to.equal(true);
    });

    it("keeps waiting when it renews within the window, and stays active when it renews after it", async () => {
      const network = await load(pending);
      const { registry, nodeId } = network;
      await time.increase(WINDOW - 60);
      await attestPublic(network);
      await time.increase(120);
      expect(await registry.isActive(nodeId)).to.equal(false);
      await time.increase(WINDOW);
      await attestPublic(network);
      expect(await registry.isActive(nodeId)).to.equal(true);
      expect(await statusOf(network)).to.equal(STATUS.Active);
    });

    it("is revoked by the guardian while it waits, and holds its platform", async () => {
      const network = await load(pending);
      const { registry, guardian, nodeId } = network;
      expect(await registry.platformNode(PLATFORM_ID)).to.equal(nodeId);
      await as(registry, guardian).revoke(nodeId, "reason");
      expect(await statusOf(network)).to.equal(STATUS.Revoked);
    });

    it("is active at once where a contract checked the evidence", async () => {
      const network = await load(fixture);
      const { registry, nodeId, governor, key, registryDomain } = network;
      await registry.setProver(governor, true);
      const verdict = await attestPublic(network, enclaveKey("other"));
      const proven = { ...verdict, signingKey: key.address, evidenceHash: id("proven"), issuedAt: await time.latest() };
      await registry.attest(proven, await signBinding(registryDomain, proven, key));
      expect(await registry.isActive(nodeId)).to.equal(true);
    });
  });

  describe("open", () => {
    it("suspends the node, takes the bond and says until when the evidence is due", async () => {
      const network = await load(pending);
      const { challenges, challenger, registry, nodeId, token, verdict } = network;
      const held = await token.balanceOf(challenger);
      await expect(openChallenge(network, verdict))
        .to.emit(registry, "NodeChallenged")
        .withArgs(nodeId, verdict.evidenceHash);
      const found = await challenges.challengeOf(1);
      expect([found.phase, found.challenger, found.nodeId]).to.deep.equal([PHASE.Opened, challenger.address, nodeId]);
      expect(found.deadline).to.equal(BigInt(await time.latest()) + BigInt(RESPONSE_TIME));
      expect(held - (await token.balanceOf(challenger))).to.equal(CHALLENGE_BOND);
      expect(await statusOf(network)).to.equal(STATUS.Challenged);
      await time.increase(WINDOW);
      expect(await registry.isActive(nodeId)).to.equal(false);
      expect((await registry.receiptKey(nodeId, 1)).signingKey).to.equal(ZeroAddress);
    });

    it("suspends an active node that renewed, until the window of the renewal is over", async () => {
      const network = await load(pending);
      await time.increase(WINDOW);
      const renewal = await attestPublic(network);
      expect(await network.registry.isActive(network.nodeId)).to.equal(true);
      await openChallenge(network, renewal);
      expect(await network.registry.isActive(network.nodeId)).to.equal(false);
    });

    it("refuses after the window", async () => {
      const network = await load(pending);
      await time.increase(WINDOW);
      await expect(openChallenge(network, network.verdict)).to.be.revertedWithCustomError(
        network.registry,
        "NodeRegistryWindowOver",
      );
    });

    const OTHERS: readonly [string, (verdict: TestVerdict) => Partial<TestVerdict>][] = [
      ["evidence", () => ({ evidenceHash: id("other") })],
      ["key", () => ({ signingKey: enclaveKey("other").address })],
      ["operator", () => ({ operator: enclaveKey("other").address })],
      ["end", ({ expiresAt }) => ({ expiresAt: expiresAt - 1 })],
      ["TCB status", () => ({ tcbStatus: 2 })],
      ["evaluation number", () => ({ evaluationNumber: 18 })],
      ["policy version", () => ({ policyVersion: 2 })],
      ["platform", () => ({ platform: 1 })],
      [
        "platform identity",
        () => ({ platformId: PLATFORM_ID.replace(/^0x./u, PLATFORM_ID.startsWith("0x1") ? "0x2" : "0x1") }),
      ],
      ["workload", () => ({ workloadId: id("other") })],
    ];
    for (const [name, changes] of OTHERS) {
      it(`refuses a verdict of another ${name} than the recorded one`, async () => {
        const network = await load(pending);
        await expect(
          openChallenge(network, { ...network.verdict, ...changes(network.verdict) }),
        ).to.be.revertedWithCustomError(network.registry, "NodeRegistryNotRecorded");
      });
    }

    it("refuses too few, too many, unordered and foreign signatures", async () => {
      const network = await load(pending);
      const { challenges, verdict, members, key } = network;
      const of = (count: number) => signaturesOf(network, verdict, members.slice(0, count));
      const opening = async (signatures: string) => as(challenges, network.challenger).open(verdict, signatures);
      for (const [count, length] of [
        [1, 65],
        [3, 195],
      ] as const) {
        await expect(opening(await of(count)))
          .to.be.revertedWithCustomError(challenges, "VerdictChallengesWrongSignatures")
          .withArgs(2, length);
      }
      const one = await of(1);
      await expect(opening(concat([one, one]))).to.be.revertedWithCustomError(
        challenges,
        "VerdictChallengesSignersNotAscending",
      );
      const foreign = await signaturesOf(network, verdict, [...members.slice(0, 1), key]);
      await expect(opening(foreign))
        .to.be.revertedWithCustomError(challenges, "VerdictChallengesNotSigner")
        .withArgs(key.address);
    });

    it("reaches members that were removed since, and refuses those without stake", async () => {
      const network = await load(pending);
      const { committee, guardian, lock, members, verdict, challenges } = network;
      const [first] = members;
      await as(committee, guardian).removeMember(first?.address ?? "");
      const signatures = await signaturesOf(network, verdict);
      await as(challenges, network.challenger).open.staticCall(verdict, signatures);
      for (let i = 0; i < 3; i++) await lock.slash(first?.address ?? "", 2n * MEMBER_BOND, guardian);
      await expect(as(challenges, network.challenger).open(verdict, signatures))
        .to.be.revertedWithCustomError(challenges, "VerdictChallengesNotSigner")
        .withArgs(first?.address);
    });

    it("refuses where nobody is left to decide", async () => {
      const network = await load(pending);
      const { committee, guardian, members, verdict, challenges } = network;
      for (const member of members.slice(2)) await as(committee, guardian).removeMember(member.address);
      await expect(openChallenge(network, verdict)).to.be.revertedWithCustomError(
        challenges,
        "VerdictChallengesNoVoters",
      );
    });

    it("refuses a second challenge of a verdict, also after the first", async () => {
      const network = await load(drawn);
      await expect(openChallenge(network, network.verdict))
        .to.be.revertedWithCustomError(network.challenges, "VerdictChallengesChallengedBefore")
        .withArgs(1);
      await vote(network, true);
      await expect(openChallenge(network, network.verdict))
        .to.be.revertedWithCustomError(network.challenges, "VerdictChallengesChallengedBefore")
        .withArgs(1);
    });

    it("is refused by the registry for anybody else", async () => {
      const network = await load(pending);
      const { registry, stranger, verdict, nodeId } = network;
      await expect(as(registry, stranger).challenge(verdict))
        .to.be.revertedWithCustomError(registry, "NodeRegistryNotChallenges")
        .withArgs(stranger);
      await expect(as(registry, stranger).endChallenge(nodeId, verdict.evidenceHash, true))
        .to.be.revertedWithCustomError(registry, "NodeRegistryNotChallenges")
        .withArgs(stranger);
    });
  });

  describe("a challenged node", () => {
    it("takes no verdict, neither of the same key nor of another", async () => {
      const network = await load(opened);
      for (const key of [network.key, enclaveKey("escape")]) {
        await expect(attestPublic(network, key))
          .to.be.revertedWithCustomError(network.registry, "NodeRegistryWrongStatus")
          .withArgs(network.nodeId, STATUS.Challenged);
      }
    });

    it("cannot keep the payment of a refuted key by leaving", async () => {
      const network = await load(opened);
      const { registry, operator, challenges, nodeId } = network;
      await as(registry, operator).exit(nodeId);
      await time.increase(RESPONSE_TIME);
      await challenges.expire(1);
      expect(await statusOf(network)).to.equal(STATUS.Exited);
      expect((await registry.receiptKey(nodeId, 1)).signingKey).to.equal(ZeroAddress);
      expect(await registry.isKeyOf(nodeId, network.key.address)).to.equal(true);
    });

    it("that was revoked and has another key since is not touched by the old challenge", async () => {
      const network = await load(opened);
      const { registry, guardian, nodeId, challenges } = network;
      await as(registry, guardian).revoke(nodeId, "reason");
      await attestPublic(network, enclaveKey("second"), { evidenceHash: id("second") });
      await time.increase(RESPONSE_TIME);
      await challenges.expire(1);
      expect(await registry.isActive(nodeId)).to.equal(true);
    });
  });

  describe("answer", () => {
    it("takes the evidence from anybody and gives time for the decision", async () => {
      const { challenges, verdict } = await load(opened);
      await time.increase(RESPONSE_TIME - 10);
      await expect(challenges.answer(1, verdict, EVIDENCE, [])).to.emit(challenges, "ChallengeAnswered");
      const { phase, deadline } = await challenges.challengeOf(1);
      expect([phase, deadline]).to.deep.equal([PHASE.Answered, BigInt((await time.latest()) + RESPONSE_TIME)]);
    });

    it("takes devices' evidence in the verdict's order", async () => {
      const network = await load(fixture);
      const devices = [hexlify("0x01"), hexlify("0x0203")];
      const gpuEvidenceHash = keccak256(concat(devices.map((device) => keccak256(device))));
      const verdict = await attestPublic(network, network.key, { gpuEvidenceHash });
      await openChallenge(network, verdict);
      for (const others of [[], [...devices].reverse(), devices.slice(0, 1)]) {
        await expect(network.challenges.answer(1, verdict, EVIDENCE, others)).to.be.revertedWithCustomError(
          network.challenges,
          "VerdictChallengesWrongEvidence",
        );
      }
      await network.challenges.answer(1, verdict, EVIDENCE, devices);
    });

    it("refuses other bytes, another verdict, a second time and too late (trap 19)", async () => {
      const { challenges, verdict } = await load(opened);
      await expect(challenges.answer(1, verdict, "0x00", []))
        .to.be.revertedWithCustomError(challenges, "VerdictChallengesWrongEvidence")
        .withArgs(verdict.evidenceHash, keccak256("0x00"));
      await expect(
        challenges.answer(1, { ...verdict, configHash: id("x") }, EVIDENCE, []),
      ).to.be.revertedWithCustomError(challenges, "VerdictChallengesWrongVerdict");
      await challenges.answer(1, verdict, EVIDENCE, []);
      await expect(challenges.answer(1, verdict, EVIDENCE, []))
        .to.be.revertedWithCustomError(challenges, "VerdictChallengesWrongPhase")
        .withArgs(1, PHASE.Answered);
      const late = await load(opened);
      await time.increase(RESPONSE_TIME);
      await expect(late.challenges.answer(1, late.verdict, EVIDENCE, [])).to.be.revertedWithCustomError(
        challenges,
        "VerdictChallengesTooLate",
      );
    });
  });

  describe("draw", () => {
    it("names members other than the signers by a block after the challenge, once", async () => {
      const network = await load(opened);
      const { challenges, members } = network;
      await expect(challenges.draw(1)).to.be.revertedWithCustomError(challenges, "VerdictChallengesDrawTooEarly");
      await networkHelpers.mine(3);
      await challenges.draw(1);
      const { voters } = await challenges.challengeOf(1);
      expect([...voters]).to.have.members(members.slice(2).map(({ address }) => address));
      await expect(challenges.draw(1))
        .to.be.revertedWithCustomError(challenges, "VerdictChallengesDrawn")
        .withArgs(1, 3);
      await expect(challenges.draw(2))
        .to.be.revertedWithCustomError(challenges, "VerdictChallengesWrongPhase")
        .withArgs(2, PHASE.None);
    });

    it("moves on to another block where the hash is not known any more", async () => {
      const { challenges } = await load(opened);
      await networkHelpers.mine(300);
      await expect(challenges.draw(1)).to.emit(challenges, "DrawMoved");
      expect((await challenges.challengeOf(1)).voters).to.deep.equal([]);
      await networkHelpers.mine(3);
      await expect(challenges.draw(1)).to.emit(challenges, "VotersDrawn");
    });
  });

  describe("resolveByVotes", () => {
    it("upholds: the node is active, half of the bond goes to the signers and the rest is burned", async () => {
      const network = await load(drawn);
      const { challenges, registry, nodeId, members, token } = network;
      const stakes = await stakesOf(network);
      await expect(vote(network, true)).to.emit(challenges, "ChallengeEnded").withArgs(1, nodeId, true, ENDING.Votes);
      expect(await registry.isActive(nodeId)).to.equal(true);
      expect(await statusOf(network)).to.equal(STATUS.Active);
      expect(await stakesOf(network)).to.deep.equal(stakes);
      for (const member of members.slice(0, 2)) expect(await challenges.creditOf(member.address)).to.equal(25);
      expect(await token.balanceOf(BURNED)).to.equal(CHALLENGE_BOND - 50n);
      expect(await token.balanceOf(challenges)).to.equal(50);
    });

    it("refutes: the node is revoked, each signer slashed, half for the challenger, whose bond is free", async () => {
      const network = await load(drawn);
      const { challenges, challenger, registry, nodeId, token } = network;
      const [before, held] = [await stakesOf(network), await token.balanceOf(challenger)];
      await expect(vote(network, false)).to.emit(challenges, "ChallengeEnded").withArgs(1, nodeId, false, ENDING.Votes);
      expect(await statusOf(network)).to.equal(STATUS.Revoked);
      const losses = (await stakesOf(network)).map((after, index) => (before[index] ?? 0n) - after);
      expect(losses).to.deep.equal([MEMBER_BOND, MEMBER_BOND, 0n, 0n, 0n]);
      expect((await token.balanceOf(challenger)) - held).to.equal(MEMBER_BOND);
      await as(challenges, challenger).withdraw();
      expect((await token.balanceOf(challenger)) - held).to.equal(MEMBER_BOND + CHALLENGE_BOND);
      expect(await token.balanceOf(challenges)).to.equal(0);
      await expect(as(challenges, challenger).withdraw())
        .to.be.revertedWithCustomError(challenges, "VerdictChallengesNoCredit")
        .withArgs(challenger);
      expect(await registry.isActive(nodeId)).to.equal(false);
    });

    it("decides by a majority: two of three suffice, one does not", async () => {
      const network = await load(drawn);
      await expect(vote(network, false, network.members.slice(2, 3)))
        .to.be.revertedWithCustomError(network.challenges, "VerdictChallengesTooFewVotes")
        .withArgs(2, 1);
      await vote(network, false, network.members.slice(2, 4));
      expect((await network.challenges.challengeOf(1)).phase).to.equal(PHASE.Refuted);
    });

    it("refuses the accused as voters, votes for the other outcome, and votes twice", async () => {
      const network = await load(drawn);
      const { challenges, challengesDomain, members } = network;
      await expect(vote(network, true, members.slice(0, 2))).to.be.revertedWithCustomError(
        challenges,
        "VerdictChallengesNotVoter",
      );
      const { verdictDigest } = await challenges.challengeOf(1);
      const votes = await votesOf(challengesDomain, { challengeId: 1, verdictDigest, upheld: true }, members.slice(2));
      await expect(challenges.resolveByVotes(1, false, votes)).to.be.revert(ethers);
      const one = await votesOf(challengesDomain, { challengeId: 1, verdictDigest, upheld: true }, members.slice(2, 3));
      await expect(challenges.resolveByVotes(1, true, concat([one, one]))).to.be.revertedWithCustomError(
        challenges,
        "VerdictChallengesSignersNotAscending",
      );
    });

    it("waits for the evidence and for the draw, and ends at the deadline (trap 32)", async () => {
      const waiting = await load(opened);
      await expect(vote(waiting, true))
        .to.be.revertedWithCustomError(waiting.challenges, "VerdictChallengesWrongPhase")
        .withArgs(1, PHASE.Opened);
      const undrawn = await load(answered);
      await expect(vote(undrawn, true)).to.be.revertedWithCustomError(undrawn.challenges, "VerdictChallengesDrawn");
      const late = await load(drawn);
      await time.increase(RESPONSE_TIME);
      await expect(vote(late, true)).to.be.revertedWithCustomError(late.challenges, "VerdictChallengesTooLate");
    });
  });

  describe("resolveByProof", () => {
    it("upholds what the proof says as well, before any vote", async () => {
      const network = await load(opened);
      const { challenges, verdict, nodeId, registry } = network;
      await tellProof(network);
      await expect(challenges.resolveByProof(1, verdict, EVIDENCE, "0x01"))
        .to.emit(challenges, "ChallengeEnded")
        .withArgs(1, nodeId, true, ENDING.Proof);
      expect(await registry.isActive(nodeId)).to.equal(true);
    });

    for (const [name, changes] of [
      ["workload", { workloadId: id("other") }],
      ["platform identity", { platformId: id("other") }],
    ] as const) {
      it(`refutes by genuine evidence of another ${name}, also after the answer`, async () => {
        const network = await load(answered);
        await tellProof(network, changes);
        await network.challenges.resolveByProof(1, network.verdict, EVIDENCE, "0x01");
        expect(await statusOf(network)).to.equal(STATUS.Revoked);
      });
    }

    for (const [name, changes] of [
      ["TCB status, which time changes", { tcbStatus: 2 }],
      ["evaluation number, which time changes", { evaluationNumber: 18 }],
      ["platform", { platform: 1 }],
      ["binding", { reportDataHead: ZeroHash }],
      ["anchor", { reportDataTail: ZeroHash }],
    ] as const) {
      it(`decides nothing by another ${name}`, async () => {
        const network = await load(opened);
        await tellProof(network, changes);
        await expect(network.challenges.resolveByProof(1, network.verdict, EVIDENCE, "0x01"))
          .to.be.revertedWithCustomError(network.challenges, "VerdictChallengesUndecided")
          .withArgs(1);
      });
    }

    it("decides nothing by no proof, other bytes, a proof that reverts, or one without gas (traps 17, 18)", async () => {
      const network = await load(opened);
      const { challenges, verdict } = network;
      await expect(challenges.resolveByProof(1, verdict, EVIDENCE, "0x01"))
        .to.be.revertedWithCustomError(challenges, "VerdictChallengesNoProof")
        .withArgs(TDX);
      const proof = await tellProof(network, { workloadId: id("other") });
      await expect(challenges.resolveByProof(1, verdict, "0x00", "0x01")).to.be.revertedWithCustomError(
        challenges,
        "VerdictChallengesWrongEvidence",
      );
      await expect(challenges.resolveByProof(1, verdict, EVIDENCE, "0x")).to.be.revertedWithCustomError(
        proof,
        "ToldProofNoAnswer",
      );
      await expect(challenges.resolveByProof(1, verdict, EVIDENCE, "0x0102", { gasLimit: 3_000_000 })).to.be.revert(
        ethers,
      );
      for (let gasLimit = 60_000; gasLimit < 400_000; gasLimit += 10_000) {
        const before = await networkHelpers.takeSnapshot();
        const sent = await challenges.resolveByProof(1, verdict, EVIDENCE, "0x01", { gasLimit }).then(
          () => true,
          () => false,
        );
        const { phase } = await challenges.challengeOf(1);
        expect(phase).to.equal(sent ? PHASE.Refuted : PHASE.Opened);
        await before.restore();
      }
    });

    it("is named by the governor alone", async () => {
      const { challenges, stranger } = await load(fixture);
      await expect(as(challenges, stranger).setProof(TDX, stranger))
        .to.be.revertedWithCustomError(challenges, "AccessManagedUnauthorized")
        .withArgs(stranger);
    });
  });

  describe("expire", () => {
    for (const [name, state] of [
      ["no evidence", opened],
      ["no draw", answered],
      ["no votes", drawn],
    ] as const) {
      it(`goes against the signers: ${name} in time (trap 32)`, async () => {
        const network = await load<State>(state);
        const { challenges, nodeId } = network;
        await expect(challenges.expire(1)).to.be.revertedWithCustomError(challenges, "VerdictChallengesTooEarly");
        const { deadline } = await challenges.challengeOf(1);
        await time.increaseTo(deadline);
        await expect(challenges.expire(1))
          .to.emit(challenges, "ChallengeEnded")
          .withArgs(1, nodeId, false, ENDING.Timeout);
        expect(await statusOf(network)).to.equal(STATUS.Revoked);
        await expect(challenges.expire(1))
          .to.be.revertedWithCustomError(challenges, "VerdictChallengesWrongPhase")
          .withArgs(1, PHASE.Refuted);
      });
    }

    it("slashes what a signer is unbonding, too (trap 33)", async () => {
      const network = await load(opened);
      const { challenges, stake, members } = network;
      const [first] = members;
      const account = await ethers.getImpersonatedSigner(first?.address ?? "");
      await as(stake, account).requestUnbond(MEMBER_BOND);
      await time.increase(RESPONSE_TIME);
      await challenges.expire(1);
      const [bonded, unbonding] = await stake.stakeOf(account);
      expect(bonded + unbonding).to.equal(MEMBER_BOND);
    });

    it("slashes no more where the committee lost its place with the stake", async () => {
      const network = await load(opened);
      const before = await stakesOf(network);
      await network.stake.removeLock(network.committee);
      await time.increase(RESPONSE_TIME);
      await network.challenges.expire(1);
      expect(await stakesOf(network)).to.deep.equal(before);
      expect(await statusOf(network)).to.equal(STATUS.Revoked);
    });

    it("takes the seat of a signer whose bond does not suffice any more", async () => {
      const network = await load(opened);
      const { committee, lock, members, stranger } = network;
      const [first] = members;
      await lock.slash(first?.address ?? "", MEMBER_BOND, stranger);
      expect(await committee.isMember(first?.address)).to.equal(true);
      await time.increase(RESPONSE_TIME);
      await network.challenges.expire(1);
      expect(await committee.isMember(first?.address)).to.equal(false);
    });

    it("pays the bond back even after the contract lost its place with the registry", async () => {
      const network = await load(opened);
      const { challenges, challenger, registry } = network;
      const before = await stakesOf(network);
      await registry.setChallenges(ZeroAddress);
      await time.increase(RESPONSE_TIME);
      await challenges.expire(1);
      expect(await challenges.creditOf(challenger)).to.equal(CHALLENGE_BOND);
      expect(await stakesOf(network)).to.deep.equal(before);
      expect(await statusOf(network)).to.equal(STATUS.Challenged);
    });
  });

  describe("challenging oneself", () => {
    for (const upheld of [true, false]) {
      it(`loses money when the verdict is ${upheld ? "upheld" : "refuted"} (trap 37)`, async () => {
        const network = await load(pending);
        const { challenges, stake, token, members, verdict } = network;
        const accused = members.slice(0, 2).map(({ address }) => address);
        const self = await ethers.getImpersonatedSigner(accused[0] ?? "");
        await token.mint(self, CHALLENGE_BOND);
        await as(token, self).approve(challenges, CHALLENGE_BOND);
        const wealth = async () => {
          const parts = accused.map(async (account) => {
            const held = [token.balanceOf(account), stake.bondedOf(account), challenges.creditOf(account)];
            return (await Promise.all(held)).reduce((sum: bigint, part: bigint) => sum + part, 0n);
          });
          return (await Promise.all(parts)).reduce((sum, part) => sum + part, 0n);
        };
        const before = await wealth();
        await as(challenges, self).open(verdict, await signaturesOf(network, verdict));
        await challenges.answer(1, verdict, EVIDENCE, []);
        await networkHelpers.mine(3);
        await challenges.draw(1);
        await vote(network, upheld);
        expect(before - (await wealth())).to.equal(upheld ? CHALLENGE_BOND - 50n : MEMBER_BOND);
      });
    }
  });

  it("is the only one for whom the committee slashes", async () => {
    const { committee, stranger, members } = await load(fixture);
    await expect(as(committee, stranger).penalise([members[0]?.address], stranger))
      .to.be.revertedWithCustomError(committee, "VerifierCommitteeNotChallenges")
      .withArgs(stranger);
  });

  it("leaves settled receipts of the key before payable while the new key waits", async () => {
    const network = await load(pending);
    await time.increase(WINDOW);
    await attestPublic(network, enclaveKey("second"), { evidenceHash: id("second") });
    expect((await network.registry.receiptKey(network.nodeId, 1)).signingKey).to.equal(network.key.address);
    expect((await network.registry.receiptKey(network.nodeId, 2)).signingKey).to.equal(ZeroAddress);
    await time.increase(KEY_OVERLAP);
    expect((await network.registry.receiptKey(network.nodeId, 2)).signingKey).to.equal(enclaveKey("second").address);
  });
});
