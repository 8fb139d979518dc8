// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {INodeRegistry} from "../interfaces/INodeRegistry.sol";
import {INodeStake} from "../interfaces/INodeStake.sol";
import {IStakeLock} from "../interfaces/IStakeLock.sol";
import {NodeId} from "../types/NodeId.sol";
import {NodeStatus} from "../types/NodeStatus.sol";

/// @title A registry that says what a test tells it to
/// @dev For tests only: implements what the escrow and the model registry ask of INodeRegistry, and nothing else.
contract MockNodeRegistry is IStakeLock {
    INodeStake private immutable _stake;
    mapping(NodeId nodeId => address operator) private _operators;
    mapping(NodeId nodeId => mapping(uint32 keyEpoch => address signingKey)) private _keys;
    mapping(NodeId nodeId => bool slashed) private _slashed;

    mapping(NodeId nodeId => bool active) public isActive;
    mapping(NodeId nodeId => mapping(address signingKey => bool isKey)) public isKeyOf;

    constructor(INodeStake stake_) {
        _stake = stake_;
    }

    /// @inheritdoc IStakeLock
    // solhint-disable-next-line no-empty-blocks
    function stakeLinked(bool linked) external {}

    /// @inheritdoc IStakeLock
    // solhint-disable-next-line no-empty-blocks
    function stakeSlashed(address account) external {}

    /// @notice Registers a node or changes whether it is active.
    function setNode(NodeId nodeId, address operator, bool active) external {
        _operators[nodeId] = operator;
        isActive[nodeId] = active;
    }

    /// @notice Attests a key for a node; receipts of `keyEpoch` hold by it.
    function setKey(NodeId nodeId, uint32 keyEpoch, address signingKey) external {
        _keys[nodeId][keyEpoch] = signingKey;
        isKeyOf[nodeId][signingKey] = true;
    }

    /// @notice Ends the time in which receipts of `keyEpoch` can be settled.
    function dropKey(NodeId nodeId, uint32 keyEpoch) external {
        delete _keys[nodeId][keyEpoch];
    }

    /// @notice As the real one: once for a known node and a key of it.
    function convict(NodeId nodeId, address signingKey, address challenger) external {
        require(_operators[nodeId] != address(0), INodeRegistry.NodeRegistryUnknownNode(nodeId));
        require(!_slashed[nodeId], INodeRegistry.NodeRegistryWrongStatus(nodeId, NodeStatus.Slashed));
        require(isKeyOf[nodeId][signingKey], INodeRegistry.NodeRegistryNotKeyOf(nodeId, signingKey));
        _slashed[nodeId] = true;
        _stake.slash(_operators[nodeId], type(uint256).max, challenger);
    }

    /// @inheritdoc IStakeLock
    function lockedOf(address) external pure returns (uint256) {
        return 0;
    }

    /// @notice As the real one.
    function receiptKey(NodeId nodeId, uint32 keyEpoch) external view returns (address signingKey, address operator) {
        return (_keys[nodeId][keyEpoch], _operators[nodeId]);
    }
}
