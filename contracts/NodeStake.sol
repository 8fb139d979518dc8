// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {INodeStake} from "./interfaces/INodeStake.sol";
import {IStakeLock} from "./interfaces/IStakeLock.sol";

/// @title NodeStake
contract NodeStake is INodeStake, AccessManaged, ReentrancyGuardTransient {
    using SafeCast for uint256;
    using SafeERC20 for IERC20;

    struct Stake {
        uint96 bonded;
        uint96 unbonding;
        uint40 withdrawableAt;
    }

    /// @dev Tokens refuse transfers to the zero address, so burned stake goes where nobody has a key.
    address private constant BURN_ADDRESS = 0x000000000000000000000000000000000000dEaD;
    uint256 private constant MAX_BPS = 10_000;
    uint256 private constant MAX_LOCKS = 4;

    /// @inheritdoc INodeStake
    IERC20 public immutable token;
    /// @inheritdoc INodeStake
    uint40 public immutable thaw;
    /// @inheritdoc INodeStake
    uint16 public immutable slashCapBps;

    mapping(address operator => Stake stake) private _stakes;
    IStakeLock[] private _locks;
    /// @inheritdoc INodeStake
    uint256 public totalBurned;
    uint256 private _swept;

    constructor(address authority_, IERC20 token_, uint40 thaw_, uint16 slashCapBps_) AccessManaged(authority_) {
        require(authority_ != address(0) && address(token_) != address(0), NodeStakeZeroAddress());
        require(thaw_ > 0 && thaw_ <= 365 days, NodeStakeInvalidParameter(thaw_));
        require(slashCapBps_ > 0 && slashCapBps_ <= MAX_BPS, NodeStakeInvalidParameter(slashCapBps_));
        token = token_;
        thaw = thaw_;
        slashCapBps = slashCapBps_;
    }

    /// @inheritdoc INodeStake
    function deposit(uint256 amount) external nonReentrant {
        _deposit(msg.sender, amount);
    }

    /// @inheritdoc INodeStake
    function depositWithPermit(uint256 amount, uint256 deadline, uint8 v, bytes32 r, bytes32 s) external nonReentrant {
        // A permit that somebody else used first has left the allowance that it is for.
        if (token.allowance(msg.sender, address(this)) < amount) {
            IERC20Permit(address(token)).permit(msg.sender, address(this), amount, deadline, v, r, s);
        }
        _deposit(msg.sender, amount);
    }

    /// @inheritdoc INodeStake
    function depositFor(address operator, uint256 amount) external nonReentrant {
        require(operator != address(0), NodeStakeZeroAddress());
        _deposit(operator, amount);
    }

    /// @inheritdoc INodeStake
    function requestUnbond(uint256 amount) external {
        require(amount > 0, NodeStakeZeroAmount());
        Stake storage stake = _stakes[msg.sender];
        uint96 bonded = stake.bonded;
        require(amount <= bonded, NodeStakeInsufficientBond(msg.sender, bonded, amount));
        uint256 locked = lockedOf(msg.sender);
        require(amount + locked <= bonded, NodeStakeLocked(msg.sender, locked, bonded, amount));
        uint40 withdrawableAt = uint40(block.timestamp) + thaw;
        stake.bonded = bonded - uint96(amount);
        stake.unbonding += uint96(amount);
        stake.withdrawableAt = withdrawableAt;
        emit UnbondRequested(msg.sender, amount, withdrawableAt);
    }

    /// @inheritdoc INodeStake
    function cancelUnbond() external {
        Stake storage stake = _stakes[msg.sender];
        uint96 amount = stake.unbonding;
        require(amount > 0, NodeStakeNothingUnbonding(msg.sender));
        stake.bonded += amount;
        stake.unbonding = 0;
        stake.withdrawableAt = 0;
        emit UnbondCancelled(msg.sender, amount);
    }

    /// @inheritdoc INodeStake
    function withdraw() external nonReentrant returns (uint256 amount) {
        Stake storage stake = _stakes[msg.sender];
        amount = stake.unbonding;
        uint256 withdrawableAt = stake.withdrawableAt;
        require(amount > 0, NodeStakeNothingUnbonding(msg.sender));
        require(block.timestamp >= withdrawableAt, NodeStakeStillThawing(msg.sender, withdrawableAt));
        stake.unbonding = 0;
        stake.withdrawableAt = 0;
        emit StakeWithdrawn(msg.sender, amount);
        token.safeTransfer(msg.sender, amount);
    }

    /// @inheritdoc INodeStake
    function slash(address operator, uint256 amount, address challenger) external nonReentrant returns (uint256 taken) {
        IStakeLock[] memory others = _otherLocks(msg.sender);
        require(challenger != address(0), NodeStakeZeroAddress());
        Stake storage stake = _stakes[operator];
        uint256 bonded = stake.bonded;
        uint256 unbonding = stake.unbonding;
        taken = Math.min(amount, ((bonded + unbonding) * slashCapBps) / MAX_BPS);
        uint256 fromBonded = Math.min(taken, bonded);
        uint256 reward = taken / 2;
        uint256 burned = taken - reward;
        stake.bonded = uint96(bonded - fromBonded);
        stake.unbonding = uint96(unbonding - (taken - fromBonded));
        totalBurned += burned;
        emit StakeSlashed(operator, challenger, reward, burned);
        for (uint256 i = 0; i < others.length; ++i) others[i].stakeSlashed(operator);
        if (reward > 0) token.safeTransfer(challenger, reward);
    }

    /// @inheritdoc INodeStake
    function sweepBurned() external nonReentrant returns (uint256 amount) {
        amount = totalBurned - _swept;
        _swept = totalBurned;
        if (amount > 0) token.safeTransfer(BURN_ADDRESS, amount);
    }

    /// @inheritdoc INodeStake
    function addLock(IStakeLock lock) external restricted {
        uint256 count = _locks.length;
        require(address(lock) != address(0), NodeStakeZeroAddress());
        require(count < MAX_LOCKS, NodeStakeTooManyLocks(count));
        for (uint256 i = 0; i < count; ++i) require(address(_locks[i]) != address(lock), NodeStakeLockExists(lock));
        _locks.push(lock);
        emit LockAdded(lock);
        lock.stakeLinked(true);
    }

    /// @inheritdoc INodeStake
    function removeLock(IStakeLock lock) external restricted {
        uint256 last = _locks.length;
        uint256 index = 0;
        while (index < last && address(_locks[index]) != address(lock)) ++index;
        require(index < last, NodeStakeUnknownLock(lock));
        _locks[index] = _locks[last - 1];
        _locks.pop();
        emit LockRemoved(lock);
        lock.stakeLinked(false);
    }

    /// @inheritdoc INodeStake
    function locks() external view returns (IStakeLock[] memory) {
        return _locks;
    }

    /// @inheritdoc INodeStake
    function lockedOf(address operator) public view returns (uint256 locked) {
        for (uint256 i = 0; i < _locks.length; ++i) locked = Math.max(locked, _locks[i].lockedOf(operator));
    }

    /// @inheritdoc INodeStake
    function bondedOf(address operator) external view returns (uint256 bonded) {
        return _stakes[operator].bonded;
    }

    /// @inheritdoc INodeStake
    function stakeOf(
        address operator
    ) external view returns (uint256 bonded, uint256 unbonding, uint256 withdrawableAt) {
        Stake memory stake = _stakes[operator];
        return (stake.bonded, stake.unbonding, stake.withdrawableAt);
    }

    /// @dev The locks but `caller`, which has to be one.
    function _otherLocks(address caller) private view returns (IStakeLock[] memory others) {
        IStakeLock[] memory all = _locks;
        uint256 count;
        for (uint256 i = 0; i < all.length; ++i) {
            if (address(all[i]) != caller) all[count++] = all[i];
        }
        require(count < all.length, NodeStakeNotLock(caller));
        assembly ("memory-safe") {
            mstore(all, count)
        }
        return all;
    }

    /// @dev The stake is credited before the token is called; the balance is compared afterwards, and a difference
    /// reverts everything.
    function _deposit(address operator, uint256 amount) private {
        require(amount > 0, NodeStakeZeroAmount());
        Stake storage stake = _stakes[operator];
        // Both parts together fit, so that no later move between them can overflow.
        (uint256(stake.bonded) + stake.unbonding + amount).toUint96();
        stake.bonded += uint96(amount);
        emit StakeDeposited(operator, msg.sender, amount);
        uint256 before = token.balanceOf(address(this));
        token.safeTransferFrom(msg.sender, address(this), amount);
        uint256 received = token.balanceOf(address(this)) - before;
        require(received == amount, NodeStakeUnexpectedTransfer(amount, received));
    }
}
