// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDcapErrors} from "../interfaces/IDcapErrors.sol";
import {Json} from "./Json.sol";
import {Octets} from "./Octets.sol";

/// @title One level in Intel's TCB info and enclave identities
library LevelReader {
    uint256 private constant COMPONENTS = 16;

    uint256 internal constant TCB = 1;
    uint256 internal constant STATUS = 2;
    uint256 internal constant SGX = 4;
    uint256 internal constant TDX = 8;
    uint256 internal constant PCESVN = 16;
    uint256 internal constant ISVSVN = 32;

    /// @dev Components are 16 lanes of 16 bits; `svn` is the PCESVN or ISVSVN; `seen` says which members were there.
    struct Level {
        uint256 sgx;
        uint256 tdx;
        uint256 svn;
        uint256 status;
        uint256 seen;
    }

    /// @notice Reads `{tcb, tcbStatus, ...}`.
    function read(uint256 offset, uint256 end) internal pure returns (Level memory level, uint256 next) {
        bool more;
        (next, more) = Json.enter(offset, end, "{}");
        while (more) {
            bytes32 name;
            uint256 bit;
            (name, next) = Json.key(next, end);
            if (name == "tcb") {
                next = _readTcb(level, next, end);
                bit = TCB;
            } else if (name == "tcbStatus") {
                (level.status, next) = _status(next, end);
                bit = STATUS;
            } else {
                next = Json.skip(next, end);
            }
            _see(level, bit, next);
            (next, more) = Json.step(next, end, "{}");
        }
    }

    function _readTcb(Level memory level, uint256 offset, uint256 end) private pure returns (uint256 next) {
        bool more;
        (next, more) = Json.enter(offset, end, "{}");
        while (more) {
            bytes32 name;
            uint256 bit;
            (name, next) = Json.key(next, end);
            (bit, next) = _readSvn(level, name, next, end);
            _see(level, bit, next);
            (next, more) = Json.step(next, end, "{}");
        }
    }

    function _readSvn(
        Level memory level,
        bytes32 name,
        uint256 offset,
        uint256 end
    ) private pure returns (uint256 bit, uint256 next) {
        if (name == "sgxtcbcomponents") {
            (level.sgx, next) = _components(offset, end);
            return (SGX, next);
        }
        if (name == "tdxtcbcomponents") {
            (level.tdx, next) = _components(offset, end);
            return (TDX, next);
        }
        if (name == "pcesvn" || name == "isvsvn") {
            (level.svn, next) = Json.number(offset, end, type(uint16).max);
            return (name == "pcesvn" ? PCESVN : ISVSVN, next);
        }
        return (0, Json.skip(offset, end));
    }

    /// @dev A list of 16 objects with a member `svn` each.
    function _components(uint256 offset, uint256 end) private pure returns (uint256 lanes, uint256 next) {
        bool more;
        uint256 count;
        (next, more) = Json.enter(offset, end, "[]");
        for (; more; ++count) {
            uint256 svn;
            (svn, next) = _component(next, end);
            lanes = (lanes << 16) | svn;
            (next, more) = Json.step(next, end, "[]");
        }
        require(count == COMPONENTS, IDcapErrors.DcapMalformedJson(offset));
    }

    function _component(uint256 offset, uint256 end) private pure returns (uint256 svn, uint256 next) {
        bool more;
        uint256 seen;
        (next, more) = Json.enter(offset, end, "{}");
        while (more) {
            bytes32 name;
            (name, next) = Json.key(next, end);
            if (name == "svn") {
                ++seen;
                (svn, next) = Json.number(next, end, type(uint8).max);
            } else {
                next = Json.skip(next, end);
            }
            (next, more) = Json.step(next, end, "{}");
        }
        require(seen == 1, IDcapErrors.DcapMalformedJson(offset));
    }

    /// @dev The numbers of `TcbStatus`; the longest name is longer than a word's 31 characters.
    function _status(uint256 offset, uint256 end) private pure returns (uint256 status, uint256 next) {
        (uint256 start, uint256 stop) = Json.text(offset, end);
        bytes32 name = keccak256(Octets.slice(start, stop));
        next = stop + 1;
        if (name == keccak256("UpToDate")) return (1, next);
        if (name == keccak256("SWHardeningNeeded")) return (2, next);
        if (name == keccak256("ConfigurationNeeded")) return (3, next);
        if (name == keccak256("ConfigurationAndSWHardeningNeeded")) return (4, next);
        if (name == keccak256("OutOfDate")) return (5, next);
        if (name == keccak256("OutOfDateConfigurationNeeded")) return (6, next);
        require(name == keccak256("Revoked"), IDcapErrors.DcapMalformedJson(offset));
        return (7, next);
    }

    function _see(Level memory level, uint256 bit, uint256 offset) private pure {
        require(level.seen & bit == 0, IDcapErrors.DcapMalformedJson(offset));
        level.seen |= bit;
    }
}
