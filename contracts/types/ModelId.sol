// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice Name of a model: the SHA-256 Merkle root of its package (docs/protocol.md section 7).
type ModelId is bytes32;
