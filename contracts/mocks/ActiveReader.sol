// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {INodeRegistry} from "../interfaces/INodeRegistry.sol";
import {NodeId} from "../types/NodeId.sol";

/// @title A contract that asks whether a node is active, as other contracts do
/// @dev For tests only.
contract ActiveReader {
    /// @notice Asks `registry` about `nodeId` and says what the call cost.
    function ask(INodeRegistry registry, NodeId nodeId) external view returns (bool active, uint256 gas) {
        gas = gasleft();
        active = registry.isActive(nodeId);
        gas -= gasleft();
    }
}
