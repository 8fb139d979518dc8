import { expect } from "chai";
import { MaxUint256, Signature, ZeroAddress } from "ethers";
import { network as hardhatNetwork } from "hardhat";
import { as, deploy, type HostileToken, type NodeStake, type OpenLock, type TestToken } from "../support/deployed.ts";
import { accountWallet, bond, deployProtocol, SLASH_CAP_BPS, THAW } from "../support/protocol.ts";

const { ethers, networkHelpers } = await hardhatNetwork.create();
const { time } = networkHelpers;

const DEAD = "0x000000000000000000000000000000000000dEaD";
const BONDED = 1_000n;

async function fixture() {
  const protocol = await deployProtocol(ethers);
  const { token, stake, lock, operator, stranger } = protocol;
  for (const account of [operator, stranger]) {
    await token.mint(account, 10n * BONDED);
    await as(token, account).approve(stake, 10n * BONDED);
  }
  const own = as(stake, operator);
  await own.deposit(BONDED);
  return { ...protocol, own, slashing: lock };
}

async function permitOf(token: TestToken, spender: NodeStake, value: bigint) {
  const owner = accountWallet(3);
  const signature = await owner.signTypedData(
    { name: "Cloister Test Token", version: "1", chainId: 31_337, verifyingContract: await token.getAddress() },
    {
      Permit: [
        { name: "owner", type: "address" },
        { name: "spender", type: "address" },
        { name: "value", type: "uint256" },
        { name: "nonce", type: "uint256" },
        { name: "deadline", type: "uint256" },
      ],
    },
    {
      owner: owner.address,
      spender: await spender.getAddress(),
      value,
      nonce: await token.nonces(owner),
      deadline: MaxUint256,
    },
  );
  const { v, r, s } = Signature.from(signature);
  return [MaxUint256, v, r, s] as const;
}

