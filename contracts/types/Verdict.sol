// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {NodeId} from "./NodeId.sol";
import {Platform} from "./Platform.sol";
import {TcbStatus} from "./TcbStatus.sol";

/// @notice What a verifier found about one piece of evidence (docs/protocol.md section 4). The members stand in the
/// order of the EIP-712 type, and the first six are the members of `NodeBinding` in its order.
struct Verdict {
    NodeId nodeId;
    address operator;
    address signingKey;
    bytes32 sealingKey;
    bytes32 gpuEvidenceHash;
    bytes32 configHash;
    Platform platform;
    TcbStatus tcbStatus;
    uint32 evaluationNumber;
    bytes32 workloadId;
    bytes32 platformId;
    bytes32 evidenceHash;
    uint32 policyVersion;
    uint64 blockNumber;
    bytes32 blockHash;
    uint40 issuedAt;
    uint40 expiresAt;
}
