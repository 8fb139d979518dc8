// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDcapErrors} from "../interfaces/IDcapErrors.sol";
import {Der} from "./Der.sol";
import {Octets} from "./Octets.sol";

/// @title Extensions of certificates and revocation lists. RFC 5280, sections 4.2 and 5.2.
library Extensions {
    /// @dev Object identifiers as `Der.oid` gives them: the octets, then their number.
    uint256 internal constant SUBJECT_KEY_ID = 0x551d0e03;
    uint256 internal constant KEY_USAGE = 0x551d0f03;
    uint256 internal constant BASIC_CONSTRAINTS = 0x551d1303;
    uint256 internal constant AUTHORITY_KEY_ID = 0x551d2303;
    uint256 internal constant SGX = 0x2a864886f84d010d0109;
    uint256 private constant KEY_IDENTIFIER = 0x80;

    struct Extension {
        uint256 id;
        bool critical;
        /// @dev The DER inside the octet string.
        uint256 start;
        uint256 stop;
    }

    /// @notice The extension at `offset`, and where the next one starts.
    function read(uint256 offset, uint256 end) internal pure returns (Extension memory item, uint256 next) {
        (offset, next) = Der.open(offset, end, Der.SEQUENCE);
        (item.id, offset) = Der.oid(offset, next);
        if (Der.peek(offset, next) == Der.BOOLEAN) (item.critical, offset) = Der.boolean(offset, next);
        (item.start, item.stop) = Der.open(offset, next, Der.OCTET_STRING);
        Der.close(item.stop, next);
    }

    /// @notice Hash of a subject key identifier.
    function subjectKeyId(uint256 offset, uint256 end) internal pure returns (bytes32) {
        return _keyId(Der.whole(offset, end, Der.OCTET_STRING), end);
    }

    /// @notice Hash of the key identifier in an authority key identifier; zero where there is none.
    function authorityKeyId(uint256 offset, uint256 end) internal pure returns (bytes32) {
        offset = Der.whole(offset, end, Der.SEQUENCE);
        if (Der.peek(offset, end) != KEY_IDENTIFIER) return bytes32(0);
        (uint256 start, uint256 stop) = Der.open(offset, end, KEY_IDENTIFIER);
        return _keyId(start, stop);
    }

    /// @notice Basic constraints: whether it is an authority, and how many may stand below it.
    function basicConstraints(uint256 offset, uint256 end) internal pure returns (bool isCa, uint256 pathLength) {
        pathLength = type(uint256).max;
        offset = Der.whole(offset, end, Der.SEQUENCE);
        if (Der.peek(offset, end) == Der.BOOLEAN) (isCa, offset) = Der.boolean(offset, end);
        if (offset != end) {
            (pathLength, offset) = Der.unsigned(offset, end);
            require(isCa, IDcapErrors.DcapRuleBroken(IDcapErrors.Rule.Role));
        }
        Der.close(offset, end);
    }

    /// @dev An empty identifier is none: it must not be equal to another empty one.
    function _keyId(uint256 start, uint256 stop) private pure returns (bytes32) {
        require(stop > start, IDcapErrors.DcapRuleBroken(IDcapErrors.Rule.IssuerKey));
        return keccak256(Octets.slice(start, stop));
    }
}
