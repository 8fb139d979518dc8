// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IIntelCollateral} from "../interfaces/IIntelCollateral.sol";
import {TcbFacts} from "../types/TcbFacts.sol";
import {TcbStatus} from "../types/TcbStatus.sol";
import {Certificates} from "./Certificates.sol";
import {CodeStore} from "./CodeStore.sol";
import {Issuers} from "./Issuers.sol";
import {Names} from "./Names.sol";
import {Octets} from "./Octets.sol";
import {P256} from "./P256.sol";
import {Packed} from "./Packed.sol";
import {QeIdentityParser} from "./QeIdentityParser.sol";
import {QuotingEnclaves} from "./QuotingEnclaves.sol";
import {RevocationLists} from "./RevocationLists.sol";
import {TcbEvaluation} from "./TcbEvaluation.sol";
import {TcbInfoParser} from "./TcbInfoParser.sol";

/// @title IntelCollateral
contract IntelCollateral is IIntelCollateral {
    using Issuers for Certificates.Certificate;
    using Names for Names.Text;

    /// @dev SHA-256 of the SubjectPublicKeyInfo of the Intel SGX Root CA, serial
    /// 22650cd65a9d3489f383b49552bf501b392706ac.
    bytes32 private constant INTEL_ROOT = 0xa0af031289f5d5d4132f9186068a7fc13628633ba235777472e29b6b6c67a49e;
    bytes27 private constant P256_KEY = 0x3059301306072a8648ce3d020106082a8648ce3d03010703420004;
    /// @dev Offset of the identity in its packed form, behind serial, evaluation number and issue date.
    uint256 private constant IDENTITY = 29;

    struct Root {
        uint40 thisUpdate;
        uint40 validUntil;
        uint40 notAfter;
        bool hasRevoked;
    }

    /// @dev An identity with what every use has to know of the root, in one slot. While the root has revoked nothing,
    /// no serial number has to be looked up under it.
    struct Identity {
        address data;
        uint40 validUntil;
        uint40 rootUntil;
        bool rootHasRevoked;
    }

    /// @dev What a pointer leads to, and until when it is in force. The last two are of an authority's revocation list:
    /// its this update, and whether the authority has ever revoked anything; otherwise no serial has to be looked up.
    struct Entry {
        address data;
        uint40 validUntil;
        uint40 date;
        bool hasRevoked;
    }

    /// @inheritdoc IIntelCollateral
    uint256 public immutable rootX;
    /// @inheritdoc IIntelCollateral
    uint256 public immutable rootY;
    /// @inheritdoc IIntelCollateral
    bool public immutable simulated;

    Root private _root;
    bytes32 private _rootName;
    bytes32 private _rootKeyId;
    mapping(bytes32 issuer => Entry entry) private _authorities;
    mapping(uint256 family => Entry entry) private _tcbInfos;
    mapping(bool tdx => Identity identity) private _qeIdentities;
    mapping(bytes32 certificate => bool isRevoked) private _revoked;

    constructor(uint256 rootX_, uint256 rootY_) {
        P256.selfTest();
        rootX = rootX_;
        rootY = rootY_;
        simulated = sha256(abi.encodePacked(P256_KEY, rootX_, rootY_)) != INTEL_ROOT;
    }

    /// @inheritdoc IIntelCollateral
    function upsertRootCrl(bytes calldata rootCertificate, bytes calldata crl) external {
        Certificates.Certificate memory certificate = Certificates.parse(rootCertificate);
        bool pinned = certificate.key.x == rootX && certificate.key.y == rootY;
        require(pinned, DcapRuleBroken(Rule.Root));
        Issuers.Issuer memory issuer = certificate.asIssuer();
        certificate.checkAuthority(1);
        certificate.checkIssued(issuer);
        RevocationLists.List memory list = RevocationLists.verify(crl, issuer);
        require(list.thisUpdate > _root.thisUpdate, IntelCollateralNotNewer(_root.thisUpdate, list.thisUpdate));
        _revoke(list);
        uint40 validUntil = _earlier(list.nextUpdate, certificate.notAfter);
        bool hasRevoked = _root.hasRevoked || list.offset != list.end;
        _root = Root(list.thisUpdate, validUntil, certificate.notAfter, hasRevoked);
        (_rootName, _rootKeyId) = (issuer.name, issuer.keyId);
        _setRoot(_qeIdentities[false], validUntil, hasRevoked);
        _setRoot(_qeIdentities[true], validUntil, hasRevoked);
        emit RootCrlUpserted(list.thisUpdate, validUntil);
    }

    /// @inheritdoc IIntelCollateral
    function upsertPckCrl(bytes calldata authorityCertificate, bytes calldata crl) external {
        (Certificates.Certificate memory certificate, uint40 validUntil) = _underRoot(authorityCertificate);
        certificate.checkAuthority(0);
        bool named =
            certificate.name.endsIn("SGX PCK Platform CA", 19) || certificate.name.endsIn("SGX PCK Processor CA", 20);
        require(named, DcapRuleBroken(Rule.Name));
        Issuers.Issuer memory issuer = certificate.asIssuer();
        RevocationLists.List memory list = RevocationLists.verify(crl, issuer);
        Entry storage entry = _authorities[issuer.name];
        require(list.thisUpdate > entry.date, IntelCollateralNotNewer(entry.date, list.thisUpdate));
        _revoke(list);
        bytes memory data = abi.encode(
            Authority(issuer.key.x, issuer.key.y, issuer.keyId, uint160(certificate.serial), validUntil)
        );
        if (keccak256(CodeStore.read(entry.data)) != keccak256(data)) entry.data = CodeStore.write(data);
        (entry.date, entry.validUntil) = (list.thisUpdate, _earlier(list.nextUpdate, validUntil));
        if (list.offset != list.end) entry.hasRevoked = true;
        emit PckCrlUpserted(issuer.name, list.thisUpdate, entry.validUntil);
    }

    /// @inheritdoc IIntelCollateral
    function upsertTcbInfo(bytes calldata signer, bytes calldata tcbInfo, bytes calldata signature) external {
        (uint160 serial, uint40 validUntil) = _checkStatement(signer, tcbInfo, signature);
        TcbInfoParser.TcbInfo memory info = TcbInfoParser.parse(tcbInfo);
        Entry storage entry = _tcbInfos[_family(info.tdx, info.fmspc)];
        validUntil = _earlier(info.nextUpdate, validUntil);
        _checkNewer(entry.data, info.issueDate, info.evaluationNumber);
        _checkTime(Timed.TcbInfo, info.issueDate, validUntil);
        bytes memory head = abi.encodePacked(
            serial,
            info.evaluationNumber,
            info.issueDate,
            info.pceid,
            uint8(info.moduleCount),
            uint8(info.levelCount)
        );
        entry.data = CodeStore.write(bytes.concat(head, info.modules, info.levels));
        entry.validUntil = validUntil;
        emit TcbInfoUpserted(info.tdx, info.fmspc, info.evaluationNumber, info.issueDate, validUntil);
    }

    /// @inheritdoc IIntelCollateral
    function upsertQeIdentity(bytes calldata signer, bytes calldata identity, bytes calldata signature) external {
        (uint160 serial, uint40 validUntil) = _checkStatement(signer, identity, signature);
        (QeIdentityParser.Identity memory read, bytes memory packed) = QeIdentityParser.parse(identity);
        Identity storage entry = _qeIdentities[read.tdx];
        validUntil = _earlier(read.nextUpdate, validUntil);
        _checkNewer(entry.data, read.issueDate, read.evaluationNumber);
        _checkTime(Timed.QeIdentity, read.issueDate, validUntil);
        bytes memory head = abi.encodePacked(serial, read.evaluationNumber, read.issueDate);
        (entry.data, entry.validUntil) = (CodeStore.write(bytes.concat(head, packed)), validUntil);
        emit QeIdentityUpserted(read.tdx, read.evaluationNumber, read.issueDate, validUntil);
    }

    /// @inheritdoc IIntelCollateral
    function tcbOf(
        TcbFacts calldata facts
    ) external view returns (TcbStatus status, uint32 evaluationNumber, uint40 validUntil) {
        Identity memory identity = _qeIdentities[facts.tdx];
        Entry memory info = _tcbInfos[_family(facts.tdx, facts.fmspc)];
        Entry memory crl = _authorities[facts.issuer];
        validUntil = _validUntil(facts.validUntil, identity, info, crl.validUntil);
        if (crl.hasRevoked) _checkNotRevoked(facts.issuer, facts.pckSerial);
        bytes memory levels = CodeStore.read(info.data);
        bytes memory enclave = CodeStore.read(identity.data);
        if (identity.rootHasRevoked) {
            bytes32 root = _rootName;
            _checkNotRevoked(root, facts.caSerial);
            _checkNotRevoked(root, uint160(Packed.number(levels, 0, 20)));
            _checkNotRevoked(root, uint160(Packed.number(enclave, 0, 20)));
        }
        uint256 pceid = Packed.number(levels, 29, 2);
        require(pceid == facts.pceid, IntelCollateralWrongPceId(pceid, facts.pceid));
        uint256 qeStatus = QuotingEnclaves.statusOf(enclave, IDENTITY, facts);
        status = TcbStatus.wrap(uint8(TcbEvaluation.statusOf(levels, facts, qeStatus)));
        evaluationNumber = uint32(Packed.number(levels, 20, 4));
    }

    /// @inheritdoc IIntelCollateral
    function authority(bytes32 name) external view returns (Authority memory found) {
        Entry memory entry = _authorities[name];
        require(entry.data != address(0), DcapRuleBroken(Rule.Issuer));
        found = abi.decode(CodeStore.read(entry.data), (Authority));
        _checkTime(Timed.Certificate, 0, found.validUntil);
    }

    /// @inheritdoc IIntelCollateral
    function crlsValidUntil(bytes32 issuer) external view returns (uint40 root, uint40 pck) {
        return (_root.validUntil, _authorities[issuer].validUntil);
    }

    /// @inheritdoc IIntelCollateral
    function tcbInfoValidUntil(bool tdx, bytes6 fmspc) external view returns (uint40) {
        return _tcbInfos[_family(tdx, fmspc)].validUntil;
    }

    /// @inheritdoc IIntelCollateral
    function qeIdentityValidUntil(bool tdx) external view returns (uint40) {
        return _qeIdentities[tdx].validUntil;
    }

    /// @inheritdoc IIntelCollateral
    function isRevoked(bytes32 issuer, uint160 serial) external view returns (bool) {
        return _revoked[_certificate(issuer, serial)];
    }

    /// @dev Marks what the list names; what is marked stays marked.
    function _revoke(RevocationLists.List memory list) private {
        uint256 serial;
        for (uint256 offset = list.offset; offset != list.end;) {
            (serial, offset) = RevocationLists.entry(offset, list.end);
            bytes32 certificate = _certificate(list.issuer, uint160(serial));
            if (_revoked[certificate]) continue;
            _revoked[certificate] = true;
            emit CertificateRevoked(list.issuer, uint160(serial));
        }
    }

    function _setRoot(Identity storage identity, uint40 validUntil, bool hasRevoked) private {
        (identity.rootUntil, identity.rootHasRevoked) = (validUntil, hasRevoked);
    }

    /// @dev The earliest end of validity of everything that an evaluation uses; all of it has to be valid now.
    function _validUntil(
        uint40 pckUntil,
        Identity memory identity,
        Entry memory info,
        uint40 crlUntil
    ) private view returns (uint40 validUntil) {
        validUntil = pckUntil;
        _checkTime(Timed.Certificate, 0, validUntil);
        _checkTime(Timed.RootCrl, 0, identity.rootUntil);
        _checkTime(Timed.PckCrl, 0, crlUntil);
        _checkTime(Timed.TcbInfo, 0, info.validUntil);
        _checkTime(Timed.QeIdentity, 0, identity.validUntil);
        validUntil = _earlier(validUntil, _earlier(identity.rootUntil, crlUntil));
        validUntil = _earlier(validUntil, _earlier(info.validUntil, identity.validUntil));
    }

    /// @dev A certificate that the root issued, is valid and not revoked, and until when it and the root are valid.
    function _underRoot(
        bytes calldata der
    ) private view returns (Certificates.Certificate memory certificate, uint40 validUntil) {
        require(_rootName != bytes32(0), IntelCollateralNoRoot());
        _checkTime(Timed.RootCrl, _root.thisUpdate, _root.validUntil);
        certificate = Certificates.parse(der);
        certificate.checkIssued(Issuers.Issuer(P256.Point(rootX, rootY), _rootName, _rootKeyId));
        _checkNotRevoked(_rootName, uint160(certificate.serial));
        validUntil = _earlier(certificate.notAfter, _root.notAfter);
    }

    /// @dev Checks that a TCB signing certificate, which is of no platform, signed the statement.
    function _checkStatement(
        bytes calldata signer,
        bytes calldata statement,
        bytes calldata signature
    ) private view returns (uint160 serial, uint40 validUntil) {
        Certificates.Certificate memory certificate;
        (certificate, validUntil) = _underRoot(signer);
        certificate.checkEndEntity();
        require(certificate.name.endsIn("SGX TCB Signing", 15), DcapRuleBroken(Rule.Name));
        require(certificate.sgxStart == 0, DcapRuleBroken(Rule.SgxExtension));
        require(signature.length == 64, IntelCollateralSignatureLength(signature.length));
        (uint256 offset, ) = Octets.bounds(signature);
        P256.Signature memory parts = P256.Signature(Octets.word(offset), Octets.word(offset + 32));
        P256.check(sha256(statement), parts, certificate.key, Signed.Statement);
        serial = uint160(certificate.serial);
    }

    /// @dev Neither the date nor the evaluation number may go back, and one has to go on.
    function _checkNewer(address stored, uint40 date, uint32 evaluationNumber) private view {
        if (stored == address(0)) return;
        bytes memory data = CodeStore.read(stored);
        (uint256 current, uint256 currentDate) = (Packed.number(data, 20, 4), Packed.number(data, 24, 5));
        require(evaluationNumber >= current, IntelCollateralNotNewer(current, evaluationNumber));
        bool newer = date > currentDate || (date == currentDate && evaluationNumber > current);
        require(newer, IntelCollateralNotNewer(currentDate, date));
    }

    function _checkNotRevoked(bytes32 issuer, uint160 serial) private view {
        require(!_revoked[_certificate(issuer, serial)], DcapRevoked(issuer, serial));
    }

    function _checkTime(Timed what, uint40 validFrom, uint40 validUntil) private view {
        bool valid = block.timestamp >= validFrom && block.timestamp <= validUntil;
        require(valid, DcapNotValid(what, validFrom, validUntil));
    }

    function _certificate(bytes32 issuer, uint160 serial) private pure returns (bytes32) {
        return keccak256(abi.encode(issuer, serial));
    }

    function _family(bool tdx, bytes6 fmspc) private pure returns (uint256) {
        return (uint256(uint48(fmspc)) << 1) | (tdx ? 1 : 0);
    }

    function _earlier(uint40 left, uint40 right) private pure returns (uint40) {
        return left < right ? left : right;
    }
}
