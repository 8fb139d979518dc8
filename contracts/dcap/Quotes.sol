// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDcapVerifier} from "../interfaces/IDcapVerifier.sol";
import {Octets} from "./Octets.sol";

/// @title The layout of DCAP quotes
/// @dev Intel SGX DCAP ECDSA Quote Library API, appendix A (version 3); Intel TDX DCAP Quote Generation Library,
/// appendix A (versions 4 and 5). Offsets are absolute in the calldata.
library Quotes {
    uint256 private constant HEADER = 48;
    uint256 private constant SGX_BODY = 384;
    uint256 private constant TD_10_BODY = 584;
    uint256 private constant TD_15_BODY = 648;
    uint256 private constant ECDSA_P256 = 2;
    uint256 private constant TEE_TDX = 0x81;
    uint256 private constant INTEL = 0x939a7233f79c4ca9940a0db3957f0607;
    uint256 private constant MAX_LENGTH = 16_384;
    uint256 private constant QE_REPORT_CERTIFICATION = 6;

    /// @dev The signed part is from `start` to `stop`; `signature` and the rest stand behind it.
    struct Body {
        uint256 start;
        uint256 stop;
        uint256 body;
        bool tdx;
        /// @dev TDX 1.5.
        bool current;
    }

    /// @dev The attestation key, the quoting enclave's report, its signature, and its authentication data.
    struct Certification {
        uint256 key;
        uint256 report;
        uint256 signature;
        uint256 authStart;
        uint256 authStop;
    }

    /// @notice Reads header and body; what follows them is from `stop` to `end`.
    function readBody(bytes calldata quote) internal pure returns (Body memory body, uint256 end) {
        unchecked {
            uint256 length;
            (body.start, end) = Octets.bounds(quote);
            require(
                quote.length >= HEADER + 6 && quote.length <= MAX_LENGTH,
                IDcapVerifier.DcapVerifierMalformedQuote()
            );
            uint256 version = Octets.uint16le(body.start);
            uint256 tee = Octets.uint32le(body.start + 4);
            bool known = version > 2 && version < 6 && Octets.uint16le(body.start + 2) == ECDSA_P256;
            known = known && (tee == 0 || (tee == TEE_TDX && version > 3));
            known = known && Octets.number(body.start + 12, 16) == INTEL;
            require(known, IDcapVerifier.DcapVerifierUnsupportedQuote());
            body.tdx = tee == TEE_TDX;
            body.body = body.start + HEADER;
            if (version == 5) {
                (length, body.current) = _typedBody(body.body, body.tdx);
                body.body += 6;
            } else {
                length = body.tdx ? TD_10_BODY : SGX_BODY;
            }
            body.stop = body.body + length;
            require(body.stop <= end, IDcapVerifier.DcapVerifierMalformedQuote());
        }
    }

    /// @notice Reads the signature data, which has to fill the quote from the body's end on.
    function readCertification(Body memory body, uint256 end) internal pure returns (Certification memory parts) {
        unchecked {
            uint256 offset = body.stop + 4;
            require(
                offset + 128 <= end && Octets.uint32le(body.stop) == end - offset,
                IDcapVerifier.DcapVerifierMalformedQuote()
            );
            parts.key = offset + 64;
            offset += 128;
            if (Octets.uint16le(body.start) > 3) {
                require(offset + 6 <= end, IDcapVerifier.DcapVerifierMalformedQuote());
                require(
                    Octets.uint16le(offset) == QE_REPORT_CERTIFICATION,
                    IDcapVerifier.DcapVerifierUnsupportedQuote()
                );
                require(Octets.uint32le(offset + 2) == end - offset - 6, IDcapVerifier.DcapVerifierMalformedQuote());
                offset += 6;
            }
            parts.report = offset;
            parts.signature = offset + SGX_BODY;
            parts.authStart = offset + SGX_BODY + 66;
            require(parts.authStart <= end, IDcapVerifier.DcapVerifierMalformedQuote());
            parts.authStop = parts.authStart + Octets.uint16le(parts.authStart - 2);
            _checkCertificationData(parts.authStop, end);
        }
    }

    /// @dev Version 5 says type and size of the body: 1 SGX, 2 TD 1.0, 3 TD 1.5.
    function _typedBody(uint256 offset, bool tdx) private pure returns (uint256 length, bool current) {
        unchecked {
            uint256 kind = Octets.uint16le(offset);
            require(tdx ? kind == 2 || kind == 3 : kind == 1, IDcapVerifier.DcapVerifierUnsupportedQuote());
            current = kind == 3;
            length =
                kind == 1
                    ? SGX_BODY
                    : current
                        ? TD_15_BODY
                        : TD_10_BODY;
            require(Octets.uint32le(offset + 2) == length, IDcapVerifier.DcapVerifierMalformedQuote());
        }
    }

    /// @dev Nothing signs it, so nothing is taken from it; its type and length have to be in order.
    function _checkCertificationData(uint256 offset, uint256 end) private pure {
        require(offset + 6 <= end, IDcapVerifier.DcapVerifierMalformedQuote());
        uint256 kind = Octets.uint16le(offset);
        require(kind > 0 && kind < 8, IDcapVerifier.DcapVerifierUnsupportedQuote());
        require(Octets.uint32le(offset + 2) == end - offset - 6, IDcapVerifier.DcapVerifierMalformedQuote());
    }
}
