// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IIntelCollateral} from "../interfaces/IIntelCollateral.sol";
import {TcbFacts} from "../types/TcbFacts.sol";
import {Packed} from "./Packed.sol";

/// @title Intel's evaluation of a platform's TCB, on packed collateral
/// @dev TCB info: serial of its signer (20 octets), evaluation number (4), issue date (5), PCE-ID (2), numbers of
/// modules and of levels (1 each), modules, levels; these as `LevelParser` packs them. Statuses are the numbers of
/// `TcbStatus`. Intel SGX and TDX Provisioning Certification Service API v4, How to determine TCB status; Intel SGX and
/// TDX DCAP Quote Verification Library, convergence of statuses and relaunch.
library TcbEvaluation {
    uint256 private constant MODULES = 33;
    uint256 private constant MODULE_HEAD = 35;
    uint256 private constant ISV_LEVEL = 3;
    uint256 private constant PLATFORM_LEVEL = 67;
    /// @dev The lanes of the two components that stand for the TDX module.
    uint256 private constant WITHOUT_MODULE = type(uint256).max >> 32;

    uint256 private constant UP_TO_DATE = 1;
    uint256 private constant SW_HARDENING_NEEDED = 2;
    uint256 private constant CONFIGURATION_NEEDED = 3;
    uint256 private constant CONFIGURATION_AND_SW_HARDENING_NEEDED = 4;
    uint256 private constant OUT_OF_DATE = 5;
    uint256 private constant OUT_OF_DATE_CONFIGURATION_NEEDED = 6;
    uint256 private constant REVOKED = 7;
    uint256 private constant RELAUNCH_ADVISED = 8;
    uint256 private constant RELAUNCH_ADVISED_CONFIGURATION_NEEDED = 9;

    /// @notice The converged status of platform, TDX module and quoting enclave, whose own status is `qeStatus`.
    function statusOf(bytes memory info, TcbFacts calldata facts, uint256 qeStatus) internal pure returns (uint256) {
        unchecked {
            uint256 levels = MODULES;
            for (uint256 left = Packed.number(info, 31, 1); left > 0; --left) levels = _afterModule(info, levels);
            (uint256 sgx, uint256 platform) = _levels(info, levels, facts);
            if (!facts.tdx) return _worse(platform, qeStatus);
            uint256 module = _module(info, facts);
            platform = _worse(platform, module);
            bool old = platform == OUT_OF_DATE || platform == OUT_OF_DATE_CONFIGURATION_NEEDED;
            bool restIsCurrent = qeStatus == UP_TO_DATE && sgx < OUT_OF_DATE;
            if (facts.current && old && module == OUT_OF_DATE && restIsCurrent && _reachesLatest(info, levels, facts)) {
                bool configuration = _needsConfiguration(sgx) || _needsConfiguration(platform);
                platform = configuration ? RELAUNCH_ADVISED_CONFIGURATION_NEEDED : RELAUNCH_ADVISED;
            }
            return _worse(platform, qeStatus);
        }
    }

    /// @return sgx Status of the first level that the platform reaches without its TDX components.
    /// @return platform Status of the first level that it reaches in every component.
    function _levels(
        bytes memory info,
        uint256 offset,
        TcbFacts calldata facts
    ) private pure returns (uint256 sgx, uint256 platform) {
        unchecked {
            uint256 svns = Packed.lanes(facts.svns);
            uint256 tdxSvns = Packed.lanes(facts.teeTcbSvn);
            uint256 mask = uint8(facts.teeTcbSvn[1]) > 0 ? WITHOUT_MODULE : type(uint256).max;
            for (uint256 left = Packed.number(info, 32, 1); left > 0; --left) {
                if (
                    facts.pcesvn >= Packed.number(info, offset + 64, 2) &&
                    Packed.reaches(svns, Packed.number(info, offset, 32))
                ) {
                    uint256 status = Packed.number(info, offset + 66, 1);
                    if (sgx == 0) sgx = status;
                    if (Packed.reaches(tdxSvns, Packed.number(info, offset + 32, 32) & mask)) return (sgx, status);
                }
                offset += PLATFORM_LEVEL;
            }
            revert IIntelCollateral.IntelCollateralNoLevel();
        }
    }

    /// @dev Status of the TDX module; a module without a version has none of its own and counts as up to date.
    function _module(bytes memory info, TcbFacts calldata facts) private pure returns (uint256 status) {
        unchecked {
            uint256 version = uint8(facts.teeTcbSvn[1]);
            uint256 offset = _find(info, version);
            require(
                Packed.number(info, offset + 1, 1) == 1 &&
                    Packed.number(info, offset + 2, 32) == uint256(facts.seamSigner),
                IIntelCollateral.IntelCollateralWrongTdxModule(version)
            );
            if (version == 0) return UP_TO_DATE;
            uint256 count = Packed.number(info, offset + 34, 1);
            status = Packed.isvStatus(info, offset + MODULE_HEAD, count, uint8(facts.teeTcbSvn[0]));
            require(status != 0, IIntelCollateral.IntelCollateralNoLevel());
        }
    }

    /// @dev The first module of a version.
    function _find(bytes memory info, uint256 version) private pure returns (uint256 offset) {
        unchecked {
            offset = MODULES;
            for (uint256 left = Packed.number(info, 31, 1); left > 0; --left) {
                if (Packed.number(info, offset, 1) == version) return offset;
                offset = _afterModule(info, offset);
            }
            revert IIntelCollateral.IntelCollateralWrongTdxModule(version);
        }
    }

    function _afterModule(bytes memory info, uint256 offset) private pure returns (uint256) {
        unchecked {
            return offset + MODULE_HEAD + ISV_LEVEL * Packed.number(info, offset + 34, 1);
        }
    }

    /// @dev The platform is current now, whatever it was at the launch: the module and the microcode of level one.
    function _reachesLatest(bytes memory info, uint256 levels, TcbFacts calldata facts) private pure returns (bool) {
        unchecked {
            bytes16 current = facts.teeTcbSvn2;
            uint256 version = uint8(current[1]);
            uint256 wanted = Packed.number(info, levels + 32, 2);
            if (version > 0) {
                uint256 offset = _find(info, version);
                if (Packed.number(info, offset + 34, 1) == 0) return false;
                wanted = Packed.number(info, offset + MODULE_HEAD, 2);
            }
            return uint8(current[0]) >= wanted && uint8(current[2]) >= Packed.number(info, levels + 36, 2);
        }
    }

    /// @dev The status of a whole with a part that is judged by itself.
    function _worse(uint256 whole, uint256 part) private pure returns (uint256) {
        if (part == REVOKED) return REVOKED;
        if (part == UP_TO_DATE) return whole;
        if (whole == UP_TO_DATE || whole == SW_HARDENING_NEEDED) return OUT_OF_DATE;
        bool configuration = whole == CONFIGURATION_NEEDED || whole == CONFIGURATION_AND_SW_HARDENING_NEEDED;
        return configuration ? OUT_OF_DATE_CONFIGURATION_NEEDED : whole;
    }

    function _needsConfiguration(uint256 status) private pure returns (bool) {
        return
            status == CONFIGURATION_NEEDED ||
            status == CONFIGURATION_AND_SW_HARDENING_NEEDED ||
            status == OUT_OF_DATE_CONFIGURATION_NEEDED;
    }
}
