// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title What the stake asks and tells the contracts that rest on bonds
/// @notice A lock says how much of a bond has to stay, so that whoever it counted once stays covered until a slash:
/// then the lock is told. The three that change something are callable by the stake alone.
interface IStakeLock {
    /// @notice The stake asks and tells this contract from now on (`linked`), or no longer.
    function stakeLinked(bool linked) external;

    /// @notice `account` lost stake.
    function stakeSlashed(address account) external;

    /// @notice How much of the bond of `account` may not be unbonded.
    function lockedOf(address account) external view returns (uint256 amount);
}
