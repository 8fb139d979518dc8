// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Certificates} from "../dcap/Certificates.sol";
import {Der} from "../dcap/Der.sol";
import {Octets} from "../dcap/Octets.sol";
import {P256} from "../dcap/P256.sol";
import {UtcTime} from "../dcap/UtcTime.sol";

/// @title The libraries of the DCAP contracts, each function by itself
/// @dev For tests only.
contract DcapHarness {
    function holds(bytes32 digest, uint256 r, uint256 s, uint256 x, uint256 y) external view returns (bool) {
        return P256.holds(digest, P256.Signature(r, s), P256.Point(x, y));
    }

    /// @notice The element that `der` is: its tag, and the offsets of its content from the start.
    function element(bytes calldata der) external pure returns (uint256 tag, uint256 start, uint256 stop) {
        (uint256 offset, uint256 end) = Octets.bounds(der);
        (tag, start, stop) = Der.any(offset, end);
        (start, stop) = (start - offset, stop - offset);
    }

    function unsigned(bytes calldata der) external pure returns (uint256 value) {
        (uint256 offset, uint256 end) = Octets.bounds(der);
        (value, offset) = Der.unsigned(offset, end);
        Der.close(offset, end);
    }

    function boolean(bytes calldata der) external pure returns (bool value) {
        (uint256 offset, uint256 end) = Octets.bounds(der);
        (value, offset) = Der.boolean(offset, end);
        Der.close(offset, end);
    }

    function namedBits(bytes calldata der) external pure returns (uint256) {
        (uint256 offset, uint256 end) = Octets.bounds(der);
        return Der.namedBits(offset, end);
    }

    function time(bytes calldata der) external pure returns (uint40 value) {
        (uint256 offset, uint256 end) = Octets.bounds(der);
        (value, offset) = UtcTime.der(offset, end);
        Der.close(offset, end);
    }

    function iso(bytes calldata text) external pure returns (uint40) {
        (uint256 offset, ) = Octets.bounds(text);
        return UtcTime.iso(offset);
    }

    function serialOf(bytes calldata certificate) external pure returns (uint256) {
        return Certificates.parse(certificate).serial;
    }

    /// @notice What a call answers that gets `gas` and no more.
    function within(address target, bytes calldata data, uint256 gas) external view returns (bool, bytes memory) {
        return target.staticcall{gas: gas}(data);
    }
}
