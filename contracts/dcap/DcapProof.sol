// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAttestationProof} from "../interfaces/IAttestationProof.sol";
import {IDcapVerifier} from "../interfaces/IDcapVerifier.sol";
import {DcapClaims} from "../types/DcapClaims.sol";

/// @title Intel quotes as proofs for challenges
/// @notice Evidence is the quote; the proof beside it is its PCK certificate in DER.
contract DcapProof is IAttestationProof {
    /// @notice What verifies the quotes.
    IDcapVerifier public immutable verifier;

    /// @notice An address of zero was given.
    error DcapProofZeroAddress();

    constructor(IDcapVerifier verifier_) {
        require(address(verifier_) != address(0), DcapProofZeroAddress());
        verifier = verifier_;
    }

    /// @inheritdoc IAttestationProof
    function prove(bytes calldata evidence, bytes calldata proof) external view returns (ProvenClaims memory) {
        DcapClaims memory claims = verifier.verify(evidence, proof);
        return
            ProvenClaims({
                platform: claims.platform,
                tcbStatus: claims.tcbStatus,
                evaluationNumber: claims.evaluationNumber,
                workloadId: claims.workloadId,
                platformId: claims.platformId,
                reportDataHead: claims.reportDataHead,
                reportDataTail: claims.reportDataTail
            });
    }
}
