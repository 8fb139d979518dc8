// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title What the reference values tell the contract whose records rest on them
/// @notice A record that was found acceptable stays so until one of these is called, so that readers do not have to ask
/// the policy again. Both are callable by the reference values alone.
interface IPolicyObserver {
    /// @notice The reference values report to this contract from now on.
    function policyLinked() external;

    /// @notice Policy changed: nothing that was found acceptable before may be taken for acceptable unasked.
    function policyChanged() external;

    /// @notice The platform identity `platformId` was denied: the node that runs on it loses its keys.
    function platformDenied(bytes32 platformId) external;
}
