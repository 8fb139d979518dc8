import { expect } from "chai";
import { concat, id, Signature, TypedDataEncoder, ZeroAddress, ZeroHash } from "ethers";
import { network as hardhatNetwork } from "hardhat";
import { as, deploy, type VerifierCommittee } from "../support/deployed.ts";
import {
  attest,
  bond,
  deployNetwork,
  enclaveKey,
  MEMBER_BOND,
  submit,
  verdictFor,
  type Network,
} from "../support/protocol.ts";
import { signBinding, signVerdict, VERDICT_TYPES, type Signer, type TestVerdict } from "../support/verdicts.ts";

const { ethers, networkHelpers } = await hardhatNetwork.create();

const STANDING = { None: 0n, Member: 1n, Former: 2n, Expelled: 3n, Nominated: 4n } as const;
const URL = "http://127.0.0.1:9090";
const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

/** The network; its members in ascending order of their addresses. */
async function fixture() {
  const network = await deployNetwork(ethers);
  const [first, second, third] = [...network.members].sort((a, b) => (BigInt(a.address) < BigInt(b.address) ? -1 : 1));
  if (!first || !second || !third) throw new Error("too few members");
  const [fourth] = network.accounts.slice(13);
  if (!fourth) throw new Error("too few accounts");
  return { ...network, first, second, third, fourth, guarding: as(network.committee, network.guardian) };
}

const load = async () => networkHelpers.loadFixture(fixture);

/** Calls `submitVerdict` with the signatures exactly as `signers` stand. */
async function submitBy(network: Network, verdict: TestVerdict, signers: readonly Signer[]) {
  const signatures = await Promise.all(
    signers.map(async (signer) => (await signVerdict(network.committeeDomain, verdict, [signer]))[0]),
  );
  const possession = await signBinding(network.registryDomain, verdict, network.key);
  return network.committee.submitVerdict(verdict, possession, concat(signatures.map(String)));
}

async function equivocation(network: Network, signer: Signer, changes: Partial<TestVerdict> = { tcbStatus: 2 }) {
  const first = await verdictFor(network, network.key);
  const second = { ...first, ...changes };
  const [a] = await signVerdict(network.committeeDomain, first, [signer]);
  const [b] = await signVerdict(network.committeeDomain, second, [signer]);
  return [first, second, a, b] as const;
}

async function accountsOf(committee: VerifierCommittee): Promise<string[]> {
  return (await committee.members()).map((member: { account: string }) => member.account);
}

