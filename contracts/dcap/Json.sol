// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDcapErrors} from "../interfaces/IDcapErrors.sol";
import {Octets} from "./Octets.sol";
import {UtcTime} from "./UtcTime.sol";

/// @title Compact JSON, read in place from the calldata
/// @dev Without white space, as Intel serves and signs it. Members may stand in any order and unknown ones are passed
/// over; a text that is read has no escapes. RFC 8259.
library Json {
    /// @notice Enters an object or a list whose first character is `opening`.
    /// @return next The first member, or the octet after the closing character.
    /// @return more Whether there is a member.
    function enter(uint256 offset, uint256 end, bytes2 brackets) internal pure returns (uint256 next, bool more) {
        next = expect(offset, end, uint8(brackets[0]));
        more = _octet(next, end) != uint8(brackets[1]);
        if (!more) ++next;
    }

    /// @notice Goes on after a member: to the next one, or out of the object or list.
    function step(uint256 offset, uint256 end, bytes2 brackets) internal pure returns (uint256 next, bool more) {
        uint256 octet = _octet(offset, end);
        more = octet == 0x2c;
        require(more || octet == uint8(brackets[1]), IDcapErrors.DcapMalformedJson(offset));
        next = offset + 1;
    }

    /// @notice The name of a member, at most 31 characters, left-aligned; `next` is where its value stands.
    function key(uint256 offset, uint256 end) internal pure returns (bytes32 name, uint256 next) {
        (name, next) = word(offset, end);
        next = expect(next, end, 0x3a);
    }

    /// @notice A text of at most 31 characters, left-aligned; a longer one is zero.
    function word(uint256 offset, uint256 end) internal pure returns (bytes32 value, uint256 next) {
        (uint256 start, uint256 stop) = text(offset, end);
        next = stop + 1;
        uint256 length = stop - start;
        if (length > 0 && length < 32) value = bytes32(Octets.number(start, length) << (256 - 8 * length));
    }

    /// @notice The characters of a text; `stop` is its closing quotation mark.
    function text(uint256 offset, uint256 end) internal pure returns (uint256 start, uint256 stop) {
        start = expect(offset, end, 0x22);
        stop = start;
        for (uint256 octet = _octet(stop, end); octet != 0x22; octet = _octet(++stop, end)) {
            require(octet != 0x5c && octet > 0x1f, IDcapErrors.DcapMalformedJson(stop));
        }
    }

    /// @notice A whole number without sign up to `max`.
    function number(uint256 offset, uint256 end, uint256 max) internal pure returns (uint256 value, uint256 next) {
        next = offset;
        for (uint256 octet = _octet(next, end); octet > 0x2f && octet < 0x3a; octet = _octet(++next, end)) {
            require(next == offset || value != 0, IDcapErrors.DcapMalformedJson(offset));
            value = value * 10 + octet - 0x30;
            require(value <= max, IDcapErrors.DcapMalformedJson(offset));
        }
        require(next > offset, IDcapErrors.DcapMalformedJson(offset));
    }

    /// @notice A text of `2 * length` hexadecimal digits as `length` octets, at most 32.
    function octets(uint256 offset, uint256 end, uint256 length) internal pure returns (uint256 value, uint256 next) {
        (uint256 start, uint256 stop) = text(offset, end);
        require(stop - start == 2 * length, IDcapErrors.DcapMalformedJson(offset));
        value = hexOf(start, stop);
        next = stop + 1;
    }

    /// @notice The number that at most 64 hexadecimal digits from `start` to `stop` are.
    function hexOf(uint256 start, uint256 stop) internal pure returns (uint256 value) {
        for (uint256 offset = start; offset < stop; ++offset) {
            uint256 digit = Octets.number(offset, 1);
            unchecked {
                if (digit - 0x30 < 10) digit -= 0x30;
                else if ((digit | 0x20) - 0x61 < 6) digit = (digit | 0x20) - 0x57;
                else revert IDcapErrors.DcapMalformedJson(offset);
            }
            value = (value << 4) | digit;
        }
    }

    /// @notice A point in time in whole seconds, in UTC.
    function time(uint256 offset, uint256 end) internal pure returns (uint40 value, uint256 next) {
        (uint256 start, uint256 stop) = text(offset, end);
        require(stop - start == 20, IDcapErrors.DcapMalformedJson(offset));
        value = UtcTime.iso(start);
        next = stop + 1;
    }

    /// @notice Passes over the value at `offset`, whatever it is.
    function skip(uint256 offset, uint256 end) internal pure returns (uint256 next) {
        uint256 depth;
        for (next = offset; ; ++next) {
            uint256 octet = _octet(next, end);
            if (octet == 0x22) {
                next = _endOfText(next, end);
                if (depth == 0) return next + 1;
            } else if (octet == 0x7b || octet == 0x5b) {
                ++depth;
            } else if (octet == 0x7d || octet == 0x5d) {
                // The end of what contains a number or a literal.
                if (depth == 0) break;
                if (--depth == 0) return next + 1;
            } else if (octet == 0x2c && depth == 0) {
                break;
            }
        }
        require(next > offset, IDcapErrors.DcapMalformedJson(offset));
    }

    /// @notice Passes the character `octet`.
    function expect(uint256 offset, uint256 end, uint256 octet) internal pure returns (uint256) {
        require(_octet(offset, end) == octet, IDcapErrors.DcapMalformedJson(offset));
        return offset + 1;
    }

    function _endOfText(uint256 offset, uint256 end) private pure returns (uint256 next) {
        next = offset + 1;
        for (uint256 octet = _octet(next, end); octet != 0x22; octet = _octet(++next, end)) {
            if (octet == 0x5c) ++next;
        }
    }

    function _octet(uint256 offset, uint256 end) private pure returns (uint256) {
        require(offset < end, IDcapErrors.DcapMalformedJson(offset));
        return Octets.number(offset, 1);
    }
}
