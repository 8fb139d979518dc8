// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title A draw that anyone can repeat
library Draw {
    /// @notice Cuts `list` in place to `size` of its members, each choice equally likely but for the bias of a
    /// remainder of 256 bits; the order in which they stand after it is part of the draw.
    function pick(address[] memory list, uint256 size, bytes32 seed) internal pure {
        uint256 count = list.length;
        if (size > count) size = count;
        for (uint256 i = 0; i < size; ++i) {
            uint256 chosen = i + (uint256(keccak256(abi.encode(seed, i))) % (count - i));
            (list[i], list[chosen]) = (list[chosen], list[i]);
        }
        cut(list, size);
    }

    /// @notice Cuts `list` in place to its first `size` members.
    function cut(address[] memory list, uint256 size) internal pure {
        assembly ("memory-safe") {
            mstore(list, size)
        }
    }

    /// @notice Whether `account` is in `list`.
    function has(address[] memory list, address account) internal pure returns (bool) {
        for (uint256 i = 0; i < list.length; ++i) if (list[i] == account) return true;
        return false;
    }
}
