// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAttestationProof} from "../interfaces/IAttestationProof.sol";
import {IVerdictChallenges} from "../interfaces/IVerdictChallenges.sol";
import {Platform} from "../types/Platform.sol";
import {TcbStatus} from "../types/TcbStatus.sol";
import {Verdict} from "../types/Verdict.sol";

/// @title A verdict beside the evidence that it is about
library VerdictEvidence {
    uint256 private constant HASH_SHIFT = 64;

    /// @notice Checks that `evidence` is what the verdict names.
    function checkEvidence(Verdict calldata verdict, bytes calldata evidence) internal pure {
        bytes32 offered = keccak256(evidence);
        bytes32 expected = verdict.evidenceHash;
        require(offered == expected, IVerdictChallenges.VerdictChallengesWrongEvidence(expected, offered));
    }

    /// @notice Checks that `devices` are all whose evidence the verdict names, in their order: see docs/protocol.md
    /// section 3.
    function checkDevices(Verdict calldata verdict, bytes[] calldata devices) internal pure {
        bytes32[] memory hashes = new bytes32[](devices.length);
        for (uint256 i = 0; i < devices.length; ++i) hashes[i] = keccak256(devices[i]);
        bytes32 offered = devices.length == 0 ? bytes32(0) : keccak256(abi.encodePacked(hashes));
        bytes32 expected = verdict.gpuEvidenceHash;
        require(offered == expected, IVerdictChallenges.VerdictChallengesWrongEvidence(expected, offered));
    }

    /// @notice Whether the evidence says all that the verdict says, and nothing else is needed to say it.
    function isProvenBy(
        Verdict calldata verdict,
        IAttestationProof.ProvenClaims memory claims,
        bytes32 bindingDigest
    ) internal pure returns (bool) {
        return
            !isContradictedBy(verdict, claims) &&
            Platform.unwrap(claims.platform) == Platform.unwrap(verdict.platform) &&
            TcbStatus.unwrap(claims.tcbStatus) == TcbStatus.unwrap(verdict.tcbStatus) &&
            claims.evaluationNumber == verdict.evaluationNumber &&
            claims.reportDataHead == bindingDigest &&
            claims.reportDataTail == _anchor(verdict) &&
            verdict.gpuEvidenceHash == bytes32(0);
    }

    /// @notice Whether genuine evidence is of another workload or platform: the one thing that neither time nor another
    /// verdict on the same evidence can change.
    function isContradictedBy(
        Verdict calldata verdict,
        IAttestationProof.ProvenClaims memory claims
    ) internal pure returns (bool) {
        return claims.workloadId != verdict.workloadId || claims.platformId != verdict.platformId;
    }

    /// @dev Block number in 8 bytes, first 24 bytes of its hash.
    function _anchor(Verdict calldata verdict) private pure returns (bytes32) {
        return bytes32((uint256(verdict.blockNumber) << 192) | (uint256(verdict.blockHash) >> HASH_SHIFT));
    }
}
