// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {INodeRegistry} from "../interfaces/INodeRegistry.sol";
import {IReferenceValues} from "../interfaces/IReferenceValues.sol";
import {BlockHashes} from "./BlockHashes.sol";
import {Refusal} from "../types/Refusal.sol";
import {Verdict} from "../types/Verdict.sol";

/// @title What a verdict has to satisfy, whoever brings it, before a node's record may rest on it
library VerdictChecks {
    /// @notice Checks the times against the clock, the platform's policy and when the result before was recorded.
    function checkTimes(Verdict calldata verdict, uint32 ttl, uint32 maxEvidenceAge, uint64 attestedAt) internal view {
        uint64 issuedAt = verdict.issuedAt;
        uint64 expiresAt = verdict.expiresAt;
        uint64 timestamp = uint64(block.timestamp);
        require(issuedAt >= attestedAt, INodeRegistry.NodeRegistryStaleResult(attestedAt, issuedAt));
        require(issuedAt <= timestamp, INodeRegistry.NodeRegistryFutureResult(issuedAt, timestamp));
        require(
            timestamp - issuedAt <= maxEvidenceAge,
            INodeRegistry.NodeRegistryEvidenceTooOld(issuedAt, maxEvidenceAge)
        );
        require(expiresAt > timestamp, INodeRegistry.NodeRegistryResultExpired(expiresAt, timestamp));
        require(expiresAt - issuedAt <= ttl, INodeRegistry.NodeRegistryValidityTooLong(ttl, expiresAt - issuedAt));
    }

    /// @notice Checks that the evidence was made after its anchor block.
    /// @dev A hash that is not known is never equal to an offered one, not even to zero.
    function checkAnchor(Verdict calldata verdict) internal view {
        uint64 blockNumber = verdict.blockNumber;
        bytes32 expected = BlockHashes.hashOf(blockNumber);
        require(expected != bytes32(0), INodeRegistry.NodeRegistryUnknownBlock(blockNumber));
        require(
            expected == verdict.blockHash,
            INodeRegistry.NodeRegistryWrongBlockHash(blockNumber, expected, verdict.blockHash)
        );
    }

    /// @notice Checks that all layers of policy accept the claims, under the live version of the workload.
    function checkClaims(Verdict calldata verdict, IReferenceValues referenceValues) internal view {
        require(verdict.platformId != bytes32(0), INodeRegistry.NodeRegistryNoPlatformIdentity(verdict.nodeId));
        Refusal refusal = referenceValues.appraise(
            IReferenceValues.Claims({
                workloadId: verdict.workloadId,
                policyVersion: verdict.policyVersion,
                platform: verdict.platform,
                tcbStatus: verdict.tcbStatus,
                evaluationNumber: verdict.evaluationNumber,
                platformId: verdict.platformId,
                withGpu: verdict.gpuEvidenceHash != bytes32(0)
            })
        );
        require(refusal == Refusal.None, INodeRegistry.NodeRegistryNotAcceptable(verdict.nodeId, refusal));
    }
}
