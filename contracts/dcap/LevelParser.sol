// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDcapErrors} from "../interfaces/IDcapErrors.sol";
import {Json} from "./Json.sol";
import {LevelReader} from "./LevelReader.sol";
import {Octets} from "./Octets.sol";

/// @title The levels in Intel's TCB info and enclave identities, packed
/// @dev A platform level is the SGX and the TDX components, 16 lanes of 16 bits each, PCESVN (2 octets) and status (1).
/// A level of an enclave or module is its SVN (2) and status (1). A module is its version (1), whether it can match
/// (1), the hash of its signer (32), the number of its levels (1) and they.
library LevelParser {
    uint256 private constant MAX_LEVELS = 64;
    uint256 private constant SGX_LEVEL = LevelReader.TCB | LevelReader.STATUS | LevelReader.SGX | LevelReader.PCESVN;
    uint256 private constant TDX_LEVEL = SGX_LEVEL | LevelReader.TDX;
    uint256 private constant ISV_LEVEL = LevelReader.TCB | LevelReader.STATUS | LevelReader.ISVSVN;

    /// @notice The levels of a platform. All have TDX components or none has.
    function platformLevels(
        uint256 offset,
        uint256 end
    ) internal pure returns (bytes memory packed, uint256 count, bool tdx, uint256 next) {
        bool more;
        uint256 kind;
        (next, more) = Json.enter(offset, end, "[]");
        for (; more; ++count) {
            LevelReader.Level memory level;
            (level, next) = LevelReader.read(next, end);
            if (count == 0) kind = level.seen;
            bool known = level.seen == kind && (kind == SGX_LEVEL || kind == TDX_LEVEL);
            require(known && count < MAX_LEVELS, IDcapErrors.DcapMalformedJson(next));
            packed = bytes.concat(
                packed,
                abi.encodePacked(level.sgx, level.tdx, uint16(level.svn), uint8(level.status))
            );
            (next, more) = Json.step(next, end, "[]");
        }
        tdx = kind == TDX_LEVEL;
    }

    /// @notice The levels of an enclave or a module.
    function isvLevels(
        uint256 offset,
        uint256 end
    ) internal pure returns (bytes memory packed, uint256 count, uint256 next) {
        bool more;
        (next, more) = Json.enter(offset, end, "[]");
        for (; more; ++count) {
            LevelReader.Level memory level;
            (level, next) = LevelReader.read(next, end);
            // Only UpToDate, OutOfDate and Revoked say something of an enclave.
            bool known = level.status == 1 || level.status == 5 || level.status == 7;
            require(known && level.seen == ISV_LEVEL && count < MAX_LEVELS, IDcapErrors.DcapMalformedJson(next));
            packed = bytes.concat(packed, abi.encodePacked(uint16(level.svn), uint8(level.status)));
            (next, more) = Json.step(next, end, "[]");
        }
    }

    /// @notice The identities of TDX modules.
    function modules(
        uint256 offset,
        uint256 end
    ) internal pure returns (bytes memory packed, uint256 count, uint256 next) {
        bool more;
        (next, more) = Json.enter(offset, end, "[]");
        for (; more; ++count) {
            require(count < MAX_LEVELS, IDcapErrors.DcapMalformedJson(next));
            bytes memory one;
            (one, next) = module(next, end, true);
            packed = bytes.concat(packed, one);
            (next, more) = Json.step(next, end, "[]");
        }
    }

    /// @dev A module as read; a module that is `versioned` has an id and levels.
    struct Module {
        uint256 version;
        bytes32 signer;
        uint256 attributes;
        uint256 mask;
        bytes levels;
        uint256 count;
        uint256 seen;
    }

    /// @notice One TDX module.
    /// @dev A production module has SEAM attributes of zero, so one that asks for others under its mask never matches.
    function module(
        uint256 offset,
        uint256 end,
        bool versioned
    ) internal pure returns (bytes memory packed, uint256 next) {
        Module memory read;
        bool more;
        (next, more) = Json.enter(offset, end, "{}");
        while (more) {
            bytes32 name;
            uint256 bit;
            (name, next) = Json.key(next, end);
            (bit, next) = _readModule(read, name, next, end);
            require(read.seen & bit == 0, IDcapErrors.DcapMalformedJson(next));
            read.seen |= bit;
            (next, more) = Json.step(next, end, "{}");
        }
        require(read.seen == (versioned ? 31 : 7), IDcapErrors.DcapMalformedJson(offset));
        bool matches = read.attributes & read.mask == 0 && (read.version != 0) == versioned;
        packed = abi.encodePacked(uint8(read.version), matches, read.signer, uint8(read.count), read.levels);
    }

    function _readModule(
        Module memory read,
        bytes32 name,
        uint256 offset,
        uint256 end
    ) private pure returns (uint256 bit, uint256 next) {
        if (name == "mrsigner") {
            (uint256 start, uint256 stop) = Json.text(offset, end);
            require(stop - start == 96, IDcapErrors.DcapMalformedJson(offset));
            uint256 tail = Json.hexOf(start + 64, stop);
            read.signer = keccak256(abi.encodePacked(Json.hexOf(start, start + 64), uint128(tail)));
            return (1, stop + 1);
        }
        if (name == "attributes") {
            (read.attributes, next) = Json.octets(offset, end, 8);
            return (2, next);
        }
        if (name == "attributesMask") {
            (read.mask, next) = Json.octets(offset, end, 8);
            return (4, next);
        }
        if (name == "id") {
            (read.version, next) = _moduleVersion(offset, end);
            return (8, next);
        }
        if (name == "tcbLevels") {
            (read.levels, read.count, next) = isvLevels(offset, end);
            return (16, next);
        }
        return (0, Json.skip(offset, end));
    }

    /// @dev The version in `TDX_xx`; zero, which matches nothing, for an id of another form.
    function _moduleVersion(uint256 offset, uint256 end) private pure returns (uint256 version, uint256 next) {
        (uint256 start, uint256 stop) = Json.text(offset, end);
        next = stop + 1;
        if (stop - start == 6 && Octets.number(start, 4) == 0x5444585f) version = Json.hexOf(start + 4, stop);
    }
}
