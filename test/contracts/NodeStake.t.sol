// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {NodeStake} from "../../contracts/NodeStake.sol";
import {OpenLock} from "../../contracts/mocks/OpenLock.sol";
import {TestToken} from "../../contracts/mocks/TestToken.sol";

interface Vm {
    function assume(bool condition) external pure;
    function prank(address sender) external;
    function warp(uint256 timestamp) external;
}

/// @dev A stake with one lock, through which anybody may slash, and four operators.
abstract contract StakeWorld {
    Vm internal constant VM = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
    address internal constant DEAD = 0x000000000000000000000000000000000000dEaD;
    address internal constant CHALLENGER = address(0xC0FFEE);
    uint40 internal constant THAW = 21 days;
    uint16 internal constant CAP_BPS = 3_000;
    uint256 internal constant OPERATORS = 4;

    TestToken public token;
    NodeStake public stake;
    OpenLock public lock;

    function build() internal {
        AccessManager manager = new AccessManager(address(this));
        token = new TestToken();
        stake = new NodeStake(address(manager), token, THAW, CAP_BPS);
        lock = new OpenLock(stake);
        stake.addLock(lock);
        token.approve(address(stake), type(uint256).max);
    }

    function operatorAt(uint256 index) public pure returns (address) {
        return address(uint160(0xA0000 + (index % OPERATORS)));
    }

    /// @dev Bonded and unbonding stake of `operator`.
    function total(address operator) public view returns (uint256) {
        (uint256 bonded, uint256 unbonding, ) = stake.stakeOf(operator);
        return bonded + unbonding;
    }
}

/// @dev Does to a stake whatever a run asks for, within what can succeed, and keeps the books.
contract StakeHandler is StakeWorld {
    uint256 public deposited;
    uint256 public withdrawn;
    uint256 public rewarded;
    uint256 public burned;
    bool public brokeRule;

    constructor() {
        build();
    }

    function deposit(uint256 who, uint96 amount) external {
        uint256 value = 1 + (amount % 1e24);
        token.mint(address(this), value);
        stake.depositFor(operatorAt(who), value);
        deposited += value;
    }

    function requestUnbond(uint256 who, uint256 amount) external {
        address operator = operatorAt(who);
        uint256 bonded = stake.bondedOf(operator);
        if (bonded == 0) return;
        VM.prank(operator);
        stake.requestUnbond(1 + (amount % bonded));
        if (stake.bondedOf(operator) >= bonded) brokeRule = true;
    }

    function cancelUnbond(uint256 who) external {
        address operator = operatorAt(who);
        uint256 before = total(operator);
        (, uint256 unbonding, ) = stake.stakeOf(operator);
        if (unbonding == 0) return;
        VM.prank(operator);
        stake.cancelUnbond();
        if (stake.bondedOf(operator) != before) brokeRule = true;
    }

    function withdraw(uint256 who) external {
        address operator = operatorAt(who);
        (uint256 bonded, uint256 unbonding, uint256 withdrawableAt) = stake.stakeOf(operator);
        VM.prank(operator);
        try stake.withdraw() returns (uint256 amount) {
            withdrawn += amount;
            if (amount != unbonding || block.timestamp < withdrawableAt) brokeRule = true;
        } catch {
            if (unbonding > 0 && block.timestamp >= withdrawableAt) brokeRule = true;
        }
        if (stake.bondedOf(operator) != bonded) brokeRule = true;
    }

    function slash(uint256 who, uint96 amount) external {
        address operator = operatorAt(who);
        uint256 before = total(operator);
        uint256 reward = token.balanceOf(CHALLENGER);
        uint256 taken = lock.slash(operator, amount, CHALLENGER);
        reward = token.balanceOf(CHALLENGER) - reward;
        rewarded += reward;
        burned += taken - reward;
        uint256 most = (before * CAP_BPS) / 10_000;
        if (taken != (amount < most ? amount : most)) brokeRule = true;
        if (total(operator) != before - taken || reward > taken - reward) brokeRule = true;
    }

    function sweep() external {
        uint256 before = token.balanceOf(DEAD);
        if (stake.sweepBurned() != token.balanceOf(DEAD) - before) brokeRule = true;
    }

    function wait(uint32 time) external {
        VM.warp(block.timestamp + (time % (2 * THAW)));
    }
}

