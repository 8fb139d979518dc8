// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Numbers in the packed levels that a parser made
library Packed {
    uint256 private constant ISV_LEVEL = 3;

    /// @notice `length` octets from `offset` on, big-endian; 1 to 32.
    function number(bytes memory data, uint256 offset, uint256 length) internal pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := shr(sub(256, shl(3, length)), mload(add(add(data, 0x20), offset)))
        }
    }

    /// @notice Status of the first of `count` levels of an enclave or module that `svn` reaches; zero if there is none.
    function isvStatus(bytes memory data, uint256 offset, uint256 count, uint256 svn) internal pure returns (uint256) {
        unchecked {
            for (uint256 end = offset + ISV_LEVEL * count; offset < end; offset += ISV_LEVEL) {
                if (svn >= number(data, offset, 2)) return number(data, offset + 2, 1);
            }
            return 0;
        }
    }

    /// @notice 16 octets as 16 lanes of 16 bits.
    function lanes(bytes16 octets) internal pure returns (uint256 value) {
        value = uint128(octets);
        value = (value | (value << 64)) & 0x0000000000000000ffffffffffffffff0000000000000000ffffffffffffffff;
        value = (value | (value << 32)) & 0x00000000ffffffff00000000ffffffff00000000ffffffff00000000ffffffff;
        value = (value | (value << 16)) & 0x0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff;
        value = (value | (value << 8)) & 0x00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff;
    }

    /// @notice Whether each lane of `found` is at least the one of `wanted`; all lanes are below 0x100.
    function reaches(uint256 found, uint256 wanted) internal pure returns (bool) {
        uint256 guard = 0x8000800080008000800080008000800080008000800080008000800080008000;
        unchecked {
            return ((found | guard) - wanted) & guard == guard;
        }
    }
}
