// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {INodeRegistry} from "../interfaces/INodeRegistry.sol";
import {NodeRecords} from "../libraries/NodeRecords.sol";
import {NodeId} from "../types/NodeId.sol";
import {NodeStatus} from "../types/NodeStatus.sol";
import {Refusal} from "../types/Refusal.sol";
import {Verdict} from "../types/Verdict.sol";
import {NodeEpochs} from "./NodeEpochs.sol";

/// @title What a challenge of a verdict does to the node that rests on it
abstract contract NodeDisputes is NodeEpochs {
    using NodeRecords for NodeRecords.Profile;
    using NodeRecords for NodeRecords.Record;
    using NodeRecords for NodeRecords.Standing;

    modifier onlyChallenges() {
        require(msg.sender == challenges, NodeRegistryNotChallenges(msg.sender));
        _;
    }

    /// @inheritdoc INodeRegistry
    function challenge(Verdict calldata verdict) external onlyChallenges {
        NodeId nodeId = verdict.nodeId;
        (NodeRecords.Record storage record, NodeStatus status) = _knownRecord(nodeId);
        NodeRecords.Standing memory standing = record.standing;
        bool isOpen = status == NodeStatus.Active || status == NodeStatus.Pending;
        require(isOpen, NodeRegistryWrongStatus(nodeId, status));
        require(!standing.isPast(challengeWindow), NodeRegistryWindowOver(nodeId, standing.attestedAt));
        bytes32 evidenceHash = verdict.evidenceHash;
        require(_restsOn(record, standing, verdict), NodeRegistryNotRecorded(nodeId, evidenceHash));
        record.standing.status = NodeStatus.Challenged;
        emit NodeChallenged(nodeId, evidenceHash);
    }

    /// @inheritdoc INodeRegistry
    function endChallenge(NodeId nodeId, bytes32 evidenceHash, bool upheld) external onlyChallenges {
        (NodeRecords.Record storage record, NodeStatus status) = _knownRecord(nodeId);
        if (record.evidenceHash != evidenceHash) return;
        bool isOpen = status == NodeStatus.Challenged;
        if (isOpen && upheld) {
            // Another verdict on the same evidence can still be challenged.
            record.standing.attestedAt = uint32(block.timestamp);
            record.standing.status = NodeStatus.Active;
            emit NodeUpheld(nodeId, evidenceHash);
        } else if (isOpen) {
            _revoke(nodeId, record, Refusal.None, "verdict refuted");
        } else if (status == NodeStatus.Exited && !upheld) {
            _retire(record, nodeId);
        }
    }

    /// @dev The keys of a node that left are taken out of its record, so that no receipt of theirs is paid any more.
    function _retire(NodeRecords.Record storage record, NodeId nodeId) internal {
        _retiredKeys[record.standing.signingKey] = nodeId;
        record.forget();
    }

    /// @dev All that the record keeps of a verdict; the whole platform identity is known by its holder.
    function _restsOn(
        NodeRecords.Record storage record,
        NodeRecords.Standing memory standing,
        Verdict calldata verdict
    ) private view returns (bool) {
        NodeRecords.Profile memory profile = record.profile;
        return
            record.evidenceHash == verdict.evidenceHash &&
            standing.signingKey == verdict.signingKey &&
            standing.expiresAt == verdict.expiresAt &&
            profile.operator == verdict.operator &&
            profile.hasClaims(verdict) &&
            platformNode[verdict.platformId] == verdict.nodeId &&
            referenceValues.workload(profile.policyVersion).workloadId == verdict.workloadId;
    }
}