describe("VerifierCommittee", () => {
  describe("constructor", () => {
    it("takes the stake from the registry", async () => {
      const { committee, registry, stake } = await load();
      expect(await committee.registry()).to.equal(await registry.getAddress());
      expect(await committee.stake()).to.equal(await stake.getAddress());
      expect(await committee.memberBond()).to.equal(MEMBER_BOND);
      expect(await committee.threshold()).to.equal(2);
    });

    it("refuses missing addresses, no bond, and thresholds out of bounds", async () => {
      const { committee, manager, registry } = await load();
      const refused: readonly [unknown[], string, unknown[]][] = [
        [[ZeroAddress, registry, 1, 1], "VerifierCommitteeZeroAddress", []],
        [[manager, ZeroAddress, 1, 1], "VerifierCommitteeZeroAddress", []],
        [[manager, registry, 0, 1], "VerifierCommitteeZeroBond", []],
        [[manager, registry, 1, 0], "VerifierCommitteeInvalidThreshold", [0, 32]],
        [[manager, registry, 1, 33], "VerifierCommitteeInvalidThreshold", [33, 32]],
      ];
      for (const [args, error, values] of refused) {
        await expect(deploy(ethers, "VerifierCommittee", args))
          .to.be.revertedWithCustomError(committee, error)
          .withArgs(...values);
      }
    });
  });

  describe("who may do what", () => {
    const CALLS: readonly [keyof VerifierCommittee, (member: string) => unknown[], string][] = [
      ["addMember", () => ["0x0000000000000000000000000000000000000001", URL], "governor"],
      ["setThreshold", () => [3], "governor"],
      ["removeMember", (member) => [member], "guardian"],
    ];

    for (const [method, values, role] of CALLS) {
      it(`${String(method)} is for the ${role}`, async () => {
        const { committee, governor, guardian, community, operator, first } = await load();
        const allowed = { governor: [governor], guardian: [guardian, governor] }[role] ?? [];
        for (const account of [governor, guardian, community, operator]) {
          const call = as(committee, account).getFunction(method as string);
          if (allowed.includes(account)) {
            await call.staticCall(...values(first.address));
          } else {
            await expect(call(...values(first.address)))
              .to.be.revertedWithCustomError(committee, "AccessManagedUnauthorized")
              .withArgs(account);
          }
        }
      });
    }
  });

  describe("members", () => {
    it("are added with an endpoint and listed with their bond", async () => {
      const network = await load();
      const { committee, fourth } = network;
      await expect(committee.addMember(fourth, URL)).to.emit(committee, "MemberAdded").withArgs(fourth, URL);
      expect(await committee.memberCount()).to.equal(4);
      expect(await committee.standingOf(fourth)).to.equal(STANDING.Nominated);
      expect((await committee.members())[3]).to.deep.equal([fourth.address, false, URL]);
      expect(await committee.isMember(fourth)).to.equal(false);
      await bond(network, fourth.address, MEMBER_BOND - 1n);
      await expect(committee.takeSeat(fourth))
        .to.be.revertedWithCustomError(committee, "VerifierCommitteeNotBonded")
        .withArgs(fourth, MEMBER_BOND, MEMBER_BOND - 1n);
      await bond(network, fourth.address, 1n);
      await expect(committee.takeSeat(fourth)).to.emit(committee, "SeatTaken").withArgs(fourth);
      await expect(committee.takeSeat(fourth))
        .to.be.revertedWithCustomError(committee, "VerifierCommitteeNotMember")
        .withArgs(fourth, STANDING.Member);
      expect((await committee.members())[3].bonded).to.equal(true);
      expect(await committee.isMember(fourth)).to.equal(true);
    });

    it("are refused twice, as nobody, without an endpoint, and after 32", async () => {
      const { committee, first } = await load();
      await expect(committee.addMember(first, URL))
        .to.be.revertedWithCustomError(committee, "VerifierCommitteeCannotJoin")
        .withArgs(first, STANDING.Member);
      await expect(committee.addMember(ZeroAddress, URL))
        .to.be.revertedWithCustomError(committee, "VerifierCommitteeZeroAddress")
        .withArgs();
      for (const length of [0, 257]) {
        await expect(committee.addMember(enclaveKey("x").address, "x".repeat(length)))
          .to.be.revertedWithCustomError(committee, "VerifierCommitteeInvalidEndpoint")
          .withArgs(length);
      }
      for (let n = 4; n <= 32; n += 1) await committee.addMember(enclaveKey(`member ${n}`).address, URL);
      await expect(committee.addMember(enclaveKey("x").address, URL))
        .to.be.revertedWithCustomError(committee, "VerifierCommitteeFull")
        .withArgs(32);
    });

    it("are removed at once, wherever they stand in the list, and can be added again", async () => {
      const { committee, guarding, members } = await load();
      for (const leaving of members) {
        const snapshot = await networkHelpers.takeSnapshot();
        await expect(guarding.removeMember(leaving)).to.emit(committee, "MemberRemoved").withArgs(leaving.address);
        const others = members.filter((member) => member !== leaving).map((member) => member.address);
        expect(await accountsOf(committee)).to.have.members(others);
        expect(await committee.standingOf(leaving)).to.equal(STANDING.Former);
        expect(await committee.isMember(leaving)).to.equal(false);
        await expect(guarding.removeMember(leaving))
          .to.be.revertedWithCustomError(committee, "VerifierCommitteeNotMember")
          .withArgs(leaving, STANDING.Former);
        await committee.addMember(leaving, URL);
        expect(await committee.isMember(leaving)).to.equal(true);
        await snapshot.restore();
      }
    });

    it("set their own endpoints", async () => {
      const { committee, accounts, stranger, guarding } = await load();
      const [member] = accounts.slice(10);
      if (!member) throw new Error("too few accounts");
      await expect(as(committee, member).setEndpoint("http://new"))
        .to.emit(committee, "MemberEndpointSet")
        .withArgs(member, "http://new");
      expect((await committee.members())[0].endpoint).to.equal("http://new");
      await expect(as(committee, member).setEndpoint(""))
        .to.be.revertedWithCustomError(committee, "VerifierCommitteeInvalidEndpoint")
        .withArgs(0);
      await expect(as(committee, stranger).setEndpoint(URL))
        .to.be.revertedWithCustomError(committee, "VerifierCommitteeNotMember")
        .withArgs(stranger, STANDING.None);
      await guarding.removeMember(member);
      await expect(as(committee, member).setEndpoint(URL))
        .to.be.revertedWithCustomError(committee, "VerifierCommitteeNotMember")
        .withArgs(member, STANDING.Former);
    });
  });

  describe("setThreshold", () => {
    it("stays between one and the number of members", async () => {
      const { committee } = await load();
      await expect(committee.setThreshold(3)).to.emit(committee, "ThresholdSet").withArgs(3);
      expect(await committee.threshold()).to.equal(3);
      for (const threshold of [0, 4]) {
        await expect(committee.setThreshold(threshold))
          .to.be.revertedWithCustomError(committee, "VerifierCommitteeInvalidThreshold")
          .withArgs(threshold, 3);
      }
    });

    it("is not lowered by removing members: the committee is closed until the governor acts", async () => {
      const network = await load();
      const { committee, guarding, first, second, third } = network;
      await guarding.removeMember(second);
      await guarding.removeMember(third);
      expect(await committee.threshold()).to.equal(2);
      const verdict = await verdictFor(network, network.key);
      await expect(submitBy(network, verdict, [first]))
        .to.be.revertedWithCustomError(committee, "VerifierCommitteeTooFewSignatures")
        .withArgs(2, 1);
    });
  });

  describe("verdictDigest", () => {
    it("is what ethers makes of the same typed data", async () => {
      const network = await load();
      const verdict = await verdictFor(network, network.key);
      expect(await network.committee.verdictDigest(verdict)).to.equal(
        TypedDataEncoder.hash(network.committeeDomain, VERDICT_TYPES, verdict),
      );
    });

    it("covers every member of the verdict", async () => {
      const network = await load();
      const verdict = await verdictFor(network, network.key);
      const digests = new Set([await network.committee.verdictDigest(verdict)]);
      for (const { name, type } of VERDICT_TYPES.Verdict) {
        const value = type === "address" ? network.stranger.address : type === "bytes32" ? id("other") : 99;
        digests.add(await network.committee.verdictDigest({ ...verdict, [name]: value }));
      }
      expect(digests.size).to.equal(1 + VERDICT_TYPES.Verdict.length);
    });
  });

  describe("submitVerdict", () => {
    it("records what enough members signed, whoever brings it", async () => {
      const network = await load();
      const { registry, committee, stranger, key, first, third } = network;
      const verdict = await verdictFor(network, key);
      const signatures = await signVerdict(network.committeeDomain, verdict, [third, first]);
      const possession = await signBinding(network.registryDomain, verdict, key);
      await expect(as(committee, stranger).submitVerdict(verdict, possession, concat(signatures))).to.emit(
        registry,
        "NodeAttested",
      );
      expect(await registry.isActive(network.nodeId)).to.equal(true);
    });

    it("takes all three signatures as well", async () => {
      const network = await load();
      const verdict = await verdictFor(network, network.key);
      await submitBy(network, verdict, [network.first, network.second, network.third]);
      expect(await network.registry.isActive(network.nodeId)).to.equal(true);
    });

    it("refuses one signature too few", async () => {
      const network = await load();
      const verdict = await verdictFor(network, network.key);
      for (const signers of [[], [network.first]]) {
        await expect(submitBy(network, verdict, signers))
          .to.be.revertedWithCustomError(network.committee, "VerifierCommitteeTooFewSignatures")
          .withArgs(2, signers.length);
      }
    });

    it("refuses a signer twice and signers out of order", async () => {
      const network = await load();
      const { committee, first, second, third } = network;
      const verdict = await verdictFor(network, network.key);
      for (const signers of [
        [first, first],
        [second, first],
        [first, third, second],
        [first, second, second],
      ]) {
        const [previous, current] = signers.slice(-2);
        await expect(submitBy(network, verdict, signers))
          .to.be.revertedWithCustomError(committee, "VerifierCommitteeSignersNotAscending")
          .withArgs(previous?.address, current?.address);
      }
    });

    it("refuses strangers and former members, even beside enough members", async () => {
      const network = await load();
      const { committee, guarding, second, members } = network;
      const stranger = enclaveKey("stranger");
      const verdict = await verdictFor(network, network.key);
      const signatures = await signVerdict(network.committeeDomain, verdict, [...members, stranger]);
      await expect(committee.submitVerdict(verdict, "0x", concat(signatures)))
        .to.be.revertedWithCustomError(committee, "VerifierCommitteeNotMember")
        .withArgs(stranger.address, STANDING.None);
      await guarding.removeMember(second);
      await expect(submitBy(network, verdict, [network.first, second]))
        .to.be.revertedWithCustomError(committee, "VerifierCommitteeNotMember")
        .withArgs(second.address, STANDING.Former);
    });

    it("locks members' bonds, and refuses a member that lost its bond", async () => {
      const network = await load();
      const { committee, stake, lock, accounts, members, stranger } = network;
      const verdict = await verdictFor(network, network.key);
      const [member] = accounts.slice(10);
      if (!member) throw new Error("too few accounts");
      await expect(as(stake, member).requestUnbond(MEMBER_BOND + 1n))
        .to.be.revertedWithCustomError(stake, "NodeStakeLocked")
        .withArgs(member, MEMBER_BOND, 2n * MEMBER_BOND, MEMBER_BOND + 1n);
      await lock.slash(member, MEMBER_BOND, stranger);
      expect(await committee.isMember(member)).to.equal(true);
      await expect(lock.slash(member, 1n, stranger))
        .to.emit(committee, "SeatLost")
        .withArgs(member);
      const signatures = await signVerdict(network.committeeDomain, verdict, members);
      await expect(committee.submitVerdict(verdict, "0x", concat(signatures)))
        .to.be.revertedWithCustomError(committee, "VerifierCommitteeNotMember")
        .withArgs(member, STANDING.Nominated);
      await bond(network, member.address, MEMBER_BOND);
      await committee.takeSeat(member);
      await submit(network, verdict, network.key);
    });

    it("records nothing while the stake does not lock its members' bonds", async () => {
      const network = await load();
      const { committee, stake, governor } = network;
      await stake.removeLock(committee);
      const verdict = await verdictFor(network, network.key);
      await expect(submit(network, verdict, network.key)).to.be.revertedWithCustomError(
        committee,
        "VerifierCommitteeNotLinked",
      );
      await expect(committee.stakeLinked(true))
        .to.be.revertedWithCustomError(committee, "VerifierCommitteeNotStake")
        .withArgs(governor);
      await expect(committee.stakeSlashed(governor))
        .to.be.revertedWithCustomError(committee, "VerifierCommitteeNotStake")
        .withArgs(governor);
    });

    it("refuses a changed verdict: other bytes have other signers", async () => {
      const network = await load();
      const { committee, first, second } = network;
      const verdict = await verdictFor(network, network.key);
      const signatures = await signVerdict(network.committeeDomain, verdict, [first, second]);
      const possession = await signBinding(network.registryDomain, verdict, network.key);
      for (const changes of [{ expiresAt: verdict.expiresAt - 1 }, { evidenceHash: ZeroHash }, { tcbStatus: 2 }]) {
        await expect(committee.submitVerdict({ ...verdict, ...changes }, possession, concat(signatures))).to.be.revert(
          ethers,
        );
      }
    });

    it("refuses signatures for another chain or committee (trap 28)", async () => {
      const network = await load();
      const { committee, committeeDomain, registryDomain, first, second, key } = network;
      const verdict = await verdictFor(network, key);
      const possession = await signBinding(registryDomain, verdict, key);
      for (const domain of [
        { ...committeeDomain, chainId: 1 },
        { ...committeeDomain, verifyingContract: await network.registry.getAddress() },
        { ...committeeDomain, version: "2" },
      ]) {
        const signatures = await signVerdict(domain, verdict, [first, second]);
        await expect(committee.submitVerdict(verdict, possession, concat(signatures))).to.be.revert(ethers);
      }
    });

    it("refuses signatures with high s, of 64 bytes, and of no bytes (trap 15: malleable signatures)", async () => {
      const network = await load();
      const { committee, first, second } = network;
      const verdict = await verdictFor(network, network.key);
      const [good, other] = await signVerdict(network.committeeDomain, verdict, [first, second]);
      const { r, s, v, compactSerialized } = Signature.from(good);
      const high = `0x${(ORDER - BigInt(s)).toString(16).padStart(64, "0")}`;
      const malleated = `${r}${high.slice(2)}${v === 27 ? "1c" : "1b"}`;
      const refused: readonly [string, string, unknown[]][] = [
        [malleated, "ECDSAInvalidSignatureS", [high]],
        [compactSerialized, "VerifierCommitteeInvalidSignatures", [129]],
        ["0x", "VerifierCommitteeTooFewSignatures", [2, 1]],
        [`0x${"00".repeat(65)}`, "ECDSAInvalidSignature", []],
      ];
      for (const [signature, error, values] of refused) {
        await expect(committee.submitVerdict(verdict, "0x", concat([signature, String(other)])))
          .to.be.revertedWithCustomError(committee, error)
          .withArgs(...values);
      }
    });

    it("refuses a stale verdict: the same one is recorded once", async () => {
      const network = await load();
      const verdict = await attest(network, network.key);
      const recordedAt = await networkHelpers.time.latest();
      await expect(submit(network, verdict, network.key))
        .to.be.revertedWithCustomError(network.registry, "NodeRegistryStaleResult")
        .withArgs(recordedAt, verdict.issuedAt);
    });

    it("refuses a verdict from the future", async () => {
      const network = await load();
      const verdict = await verdictFor(network, network.key);
      const late = { ...verdict, issuedAt: verdict.issuedAt + 3_600 };
      await expect(submit(network, late, network.key)).to.be.revertedWithCustomError(
        network.registry,
        "NodeRegistryFutureResult",
      );
    });

    it("records nothing once the registry dropped the committee", async () => {
      const network = await load();
      await network.registry.dismissCommittee();
      await expect(attest(network, network.key))
        .to.be.revertedWithCustomError(network.registry, "NodeRegistryNotAttester")
        .withArgs(network.committee);
    });
  });

  describe("reportEquivocation", () => {
    it("expels the member, slashes its bond within the cap, and rewards the reporter", async () => {
      const network = await load();
      const { committee, stake, token, stranger, first } = network;
      const report = await equivocation(network, first);
      const [a, b] = report;
      await expect(as(committee, stranger).reportEquivocation(...report))
        .to.emit(committee, "EquivocationProven")
        .withArgs(
          first.address,
          a.evidenceHash,
          await committee.verdictDigest(a),
          await committee.verdictDigest(b),
          stranger,
        )
        .and.to.emit(stake, "StakeSlashed")
        .withArgs(first.address, stranger, MEMBER_BOND / 2n, MEMBER_BOND / 2n);
      expect(await committee.standingOf(first)).to.equal(STANDING.Expelled);
      expect(await accountsOf(committee)).to.not.include(first.address);
      expect(await token.balanceOf(stranger)).to.equal(MEMBER_BOND / 2n);
      expect(await stake.bondedOf(first)).to.equal(MEMBER_BOND);
    });

    it("is final: no second report, no way back", async () => {
      const network = await load();
      const { committee, first } = network;
      const report = await equivocation(network, first);
      await committee.reportEquivocation(...report);
      await expect(committee.reportEquivocation(...report))
        .to.be.revertedWithCustomError(committee, "VerifierCommitteeNotMember")
        .withArgs(first.address, STANDING.Expelled);
      await expect(committee.addMember(first, URL))
        .to.be.revertedWithCustomError(committee, "VerifierCommitteeCannotJoin")
        .withArgs(first.address, STANDING.Expelled);
    });

    it("reaches a former member whose stake thaws (trap 33)", async () => {
      const network = await load();
      const { committee, stake, guarding, accounts, members } = network;
      const [leaving] = members;
      const [account] = accounts.slice(10);
      if (!leaving || !account) throw new Error("too few accounts");
      await guarding.removeMember(leaving);
      await as(stake, account).requestUnbond(2n * MEMBER_BOND);
      await committee.reportEquivocation(...(await equivocation(network, leaving)));
      expect(await committee.standingOf(leaving)).to.equal(STANDING.Expelled);
      expect((await stake.stakeOf(leaving)).unbonding).to.equal(MEMBER_BOND);
      expect(await committee.memberCount()).to.equal(2);
    });

    it("expels a member that has nothing left to slash", async () => {
      const network = await load();
      const { committee, fourth } = network;
      await committee.addMember(fourth, URL);
      const wallet = ethers.HDNodeWallet.fromPhrase(
        "test test test test test test test test test test test junk",
        undefined,
        "m/44'/60'/0'/0/13",
      );
      await committee.reportEquivocation(...(await equivocation(network, wallet)));
      expect(await committee.standingOf(fourth)).to.equal(STANDING.Expelled);
    });

    it("refuses what is no equivocation", async () => {
      const network = await load();
      const { committee, committeeDomain, first, second } = network;
      const stranger = enclaveKey("stranger");
      const [a, b, signatureA] = await equivocation(network, first);
      const [signatureOther] = await signVerdict(committeeDomain, b, [second]);
      const renewal = { ...b, evidenceHash: id("other evidence") };
      const [signatureRenewal] = await signVerdict(committeeDomain, renewal, [first]);
      await expect(committee.reportEquivocation(a, renewal, signatureA, signatureRenewal))
        .to.be.revertedWithCustomError(committee, "VerifierCommitteeDifferentEvidence")
        .withArgs(a.evidenceHash, renewal.evidenceHash);
      await expect(committee.reportEquivocation(a, a, signatureA, signatureA))
        .to.be.revertedWithCustomError(committee, "VerifierCommitteeSameVerdict")
        .withArgs(await committee.verdictDigest(a));
      await expect(committee.reportEquivocation(a, b, signatureA, signatureOther))
        .to.be.revertedWithCustomError(committee, "VerifierCommitteeDifferentSigners")
        .withArgs(first.address, second.address);
      await expect(committee.reportEquivocation(...(await equivocation(network, stranger))))
        .to.be.revertedWithCustomError(committee, "VerifierCommitteeNotMember")
        .withArgs(stranger.address, STANDING.None);
    });
  });
});