describe("NodeStake", () => {
  describe("constructor", () => {
    it("keeps its terms for ever", async () => {
      const { stake, token } = await networkHelpers.loadFixture(fixture);
      expect(await stake.token()).to.equal(await token.getAddress());
      expect(await stake.thaw()).to.equal(THAW);
      expect(await stake.slashCapBps()).to.equal(SLASH_CAP_BPS);
      const names = stake.interface.fragments.map((fragment) => ("name" in fragment ? String(fragment.name) : ""));
      expect(names.filter((name) => name.startsWith("set"))).to.deep.equal(["setAuthority"]);
    });

    it("refuses terms out of bounds", async () => {
      const { stake, token, manager } = await networkHelpers.loadFixture(fixture);
      const refused: readonly [unknown[], string, unknown[]][] = [
        [[ZeroAddress, token, THAW, 1], "NodeStakeZeroAddress", []],
        [[manager, ZeroAddress, THAW, 1], "NodeStakeZeroAddress", []],
        [[manager, token, 0, 1], "NodeStakeInvalidParameter", [0]],
        [[manager, token, 366 * 86_400, 1], "NodeStakeInvalidParameter", [366 * 86_400]],
        [[manager, token, THAW, 0], "NodeStakeInvalidParameter", [0]],
        [[manager, token, THAW, 10_001], "NodeStakeInvalidParameter", [10_001]],
      ];
      for (const [terms, error, values] of refused) {
        await expect(ethers.deployContract("NodeStake", terms))
          .to.be.revertedWithCustomError(stake, error)
          .withArgs(...values);
      }
    });
  });

  describe("deposit", () => {
    it("bonds the caller's tokens for the caller", async () => {
      const { stake, token, own, operator } = await networkHelpers.loadFixture(fixture);
      await expect(own.deposit(5n)).to.emit(stake, "StakeDeposited").withArgs(operator, operator, 5n);
      expect(await stake.bondedOf(operator)).to.equal(BONDED + 5n);
      expect(await stake.stakeOf(operator)).to.deep.equal([BONDED + 5n, 0n, 0n]);
      expect(await token.balanceOf(stake)).to.equal(BONDED + 5n);
    });

    it("refuses nothing", async () => {
      const { stake, own } = await networkHelpers.loadFixture(fixture);
      await expect(own.deposit(0n)).to.be.revertedWithCustomError(stake, "NodeStakeZeroAmount").withArgs();
    });

    it("refuses more than 96 bits of stake, bonded and unbonding together", async () => {
      const { stake, token, own, operator } = await networkHelpers.loadFixture(fixture);
      const limit = 2n ** 96n - 1n;
      await token.mint(operator, limit);
      await as(token, operator).approve(stake, MaxUint256);
      await own.requestUnbond(BONDED);
      await expect(own.deposit(limit - BONDED + 1n))
        .to.be.revertedWithCustomError(stake, "SafeCastOverflowedUintDowncast")
        .withArgs(96, limit + 1n);
      await own.deposit(limit - BONDED);
      await own.cancelUnbond();
      expect(await stake.bondedOf(operator)).to.equal(limit);
    });

    it("refuses a token that takes a fee on transfer", async () => {
      const { manager, operator } = await networkHelpers.loadFixture(fixture);
      const token = await deploy<HostileToken>(ethers, "HostileToken");
      const stake = await deploy<NodeStake>(ethers, "NodeStake", [manager, token, THAW, SLASH_CAP_BPS]);
      await token.mint(operator, BONDED);
      await as(token, operator).approve(stake, BONDED);
      await token.setFee(1n);
      await expect(as(stake, operator).deposit(BONDED))
        .to.be.revertedWithCustomError(stake, "NodeStakeUnexpectedTransfer")
        .withArgs(BONDED, BONDED - 1n);
    });

    it("refuses to be entered again by a token that calls back", async () => {
      const { manager, operator, slasher } = await networkHelpers.loadFixture(fixture);
      const token = await deploy<HostileToken>(ethers, "HostileToken");
      const stake = await deploy<NodeStake>(ethers, "NodeStake", [manager, token, THAW, SLASH_CAP_BPS]);
      const own = as(stake, operator);
      await token.mint(operator, 2n * BONDED);
      await as(token, operator).approve(stake, 2n * BONDED);
      await own.deposit(BONDED);
      await own.requestUnbond(BONDED);
      await time.increase(THAW);
      const calls = [
        stake.interface.encodeFunctionData("deposit", [1n]),
        stake.interface.encodeFunctionData("depositFor", [operator.address, 1n]),
        stake.interface.encodeFunctionData("depositWithPermit", [
          1n,
          0n,
          27,
          DEAD.padEnd(66, "0"),
          DEAD.padEnd(66, "0"),
        ]),
        stake.interface.encodeFunctionData("withdraw"),
      ];
      for (const call of calls) {
        await token.arm(stake, call);
        await expect(own.withdraw()).to.be.revertedWithCustomError(stake, "ReentrancyGuardReentrantCall").withArgs();
        await expect(own.deposit(1n)).to.be.revertedWithCustomError(stake, "ReentrancyGuardReentrantCall").withArgs();
      }
      expect(await stake.stakeOf(slasher)).to.deep.equal([0n, 0n, 0n]);
    });
  });

  describe("depositWithPermit", () => {
    it("bonds with the caller's permit alone", async () => {
      const { stake, token, own, operator } = await networkHelpers.loadFixture(fixture);
      await as(token, operator).approve(stake, 0n);
      await own.depositWithPermit(7n, ...(await permitOf(token, stake, 7n)));
      expect(await stake.bondedOf(operator)).to.equal(BONDED + 7n);
    });

    it("is not blocked by somebody who uses the permit first", async () => {
      const { stake, token, own, operator, stranger } = await networkHelpers.loadFixture(fixture);
      await as(token, operator).approve(stake, 0n);
      const permit = await permitOf(token, stake, 7n);
      await as(token, stranger).permit(operator, stake, 7n, ...permit);
      await own.depositWithPermit(7n, ...permit);
      expect(await stake.bondedOf(operator)).to.equal(BONDED + 7n);
    });

    it("refuses another amount than the permit's", async () => {
      const { stake, token, own, operator } = await networkHelpers.loadFixture(fixture);
      await as(token, operator).approve(stake, 0n);
      const permit = await permitOf(token, stake, 7n);
      await expect(own.depositWithPermit(8n, ...permit)).to.be.revertedWithCustomError(token, "ERC2612InvalidSigner");
    });
  });

  describe("depositFor", () => {
    it("bonds the caller's tokens for another, to whom they belong", async () => {
      const { stake, own, operator, stranger } = await networkHelpers.loadFixture(fixture);
      await expect(as(stake, stranger).depositFor(operator, 9n))
        .to.emit(stake, "StakeDeposited")
        .withArgs(operator, stranger, 9n);
      await own.requestUnbond(BONDED + 9n);
      expect(await stake.bondedOf(stranger)).to.equal(0n);
    });

    it("does not restart the thaw of what is unbonding", async () => {
      const { stake, own, operator, stranger } = await networkHelpers.loadFixture(fixture);
      await own.requestUnbond(10n);
      const [, , withdrawableAt] = await stake.stakeOf(operator);
      await as(stake, stranger).depositFor(operator, 1n);
      expect(await stake.stakeOf(operator)).to.deep.equal([BONDED - 9n, 10n, withdrawableAt]);
    });

    it("refuses nobody as operator", async () => {
      const { stake, own } = await networkHelpers.loadFixture(fixture);
      await expect(own.depositFor(ZeroAddress, 1n)).to.be.revertedWithCustomError(stake, "NodeStakeZeroAddress");
    });
  });

  describe("requestUnbond", () => {
    it("takes the amount out of the bond at once and starts the thaw", async () => {
      const { stake, own, operator } = await networkHelpers.loadFixture(fixture);
      await time.setNextBlockTimestamp((await time.latest()) + 10);
      const withdrawableAt = (await time.latest()) + 10 + THAW;
      await expect(own.requestUnbond(400n)).to.emit(stake, "UnbondRequested").withArgs(operator, 400n, withdrawableAt);
      expect(await stake.stakeOf(operator)).to.deep.equal([600n, 400n, BigInt(withdrawableAt)]);
    });

    it("restarts the clock for all of it when more is added, so that there is one request", async () => {
      const { stake, own, operator } = await networkHelpers.loadFixture(fixture);
      await own.requestUnbond(400n);
      await time.increase(THAW - 5);
      await own.requestUnbond(100n);
      const withdrawableAt = BigInt((await time.latest()) + THAW);
      expect(await stake.stakeOf(operator)).to.deep.equal([500n, 500n, withdrawableAt]);
      await expect(own.withdraw())
        .to.be.revertedWithCustomError(stake, "NodeStakeStillThawing")
        .withArgs(operator, withdrawableAt);
    });

    it("refuses nothing and more than is bonded", async () => {
      const { stake, own, operator } = await networkHelpers.loadFixture(fixture);
      await expect(own.requestUnbond(0n)).to.be.revertedWithCustomError(stake, "NodeStakeZeroAmount");
      await expect(own.requestUnbond(BONDED + 1n))
        .to.be.revertedWithCustomError(stake, "NodeStakeInsufficientBond")
        .withArgs(operator, BONDED, BONDED + 1n);
    });
  });

  describe("cancelUnbond", () => {
    it("bonds what was unbonding again", async () => {
      const { stake, own, operator } = await networkHelpers.loadFixture(fixture);
      await own.requestUnbond(400n);
      await expect(own.cancelUnbond()).to.emit(stake, "UnbondCancelled").withArgs(operator, 400n);
      expect(await stake.stakeOf(operator)).to.deep.equal([BONDED, 0n, 0n]);
    });

    it("refuses when nothing is unbonding", async () => {
      const { stake, own, operator } = await networkHelpers.loadFixture(fixture);
      await expect(own.cancelUnbond())
        .to.be.revertedWithCustomError(stake, "NodeStakeNothingUnbonding")
        .withArgs(operator);
    });
  });

  describe("withdraw", () => {
    it("pays what has thawed, from the first second on", async () => {
      const { stake, token, own, operator } = await networkHelpers.loadFixture(fixture);
      await own.requestUnbond(400n);
      const withdrawableAt = (await time.latest()) + THAW;
      await time.setNextBlockTimestamp(withdrawableAt - 1);
      await expect(own.withdraw())
        .to.be.revertedWithCustomError(stake, "NodeStakeStillThawing")
        .withArgs(operator, withdrawableAt);
      await time.setNextBlockTimestamp(withdrawableAt);
      await expect(own.withdraw()).to.emit(stake, "StakeWithdrawn").withArgs(operator, 400n);
      expect(await token.balanceOf(operator)).to.equal(9n * BONDED + 400n);
      expect(await stake.stakeOf(operator)).to.deep.equal([600n, 0n, 0n]);
    });

    it("refuses when nothing is unbonding", async () => {
      const { stake, own, operator } = await networkHelpers.loadFixture(fixture);
      await expect(own.withdraw()).to.be.revertedWithCustomError(stake, "NodeStakeNothingUnbonding").withArgs(operator);
    });
  });

  describe("slash", () => {
    it("gives half to the challenger and burns the rest", async () => {
      const { stake, token, slashing, operator, stranger } = await networkHelpers.loadFixture(fixture);
      const before = await token.balanceOf(stranger);
      expect(await slashing.getFunction("slash").staticCall(operator, 101n, stranger)).to.equal(101n);
      await expect(slashing.slash(operator, 101n, stranger))
        .to.emit(stake, "StakeSlashed")
        .withArgs(operator, stranger, 50n, 51n);
      expect(await token.balanceOf(stranger)).to.equal(before + 50n);
      expect(await stake.totalBurned()).to.equal(51n);
      expect(await token.balanceOf(DEAD)).to.equal(0n);
      await as(stake, stranger).sweepBurned();
      expect(await token.balanceOf(DEAD)).to.equal(51n);
      expect(await stake.getFunction("sweepBurned").staticCall()).to.equal(0n);
      expect(await stake.bondedOf(operator)).to.equal(BONDED - 101n);
    });

    it("takes at most the cap's share of bonded and unbonding stake", async () => {
      const { stake, slashing, own, operator, stranger } = await networkHelpers.loadFixture(fixture);
      await own.requestUnbond(800n);
      await slashing.slash(operator, MaxUint256, stranger);
      const [bonded, unbonding] = await stake.stakeOf(operator);
      expect([bonded, unbonding]).to.deep.equal([0n, 500n]);
    });

    it("reaches stake that is unbonding, until it is withdrawn (trap 33: unbonding before the proof)", async () => {
      const { stake, token, slashing, own, operator, stranger } = await networkHelpers.loadFixture(fixture);
      await own.requestUnbond(BONDED);
      await time.increase(THAW);
      await slashing.slash(operator, 300n, stranger);
      await own.withdraw();
      expect(await token.balanceOf(operator)).to.equal(9n * BONDED + 700n);
      expect(await token.balanceOf(stake)).to.equal(await stake.totalBurned());
    });

    it("burns at least half of what operators take from themselves (trap 37: self-slash laundering)", async () => {
      const { stake, token, slashing, operator } = await networkHelpers.loadFixture(fixture);
      const before = await token.balanceOf(operator);
      await slashing.slash(operator, 500n, operator);
      expect((await token.balanceOf(operator)) - before).to.equal(250n);
      await stake.sweepBurned();
      expect(await token.balanceOf(DEAD)).to.equal(250n);
    });

    it("takes nothing from nobody without a revert, and burns a remainder of one", async () => {
      const { stake, slashing, operator, stranger } = await networkHelpers.loadFixture(fixture);
      await expect(slashing.slash(stranger, 100n, operator))
        .to.emit(stake, "StakeSlashed")
        .withArgs(stranger, operator, 0n, 0n);
      await slashing.slash(operator, 1n, stranger);
      expect(await stake.totalBurned()).to.equal(1n);
    });

    it("is for locks only", async () => {
      const { stake, operator, stranger, governor, guardian, community } = await networkHelpers.loadFixture(fixture);
      for (const account of [operator, stranger, governor, guardian, community]) {
        await expect(as(stake, account).slash(operator, 1n, stranger))
          .to.be.revertedWithCustomError(stake, "NodeStakeNotLock")
          .withArgs(account);
      }
    });

    it("tells every other lock", async () => {
      const { stake, slashing, operator, stranger } = await networkHelpers.loadFixture(fixture);
      const other = await deploy<OpenLock>(ethers, "OpenLock", [stake]);
      await stake.addLock(other);
      await slashing.slash(operator, 1n, stranger);
      expect([await other.slashesOf(operator), await slashing.slashesOf(operator)]).to.deep.equal([1n, 0n]);
    });

    it("refuses nobody as challenger", async () => {
      const { stake, slashing, operator } = await networkHelpers.loadFixture(fixture);
      await expect(slashing.slash(operator, 1n, ZeroAddress)).to.be.revertedWithCustomError(
        stake,
        "NodeStakeZeroAddress",
      );
    });
  });

  describe("locks", () => {
    it("hold what they say of a bond, the most of them", async () => {
      const { stake, lock, own, operator } = await networkHelpers.loadFixture(fixture);
      const other = await deploy<OpenLock>(ethers, "OpenLock", [stake]);
      await expect(stake.addLock(other)).to.emit(stake, "LockAdded").withArgs(other);
      expect([await other.isLinked(), (await stake.locks()).length]).to.deep.equal([true, 4]);
      await lock.setLocked(operator, 600n);
      await other.setLocked(operator, 300n);
      expect(await stake.lockedOf(operator)).to.equal(600n);
      await expect(own.requestUnbond(401n))
        .to.be.revertedWithCustomError(stake, "NodeStakeLocked")
        .withArgs(operator, 600n, BONDED, 401n);
      await own.requestUnbond(400n);
      await expect(stake.removeLock(lock)).to.emit(stake, "LockRemoved").withArgs(lock);
      expect(await lock.isLinked()).to.equal(false);
      await own.requestUnbond(300n);
    });

    it("are four at most, each once, and no address of zero", async () => {
      const { stake, lock } = await networkHelpers.loadFixture(fixture);
      await expect(stake.addLock(lock)).to.be.revertedWithCustomError(stake, "NodeStakeLockExists").withArgs(lock);
      await expect(stake.addLock(ZeroAddress)).to.be.revertedWithCustomError(stake, "NodeStakeZeroAddress");
      await stake.addLock(await deploy<OpenLock>(ethers, "OpenLock", [stake]));
      const fifth = await deploy<OpenLock>(ethers, "OpenLock", [stake]);
      await expect(stake.addLock(fifth)).to.be.revertedWithCustomError(stake, "NodeStakeTooManyLocks").withArgs(4);
      await expect(stake.removeLock(fifth))
        .to.be.revertedWithCustomError(stake, "NodeStakeUnknownLock")
        .withArgs(fifth);
    });

    it("are the administrator's to add and to remove", async () => {
      const { stake, lock, stranger, guardian } = await networkHelpers.loadFixture(fixture);
      for (const account of [stranger, guardian]) {
        for (const method of ["addLock", "removeLock"]) {
          await expect(as(stake, account).getFunction(method)(lock))
            .to.be.revertedWithCustomError(stake, "AccessManagedUnauthorized")
            .withArgs(account);
        }
      }
    });
  });

  it("keeps one slot for each operator", async () => {
    const { stake, token, governor, own, operator } = await networkHelpers.loadFixture(fixture);
    await bond({ stake, token, governor }, operator.address, 1n);
    await own.requestUnbond(1n);
    const withdrawableAt = BigInt((await time.latest()) + THAW);
    const key = ethers.AbiCoder.defaultAbiCoder().encode(["address", "uint256"], [operator.address, 1n]);
    const slot = BigInt(await ethers.provider.getStorage(stake, ethers.keccak256(key)));
    expect(slot).to.equal(BONDED | (1n << 96n) | (withdrawableAt << 192n));
  });
});
