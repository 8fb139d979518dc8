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
    /// @dev Offset of the identity in its packed form, behind the serial and the evaluation number.
    uint256 private constant IDENTITY = 24;

    /// @dev Everything of the root that every use reads. `revoked` counts the certificates that the root revoked:
    /// while it is zero, no serial number has to be looked up under the root.
    struct Root {
        uint40 thisUpdate;
        uint40 validUntil;
        uint40 notAfter;
        uint64 revoked;
    }

    /// @dev What a pointer leads to, and when it is of and in force. `date` is the issue date or this update.
    struct Entry {
        address data;
        uint40 date;
        uint40 validUntil;
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
    mapping(bool tdx => Entry entry) private _qeIdentities;
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
        Issuers.Issuer memory issuer = Issuers.Issuer({
            key: P256.Point(rootX, rootY),
            name: certificate.subject,
            keyId: certificate.subjectKeyId
        });
        bool pinned = certificate.key.x == rootX && certificate.key.y == rootY;
        require(pinned, DcapRuleBroken(Rule.Root));
        certificate.checkAuthority(1);
        certificate.checkIssued(issuer);
        RevocationLists.List memory list = RevocationLists.verify(crl, issuer);
        require(list.thisUpdate > _root.thisUpdate, IntelCollateralNotNewer(_root.thisUpdate, list.thisUpdate));
        _root.revoked += uint64(_revoke(list));
        _root.thisUpdate = list.thisUpdate;
        _root.validUntil = _earlier(list.nextUpdate, certificate.notAfter);
        _root.notAfter = certificate.notAfter;
        _rootName = issuer.name;
        _rootKeyId = issuer.keyId;
        emit RootCrlUpserted(list.thisUpdate, _root.validUntil);
    }

    /// @inheritdoc IIntelCollateral
    function upsertPckCrl(bytes calldata authorityCertificate, bytes calldata crl) external {
        (Certificates.Certificate memory certificate, uint40 validUntil) = _underRoot(authorityCertificate);
        certificate.checkAuthority(0);
        bool named = certificate.name.endsIn("SGX PCK Platform CA", 19) ||
            certificate.name.endsIn("SGX PCK Processor CA", 20);
        require(named, DcapRuleBroken(Rule.Name));
        Issuers.Issuer memory issuer = Issuers.Issuer(
            certificate.key,
            certificate.subject,
            certificate.subjectKeyId
        );
        RevocationLists.List memory list = RevocationLists.verify(crl, issuer);
        Entry storage entry = _authorities[issuer.name];
        require(list.thisUpdate > entry.date, IntelCollateralNotNewer(entry.date, list.thisUpdate));
        _revoke(list);
        bytes memory data = abi.encode(
            Authority(issuer.key.x, issuer.key.y, issuer.keyId, uint160(certificate.serial), validUntil)
        );
        if (keccak256(CodeStore.read(entry.data)) != keccak256(data)) entry.data = CodeStore.write(data);
        (entry.date, entry.validUntil) = (list.thisUpdate, _earlier(list.nextUpdate, validUntil));
        emit PckCrlUpserted(issuer.name, list.thisUpdate, entry.validUntil);
    }

    /// @inheritdoc IIntelCollateral
    function upsertTcbInfo(bytes calldata signer, bytes calldata tcbInfo, bytes calldata signature) external {
        (uint160 serial, uint40 validUntil) = _checkStatement(signer, tcbInfo, signature);
        TcbInfoParser.TcbInfo memory info = TcbInfoParser.parse(tcbInfo);
        Entry storage entry = _tcbInfos[_family(info.tdx, info.fmspc)];
        _checkNewer(entry, info.issueDate, info.evaluationNumber);
        bytes memory head = abi.encodePacked(
            serial,
            info.evaluationNumber,
            info.pceid,
            uint8(info.moduleCount),
            uint8(info.levelCount)
        );
        entry.data = CodeStore.write(bytes.concat(head, info.modules, info.levels));
        validUntil = _setTimes(entry, Timed.TcbInfo, info.issueDate, _earlier(info.nextUpdate, validUntil));
        emit TcbInfoUpserted(info.tdx, info.fmspc, info.evaluationNumber, info.issueDate, validUntil);
    }

    /// @inheritdoc IIntelCollateral
    function upsertQeIdentity(bytes calldata signer, bytes calldata identity, bytes calldata signature) external {
        (uint160 serial, uint40 validUntil) = _checkStatement(signer, identity, signature);
        (QeIdentityParser.Identity memory read, bytes memory packed) = QeIdentityParser.parse(identity);
        Entry storage entry = _qeIdentities[read.tdx];
        _checkNewer(entry, read.issueDate, read.evaluationNumber);
        entry.data = CodeStore.write(bytes.concat(abi.encodePacked(serial, read.evaluationNumber), packed));
        validUntil = _setTimes(entry, Timed.QeIdentity, read.issueDate, _earlier(read.nextUpdate, validUntil));
        emit QeIdentityUpserted(read.tdx, read.evaluationNumber, read.issueDate, validUntil);
    }

    /// @inheritdoc IIntelCollateral
    function tcbOf(
        TcbFacts calldata facts
    ) external view returns (TcbStatus status, uint32 evaluationNumber, uint40 validUntil) {
        Root memory root = _root;
        _checkTime(Timed.RootCrl, root.thisUpdate, root.validUntil);
        _checkTime(Timed.Certificate, 0, facts.validUntil);
        Entry memory crl = _authorities[facts.issuer];
        _checkTime(Timed.PckCrl, crl.date, crl.validUntil);
        _checkNotRevoked(facts.issuer, facts.pckSerial);
        (bytes memory info, uint40 infoUntil) = _statement(
            _tcbInfos[_family(facts.tdx, facts.fmspc)],
            Timed.TcbInfo,
            root.revoked
        );
        (bytes memory identity, uint40 identityUntil) = _statement(
            _qeIdentities[facts.tdx],
            Timed.QeIdentity,
            root.revoked
        );
        if (root.revoked > 0) _checkNotRevoked(_rootName, facts.caSerial);
        uint256 pceid = Packed.number(info, 24, 2);
        require(pceid == facts.pceid, IntelCollateralWrongPceId(pceid, facts.pceid));
        uint256 qeStatus = QuotingEnclaves.statusOf(identity, IDENTITY, facts);
        status = TcbStatus.wrap(uint8(TcbEvaluation.statusOf(info, facts, qeStatus)));
        evaluationNumber = uint32(Packed.number(info, 20, 4));
        validUntil = _earlier(_earlier(root.validUntil, crl.validUntil), _earlier(infoUntil, identityUntil));
        validUntil = _earlier(validUntil, facts.validUntil);
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
    /// @return count Of the certificates that were not marked before.
    function _revoke(RevocationLists.List memory list) private returns (uint256 count) {
        uint256 serial;
        for (uint256 offset = list.offset; offset != list.end; ) {
            (serial, offset) = RevocationLists.entry(offset, list.end);
            bytes32 certificate = _certificate(list.issuer, uint160(serial));
            if (_revoked[certificate]) continue;
            _revoked[certificate] = true;
            ++count;
            emit CertificateRevoked(list.issuer, uint160(serial));
        }
    }

    /// @dev Sets when a statement was made and how long it is in force, which has to be now.
    function _setTimes(Entry storage entry, Timed what, uint40 date, uint40 validUntil) private returns (uint40) {
        _checkTime(what, date, validUntil);
        (entry.date, entry.validUntil) = (date, validUntil);
        return validUntil;
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
    function _checkNewer(Entry memory entry, uint40 date, uint32 evaluationNumber) private view {
        if (entry.data == address(0)) return;
        uint256 current = Packed.number(CodeStore.read(entry.data), 20, 4);
        require(evaluationNumber >= current, IntelCollateralNotNewer(current, evaluationNumber));
        bool newer = date > entry.date || (date == entry.date && evaluationNumber > current);
        require(newer, IntelCollateralNotNewer(entry.date, date));
    }

    /// @dev What a pointer leads to, if it is in force and its signer not revoked.
    function _statement(
        Entry memory entry,
        Timed what,
        uint256 revokedByRoot
    ) private view returns (bytes memory data, uint40 validUntil) {
        validUntil = entry.validUntil;
        _checkTime(what, entry.date, validUntil);
        data = CodeStore.read(entry.data);
        if (revokedByRoot > 0) _checkNotRevoked(_rootName, uint160(Packed.number(data, 0, 20)));
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
