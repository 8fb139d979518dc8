// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {INodeStake} from "../interfaces/INodeStake.sol";
import {IStakeLock} from "../interfaces/IStakeLock.sol";

/// @title A lock that does what a test tells it to
/// @dev For tests only: anybody may lock and slash through it.
contract OpenLock is IStakeLock {
    INodeStake private immutable _stake;

    /// @inheritdoc IStakeLock
    mapping(address account => uint256 amount) public lockedOf;
    /// @notice What the stake said last.
    bool public isLinked;
    /// @notice How often the stake said that an account was slashed.
    mapping(address account => uint256 count) public slashesOf;

    constructor(INodeStake stake_) {
        _stake = stake_;
    }

    /// @notice Locks `amount` of the bond of `account`.
    function setLocked(address account, uint256 amount) external {
        lockedOf[account] = amount;
    }

    /// @notice Slashes as this lock.
    function slash(address operator, uint256 amount, address challenger) external returns (uint256 taken) {
        return _stake.slash(operator, amount, challenger);
    }

    /// @inheritdoc IStakeLock
    function stakeLinked(bool linked) external {
        isLinked = linked;
    }

    /// @inheritdoc IStakeLock
    function stakeSlashed(address account) external {
        ++slashesOf[account];
    }
}
