// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IPolicyObserver} from "../interfaces/IPolicyObserver.sol";
import {IStakeLock} from "../interfaces/IStakeLock.sol";
import {NodeRecords} from "../libraries/NodeRecords.sol";
import {NodeId} from "../types/NodeId.sol";
import {NodeStatus} from "../types/NodeStatus.sol";
import {Refusal} from "../types/Refusal.sol";
import {NodeLedger} from "./NodeLedger.sol";

/// @title How the registry hears of what can make an acceptable node unacceptable
abstract contract NodeEpochs is NodeLedger {
    using NodeRecords for NodeRecords.Record;

    modifier onlyReferenceValues() {
        require(msg.sender == address(referenceValues), NodeRegistryNotReferenceValues(msg.sender));
        _;
    }

    modifier onlyStake() {
        require(msg.sender == address(stake), NodeRegistryNotStake(msg.sender));
        _;
    }

    /// @inheritdoc IPolicyObserver
    function policyLinked() external onlyReferenceValues {
        _state.policyLinked = true;
        _startEpoch();
    }

    /// @inheritdoc IPolicyObserver
    function policyChanged() external onlyReferenceValues {
        _startEpoch();
    }

    /// @inheritdoc IPolicyObserver
    function platformDenied(bytes32 platformId) external onlyReferenceValues {
        NodeId nodeId = platformNode[platformId];
        NodeRecords.Record storage record = _records[nodeId];
        if (!record.runsOn(platformId)) return;
        _revoke(nodeId, record, Refusal.PlatformDenied, "");
    }

    /// @inheritdoc IStakeLock
    function stakeLinked(bool linked) external onlyStake {
        _state.stakeLinked = linked;
        _startEpoch();
    }

    /// @inheritdoc IStakeLock
    function stakeSlashed(address operator) external onlyStake {
        if (liveNodes[operator] != 0) _startEpoch();
    }

    function _startEpoch() internal {
        uint24 next = _state.epoch + 1;
        _state.epoch = next;
        emit EpochStarted(next);
    }

    function _revoke(NodeId nodeId, NodeRecords.Record storage record, Refusal refusal, string memory reason) internal {
        record.standing.status = NodeStatus.Revoked;
        emit NodeRevoked(nodeId, record.standing.signingKey, refusal, reason);
    }
}
