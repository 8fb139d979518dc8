// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {INodeRegistry} from "../interfaces/INodeRegistry.sol";
import {NodeId} from "../types/NodeId.sol";
import {NodeStatus} from "../types/NodeStatus.sol";

/// @title A registry that says what a test tells it to
/// @dev For tests only: implements what the escrow and the model registry ask of INodeRegistry, and nothing else.
contract MockNodeRegistry {
    mapping(NodeId nodeId => address operator) private _operators;
    mapping(NodeId nodeId => mapping(uint32 keyEpoch => address signingKey)) private _keys;
    mapping(NodeId nodeId => bool slashed) private _slashed;

    mapping(NodeId nodeId => bool active) public isActive;
    mapping(address signingKey => NodeId nodeId) public keyOwner;

    /// @notice Registers a node or changes whether it is active.
    function setNode(NodeId nodeId, address operator, bool active) external {
        _operators[nodeId] = operator;
        isActive[nodeId] = active;
    }

    /// @notice Attests a key for a node; receipts of `keyEpoch` hold by it.
    function setKey(NodeId nodeId, uint32 keyEpoch, address signingKey) external {
        _keys[nodeId][keyEpoch] = signingKey;
        keyOwner[signingKey] = nodeId;
    }

    /// @notice Ends the time in which receipts of `keyEpoch` can be settled.
    function dropKey(NodeId nodeId, uint32 keyEpoch) external {
        delete _keys[nodeId][keyEpoch];
    }

    /// @notice As the real one: once for a known node.
    function markSlashed(NodeId nodeId) external {
        require(_operators[nodeId] != address(0), INodeRegistry.NodeRegistryUnknownNode(nodeId));
        require(!_slashed[nodeId], INodeRegistry.NodeRegistryWrongStatus(nodeId, NodeStatus.Slashed));
        _slashed[nodeId] = true;
    }

    /// @notice As the real one.
    function receiptKey(NodeId nodeId, uint32 keyEpoch) external view returns (address signingKey, address operator) {
        return (_keys[nodeId][keyEpoch], _operators[nodeId]);
    }
}
