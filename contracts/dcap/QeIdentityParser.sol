// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDcapErrors} from "../interfaces/IDcapErrors.sol";
import {Json} from "./Json.sol";
import {LevelParser} from "./LevelParser.sol";
import {Octets} from "./Octets.sol";

/// @title What a genuine quoting enclave looks like: QE and TD-QE identity version 2, packed
/// @dev Packed: MISCSELECT and mask (4 each), ATTRIBUTES and mask (16 each), MRSIGNER (32), ISVPRODID (2), number of
/// levels (1), levels. Intel SGX and TDX Provisioning Certification Service API v4, Enclave Identity.
library QeIdentityParser {
    uint256 private constant REQUIRED = 0x1ffe;

    struct Identity {
        bool tdx;
        uint40 issueDate;
        uint40 nextUpdate;
        uint32 evaluationNumber;
        uint256 miscselect;
        uint256 miscselectMask;
        uint256 attributes;
        uint256 attributesMask;
        uint256 signer;
        uint256 productId;
        uint256 count;
        bytes levels;
    }

    /// @notice Parses the signed bytes of an identity.
    function parse(bytes calldata document) internal pure returns (Identity memory identity, bytes memory packed) {
        (uint256 offset, uint256 end) = Octets.bounds(document);
        uint256 seen;
        bool more;
        (offset, more) = Json.enter(offset, end, "{}");
        while (more) {
            bytes32 name;
            uint256 bit;
            (name, offset) = Json.key(offset, end);
            (bit, offset) = _readHead(identity, name, offset, end);
            require(seen & bit == 0, IDcapErrors.DcapMalformedJson(offset));
            seen |= bit;
            (offset, more) = Json.step(offset, end, "{}");
        }
        require(offset == end && seen == REQUIRED, IDcapErrors.DcapMalformedJson(offset));
        packed = abi.encodePacked(
            bytes4(uint32(identity.miscselect)),
            bytes4(uint32(identity.miscselectMask)),
            bytes16(uint128(identity.attributes)),
            bytes16(uint128(identity.attributesMask)),
            identity.signer,
            uint16(identity.productId),
            uint8(identity.count),
            identity.levels
        );
    }

    function _readHead(
        Identity memory identity,
        bytes32 name,
        uint256 offset,
        uint256 end
    ) private pure returns (uint256 bit, uint256 next) {
        if (name == "id") {
            bytes32 id;
            (id, next) = Json.word(offset, end);
            identity.tdx = id == "TD_QE";
            require(identity.tdx || id == "QE", IDcapErrors.DcapMalformedJson(offset));
            return (2, next);
        }
        if (name == "version") {
            (bit, next) = Json.number(offset, end, 2);
            require(bit == 2, IDcapErrors.DcapMalformedJson(offset));
            return (4, next);
        }
        if (name == "issueDate") {
            (identity.issueDate, next) = Json.time(offset, end);
            return (8, next);
        }
        if (name == "nextUpdate") {
            (identity.nextUpdate, next) = Json.time(offset, end);
            return (16, next);
        }
        if (name == "tcbEvaluationDataNumber") {
            (bit, next) = Json.number(offset, end, type(uint32).max);
            identity.evaluationNumber = uint32(bit);
            return (32, next);
        }
        return _readReport(identity, name, offset, end);
    }

    function _readReport(
        Identity memory identity,
        bytes32 name,
        uint256 offset,
        uint256 end
    ) private pure returns (uint256 bit, uint256 next) {
        if (name == "miscselect") {
            (identity.miscselect, next) = Json.octets(offset, end, 4);
            return (64, next);
        }
        if (name == "miscselectMask") {
            (identity.miscselectMask, next) = Json.octets(offset, end, 4);
            return (128, next);
        }
        if (name == "attributes") {
            (identity.attributes, next) = Json.octets(offset, end, 16);
            return (256, next);
        }
        if (name == "attributesMask") {
            (identity.attributesMask, next) = Json.octets(offset, end, 16);
            return (512, next);
        }
        if (name == "mrsigner") {
            (identity.signer, next) = Json.octets(offset, end, 32);
            return (1024, next);
        }
        if (name == "isvprodid") {
            (identity.productId, next) = Json.number(offset, end, type(uint16).max);
            return (2048, next);
        }
        if (name == "tcbLevels") {
            (identity.levels, identity.count, next) = LevelParser.isvLevels(offset, end);
            return (4096, next);
        }
        return (0, Json.skip(offset, end));
    }
}
