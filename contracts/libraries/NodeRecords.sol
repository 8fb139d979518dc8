// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {INodeRegistry} from "../interfaces/INodeRegistry.sol";
import {IReferenceValues} from "../interfaces/IReferenceValues.sol";
import {NodeId} from "../types/NodeId.sol";
import {NodeStatus} from "../types/NodeStatus.sol";
import {Platform} from "../types/Platform.sol";
import {TcbStatus} from "../types/TcbStatus.sol";
import {Verdict} from "../types/Verdict.sol";

/// @title Storage form of a node's record and its transitions
library NodeRecords {
    using SafeCast for uint256;

    /// @dev Five slots, in the order of the members. Times are cut to 32 bits, enough until 2106. The workload is
    /// named by its version in the reference values. A record without a signing key has no key that can sign
    /// anything.
    struct Record {
        address signingKey;
        uint32 attestedAt;
        uint32 expiresAt;
        uint16 keyEpoch;
        NodeStatus status;
        Platform platform;
        bytes32 evidenceHash;
        address operator;
        uint32 policyVersion;
        TcbStatus tcbStatus;
        uint24 evaluationNumber;
        bytes32 platformId;
        address previousKey;
        uint40 previousUntil;
        uint16 previousEpoch;
    }

    /// @notice Starts a new key epoch. The current key, if there is one, becomes the previous one for `keyOverlap`
    /// from now or from its end of validity, whichever was first.
    function rotate(Record storage record, address signingKey, uint40 keyOverlap) internal {
        address current = record.signingKey;
        uint16 epoch = record.keyEpoch;
        if (current != address(0)) {
            record.previousKey = current;
            record.previousUntil = uint40(Math.min(block.timestamp, record.expiresAt)) + keyOverlap;
            record.previousEpoch = epoch;
        }
        record.signingKey = signingKey;
        record.keyEpoch = epoch + 1;
    }

    /// @notice Writes what `verdict` says about the current key and makes the node active.
    function write(Record storage record, Verdict calldata verdict) internal {
        record.attestedAt = uint256(verdict.issuedAt).toUint32();
        record.expiresAt = uint256(verdict.expiresAt).toUint32();
        record.status = NodeStatus.Active;
        record.platform = verdict.platform;
        record.evidenceHash = verdict.evidenceHash;
        record.policyVersion = verdict.policyVersion;
        record.tcbStatus = verdict.tcbStatus;
        record.evaluationNumber = uint256(verdict.evaluationNumber).toUint24();
        record.platformId = verdict.platformId;
    }

    /// @notice Takes the keys out of the record, which is how a key is revoked for ever.
    /// @return signingKey The key that was current.
    function end(Record storage record, NodeStatus status) internal returns (address signingKey) {
        signingKey = record.signingKey;
        record.status = status;
        record.signingKey = address(0);
        record.previousKey = address(0);
    }

    /// @notice The key whose receipts of `keyEpoch` can be settled now; zero if there is none.
    function receiptKey(
        Record storage record,
        uint32 keyEpoch,
        uint40 keyOverlap
    ) internal view returns (address signingKey) {
        if (keyEpoch == record.keyEpoch) {
            if (block.timestamp <= uint256(record.expiresAt) + keyOverlap) signingKey = record.signingKey;
        } else if (keyEpoch == record.previousEpoch) {
            if (block.timestamp <= record.previousUntil) signingKey = record.previousKey;
        }
    }

    /// @notice What policy judges of the record.
    function claims(Record storage record) internal view returns (IReferenceValues.Claims memory) {
        return
            IReferenceValues.Claims({
                policyVersion: record.policyVersion,
                platform: record.platform,
                tcbStatus: record.tcbStatus,
                evaluationNumber: record.evaluationNumber,
                platformId: record.platformId
            });
    }

    /// @notice The record in the form of the interface; workload and endpoint are kept elsewhere.
    function toNode(
        Record memory record,
        NodeId nodeId,
        bytes32 workloadId,
        string memory endpoint
    ) internal pure returns (INodeRegistry.Node memory node) {
        node.nodeId = nodeId;
        node.operator = record.operator;
        node.status = record.status;
        node.signingKey = record.signingKey;
        node.keyEpoch = record.keyEpoch;
        node.platform = record.platform;
        node.tcbStatus = record.tcbStatus;
        node.evaluationNumber = record.evaluationNumber;
        node.policyVersion = record.policyVersion;
        node.workloadId = workloadId;
        node.platformId = record.platformId;
        node.evidenceHash = record.evidenceHash;
        node.attestedAt = record.attestedAt;
        node.expiresAt = record.expiresAt;
        node.previousKey = record.previousKey;
        node.previousEpoch = record.previousEpoch;
        node.previousUntil = record.previousUntil;
        node.endpoint = endpoint;
    }
}
