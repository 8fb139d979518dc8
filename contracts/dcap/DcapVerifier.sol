// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDcapVerifier} from "../interfaces/IDcapVerifier.sol";
import {IIntelCollateral} from "../interfaces/IIntelCollateral.sol";
import {DcapClaims} from "../types/DcapClaims.sol";
import {Platform, SIMULATED_BIT} from "../types/Platform.sol";
import {TcbFacts} from "../types/TcbFacts.sol";
import {TcbStatus} from "../types/TcbStatus.sol";
import {Certificates} from "./Certificates.sol";
import {CodeStore} from "./CodeStore.sol";
import {Issuers} from "./Issuers.sol";
import {Names} from "./Names.sol";
import {Octets} from "./Octets.sol";
import {P256} from "./P256.sol";
import {PckExtension} from "./PckExtension.sol";
import {PlatformCache} from "./PlatformCache.sol";
import {Quotes} from "./Quotes.sol";
import {Reports} from "./Reports.sol";

/// @title DcapVerifier
contract DcapVerifier is IDcapVerifier {
    using Issuers for Certificates.Certificate;
    using Names for Names.Text;

    uint8 private constant SGX = 1;
    uint8 private constant TDX = 2;
    uint8 private constant REVOKED = 7;

    /// @inheritdoc IDcapVerifier
    IIntelCollateral public immutable collateral;
    uint8 private immutable _platformBit;

    mapping(bytes32 pckId => address data) private _pcks;
    mapping(bytes32 keyId => address data) private _keys;

    constructor(IIntelCollateral collateral_) {
        P256.selfTest();
        collateral = collateral_;
        _platformBit = collateral_.simulated() ? SIMULATED_BIT : 0;
    }

    /// @inheritdoc IDcapVerifier
    function verify(
        bytes calldata quote,
        bytes calldata pckCertificate
    ) external view returns (DcapClaims memory claims) {
        (Quotes.Body memory body, uint256 end) = Quotes.readBody(quote);
        Quotes.Certification memory parts = Quotes.readCertification(body, end);
        P256.Point memory pck = _verifyPck(pckCertificate, claims);
        P256.Point memory key = _verifyQuotingEnclave(parts, pck, claims.facts);
        _verifyBody(body, body.stop + 4, key, claims);
    }

    /// @inheritdoc IDcapVerifier
    function verifyWithPck(bytes calldata quote, bytes32 pckId) external view returns (DcapClaims memory claims) {
        (Quotes.Body memory body, uint256 end) = Quotes.readBody(quote);
        Quotes.Certification memory parts = Quotes.readCertification(body, end);
        P256.Point memory pck = _cachedPck(pckId, claims);
        P256.Point memory key = _verifyQuotingEnclave(parts, pck, claims.facts);
        _verifyBody(body, body.stop + 4, key, claims);
    }

    /// @inheritdoc IDcapVerifier
    function verifyWithKey(bytes calldata signedQuote, bytes32 keyId) external view returns (DcapClaims memory claims) {
        (Quotes.Body memory body, uint256 end) = Quotes.readBody(signedQuote);
        require(end == body.stop + 64, DcapVerifierMalformedQuote());
        address stored = _keys[keyId];
        require(stored != address(0), DcapVerifierUnknownKey(keyId));
        bytes memory data = CodeStore.read(stored);
        P256.Point memory key = PlatformCache.readPlatform(data, claims);
        PlatformCache.readQuotingEnclave(data, claims.facts);
        _verifyBody(body, body.stop, key, claims);
    }

    /// @inheritdoc IDcapVerifier
    function cachePck(bytes calldata pckCertificate) external returns (bytes32 pckId) {
        DcapClaims memory claims;
        P256.Point memory key = _verifyPck(pckCertificate, claims);
        pckId = claims.pckId;
        if (_pcks[pckId] != address(0)) return pckId;
        _pcks[pckId] = CodeStore.write(PlatformCache.packPck(key, claims));
        emit PckCached(pckId, claims.platformId, claims.facts.fmspc);
    }

    /// @inheritdoc IDcapVerifier
    function cacheAttestationKey(bytes calldata quote, bytes32 pckId) external returns (bytes32 keyId) {
        (Quotes.Body memory body, uint256 end) = Quotes.readBody(quote);
        Quotes.Certification memory parts = Quotes.readCertification(body, end);
        DcapClaims memory claims;
        P256.Point memory pck = _cachedPck(pckId, claims);
        P256.Point memory key = _verifyQuotingEnclave(parts, pck, claims.facts);
        bytes calldata keyOctets = Octets.slice(parts.key, parts.key + 64);
        keyId = keccak256(bytes.concat(pckId, keyOctets, Octets.slice(parts.report, parts.signature)));
        if (_keys[keyId] != address(0)) return keyId;
        _keys[keyId] = CodeStore.write(PlatformCache.packKey(key, claims));
        emit AttestationKeyCached(keyId, pckId);
    }

    /// @inheritdoc IDcapVerifier
    function isPckCached(bytes32 pckId) external view returns (bool) {
        return _pcks[pckId] != address(0);
    }

    /// @inheritdoc IDcapVerifier
    function isKeyCached(bytes32 keyId) external view returns (bool) {
        return _keys[keyId] != address(0);
    }

    /// @dev Checks the signature at `signature` over header and body, and evaluates the TCB.
    function _verifyBody(
        Quotes.Body memory body,
        uint256 signature,
        P256.Point memory key,
        DcapClaims memory claims
    ) private view {
        claims.quoteDigest = sha256(Octets.slice(body.start, body.stop));
        P256.check(claims.quoteDigest, _signature(signature), key, Signed.Quote);
        Reports.read(body, claims, claims.facts);
        claims.platform = Platform.wrap((body.tdx ? TDX : SGX) | _platformBit);
        (claims.tcbStatus, claims.evaluationNumber, claims.validUntil) = collateral.tcbOf(claims.facts);
        require(TcbStatus.unwrap(claims.tcbStatus) != REVOKED, DcapVerifierTcbRevoked());
    }

    /// @dev Verifies a PCK certificate under its authority and reads what it says of the platform. Revocation is asked
    /// of the collateral together with the TCB.
    function _verifyPck(bytes calldata der, DcapClaims memory claims) private view returns (P256.Point memory key) {
        Certificates.Certificate memory certificate = Certificates.parse(der);
        IIntelCollateral.Authority memory authority = collateral.authority(certificate.issuer);
        certificate.checkIssued(
            Issuers.Issuer(P256.Point(authority.x, authority.y), certificate.issuer, authority.keyId)
        );
        certificate.checkEndEntity();
        require(certificate.name.endsIn("SGX PCK Certificate", 19), DcapRuleBroken(Rule.Name));
        PckExtension.Platform memory platform = PckExtension.read(certificate.sgxStart, certificate.sgxStop);
        claims.pckId = keccak256(der);
        claims.platformId = platform.platformId;
        TcbFacts memory facts = claims.facts;
        facts.issuer = certificate.issuer;
        facts.pckSerial = uint160(certificate.serial);
        facts.caSerial = authority.serial;
        bool leafFirst = certificate.notAfter < authority.validUntil;
        facts.validUntil = leafFirst ? certificate.notAfter : authority.validUntil;
        (facts.fmspc, facts.pceid) = (platform.fmspc, platform.pceid);
        (facts.svns, facts.pcesvn) = (platform.svns, platform.pcesvn);
        return certificate.key;
    }

    function _cachedPck(bytes32 pckId, DcapClaims memory claims) private view returns (P256.Point memory) {
        address stored = _pcks[pckId];
        require(stored != address(0), DcapVerifierUnknownPck(pckId));
        return PlatformCache.readPlatform(CodeStore.read(stored), claims);
    }

    /// @dev Checks that the PCK signed the quoting enclave's report and that this binds the attestation key.
    function _verifyQuotingEnclave(
        Quotes.Certification memory parts,
        P256.Point memory pck,
        TcbFacts memory facts
    ) private view returns (P256.Point memory key) {
        uint256 report = parts.report;
        bytes32 digest = sha256(Octets.slice(report, parts.signature));
        P256.check(digest, _signature(parts.signature), pck, Signed.QeReport);
        bytes calldata keyOctets = Octets.slice(parts.key, parts.key + 64);
        bytes32 bound = sha256(bytes.concat(keyOctets, Octets.slice(parts.authStart, parts.authStop)));
        require(
            bytes32(Octets.word(report + 320)) == bound && Octets.word(report + 352) == 0,
            DcapVerifierKeyNotBound()
        );
        Reports.readQuotingEnclave(report, facts);
        key = P256.Point(Octets.word(parts.key), Octets.word(parts.key + 32));
    }

    function _signature(uint256 offset) private pure returns (P256.Signature memory) {
        return P256.Signature(Octets.word(offset), Octets.word(offset + 32));
    }
}
