// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Platform} from "../types/Platform.sol";
import {TcbStatus} from "../types/TcbStatus.sol";

/// @title A verifier of one platform's evidence on chain
/// @notice What a challenge is decided by where a platform has one: a verifier of quotes, of P-384 chains, or of proofs
/// made elsewhere. It can be wrong in one way only, by not answering.
interface IAttestationProof {
    /// @notice What genuine evidence says, as in docs/protocol.md section 1; the head and tail are the two halves of
    /// the report data.
    struct ProvenClaims {
        Platform platform;
        TcbStatus tcbStatus;
        uint32 evaluationNumber;
        bytes32 workloadId;
        bytes32 platformId;
        bytes32 reportDataHead;
        bytes32 reportDataTail;
    }

    /// @notice Verifies `evidence` and returns its claims, or reverts. A revert says nothing about the evidence.
    /// @param evidence The bytes whose keccak256 is a verdict's `evidenceHash`.
    /// @param proof Whatever the verifier needs beside it, such as certificates.
    function prove(bytes calldata evidence, bytes calldata proof) external view returns (ProvenClaims memory claims);
}
