// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice Converged TCB status of a platform: 0 none, 1 UpToDate, 2 SWHardeningNeeded, 3 ConfigurationNeeded,
/// 4 ConfigurationAndSWHardeningNeeded, 5 OutOfDate, 6 OutOfDateConfigurationNeeded, 7 Revoked, 8 TDRelaunchAdvised,
/// 9 TDRelaunchAdvisedConfigurationNeeded.
type TcbStatus is uint8;

using {toMask} for TcbStatus global;

/// @dev Every status that policy may ever accept: a floor below policy, so that no vote accepts none, OutOfDate,
/// OutOfDateConfigurationNeeded, Revoked or a number without a meaning.
uint16 constant ACCEPTABLE_TCB_MASK = 0x031e;

/// @dev The one that policy may accept of platforms whose vendor states no status.
uint16 constant NO_STATUS_MASK = 0x0001;

/// @notice The status as one bit of a mask; a number above 15 is no bit at all and is in no mask.
function toMask(TcbStatus status) pure returns (uint16) {
    return uint16(1 << TcbStatus.unwrap(status));
}
