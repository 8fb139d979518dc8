// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Payers and amounts in words of `payer:20 | amount:12`
/// @dev Lists come in this form, and what a packed batch or a list settled is told in it.
library SettledLog {
    /// @dev The octets of an entry.
    uint256 internal constant SIZE = 32;

    /// @dev An empty log with room for `count` entries.
    function open(uint256 count) internal pure returns (bytes memory log) {
        log = new bytes(count * SIZE);
        assembly ("memory-safe") {
            mstore(log, 0)
        }
    }

    /// @dev Adds an entry, for which there has to be room.
    function add(bytes memory log, address payer, uint256 amount) internal pure {
        assembly ("memory-safe") {
            let length := add(mload(log), SIZE)
            mstore(add(log, length), or(shl(96, payer), amount))
            mstore(log, length)
        }
    }

    /// @dev The entry with number `index`, which has to be there.
    function at(bytes calldata entries, uint256 index) internal pure returns (address payer, uint256 amount) {
        assembly ("memory-safe") {
            let word := calldataload(add(entries.offset, shl(5, index)))
            payer := shr(96, word)
            amount := and(word, 0xffffffffffffffffffffffff)
        }
    }
}
