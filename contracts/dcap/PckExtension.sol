// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDcapErrors} from "../interfaces/IDcapErrors.sol";
import {Der} from "./Der.sol";
import {Octets} from "./Octets.sol";

/// @title What Intel says of a platform in its PCK certificate
/// @dev The members stand in the order of the profile, each once. Intel SGX PCK Certificate and Certificate Revocation
/// List Profile Specification, SGX extensions.
library PckExtension {
    /// @dev An OBJECT IDENTIFIER element with a last arc of zero: of the extension's members, 12 octets, and of the
    /// TCB's, 13.
    uint256 private constant MEMBER = 0x060a2a864886f84d010d0100;
    uint256 private constant COMPONENT = 0x060b2a864886f84d010d010200;

    struct Platform {
        /// @dev keccak256 of the PPID.
        bytes32 platformId;
        bytes16 svns;
        uint16 pcesvn;
        uint16 pceid;
        bytes6 fmspc;
    }

    /// @notice Reads the extension's DER from `offset` to `end`.
    function read(uint256 offset, uint256 end) internal pure returns (Platform memory platform) {
        require(offset != 0, IDcapErrors.DcapRuleBroken(IDcapErrors.Rule.SgxExtension));
        offset = Der.whole(offset, end, Der.SEQUENCE);
        uint256 start;
        (start, offset) = _octets(offset, end, 1, 16);
        platform.platformId = keccak256(Octets.slice(start, start + 16));
        uint256 next;
        (start, next) = _member(offset, end, 2);
        _readTcb(platform, Der.whole(start, next, Der.SEQUENCE), next);
        (start, offset) = _octets(next, end, 3, 2);
        platform.pceid = uint16(Octets.number(start, 2));
        (start, offset) = _octets(offset, end, 4, 6);
        platform.fmspc = bytes6(uint48(Octets.number(start, 6)));
        (start, next) = _member(offset, end, 5);
        Der.whole(start, next, Der.ENUMERATED);
        // What a platform CA adds (instance and configuration) is not needed, but has to be in order.
        for (uint256 arc = 6; next != end; ++arc) {
            (start, offset) = _member(next, end, arc);
            (, , next) = Der.any(start, offset);
            Der.close(next, offset);
        }
    }

    function _readTcb(Platform memory platform, uint256 offset, uint256 end) private pure {
        unchecked {
            uint256 svns;
            uint256 value;
            for (uint256 arc = 1; arc < 17; ++arc) {
                (value, offset) = _svn(offset, end, arc);
                require(value < 0x100, IDcapErrors.DcapRuleBroken(IDcapErrors.Rule.SgxExtension));
                svns = (svns << 8) | value;
            }
            platform.svns = bytes16(uint128(svns));
            (value, offset) = _svn(offset, end, 17);
            require(value < 0x10000, IDcapErrors.DcapRuleBroken(IDcapErrors.Rule.SgxExtension));
            platform.pcesvn = uint16(value);
            // The CPUSVN: it is made of the components.
            offset = Der.whole(offset, end, Der.SEQUENCE);
            _checkOid(Octets.number(offset, 13), COMPONENT | 18);
            offset = Der.whole(offset + 13, end, Der.OCTET_STRING);
            require(end - offset == 16, IDcapErrors.DcapRuleBroken(IDcapErrors.Rule.SgxExtension));
        }
    }

    /// @dev SEQUENCE { OID, INTEGER } of 18 to 20 octets, read as one word.
    function _svn(uint256 offset, uint256 end, uint256 arc) private pure returns (uint256 value, uint256 next) {
        unchecked {
            uint256 element = Octets.word(offset);
            _checkOid((element >> 136) & type(uint104).max, COMPONENT | arc);
            uint256 length = (element >> 120) & 0xff;
            next = offset + 17 + length;
            bool fits = element >> 248 == Der.SEQUENCE && (element >> 240) & 0xff == 15 + length && next <= end;
            fits = fits && (element >> 128) & 0xff == Der.INTEGER && length > 0 && length < 4;
            require(fits, IDcapErrors.DcapMalformedDer(offset));
            value = (element >> (120 - 8 * length)) & ((1 << (8 * length)) - 1);
            bool minimal = value >> (8 * length - 1) == 0 && (length == 1 || value >> (8 * length - 9) != 0);
            require(minimal, IDcapErrors.DcapMalformedDer(offset));
        }
    }

    /// @dev The value of the member at `offset`, whose object identifier ends in `arc`.
    function _member(uint256 offset, uint256 end, uint256 arc) private pure returns (uint256 value, uint256 next) {
        unchecked {
            (offset, next) = Der.open(offset, end, Der.SEQUENCE);
            _checkOid(Octets.number(offset, 12), MEMBER | arc);
            value = offset + 12;
        }
    }

    function _octets(uint256 offset, uint256 end, uint256 arc, uint256 length) private pure returns (uint256, uint256) {
        (uint256 value, uint256 next) = _member(offset, end, arc);
        value = Der.whole(value, next, Der.OCTET_STRING);
        require(next - value == length, IDcapErrors.DcapRuleBroken(IDcapErrors.Rule.SgxExtension));
        return (value, next);
    }

    function _checkOid(uint256 found, uint256 expected) private pure {
        require(found == expected, IDcapErrors.DcapRuleBroken(IDcapErrors.Rule.SgxExtension));
    }
}
