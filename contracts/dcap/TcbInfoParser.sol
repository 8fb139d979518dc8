// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDcapErrors} from "../interfaces/IDcapErrors.sol";
import {Json} from "./Json.sol";
import {LevelParser} from "./LevelParser.sol";
import {Octets} from "./Octets.sol";

/// @title TCB info version 3 of Intel's, parsed into packed levels
/// @dev Intel SGX and TDX Provisioning Certification Service API v4, TCB Info. Every member that is needed has to be
/// there once; a member that is not known is passed over, as Intel signed it.
library TcbInfoParser {
    /// @dev The members that every TCB info has, and those of TDX.
    uint256 private constant COMMON = 0x1ff;
    uint256 private constant TDX_MODULE = 0x200;
    uint256 private constant TDX_IDENTITIES = 0x400;

    /// @dev `modules` and `levels` are packed as `TcbLevels` reads them.
    struct TcbInfo {
        bool tdx;
        bytes6 fmspc;
        uint16 pceid;
        uint40 issueDate;
        uint40 nextUpdate;
        uint32 evaluationNumber;
        uint256 moduleCount;
        uint256 levelCount;
        bool tdxLevels;
        bytes modules;
        bytes levels;
    }

    /// @notice Parses the signed bytes of a TCB info.
    function parse(bytes calldata document) internal pure returns (TcbInfo memory info) {
        (uint256 offset, uint256 end) = Octets.bounds(document);
        uint256 seen;
        bool more;
        (offset, more) = Json.enter(offset, end, "{}");
        while (more) {
            bytes32 name;
            uint256 bit;
            (name, offset) = Json.key(offset, end);
            (bit, offset) = _readMember(info, name, offset, end);
            require(seen & bit == 0, IDcapErrors.DcapMalformedJson(offset));
            seen |= bit;
            (offset, more) = Json.step(offset, end, "{}");
        }
        uint256 required = info.tdx ? COMMON | TDX_MODULE : COMMON;
        require(offset == end && seen & ~TDX_IDENTITIES == required, IDcapErrors.DcapMalformedJson(offset));
        require(info.levelCount == 0 || info.tdxLevels == info.tdx, IDcapErrors.DcapMalformedJson(offset));
    }

    /// @return bit Another one for each member that is understood.
    function _readMember(
        TcbInfo memory info,
        bytes32 name,
        uint256 offset,
        uint256 end
    ) private pure returns (uint256 bit, uint256 next) {
        if (name == "tcbLevels") {
            (info.levels, info.levelCount, info.tdxLevels, next) = LevelParser.platformLevels(offset, end);
            return (1, next);
        }
        if (name == "tdxModule") {
            (bytes memory module, uint256 past) = LevelParser.module(offset, end, false);
            info.modules = bytes.concat(module, info.modules);
            ++info.moduleCount;
            return (TDX_MODULE, past);
        }
        if (name == "tdxModuleIdentities") {
            (bytes memory modules, uint256 count, uint256 past) = LevelParser.modules(offset, end);
            info.modules = bytes.concat(info.modules, modules);
            info.moduleCount += count;
            return (TDX_IDENTITIES, past);
        }
        return _readHead(info, name, offset, end);
    }

    function _readHead(
        TcbInfo memory info,
        bytes32 name,
        uint256 offset,
        uint256 end
    ) private pure returns (uint256 bit, uint256 next) {
        uint256 value;
        if (name == "id") {
            bytes32 id;
            (id, next) = Json.word(offset, end);
            info.tdx = id == "TDX";
            require(info.tdx || id == "SGX", IDcapErrors.DcapMalformedJson(offset));
            return (2, next);
        }
        if (name == "version") return (4, _exactly(offset, end, 3));
        if (name == "tcbType") return (8, _exactly(offset, end, 0));
        if (name == "issueDate") {
            (info.issueDate, next) = Json.time(offset, end);
            return (16, next);
        }
        if (name == "nextUpdate") {
            (info.nextUpdate, next) = Json.time(offset, end);
            return (32, next);
        }
        if (name == "fmspc") {
            (value, next) = Json.octets(offset, end, 6);
            info.fmspc = bytes6(uint48(value));
            return (64, next);
        }
        if (name == "pceId") {
            (value, next) = Json.octets(offset, end, 2);
            info.pceid = uint16(value);
            return (128, next);
        }
        if (name == "tcbEvaluationDataNumber") {
            (value, next) = Json.number(offset, end, type(uint32).max);
            info.evaluationNumber = uint32(value);
            return (256, next);
        }
        return (0, Json.skip(offset, end));
    }

    function _exactly(uint256 offset, uint256 end, uint256 expected) private pure returns (uint256 next) {
        uint256 value;
        (value, next) = Json.number(offset, end, expected);
        require(value == expected, IDcapErrors.DcapMalformedJson(offset));
    }
}
