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
    using NodeRecords for Standing;
    using SafeCast for uint256;

    /// @dev One slot, all that tells whether a node is active: `checkedEpoch` is the policy epoch in which the node was
    /// last found acceptable, `attestedAt` when its result was recorded. Times are cut to 32 bits, enough until 2106.
    /// `Pending` is never rewritten when its window ends: whoever asks looks at the clock.
    struct Standing {
        address signingKey;
        uint32 attestedAt;
        uint32 expiresAt;
        uint24 checkedEpoch;
        NodeStatus status;
    }

    /// @dev One slot. The workload is named by its version in the reference values, the platform identity by 16 bits
    /// that say whether it is still the one that the registry knows this node by.
    struct Profile {
        address operator;
        uint16 policyVersion;
        uint16 keyEpoch;
        uint16 evaluationNumber;
        uint16 platformTag;
        Platform platform;
        TcbStatus tcbStatus;
        bool withGpu;
    }

    /// @dev One slot, empty until the first rotation: the key before the current one.
    struct Previous {
        address signingKey;
        uint40 until;
        uint16 keyEpoch;
    }

    struct Record {
        Standing standing;
        Profile profile;
        bytes32 evidenceHash;
        Previous previous;
    }

    /// @dev Stands for the hash of a node without evidence, so that the first attestation finds its slot in use:
    /// registration pays for the record.
    bytes32 internal constant NO_EVIDENCE = bytes32(uint256(1));

    /// @notice Makes the record of a registered node.
    function open(Record storage record, address operator, uint24 epoch) internal {
        record.standing = Standing(address(0), 0, 0, epoch, NodeStatus.Registered);
        record.profile.operator = operator;
        record.evidenceHash = NO_EVIDENCE;
    }

    /// @notice Starts a new key epoch: the current key, if there is one, becomes the previous one for `keyOverlap` from
    /// now or from its end of validity, whichever was first. A revoked key becomes none.
    function rotate(
        Record storage record,
        Standing memory standing,
        Profile memory profile,
        uint40 keyOverlap
    ) internal {
        if (standing.status == NodeStatus.Revoked) {
            delete record.previous;
        } else if (standing.signingKey != address(0)) {
            uint40 until = uint40(Math.min(block.timestamp, standing.expiresAt)) + keyOverlap;
            record.previous = Previous(standing.signingKey, until, profile.keyEpoch);
        }
        profile.keyEpoch += 1;
    }

    /// @notice Writes that `verdict` holds for the node in the policy epoch `epoch`.
    function write(Record storage record, Verdict calldata verdict, uint24 epoch, NodeStatus status) internal {
        record.standing = Standing({
            signingKey: verdict.signingKey,
            attestedAt: block.timestamp.toUint32(),
            expiresAt: uint256(verdict.expiresAt).toUint32(),
            checkedEpoch: epoch,
            status: status
        });
        record.evidenceHash = verdict.evidenceHash;
    }

    /// @notice Takes over what `verdict` claims.
    function claim(Profile memory profile, Verdict calldata verdict) internal pure {
        profile.policyVersion = uint256(verdict.policyVersion).toUint16();
        profile.evaluationNumber = uint256(verdict.evaluationNumber).toUint16();
        profile.platformTag = tagOf(verdict.platformId);
        profile.platform = verdict.platform;
        profile.tcbStatus = verdict.tcbStatus;
        profile.withGpu = verdict.gpuEvidenceHash != bytes32(0);
    }

    /// @notice Takes the keys out of the record of a node that was revoked.
    function forget(Record storage record) internal {
        delete record.standing.signingKey;
        delete record.previous;
    }

    /// @notice Whether `verdict` claims what the record holds.
    function hasClaims(Profile memory profile, Verdict calldata verdict) internal pure returns (bool) {
        return
            profile.policyVersion == verdict.policyVersion &&
            profile.withGpu == (verdict.gpuEvidenceHash != bytes32(0)) &&
            profile.evaluationNumber == verdict.evaluationNumber &&
            profile.platformTag == tagOf(verdict.platformId) &&
            Platform.unwrap(profile.platform) == Platform.unwrap(verdict.platform) &&
            TcbStatus.unwrap(profile.tcbStatus) == TcbStatus.unwrap(verdict.tcbStatus);
    }

    /// @notice Whether the node has a key that is neither revoked nor beyond its validity, nor open to a first
    /// challenge for `window` seconds, nor challenged.
    function isCurrent(Standing memory standing, uint256 window) internal view returns (bool) {
        return
            block.timestamp < standing.expiresAt &&
            (standing.status == NodeStatus.Active ||
                (standing.status == NodeStatus.Pending && standing.isPast(window)));
    }

    /// @notice Whether the last result was recorded `window` seconds ago or earlier.
    function isPast(Standing memory standing, uint256 window) internal view returns (bool) {
        // Of 32 bits and of at most seven days.
        unchecked {
            return block.timestamp >= uint256(standing.attestedAt) + window;
        }
    }

    /// @notice Whether a node with this status has a key that may be, or come to be, active.
    function hasKey(NodeStatus status) internal pure returns (bool) {
        return status == NodeStatus.Active || status >= NodeStatus.Pending;
    }

    /// @notice Whether the record is of a node with a key on `platformId`, where the registry names it as the holder.
    function runsOn(Record storage record, bytes32 platformId) internal view returns (bool) {
        return hasKey(record.standing.status) && record.profile.platformTag == tagOf(platformId);
    }

    /// @notice The key whose receipts of `keyEpoch` can be settled now; zero if there is none.
    function receiptKey(
        Record storage record,
        uint32 keyEpoch,
        uint40 keyOverlap,
        uint256 window
    ) internal view returns (address signingKey) {
        Standing memory standing = record.standing;
        NodeStatus status = standing.status;
        if (status == NodeStatus.Revoked || status == NodeStatus.Slashed) return address(0);
        if (keyEpoch == record.profile.keyEpoch) {
            if (status == NodeStatus.Challenged || (status == NodeStatus.Pending && !standing.isPast(window)))
                return address(0);
            if (block.timestamp <= uint256(standing.expiresAt) + keyOverlap) signingKey = standing.signingKey;
        } else if (keyEpoch == record.previous.keyEpoch) {
            if (block.timestamp <= record.previous.until) signingKey = record.previous.signingKey;
        }
    }

    /// @notice What policy judges of the record. The workload's identity was compared when the claims were recorded,
    /// and a denial of the platform ends the node at once.
    function claims(Profile memory profile) internal pure returns (IReferenceValues.Claims memory) {
        return
            IReferenceValues.Claims({
                workloadId: bytes32(0),
                policyVersion: profile.policyVersion,
                platform: profile.platform,
                tcbStatus: profile.tcbStatus,
                evaluationNumber: profile.evaluationNumber,
                platformId: bytes32(0),
                withGpu: profile.withGpu
            });
    }

    /// @notice What stands in the record for a platform identity.
    function tagOf(bytes32 platformId) internal pure returns (uint16) {
        return uint16(uint256(platformId));
    }

    /// @notice The record in the form of the interface; workload and endpoint are kept elsewhere.
    function toNode(
        Record memory record,
        NodeId nodeId,
        bytes32 workloadId,
        string memory endpoint,
        uint256 window
    ) internal view returns (INodeRegistry.Node memory node) {
        bytes32 evidenceHash = record.evidenceHash;
        node.nodeId = nodeId;
        node.operator = record.profile.operator;
        NodeStatus status = record.standing.status;
        bool isOver = status == NodeStatus.Pending && record.standing.isPast(window);
        node.status = isOver ? NodeStatus.Active : status;
        node.signingKey = record.standing.signingKey;
        node.keyEpoch = record.profile.keyEpoch;
        node.platform = record.profile.platform;
        node.tcbStatus = record.profile.tcbStatus;
        node.evaluationNumber = record.profile.evaluationNumber;
        node.policyVersion = record.profile.policyVersion;
        node.workloadId = workloadId;
        node.evidenceHash = evidenceHash == NO_EVIDENCE ? bytes32(0) : evidenceHash;
        node.attestedAt = record.standing.attestedAt;
        node.expiresAt = record.standing.expiresAt;
        node.previousKey = record.previous.signingKey;
        node.previousEpoch = record.previous.keyEpoch;
        node.previousUntil = record.previous.until;
        node.endpoint = endpoint;
    }
}
