// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDcapErrors} from "../interfaces/IDcapErrors.sol";
import {Octets} from "./Octets.sol";

/// @title Strict DER, read in place from the calldata
/// @dev Every function takes the absolute offsets of the element and of the end of what contains it. Definite and
/// shortest lengths below 64 KiB, one-octet tags, minimal integers; anything else is refused. ITU-T X.690, section 10.
library Der {
    uint256 internal constant BOOLEAN = 0x01;
    uint256 internal constant INTEGER = 0x02;
    uint256 internal constant BIT_STRING = 0x03;
    uint256 internal constant OCTET_STRING = 0x04;
    uint256 internal constant OID = 0x06;
    uint256 internal constant ENUMERATED = 0x0a;
    uint256 internal constant SEQUENCE = 0x30;
    uint256 internal constant SET = 0x31;

    /// @notice The tag and the content of the element at `offset`.
    function any(uint256 offset, uint256 end) internal pure returns (uint256 tag, uint256 start, uint256 stop) {
        unchecked {
            uint256 head = Octets.word(offset);
            tag = head >> 248;
            uint256 length = (head >> 240) & 0xff;
            start = offset + 2;
            if (length > 0x7f) {
                bool isShort = length == 0x81;
                require(isShort || length == 0x82, IDcapErrors.DcapMalformedDer(offset));
                length = isShort ? (head >> 232) & 0xff : (head >> 224) & 0xffff;
                require(length > (isShort ? 0x7f : 0xff), IDcapErrors.DcapMalformedDer(offset));
                start += isShort ? 1 : 2;
            }
            stop = start + length;
            require(stop <= end && tag & 0x1f != 0x1f, IDcapErrors.DcapMalformedDer(offset));
        }
    }

    /// @notice The content of the element at `offset`, which has to have the tag.
    function open(uint256 offset, uint256 end, uint256 tag) internal pure returns (uint256 start, uint256 stop) {
        uint256 found;
        (found, start, stop) = any(offset, end);
        require(found == tag, IDcapErrors.DcapMalformedDer(offset));
    }

    /// @notice The content of the one element that fills everything from `offset` to `end`.
    function whole(uint256 offset, uint256 end, uint256 tag) internal pure returns (uint256 start) {
        uint256 stop;
        (start, stop) = open(offset, end, tag);
        close(stop, end);
    }

    /// @notice Says that nothing may be left between `offset` and `end`.
    function close(uint256 offset, uint256 end) internal pure {
        require(offset == end, IDcapErrors.DcapMalformedDer(offset));
    }

    /// @notice The tag at `offset`; zero at the end.
    function peek(uint256 offset, uint256 end) internal pure returns (uint256) {
        return offset < end ? Octets.word(offset) >> 248 : 0;
    }

    /// @notice A non-negative integer of at most 256 bits.
    function unsigned(uint256 offset, uint256 end) internal pure returns (uint256 value, uint256 next) {
        uint256 start;
        (start, next) = open(offset, end, INTEGER);
        value = _unsigned(start, next);
    }

    /// @notice A boolean: 0x00 or 0xff.
    function boolean(uint256 offset, uint256 end) internal pure returns (bool value, uint256 next) {
        unchecked {
            uint256 start;
            (start, next) = open(offset, end, BOOLEAN);
            uint256 octet = Octets.number(start, 1);
            require(next - start == 1 && (octet == 0 || octet == 0xff), IDcapErrors.DcapMalformedDer(offset));
            value = octet == 0xff;
        }
    }

    /// @notice The octets of a bit string without unused bits.
    function octetsOfBits(uint256 offset, uint256 end) internal pure returns (uint256 start, uint256 next) {
        unchecked {
            (start, next) = open(offset, end, BIT_STRING);
            require(next > start && Octets.number(start, 1) == 0, IDcapErrors.DcapMalformedDer(offset));
            ++start;
        }
    }

    /// @notice The first octet of a named bit string that fills everything up to `end`; trailing zero bits are refused.
    function namedBits(uint256 offset, uint256 end) internal pure returns (uint256 bits) {
        unchecked {
            uint256 start = whole(offset, end, BIT_STRING);
            require(end > start, IDcapErrors.DcapMalformedDer(offset));
            uint256 unused = Octets.number(start, 1);
            if (end - start == 1) {
                require(unused == 0, IDcapErrors.DcapMalformedDer(offset));
            } else {
                uint256 last = Octets.number(end - 1, 1);
                require(unused < 8 && last & ((2 << unused) - 1) == 1 << unused, IDcapErrors.DcapMalformedDer(offset));
                bits = Octets.number(start + 1, 1);
            }
        }
    }

    /// @notice An object identifier of at most 31 octets as a number with its length in the lowest octet.
    function oid(uint256 offset, uint256 end) internal pure returns (uint256 id, uint256 next) {
        unchecked {
            uint256 start;
            (start, next) = open(offset, end, OID);
            uint256 length = next - start;
            require(length > 0 && length < 32, IDcapErrors.DcapMalformedDer(offset));
            id = (Octets.number(start, length) << 8) | length;
        }
    }

    function _unsigned(uint256 start, uint256 stop) private pure returns (uint256) {
        unchecked {
            uint256 length = stop - start;
            uint256 head = Octets.word(start);
            require(length > 0 && head >> 255 == 0, IDcapErrors.DcapMalformedDer(start));
            if (head >> 248 == 0 && length > 1) {
                require((head >> 247) == 1, IDcapErrors.DcapMalformedDer(start));
                ++start;
                --length;
            }
            require(length < 33, IDcapErrors.DcapMalformedDer(start));
            return Octets.number(start, length);
        }
    }
}
