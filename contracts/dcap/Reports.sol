// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDcapVerifier} from "../interfaces/IDcapVerifier.sol";
import {DcapClaims} from "../types/DcapClaims.sol";
import {TcbFacts} from "../types/TcbFacts.sol";
import {Octets} from "./Octets.sol";
import {Quotes} from "./Quotes.sol";

/// @title The reports of enclaves and trust domains
/// @dev Intel SGX DCAP ECDSA Quote Library API, appendix A.4; Intel TDX DCAP Quote Generation Library, appendix A.3;
/// Intel Software Developer's Manual, volume 3D, ATTRIBUTES; Intel TDX Module ABI, ATTRIBUTES and XFAM.
library Reports {
    /// @dev SGX ATTRIBUTES, the first octet uppermost. INIT and MODE64BIT are always set, PROVISIONKEY, EINITTOKEN_KEY,
    /// CET, KSS and AEXNOTIFY may be; of XFRM, x87 and SSE are always set.
    uint256 private constant SGX_DEBUG = 0x02 << 120;
    uint256 private constant SGX_ALWAYS = (0x05 << 120) | (0x03 << 56);
    uint256 private constant SGX_RESERVED = 0x08fbffffffffffff << 64;
    /// @dev TDATTRIBUTES: the whole first octet is debug and profiling. ICSSD, LASS, SEPT_VE_DISABLE, MIGRATABLE, PKS,
    /// KL, TPA and PERFMON may be set. XFAM: x87 and SSE are always set.
    uint256 private constant TD_UNDER_DEBUG = 0xff << 120;
    uint256 private constant TD_RESERVED = 0x00fffe07ffffff3f << 64;
    uint256 private constant TD_ALWAYS = 0x03 << 56;

    /// @notice Reads what a body says into the claims and facts, and refuses what no policy accepts.
    function read(Quotes.Body memory quote, DcapClaims memory claims, TcbFacts memory facts) internal pure {
        uint256 body = quote.body;
        facts.tdx = quote.tdx;
        facts.current = quote.current;
        if (quote.tdx) _readTd(body, quote.current, claims, facts);
        else _readEnclave(body, claims);
    }

    /// @notice Reads the report of a quoting enclave.
    function readQuotingEnclave(uint256 report, TcbFacts memory facts) internal pure {
        unchecked {
            facts.qeMiscselect = bytes4(uint32(Octets.number(report + 16, 4)));
            facts.qeAttributes = bytes16(uint128(Octets.number(report + 48, 16)));
            facts.qeSigner = bytes32(Octets.word(report + 128));
            facts.qeProductId = uint16(Octets.uint16le(report + 256));
            facts.qeIsvSvn = uint16(Octets.uint16le(report + 258));
        }
    }

    function _readEnclave(uint256 body, DcapClaims memory claims) private pure {
        unchecked {
            uint256 attributes = Octets.number(body + 48, 16);
            claims.attributes = bytes16(uint128(attributes));
            require(attributes & SGX_DEBUG == 0, IDcapVerifier.DcapVerifierDebug(claims.attributes));
            require(
                attributes & SGX_ALWAYS == SGX_ALWAYS && attributes & SGX_RESERVED == 0,
                IDcapVerifier.DcapVerifierReservedAttributes(claims.attributes)
            );
            uint256 mrenclave = Octets.word(body + 64);
            require(mrenclave != 0, IDcapVerifier.DcapVerifierNotMeasured());
            claims.workloadId = keccak256(abi.encodePacked(uint8(1), mrenclave));
            claims.reportDataHead = bytes32(Octets.word(body + 320));
            claims.reportDataTail = bytes32(Octets.word(body + 352));
        }
    }

    function _readTd(uint256 body, bool current, DcapClaims memory claims, TcbFacts memory facts) private pure {
        unchecked {
            uint256 attributes = Octets.number(body + 120, 16);
            claims.attributes = bytes16(uint128(attributes));
            require(attributes & TD_UNDER_DEBUG == 0, IDcapVerifier.DcapVerifierDebug(claims.attributes));
            require(
                attributes & TD_ALWAYS == TD_ALWAYS && attributes & TD_RESERVED == 0,
                IDcapVerifier.DcapVerifierReservedAttributes(claims.attributes)
            );
            uint256 seam = Octets.number(body + 112, 8);
            require(seam == 0, IDcapVerifier.DcapVerifierSeamAttributes(bytes8(uint64(seam))));
            bool measured = Octets.word(body + 136) | Octets.number(body + 168, 16) != 0;
            require(measured, IDcapVerifier.DcapVerifierNotMeasured());
            facts.teeTcbSvn = bytes16(uint128(Octets.number(body, 16)));
            facts.seamSigner = keccak256(Octets.slice(body + 64, body + 112));
            claims.workloadId = keccak256(bytes.concat(bytes1(0x02), Octets.slice(body + 136, body + 520)));
            claims.reportDataHead = bytes32(Octets.word(body + 520));
            claims.reportDataTail = bytes32(Octets.word(body + 552));
            if (!current) return;
            facts.teeTcbSvn2 = bytes16(uint128(Octets.number(body + 584, 16)));
            bool served = Octets.word(body + 600) | Octets.number(body + 632, 16) != 0;
            if (served) claims.serviceTd = keccak256(Octets.slice(body + 600, body + 648));
        }
    }
}
