// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Verdict} from "../types/Verdict.sol";

/// @title EIP-712 struct hashes of a verdict and of the binding that it starts with
library VerdictHash {
    bytes32 private constant VERDICT_TYPEHASH = keccak256(
        "Verdict(bytes32 nodeId,address operator,address signingKey,bytes32 sealingKey,bytes32 gpuEvidenceHash,"
        "bytes32 configHash,uint8 platform,uint8 tcbStatus,uint32 evaluationNumber,bytes32 workloadId,"
        "bytes32 platformId,bytes32 evidenceHash,uint32 policyVersion,uint64 blockNumber,bytes32 blockHash,"
        "uint40 issuedAt,uint40 expiresAt)"
    );
    bytes32 private constant NODE_BINDING_TYPEHASH = keccak256(
        "NodeBinding(bytes32 nodeId,address operator,address signingKey,bytes32 sealingKey,"
        "bytes32 gpuEvidenceHash,bytes32 configHash)"
    );

    /// @notice Struct hash of the whole verdict.
    /// @dev All members are of static types, so that the struct's ABI encoding is its EIP-712 encoding, and calldata is
    /// hashed as it stands. Bits beyond a member's type would give another hash, which nobody signed.
    function hashVerdict(Verdict calldata verdict) internal pure returns (bytes32 structHash) {
        bytes32 typeHash = VERDICT_TYPEHASH;
        assembly ("memory-safe") {
            let words := mload(0x40)
            mstore(words, typeHash)
            calldatacopy(add(words, 0x20), verdict, 0x220)
            structHash := keccak256(words, 0x240)
        }
    }

    /// @notice Struct hash of the node's binding.
    function hashBinding(Verdict calldata verdict) internal pure returns (bytes32) {
        return
            keccak256(
                abi.encode(
                    NODE_BINDING_TYPEHASH,
                    verdict.nodeId,
                    verdict.operator,
                    verdict.signingKey,
                    verdict.sealingKey,
                    verdict.gpuEvidenceHash,
                    verdict.configHash
                )
            );
    }
}
