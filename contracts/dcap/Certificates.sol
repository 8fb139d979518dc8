// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDcapErrors} from "../interfaces/IDcapErrors.sol";
import {Der} from "./Der.sol";
import {Extensions} from "./Extensions.sol";
import {Names} from "./Names.sol";
import {Octets} from "./Octets.sol";
import {P256} from "./P256.sol";
import {Signed} from "./Signed.sol";
import {UtcTime} from "./UtcTime.sol";

/// @title X.509 certificates of Intel's profile: version 3, P-256, ECDSA with SHA-256. RFC 5280, section 4.1.
library Certificates {
    /// @dev `[0] { INTEGER 2 }`.
    uint256 private constant VERSION_3 = 0xa003020102;
    /// @dev SubjectPublicKeyInfo of an uncompressed P-256 point, up to the point: 27 octets.
    uint256 private constant P256_KEY = 0x3059301306072a8648ce3d020106082a8648ce3d03010703420004;
    uint256 private constant P256_KEY_LENGTH = 27;
    uint256 private constant EXTENSIONS = 0xa3;
    uint256 private constant MAX_SERIAL = type(uint160).max;

    /// @dev Names and key identifiers are hashes of their DER; a key identifier of zero is absent.
    struct Certificate {
        Signed.Frame frame;
        P256.Point key;
        uint256 serial;
        bytes32 issuer;
        bytes32 subject;
        Names.Text name;
        uint40 notBefore;
        uint40 notAfter;
        bytes32 authorityKeyId;
        bytes32 subjectKeyId;
        bool isCa;
        uint256 pathLength;
        uint256 keyUsage;
        /// @dev Intel's own extension; zero where there is none.
        uint256 sgxStart;
        uint256 sgxStop;
    }

    /// @notice Parses one certificate. Nothing in it is verified.
    function parse(bytes calldata der) internal pure returns (Certificate memory parsed) {
        Signed.Frame memory frame = Signed.read(der);
        parsed.frame = frame;
        (uint256 offset, uint256 end) = (frame.start, frame.stop);
        require(Octets.number(offset, 5) == VERSION_3, IDcapErrors.DcapRuleBroken(IDcapErrors.Rule.Version));
        (parsed.serial, offset) = Der.unsigned(offset + 5, end);
        require(parsed.serial <= MAX_SERIAL, IDcapErrors.DcapRuleBroken(IDcapErrors.Rule.Serial));
        offset = Signed.algorithm(offset, end);
        (parsed.issuer, offset) = Names.hash(offset, end);
        offset = _readValidity(parsed, offset, end);
        (parsed.subject, parsed.name, offset) = Names.read(offset, end);
        offset = _readKey(parsed.key, offset, end);
        offset = Der.whole(offset, end, EXTENSIONS);
        _readExtensions(parsed, Der.whole(offset, end, Der.SEQUENCE), end);
    }

    function _readValidity(Certificate memory parsed, uint256 offset, uint256 end) private pure returns (uint256 next) {
        (offset, next) = Der.open(offset, end, Der.SEQUENCE);
        (parsed.notBefore, offset) = UtcTime.der(offset, next);
        (parsed.notAfter, offset) = UtcTime.der(offset, next);
        Der.close(offset, next);
    }

    function _readKey(P256.Point memory key, uint256 offset, uint256 end) private pure returns (uint256 next) {
        unchecked {
            next = offset + P256_KEY_LENGTH + 64;
            require(
                next <= end && Octets.number(offset, P256_KEY_LENGTH) == P256_KEY,
                IDcapErrors.DcapRuleBroken(IDcapErrors.Rule.Key)
            );
            key.x = Octets.word(next - 64);
            key.y = Octets.word(next - 32);
        }
    }

    function _readExtensions(Certificate memory parsed, uint256 offset, uint256 end) private pure {
        uint256 seen;
        Extensions.Extension memory item;
        while (offset != end) {
            (item, offset) = Extensions.read(offset, end);
            uint256 bit = _readExtension(parsed, item);
            require(bit & seen == 0, IDcapErrors.DcapRuleBroken(IDcapErrors.Rule.Extension));
            seen |= bit;
        }
    }

    /// @return bit Another one for each extension that is understood, zero for all others.
    function _readExtension(
        Certificate memory parsed,
        Extensions.Extension memory item
    ) private pure returns (uint256 bit) {
        (uint256 id, uint256 start, uint256 stop) = (item.id, item.start, item.stop);
        if (id == Extensions.BASIC_CONSTRAINTS) {
            (parsed.isCa, parsed.pathLength) = Extensions.basicConstraints(start, stop);
            return 1;
        }
        if (id == Extensions.KEY_USAGE) {
            parsed.keyUsage = Der.namedBits(start, stop);
            return 2;
        }
        require(!item.critical, IDcapErrors.DcapRuleBroken(IDcapErrors.Rule.Extension));
        if (id == Extensions.SUBJECT_KEY_ID) {
            parsed.subjectKeyId = Extensions.subjectKeyId(start, stop);
            return 4;
        }
        if (id == Extensions.AUTHORITY_KEY_ID) {
            parsed.authorityKeyId = Extensions.authorityKeyId(start, stop);
            return 8;
        }
        if (id == Extensions.SGX) {
            (parsed.sgxStart, parsed.sgxStop) = (start, stop);
            return 16;
        }
    }
}