contract NodeStakeInvariants {
    address private constant DEAD = 0x000000000000000000000000000000000000dEaD;
    StakeHandler private _handler;

    function setUp() external {
        _handler = new StakeHandler();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_handler);
    }

    function invariant_stakeIsBacked() external view {
        uint256 unswept = _handler.burned() - _handler.token().balanceOf(DEAD);
        assert(_handler.token().balanceOf(address(_handler.stake())) == _sumOfStakes() + unswept);
    }

    function invariant_depositsAreStakeWithdrawalsRewardsAndBurned() external view {
        uint256 out = _handler.withdrawn() + _handler.rewarded() + _handler.burned();
        assert(_handler.deposited() == _sumOfStakes() + out);
    }

    function invariant_burnedIsAtLeastHalfOfWhatWasTaken() external view {
        assert(_handler.stake().totalBurned() == _handler.burned());
        assert(_handler.burned() >= _handler.rewarded());
    }

    function invariant_everyStepKeptItsRule() external view {
        assert(!_handler.brokeRule());
    }

    function _sumOfStakes() private view returns (uint256 sum) {
        for (uint256 i = 0; i < 4; ++i) sum += _handler.total(_handler.operatorAt(i));
    }
}

contract NodeStakeFuzz is StakeWorld {
    function setUp() external {
        build();
    }

    function testFuzz_unbondingStakeStaysSlashable(uint96 bond, uint96 unbonding, uint96 amount, uint32 time) external {
        VM.assume(bond > 0 && unbonding > 0 && unbonding <= bond);
        address operator = operatorAt(0);
        _bond(operator, bond);
        VM.prank(operator);
        stake.requestUnbond(unbonding);
        VM.warp(block.timestamp + time);
        uint256 taken = lock.slash(operator, amount, CHALLENGER);
        uint256 most = (uint256(bond) * CAP_BPS) / 10_000;
        assert(taken == (amount < most ? amount : most));
        assert(total(operator) == bond - taken);
    }

    function testFuzz_nothingLeavesBeforeTheThaw(uint96 bond, uint32 first, uint32 second) external {
        VM.assume(bond > 1);
        address operator = operatorAt(1);
        _bond(operator, bond);
        VM.prank(operator);
        stake.requestUnbond(1);
        VM.warp(block.timestamp + first);
        VM.prank(operator);
        stake.requestUnbond(bond - 1);
        VM.warp(block.timestamp + second);
        VM.prank(operator);
        (bool paid, ) = address(stake).call(abi.encodeCall(NodeStake.withdraw, ()));
        assert(paid == (second >= THAW));
        assert(token.balanceOf(operator) == (paid ? bond : 0));
    }

    function testFuzz_slashingYourselfLosesAtLeastHalf(uint96 bond, uint96 amount) external {
        VM.assume(bond > 0);
        address operator = operatorAt(2);
        _bond(operator, bond);
        uint256 taken = lock.slash(operator, amount, operator);
        assert(token.balanceOf(operator) <= taken / 2);
        assert(stake.sweepBurned() == taken - token.balanceOf(operator));
        assert(token.balanceOf(DEAD) == taken - token.balanceOf(operator));
        assert(stake.sweepBurned() == 0);
    }

    function testFuzz_onlyALockSlashes(address caller, uint96 bond) external {
        VM.assume(caller != address(lock) && bond > 0);
        _bond(operatorAt(3), bond);
        VM.prank(caller);
        (bool slashed, ) = address(stake).call(abi.encodeCall(NodeStake.slash, (operatorAt(3), bond, caller)));
        assert(!slashed);
    }

    function _bond(address operator, uint256 amount) private {
        token.mint(address(this), amount);
        stake.depositFor(operator, amount);
    }
}
