import { expect } from "chai";
import { id, ZeroAddress, ZeroHash } from "ethers";
import { network as hardhatNetwork } from "hardhat";
import { as, deploy, type ReferenceValues } from "../support/deployed.ts";
import {
  ADDITION_DELAY,
  DAY,
  deployProtocol,
  HOUR,
  PLATFORM_ID,
  POLICY,
  SIMULATED_SGX,
  TDX,
  UP_TO_DATE,
  WORKLOAD,
} from "../support/protocol.ts";
import { REFUSAL } from "../support/verdicts.ts";

const { ethers, networkHelpers } = await hardhatNetwork.create();
const { time } = networkHelpers;

const CLAIMS = {
  workloadId: WORKLOAD,
  policyVersion: 1,
  platform: TDX,
  tcbStatus: UP_TO_DATE,
  evaluationNumber: 17,
  platformId: PLATFORM_ID,
  withGpu: false,
};

async function fixture() {
  const protocol = await deployProtocol(ethers);
  const { referenceValues, guardian, community } = protocol;
  await referenceValues.addWorkload(WORKLOAD, TDX, false);
  await time.increase(ADDITION_DELAY);
  return { ...protocol, guarding: as(referenceValues, guardian), denying: as(referenceValues, community) };
}

async function policyOf(referenceValues: ReferenceValues, platform = TDX) {
  const policy = await referenceValues.platformPolicy(platform);
  return policy.toObject();
}

function asValues(policy: typeof POLICY) {
  const { tcbStatusMask, minEvaluationNumber, ttl, maxEvidenceAge, accepted } = policy;
  return [tcbStatusMask, minEvaluationNumber, ttl, maxEvidenceAge, accepted];
}

