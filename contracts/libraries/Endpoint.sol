// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Bounds of the URLs that are kept on chain
library Endpoint {
    uint256 private constant MAX_LENGTH = 256;

    /// @notice Whether `endpoint` is 1 to 256 bytes long; what it says is for its readers to judge.
    function fits(string calldata endpoint) internal pure returns (bool) {
        uint256 length = bytes(endpoint).length;
        return length > 0 && length <= MAX_LENGTH;
    }
}
