// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title An authority that lets everybody do everything
/// @dev For tests of other things than access only.
contract OpenAuthority {
    /// @notice As AccessManager's, and always yes.
    function canCall(address, address, bytes4) external pure returns (bool immediate, uint32 delay) {
        return (true, 0);
    }
}
