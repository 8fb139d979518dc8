// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {IStakeLock} from "./IStakeLock.sol";

/// @title Bonds of node operators and of committee members
/// @notice One ERC-20 bond per operator. Stake is `bonded` (it counts for nodes and committee seats) or `unbonding`
/// (it counts for nothing, can still be slashed, and can be withdrawn after the thaw). Token, thaw and slash cap are
/// fixed at deployment, so the terms under which a bond was made never change.
/// Amounts are in the token's smallest unit, times in seconds since 1970.
interface INodeStake {
    /// @notice `amount` of `from` became bonded stake of `operator`.
    event StakeDeposited(address indexed operator, address indexed from, uint256 amount);
    /// @notice `amount` started to thaw; everything that thaws can be withdrawn from `withdrawableAt` on.
    event UnbondRequested(address indexed operator, uint256 amount, uint256 withdrawableAt);
    /// @notice `amount` that was thawing is bonded again.
    event UnbondCancelled(address indexed operator, uint256 amount);
    /// @notice `amount` left for its operator.
    event StakeWithdrawn(address indexed operator, uint256 amount);
    /// @notice `operator` lost `reward + burned`: the reward went to `challenger`, the rest is nobody's.
    event StakeSlashed(address indexed operator, address indexed challenger, uint256 reward, uint256 burned);

    /// @notice `lock` is asked what has to stay bonded, and told of slashes.
    event LockAdded(IStakeLock indexed lock);
    /// @notice `lock` is no longer asked or told.
    event LockRemoved(IStakeLock indexed lock);

    /// @notice An amount of zero was given.
    error NodeStakeZeroAmount();
    /// @notice An address of zero was given.
    error NodeStakeZeroAddress();
    /// @notice A parameter of the constructor is out of its bounds.
    error NodeStakeInvalidParameter(uint256 value);
    /// @notice The token moved another amount than asked, as tokens do that take a fee on transfer.
    error NodeStakeUnexpectedTransfer(uint256 expected, uint256 received);
    /// @notice `operator` has only `bonded` of the `requested` amount.
    error NodeStakeInsufficientBond(address operator, uint256 bonded, uint256 requested);
    /// @notice Of the bond of `operator`, `locked` has to stay for its nodes and its seats.
    error NodeStakeLocked(address operator, uint256 locked, uint256 bonded, uint256 requested);
    /// @notice `caller` is no lock and may not slash.
    error NodeStakeNotLock(address caller);
    /// @notice `lock` is a lock already.
    error NodeStakeLockExists(IStakeLock lock);
    /// @notice `lock` is no lock.
    error NodeStakeUnknownLock(IStakeLock lock);
    /// @notice There are as many locks as there can be.
    error NodeStakeTooManyLocks(uint256 count);
    /// @notice Nothing of `operator` is unbonding.
    error NodeStakeNothingUnbonding(address operator);
    /// @notice The stake of `operator` thaws until `withdrawableAt`.
    error NodeStakeStillThawing(address operator, uint256 withdrawableAt);

    /// @notice Bonds `amount` of the caller for the caller.
    function deposit(uint256 amount) external;

    /// @notice Bonds `amount` of the caller for the caller with an ERC-2612 permit.
    /// @dev The permit is used only if the allowance does not suffice, so that nobody can block a deposit by using the
    /// permit first.
    function depositWithPermit(uint256 amount, uint256 deadline, uint8 v, bytes32 r, bytes32 s) external;

    /// @notice Bonds `amount` of the caller for `operator`, to whom it belongs from then on.
    function depositFor(address operator, uint256 amount) external;

    /// @notice Moves `amount` of the caller from bonded to unbonding and starts the thaw.
    /// @dev What live nodes and committee seats of the caller need has to stay bonded: exit or leave first. There is
    /// one pending request: adding to it restarts the clock for all of it.
    function requestUnbond(uint256 amount) external;

    /// @notice Bonds everything of the caller that is unbonding again.
    function cancelUnbond() external;

    /// @notice Pays the caller everything that has thawed.
    /// @return amount What was paid.
    function withdraw() external returns (uint256 amount);

    /// @notice Takes up to `amount` from `operator`, bonded stake first, then unbonding: at most the cap's share of the
    /// two in one call. Half (rounded down) goes to `challenger`, the rest is burned, so that nobody gains by accusing
    /// themselves. Only for locks: each judges faults of those whose bonds it locks.
    /// @dev Does not revert when there is nothing to take, so that an empty bond cannot block the proof of a fault.
    /// @return taken What the operator lost.
    function slash(address operator, uint256 amount, address challenger) external returns (uint256 taken);

    /// @notice Sends what was burned since the last time to the burn address. Nobody can take it before or after.
    function sweepBurned() external returns (uint256 amount);

    /// @notice Lets `lock` hold and slash bonds, at most four at a time. Restricted to the administrator.
    function addLock(IStakeLock lock) external;

    /// @notice Takes a lock away and tells it. Restricted to the administrator.
    function removeLock(IStakeLock lock) external;

    /// @notice What of the bond of `operator` may not be unbonded now: the most that any lock holds, since one bond
    /// stands for nodes and for a seat at once.
    function lockedOf(address operator) external view returns (uint256 locked);

    /// @notice All locks.
    function locks() external view returns (IStakeLock[] memory);

    /// @notice Stake of `operator` that counts: bonded and not unbonding.
    function bondedOf(address operator) external view returns (uint256 bonded);

    /// @notice All stake of `operator`; `withdrawableAt` has a meaning only while something is unbonding.
    function stakeOf(
        address operator
    ) external view returns (uint256 bonded, uint256 unbonding, uint256 withdrawableAt);

    /// @notice Sum of all stake that was burned.
    function totalBurned() external view returns (uint256);

    /// @notice The ERC-20 token of all bonds.
    function token() external view returns (IERC20);

    /// @notice Seconds between a request to unbond and the earliest withdrawal.
    function thaw() external view returns (uint40);

    /// @notice The largest share of a stake that one slash may take, in hundredths of a per cent.
    function slashCapBps() external view returns (uint16);
}
