// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Hashes of recent blocks
library BlockHashes {
    /// @dev The history contract of EIP-2935.
    address private constant HISTORY = 0x0000F90827F1C53a10cb7A02335B175320002935;

    /// @notice Hash of block `blockNumber`: from BLOCKHASH for the last 256 blocks, from the EIP-2935 history for the
    /// last 8191 where the chain has it.
    /// @return known Zero if the block is not in the past or its hash is not known.
    function hashOf(uint256 blockNumber) internal view returns (bytes32 known) {
        known = blockhash(blockNumber);
        if (known == bytes32(0) && blockNumber < block.number) known = _fromHistory(blockNumber);
    }

    /// @dev What a failed call returns is no hash: some chains keep a contract at this address that reverts with a
    /// text.
    function _fromHistory(uint256 blockNumber) private view returns (bytes32 known) {
        assembly ("memory-safe") {
            mstore(0, blockNumber)
            if staticcall(gas(), HISTORY, 0, 32, 0, 32) {
                if eq(returndatasize(), 32) {
                    known := mload(0)
                }
            }
        }
    }
}
