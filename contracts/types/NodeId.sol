// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice Name of a node: `keccak256(abi.encode(address operator, bytes32 salt))`. Zero names no node.
type NodeId is bytes32;

using {equal as ==} for NodeId global;

NodeId constant NO_NODE = NodeId.wrap(bytes32(0));

function equal(NodeId left, NodeId right) pure returns (bool) {
    return NodeId.unwrap(left) == NodeId.unwrap(right);
}