describe("ReferenceValues", () => {
  describe("constructor", () => {
    it("keeps the delay of additions for ever", async () => {
      const { referenceValues } = await networkHelpers.loadFixture(fixture);
      expect(await referenceValues.additionDelay()).to.equal(ADDITION_DELAY);
    });

    it("refuses no authority and a delay above thirty days", async () => {
      const { referenceValues, manager } = await networkHelpers.loadFixture(fixture);
      await expect(deploy(ethers, "ReferenceValues", [ZeroAddress, 0]))
        .to.be.revertedWithCustomError(referenceValues, "ReferenceValuesZeroAddress")
        .withArgs();
      await expect(deploy(ethers, "ReferenceValues", [manager, 30 * DAY + 1]))
        .to.be.revertedWithCustomError(referenceValues, "ReferenceValuesInvalidDelay")
        .withArgs(30 * DAY + 1);
    });
  });

  describe("who may do what", () => {
    const CALLS: readonly [keyof ReferenceValues, unknown[], string][] = [
      ["setPlatformPolicy", [TDX, POLICY], "governor"],
      ["addWorkload", [id("other"), TDX, false], "governor"],
      ["allow", [id("denied")], "governor"],
      ["suspendPlatform", [TDX], "guardian"],
      ["removeTcbStatus", [TDX, UP_TO_DATE], "guardian"],
      ["raiseMinEvaluationNumber", [TDX, 18], "guardian"],
      ["removeWorkload", [WORKLOAD], "guardian"],
      ["deny", [id("new"), "ipfs://reason"], "community"],
    ];

    for (const [method, values, role] of CALLS) {
      it(`${String(method)} is for the ${role}`, async () => {
        const protocol = await networkHelpers.loadFixture(fixture);
        const { referenceValues, governor, guardian, community, operator, denying } = protocol;
        await denying.deny(id("denied"), "");
        const allowed = { governor: [governor], guardian: [guardian, governor], community: [community] }[role] ?? [];
        for (const account of [governor, guardian, community, operator]) {
          const call = as(referenceValues, account).getFunction(method as string);
          if (allowed.includes(account)) {
            await call.staticCall(...values);
          } else {
            await expect(call(...values))
              .to.be.revertedWithCustomError(referenceValues, "AccessManagedUnauthorized")
              .withArgs(account);
          }
        }
      });
    }

    it("leaves the guardian nothing that adds, raises what is accepted, or allows", async () => {
      const { referenceValues, guardian } = await networkHelpers.loadFixture(fixture);
      const guarding = as(referenceValues, guardian);
      for (const [method, values] of CALLS.filter(([, , role]) => role !== "guardian")) {
        await expect(guarding.getFunction(method as string)(...values)).to.be.revertedWithCustomError(
          referenceValues,
          "AccessManagedUnauthorized",
        );
      }
    });
  });

  describe("setPlatformPolicy", () => {
    it("replaces the policy of one platform byte", async () => {
      const { referenceValues } = await networkHelpers.loadFixture(fixture);
      const policy = { ...POLICY, tcbStatusMask: 0x031e, ttl: 7 * DAY, maxEvidenceAge: 7 * DAY };
      await expect(referenceValues.setPlatformPolicy(TDX, policy))
        .to.emit(referenceValues, "PlatformPolicySet")
        .withArgs(TDX, asValues(policy));
      expect(await policyOf(referenceValues)).to.deep.include({ tcbStatusMask: 0x031en, ttl: BigInt(7 * DAY) });
      expect(await policyOf(referenceValues, SIMULATED_SGX)).to.deep.include({ accepted: false });
    });

    it("never accepts none, OutOfDate, OutOfDateConfigurationNeeded, Revoked or an unknown status", async () => {
      const { referenceValues } = await networkHelpers.loadFixture(fixture);
      for (const status of [0, 5, 6, 7, 10, 11, 12, 13, 14, 15]) {
        const mask = 0b10 | (1 << status);
        await expect(referenceValues.setPlatformPolicy(TDX, { ...POLICY, tcbStatusMask: mask }))
          .to.be.revertedWithCustomError(referenceValues, "ReferenceValuesInvalidTcbMask")
          .withArgs(mask);
      }
      await expect(referenceValues.setPlatformPolicy(TDX, { ...POLICY, tcbStatusMask: 0 }))
        .to.be.revertedWithCustomError(referenceValues, "ReferenceValuesInvalidTcbMask")
        .withArgs(0);
    });

    it("accepts none, and nothing else, of SEV-SNP and Nitro, whose vendors state no status", async () => {
      const { referenceValues } = await networkHelpers.loadFixture(fixture);
      for (const platform of [3, 4, 0x83, 0x84]) {
        const policy = { ...POLICY, tcbStatusMask: 1 };
        await expect(referenceValues.setPlatformPolicy(platform, policy)).to.emit(referenceValues, "PlatformPolicySet");
        for (const mask of [0, 0b10, 0b11, 1 << 7]) {
          await expect(referenceValues.setPlatformPolicy(platform, { ...POLICY, tcbStatusMask: mask }))
            .to.be.revertedWithCustomError(referenceValues, "ReferenceValuesInvalidTcbMask")
            .withArgs(mask);
        }
      }
      for (const platform of [1, 2, 5, 0x81, 0x82]) {
        await expect(referenceValues.setPlatformPolicy(platform, { ...POLICY, tcbStatusMask: 1 }))
          .to.be.revertedWithCustomError(referenceValues, "ReferenceValuesInvalidTcbMask")
          .withArgs(1);
      }
    });

    it("refuses validities and evidence ages out of bounds", async () => {
      const { referenceValues } = await networkHelpers.loadFixture(fixture);
      for (const ttl of [0, HOUR - 1, 7 * DAY + 1]) {
        await expect(referenceValues.setPlatformPolicy(TDX, { ...POLICY, ttl }))
          .to.be.revertedWithCustomError(referenceValues, "ReferenceValuesInvalidTtl")
          .withArgs(ttl);
      }
      for (const maxEvidenceAge of [0, DAY + 1]) {
        await expect(referenceValues.setPlatformPolicy(TDX, { ...POLICY, maxEvidenceAge }))
          .to.be.revertedWithCustomError(referenceValues, "ReferenceValuesInvalidEvidenceAge")
          .withArgs(maxEvidenceAge);
      }
      await referenceValues.setPlatformPolicy(TDX, { ...POLICY, ttl: HOUR, maxEvidenceAge: HOUR });
    });
  });

  describe("suspendPlatform", () => {
    it("acts at once, once", async () => {
      const { referenceValues, guarding } = await networkHelpers.loadFixture(fixture);
      await expect(guarding.suspendPlatform(TDX))
        .to.emit(referenceValues, "PlatformPolicySet")
        .withArgs(TDX, asValues({ ...POLICY, accepted: false }));
      expect(await referenceValues.appraise(CLAIMS)).to.equal(REFUSAL.PlatformNotAccepted);
      for (const call of [
        guarding.suspendPlatform(TDX),
        guarding.removeTcbStatus(TDX, UP_TO_DATE),
        guarding.raiseMinEvaluationNumber(TDX, 18),
      ]) {
        await expect(call)
          .to.be.revertedWithCustomError(referenceValues, "ReferenceValuesPlatformNotAccepted")
          .withArgs(TDX);
      }
    });
  });

  describe("removeTcbStatus", () => {
    it("takes one status out at once and leaves the others", async () => {
      const { referenceValues, guarding } = await networkHelpers.loadFixture(fixture);
      await expect(guarding.removeTcbStatus(TDX, 2))
        .to.emit(referenceValues, "PlatformPolicySet")
        .withArgs(TDX, asValues({ ...POLICY, tcbStatusMask: 0b10 }));
      expect(await referenceValues.appraise({ ...CLAIMS, tcbStatus: 2 })).to.equal(REFUSAL.TcbStatusNotAccepted);
      expect(await referenceValues.appraise(CLAIMS)).to.equal(REFUSAL.None);
    });

    it("refuses a status that is not accepted anyway", async () => {
      const { referenceValues, guarding } = await networkHelpers.loadFixture(fixture);
      for (const status of [3, 16, 255]) {
        await expect(guarding.removeTcbStatus(TDX, status))
          .to.be.revertedWithCustomError(referenceValues, "ReferenceValuesTcbStatusNotAccepted")
          .withArgs(TDX, status);
      }
    });
  });

  describe("raiseMinEvaluationNumber", () => {
    it("raises and never lowers", async () => {
      const { referenceValues, guarding } = await networkHelpers.loadFixture(fixture);
      await expect(guarding.raiseMinEvaluationNumber(TDX, 18))
        .to.emit(referenceValues, "PlatformPolicySet")
        .withArgs(TDX, asValues({ ...POLICY, minEvaluationNumber: 18 }));
      expect(await referenceValues.appraise(CLAIMS)).to.equal(REFUSAL.EvaluationTooLow);
      for (const offered of [17, 18]) {
        await expect(guarding.raiseMinEvaluationNumber(TDX, offered))
          .to.be.revertedWithCustomError(referenceValues, "ReferenceValuesEvaluationNotRaised")
          .withArgs(18, offered);
      }
    });
  });

  describe("addWorkload", () => {
    it("accepts after the delay, from the first second on", async () => {
      const { referenceValues } = await networkHelpers.loadFixture(fixture);
      const start = (await time.latest()) + 10;
      await time.setNextBlockTimestamp(start);
      await expect(referenceValues.addWorkload(id("other"), TDX, false))
        .to.emit(referenceValues, "WorkloadAdded")
        .withArgs(id("other"), 2, TDX, start + ADDITION_DELAY, false);
      expect(await referenceValues.workloadVersion(id("other"))).to.equal(2);
      expect(await referenceValues.latestVersion()).to.equal(2);
      expect(await referenceValues.workload(2)).to.deep.equal([
        id("other"),
        BigInt(TDX),
        BigInt(start + ADDITION_DELAY),
        false,
        false,
        false,
      ]);
      await time.increaseTo(start + ADDITION_DELAY - 1);
      const claims = { ...CLAIMS, workloadId: id("other"), policyVersion: 2 };
      expect(await referenceValues.appraise(claims)).to.equal(REFUSAL.WorkloadNotYetActive);
      await time.increaseTo(start + ADDITION_DELAY);
      expect(await referenceValues.appraise(claims)).to.equal(REFUSAL.None);
    });

    it("refuses zero and what has a live version", async () => {
      const { referenceValues } = await networkHelpers.loadFixture(fixture);
      await expect(referenceValues.addWorkload(ZeroHash, TDX, false))
        .to.be.revertedWithCustomError(referenceValues, "ReferenceValuesZeroId")
        .withArgs();
      await expect(referenceValues.addWorkload(WORKLOAD, SIMULATED_SGX, false))
        .to.be.revertedWithCustomError(referenceValues, "ReferenceValuesWorkloadExists")
        .withArgs(WORKLOAD, 1);
    });
  });

  describe("a workload that requires a GPU", () => {
    it("is accepted with a GPU's evidence only, and says so", async () => {
      const { referenceValues } = await networkHelpers.loadFixture(fixture);
      await expect(referenceValues.addWorkload(id("on a GPU"), TDX, true)).to.emit(referenceValues, "WorkloadAdded");
      await time.increase(ADDITION_DELAY);
      expect((await referenceValues.workload(2)).requiresGpu).to.equal(true);
      const claims = { ...CLAIMS, workloadId: id("on a GPU"), policyVersion: 2 };
      expect(await referenceValues.appraise(claims)).to.equal(REFUSAL.GpuMissing);
      expect(await referenceValues.appraise({ ...claims, workloadId: ZeroHash })).to.equal(REFUSAL.GpuMissing);
      expect(await referenceValues.appraise({ ...claims, withGpu: true })).to.equal(REFUSAL.None);
      expect(await referenceValues.appraise({ ...CLAIMS, withGpu: true })).to.equal(REFUSAL.None);
    });
  });

  describe("removeWorkload", () => {
    it("acts at once and for ever: a re-added workload has a new version (trap 12)", async () => {
      const { referenceValues, guarding } = await networkHelpers.loadFixture(fixture);
      await expect(guarding.removeWorkload(WORKLOAD)).to.emit(referenceValues, "WorkloadRemoved").withArgs(WORKLOAD, 1);
      expect(await referenceValues.workloadVersion(WORKLOAD)).to.equal(0);
      expect(await referenceValues.appraise(CLAIMS)).to.equal(REFUSAL.WorkloadRemoved);
      await referenceValues.addWorkload(WORKLOAD, TDX, false);
      await time.increase(ADDITION_DELAY);
      expect(await referenceValues.workloadVersion(WORKLOAD)).to.equal(2);
      expect(await referenceValues.appraise(CLAIMS)).to.equal(REFUSAL.WorkloadRemoved);
      expect(await referenceValues.appraise({ ...CLAIMS, policyVersion: 2 })).to.equal(REFUSAL.None);
    });

    it("refuses what has no live version", async () => {
      const { referenceValues, guarding } = await networkHelpers.loadFixture(fixture);
      await expect(guarding.removeWorkload(id("other")))
        .to.be.revertedWithCustomError(referenceValues, "ReferenceValuesWorkloadUnknown")
        .withArgs(id("other"));
    });
  });

  describe("deny and allow", () => {
    it("denies a workload over the other layers, and allows it again", async () => {
      const { referenceValues, denying } = await networkHelpers.loadFixture(fixture);
      await expect(denying.deny(WORKLOAD, "ipfs://reason"))
        .to.emit(referenceValues, "Denied")
        .withArgs(WORKLOAD, "ipfs://reason");
      expect(await referenceValues.denied(WORKLOAD)).to.equal(true);
      expect(await referenceValues.appraise(CLAIMS)).to.equal(REFUSAL.WorkloadDenied);
      await expect(referenceValues.allow(WORKLOAD)).to.emit(referenceValues, "Allowed").withArgs(WORKLOAD);
      expect(await referenceValues.appraise(CLAIMS)).to.equal(REFUSAL.None);
    });

    it("denies a platform identity", async () => {
      const { referenceValues, denying } = await networkHelpers.loadFixture(fixture);
      await denying.deny(PLATFORM_ID, "");
      expect(await referenceValues.appraise(CLAIMS)).to.equal(REFUSAL.PlatformDenied);
      expect(await referenceValues.appraise({ ...CLAIMS, platformId: id("other") })).to.equal(REFUSAL.None);
    });

    it("denies what is added later, or added again", async () => {
      const { referenceValues, denying, guarding } = await networkHelpers.loadFixture(fixture);
      await denying.deny(id("later"), "");
      await referenceValues.addWorkload(id("later"), TDX, false);
      await guarding.removeWorkload(WORKLOAD);
      await denying.deny(WORKLOAD, "");
      await referenceValues.addWorkload(WORKLOAD, TDX, false);
      await time.increase(ADDITION_DELAY);
      const later = { ...CLAIMS, workloadId: id("later"), policyVersion: 2 };
      for (const claims of [later, { ...CLAIMS, policyVersion: 3 }]) {
        expect(await referenceValues.appraise(claims)).to.equal(REFUSAL.WorkloadDenied);
      }
      await referenceValues.allow(id("later"));
      expect(await referenceValues.appraise(later)).to.equal(REFUSAL.None);
    });

    it("refuses zero, twice, and what is not denied", async () => {
      const { referenceValues, denying } = await networkHelpers.loadFixture(fixture);
      await denying.deny(PLATFORM_ID, "");
      await expect(denying.deny(ZeroHash, ""))
        .to.be.revertedWithCustomError(referenceValues, "ReferenceValuesZeroId")
        .withArgs();
      await expect(denying.deny(PLATFORM_ID, ""))
        .to.be.revertedWithCustomError(referenceValues, "ReferenceValuesAlreadyDenied")
        .withArgs(PLATFORM_ID);
      await expect(referenceValues.allow(WORKLOAD))
        .to.be.revertedWithCustomError(referenceValues, "ReferenceValuesNotDenied")
        .withArgs(WORKLOAD);
    });
  });

  describe("observer", () => {
    it("is set once, by the administrator, and hears of whatever may refuse what was accepted", async () => {
      const { referenceValues, registry, stranger, guarding, denying } = await networkHelpers.loadFixture(fixture);
      expect(await referenceValues.observer()).to.equal(await registry.getAddress());
      await expect(referenceValues.setObserver(stranger))
        .to.be.revertedWithCustomError(referenceValues, "ReferenceValuesObserverExists")
        .withArgs(registry);
      await expect(referenceValues.setObserver(ZeroAddress)).to.be.revertedWithCustomError(
        referenceValues,
        "ReferenceValuesZeroAddress",
      );
      await expect(as(referenceValues, stranger).setObserver(stranger))
        .to.be.revertedWithCustomError(referenceValues, "AccessManagedUnauthorized")
        .withArgs(stranger);
      const changes = [
        async () => referenceValues.setPlatformPolicy(TDX, POLICY),
        async () => guarding.removeTcbStatus(TDX, 2),
        async () => guarding.raiseMinEvaluationNumber(TDX, 18),
        async () => denying.deny(PLATFORM_ID, ""),
        async () => denying.deny(WORKLOAD, ""),
        async () => guarding.removeWorkload(WORKLOAD),
        async () => guarding.suspendPlatform(TDX),
      ];
      for (const change of changes) {
        const epoch = await registry.epoch();
        await expect(change())
          .to.emit(registry, "EpochStarted")
          .withArgs(epoch + 1n);
      }
      await expect(referenceValues.addWorkload(id("added"), TDX, false)).not.to.emit(registry, "EpochStarted");
    });
  });

  describe("appraise", () => {
    const CASES: readonly [string, Partial<typeof CLAIMS>, bigint][] = [
      ["accepts what all layers accept", {}, REFUSAL.None],
      ["accepts a newer evaluation", { evaluationNumber: 18 }, REFUSAL.None],
      ["refuses an older evaluation", { evaluationNumber: 16 }, REFUSAL.EvaluationTooLow],
      ["refuses a status outside the mask", { tcbStatus: 3 }, REFUSAL.TcbStatusNotAccepted],
      ["refuses no status", { tcbStatus: 0 }, REFUSAL.TcbStatusNotAccepted],
      ["refuses a status that shifts out of the mask", { tcbStatus: 17 }, REFUSAL.TcbStatusNotAccepted],
      ["refuses the largest status", { tcbStatus: 255 }, REFUSAL.TcbStatusNotAccepted],
      ["refuses another workload under the version", { workloadId: id("other") }, REFUSAL.WorkloadOfOtherVersion],
      ["judges no workload that is not named", { workloadId: ZeroHash }, REFUSAL.None],
      ["judges no platform identity that is not named", { platformId: ZeroHash }, REFUSAL.None],
      ["refuses version 0", { policyVersion: 0 }, REFUSAL.WorkloadUnknown],
      ["refuses a version that was never given", { policyVersion: 2 }, REFUSAL.WorkloadUnknown],
      ["refuses the simulated twin of an accepted platform", { platform: 0x82 }, REFUSAL.PlatformNotAccepted],
    ];

    for (const [sentence, changes, expected] of CASES) {
      it(sentence, async () => {
        const { referenceValues } = await networkHelpers.loadFixture(fixture);
        expect(await referenceValues.appraise({ ...CLAIMS, ...changes })).to.equal(expected);
      });
    }

    it("refuses a workload on another platform than it was added for", async () => {
      const { referenceValues } = await networkHelpers.loadFixture(fixture);
      await referenceValues.setPlatformPolicy(0x82, POLICY);
      expect(await referenceValues.appraise({ ...CLAIMS, platform: 0x82 })).to.equal(REFUSAL.WorkloadOfOtherPlatform);
    });
  });
});
