// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ListCap} from "./ListCap.sol";

/// @notice All that is kept of a channel, in one word: `listCap:24 | withdrawableAt:40 | spent:96 | deposit:96`.
/// @dev One type, so that a settlement reads the word once and writes it once.
type ChannelSlot is uint256;

using {
    deposit,
    spent,
    withdrawableAt,
    listCap,
    withDeposit,
    withSpent,
    withWithdrawableAt,
    withListCap
} for ChannelSlot global;

uint256 constant AMOUNT_MASK = type(uint96).max;
uint256 constant TIME_MASK = type(uint40).max;

/// @notice What was ever deposited and not withdrawn.
function deposit(ChannelSlot slot) pure returns (uint96) {
    return uint96(ChannelSlot.unwrap(slot));
}

/// @notice What was ever settled.
function spent(ChannelSlot slot) pure returns (uint96) {
    return uint96(ChannelSlot.unwrap(slot) >> 96);
}

/// @notice When the payer may withdraw, zero while the channel is open.
function withdrawableAt(ChannelSlot slot) pure returns (uint40) {
    return uint40(ChannelSlot.unwrap(slot) >> 192);
}

/// @notice Up to where lists may settle, zero where the payer did not opt in.
function listCap(ChannelSlot slot) pure returns (ListCap) {
    return ListCap.wrap(uint24(ChannelSlot.unwrap(slot) >> 232));
}

/// @notice The slot with another deposit.
function withDeposit(ChannelSlot slot, uint96 amount) pure returns (ChannelSlot) {
    return ChannelSlot.wrap((ChannelSlot.unwrap(slot) & ~AMOUNT_MASK) | amount);
}

/// @notice The slot with another amount spent.
function withSpent(ChannelSlot slot, uint96 amount) pure returns (ChannelSlot) {
    return ChannelSlot.wrap((ChannelSlot.unwrap(slot) & ~(AMOUNT_MASK << 96)) | (uint256(amount) << 96));
}

/// @notice The slot with another time of withdrawal.
function withWithdrawableAt(ChannelSlot slot, uint40 time) pure returns (ChannelSlot) {
    return ChannelSlot.wrap((ChannelSlot.unwrap(slot) & ~(TIME_MASK << 192)) | (uint256(time) << 192));
}

/// @notice The slot with another cap of lists.
function withListCap(ChannelSlot slot, ListCap cap) pure returns (ChannelSlot) {
    return ChannelSlot.wrap(uint232(ChannelSlot.unwrap(slot)) | (uint256(ListCap.unwrap(cap)) << 232));
}
