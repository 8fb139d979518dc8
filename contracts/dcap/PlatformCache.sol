// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {DcapClaims} from "../types/DcapClaims.sol";
import {TcbFacts} from "../types/TcbFacts.sol";
import {P256} from "./P256.sol";
import {Packed} from "./Packed.sol";

/// @title What a cached key stands for, packed
/// @dev A key (64 octets), the platform (167) and, for an attestation key, its quoting enclave (56).
library PlatformCache {
    uint256 private constant QUOTING_ENCLAVE = 231;

    /// @notice Packs a PCK's key and platform.
    function packPck(P256.Point memory key, DcapClaims memory claims) internal pure returns (bytes memory) {
        TcbFacts memory facts = claims.facts;
        bytes memory platform = abi.encodePacked(facts.fmspc, facts.pceid, facts.pcesvn, facts.svns);
        return
            bytes.concat(
                abi.encodePacked(key.x, key.y, claims.pckId, claims.platformId, facts.issuer),
                abi.encodePacked(facts.pckSerial, facts.caSerial, facts.validUntil),
                platform
            );
    }

    /// @notice Packs an attestation key, the platform and the quoting enclave.
    function packKey(P256.Point memory key, DcapClaims memory claims) internal pure returns (bytes memory) {
        TcbFacts memory facts = claims.facts;
        return
            bytes.concat(
                packPck(key, claims),
                abi.encodePacked(
                    facts.qeSigner,
                    facts.qeAttributes,
                    facts.qeMiscselect,
                    facts.qeProductId,
                    facts.qeIsvSvn
                )
            );
    }

    /// @notice Reads a key and its platform.
    function readPlatform(bytes memory data, DcapClaims memory claims) internal pure returns (P256.Point memory key) {
        TcbFacts memory facts = claims.facts;
        key.x = Packed.number(data, 0, 32);
        key.y = Packed.number(data, 32, 32);
        claims.pckId = bytes32(Packed.number(data, 64, 32));
        claims.platformId = bytes32(Packed.number(data, 96, 32));
        facts.issuer = bytes32(Packed.number(data, 128, 32));
        facts.pckSerial = uint160(Packed.number(data, 160, 20));
        facts.caSerial = uint160(Packed.number(data, 180, 20));
        facts.validUntil = uint40(Packed.number(data, 200, 5));
        facts.fmspc = bytes6(uint48(Packed.number(data, 205, 6)));
        facts.pceid = uint16(Packed.number(data, 211, 2));
        facts.pcesvn = uint16(Packed.number(data, 213, 2));
        facts.svns = bytes16(uint128(Packed.number(data, 215, 16)));
    }

    /// @notice Reads the quoting enclave of an attestation key.
    function readQuotingEnclave(bytes memory data, TcbFacts memory facts) internal pure {
        facts.qeSigner = bytes32(Packed.number(data, QUOTING_ENCLAVE, 32));
        facts.qeAttributes = bytes16(uint128(Packed.number(data, QUOTING_ENCLAVE + 32, 16)));
        facts.qeMiscselect = bytes4(uint32(Packed.number(data, QUOTING_ENCLAVE + 48, 4)));
        facts.qeProductId = uint16(Packed.number(data, QUOTING_ENCLAVE + 52, 2));
        facts.qeIsvSvn = uint16(Packed.number(data, QUOTING_ENCLAVE + 54, 2));
    }
}
