// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Octets kept as the code of an account: written once, read at one cold access
library CodeStore {
    /// @dev Returns what follows these 10 octets as code: PUSH2 size, DUP1, PUSH1 10, RETURNDATASIZE, CODECOPY,
    /// RETURNDATASIZE, RETURN.
    uint256 private constant INIT = 0x61000080600a3d393df3;
    /// @dev STOP, so that a call of the account does nothing.
    bytes1 private constant STOP = 0x00;

    /// @notice Making the account failed.
    error CodeStoreFailed();

    /// @notice Stores octets, at most 24,575.
    function write(bytes memory data) internal returns (address account) {
        uint256 size = data.length + 1;
        bytes memory code = bytes.concat(bytes10(uint80(INIT | (size << 56))), STOP, data);
        assembly ("memory-safe") {
            account := create(0, add(code, 0x20), mload(code))
        }
        require(size < 0x6001 && account != address(0), CodeStoreFailed());
    }

    /// @notice The octets that were stored; none for an account without code.
    function read(address account) internal view returns (bytes memory data) {
        unchecked {
            uint256 size = account.code.length;
            if (size == 0) return data;
            data = new bytes(size - 1);
            assembly ("memory-safe") {
                extcodecopy(account, add(data, 0x20), 1, sub(size, 1))
            }
        }
    }
}
