import { expect } from "chai";
import { id, ZeroAddress, ZeroHash } from "ethers";
import { network as hardhatNetwork } from "hardhat";
import { as, deploy, type Deployed } from "../support/deployed.ts";
import { attest, deployNetwork, HOUR, POLICY, TDX, WORKLOAD } from "../support/protocol.ts";

const { ethers, networkHelpers } = await hardhatNetwork.create();
const { time } = networkHelpers;

type Timelock = Deployed<"execute" | "getMinDelay" | "schedule">;

const DELAY = 48 * HOUR;
const ADMIN_ROLE = 0n;

/** The network with an active node, handed over to a timelock: the account that deployed it has no power left. */
async function fixture() {
  const network = await deployNetwork(ethers);
  await attest(network, network.key);
  const { manager, governor } = network;
  const [proposer] = network.accounts.slice(7);
  if (!proposer) throw new Error("too few accounts");
  const timelock = await deploy<Timelock>(ethers, "TimelockController", [
    DELAY,
    [proposer],
    [ZeroAddress],
    ZeroAddress,
  ]);
  await manager.grantRole(ADMIN_ROLE, timelock, 0);
  await manager.getFunction("renounceRole")(1, governor);
  await manager.getFunction("renounceRole")(ADMIN_ROLE, governor);
  return { ...network, proposer, timelock: as(timelock, proposer) };
}

describe("governance", () => {
  const CHANGES = [
    ["referenceValues", "addWorkload", [id("added"), TDX, false]],
    ["referenceValues", "setPlatformPolicy", [TDX, { ...POLICY, ttl: HOUR }]],
    ["registry", "setCommittee", ["0x0000000000000000000000000000000000000001"]],
    ["registry", "setProver", ["0x0000000000000000000000000000000000000001", true]],
    ["registry", "setFaultProver", ["0x0000000000000000000000000000000000000001", true]],
    ["registry", "setMinStake", [1n]],
    ["committee", "setThreshold", [3]],
    ["committee", "addMember", ["0x0000000000000000000000000000000000000001", "http://x"]],
  ] as const;

  for (const [contract, method, values] of CHANGES) {
    it(`${contract}.${method} waits for the timelock, even for its proposer (trap 35)`, async () => {
      const network = await networkHelpers.loadFixture(fixture);
      const { timelock, proposer, governor, guardian } = network;
      const target = network[contract];
      for (const account of [proposer, governor, guardian]) {
        await expect(as(target, account).getFunction(method)(...values))
          .to.be.revertedWithCustomError(target, "AccessManagedUnauthorized")
          .withArgs(account);
      }
      const data = target.interface.encodeFunctionData(method, values);
      await timelock.schedule(target, 0, data, ZeroHash, ZeroHash, DELAY);
      await time.increase(DELAY - 10);
      await expect(timelock.execute(target, 0, data, ZeroHash, ZeroHash)).to.be.revertedWithCustomError(
        timelock,
        "TimelockUnexpectedOperationState",
      );
      await time.increase(10);
      await timelock.execute(target, 0, data, ZeroHash, ZeroHash);
    });
  }

  it("cannot be scheduled below the delay", async () => {
    const { timelock, registry } = await networkHelpers.loadFixture(fixture);
    const data = registry.interface.encodeFunctionData("setMinStake", [1n]);
    await expect(timelock.schedule(registry, 0, data, ZeroHash, ZeroHash, DELAY - 1))
      .to.be.revertedWithCustomError(timelock, "TimelockInsufficientDelay")
      .withArgs(DELAY - 1, DELAY);
  });

  it("leaves the guardian what acts at once, and a removal needs no timelock", async () => {
    const { referenceValues, registry, guardian, nodeId } = await networkHelpers.loadFixture(fixture);
    expect(await registry.isActive(nodeId)).to.equal(true);
    await as(referenceValues, guardian).removeWorkload(WORKLOAD);
    expect(await registry.isActive(nodeId)).to.equal(false);
    await as(registry, guardian).pause();
    await expect(as(registry, guardian).unpause())
      .to.be.revertedWithCustomError(registry, "AccessManagedUnauthorized")
      .withArgs(guardian);
  });

  it("gives nobody but the timelock power over roles", async () => {
    const { manager, governor, guardian, proposer } = await networkHelpers.loadFixture(fixture);
    for (const account of [governor, guardian, proposer]) {
      await expect(as(manager, account).grantRole(ADMIN_ROLE, account, 0)).to.be.revertedWithCustomError(
        manager,
        "AccessManagerUnauthorizedAccount",
      );
    }
  });
});
