// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @notice An amount in 24 bits, `mantissa:17 | exponent:7` for `mantissa << exponent`: what a channel's word has left.
/// @dev An amount below 2**17 is exact; a larger one is less than 1/65,536 too low, never too high.
type ListCap is uint24;

using {toAmount} for ListCap global;

/// @notice The largest cap that is not above `amount`.
function toListCap(uint96 amount) pure returns (ListCap) {
    uint256 bits = Math.log2(amount);
    uint256 exponent = bits < 17 ? 0 : bits - 16;
    return ListCap.wrap(uint24(((uint256(amount) >> exponent) << 7) | exponent));
}

/// @notice The amount that a cap stands for.
function toAmount(ListCap cap) pure returns (uint96) {
    uint256 bits = ListCap.unwrap(cap);
    return uint96((bits >> 7) << (bits & 0x7f));
}
