// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice Name of a payment channel: `keccak256(abi.encode(address payer, bytes32 nodeId))`, in one escrow's domain.
type ChannelId is bytes32;
