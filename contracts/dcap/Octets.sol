// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Octets of the calldata by their absolute offset
/// @dev Bounds are the caller's: reading beyond the calldata gives zeros, so every caller compares with its own end
/// before it believes what it read.
library Octets {
    /// @notice Where `data` starts and ends.
    function bounds(bytes calldata data) internal pure returns (uint256 start, uint256 end) {
        assembly ("memory-safe") {
            start := data.offset
        }
        end = start + data.length;
    }

    /// @notice The 32 octets at `offset`.
    function word(uint256 offset) internal pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := calldataload(offset)
        }
    }

    /// @notice The `length` octets at `offset` as a number, big-endian; 1 to 32 octets.
    function number(uint256 offset, uint256 length) internal pure returns (uint256) {
        unchecked {
            return word(offset) >> (256 - 8 * length);
        }
    }

    /// @notice Two octets at `offset`, little-endian.
    function uint16le(uint256 offset) internal pure returns (uint256) {
        uint256 value = word(offset) >> 240;
        return (value >> 8) | ((value & 0xff) << 8);
    }

    /// @notice Four octets at `offset`, little-endian.
    function uint32le(uint256 offset) internal pure returns (uint256) {
        uint256 value = word(offset) >> 224;
        value = ((value >> 8) & 0x00ff00ff) | ((value & 0x00ff00ff) << 8);
        return (value >> 16) | ((value & 0xffff) << 16);
    }

    /// @notice The octets from `start` to `end`.
    function slice(uint256 start, uint256 end) internal pure returns (bytes calldata part) {
        assembly ("memory-safe") {
            part.offset := start
            part.length := sub(end, start)
        }
    }
}
