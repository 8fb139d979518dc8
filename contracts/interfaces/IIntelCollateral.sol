// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDcapErrors} from "./IDcapErrors.sol";
import {TcbFacts} from "../types/TcbFacts.sol";
import {TcbStatus} from "../types/TcbStatus.sol";

/// @title Intel's collateral: revocation lists, TCB info and identities of quoting enclaves
/// @notice Anyone brings what Intel signed, and nothing else is taken: there is no role, no owner and no pause. A part
/// is used until its own next update, or the end of a certificate above it if that is earlier, and never longer; an
/// older part never replaces a newer one. What was revoked once stays revoked, whatever a later list says.
/// Times are in seconds since 1970; names and key identifiers are keccak256 hashes of their DER.
interface IIntelCollateral is IDcapErrors {
    /// @notice An authority for PCK certificates under the root.
    struct Authority {
        uint256 x;
        uint256 y;
        bytes32 keyId;
        uint160 serial;
        uint40 validUntil;
    }

    /// @notice The root's revocation list of `thisUpdate` is in force until `validUntil`.
    event RootCrlUpserted(uint40 thisUpdate, uint40 validUntil);
    /// @notice The revocation list of the PCK authority with the hashed name `issuer` is in force until `validUntil`.
    event PckCrlUpserted(bytes32 indexed issuer, uint40 thisUpdate, uint40 validUntil);
    /// @notice The issuer with the hashed name `issuer` revoked a certificate.
    event CertificateRevoked(bytes32 indexed issuer, uint160 indexed serial);
    /// @notice TCB info for a family of platforms is in force until `validUntil`.
    event TcbInfoUpserted(
        bool indexed tdx,
        bytes6 indexed fmspc,
        uint32 evaluationNumber,
        uint40 issueDate,
        uint40 validUntil
    );
    /// @notice The identity of the quoting enclave is in force until `validUntil`.
    event QeIdentityUpserted(bool indexed tdx, uint32 evaluationNumber, uint40 issueDate, uint40 validUntil);

    /// @notice The root's certificate was not given yet.
    error IntelCollateralNoRoot();
    /// @notice What is there is as new, or newer, by date or by evaluation number.
    error IntelCollateralNotNewer(uint256 current, uint256 offered);
    /// @notice A signature is not 64 octets.
    error IntelCollateralSignatureLength(uint256 length);
    /// @notice The TCB info is of another PCE-ID than the platform.
    error IntelCollateralWrongPceId(uint256 expected, uint256 found);
    /// @notice The quoting enclave is not the one that Intel's identity describes.
    error IntelCollateralWrongQuotingEnclave();
    /// @notice No TDX module of this version, or not with this signer, is known to the TCB info.
    error IntelCollateralWrongTdxModule(uint256 version);
    /// @notice The platform, its module or its quoting enclave is below every level.
    error IntelCollateralNoLevel();

    /// @notice The public key of the root.
    function rootX() external view returns (uint256);

    /// @notice The public key of the root.
    function rootY() external view returns (uint256);

    /// @notice Whether the root is another than Intel's own: then all evidence under it is simulated.
    function simulated() external view returns (bool);

    /// @notice Takes the root's certificate and its revocation list, both DER.
    function upsertRootCrl(bytes calldata rootCertificate, bytes calldata crl) external;

    /// @notice Takes the certificate of a PCK authority and its revocation list, both DER. The root's list has to be
    /// in force.
    function upsertPckCrl(bytes calldata authorityCertificate, bytes calldata crl) external;

    /// @notice Takes TCB info of version 3 for one FMSPC.
    /// @param signer The TCB signing certificate, DER.
    /// @param tcbInfo The value of the member `tcbInfo` as it stands, compact JSON.
    /// @param signature `r || s`.
    function upsertTcbInfo(bytes calldata signer, bytes calldata tcbInfo, bytes calldata signature) external;

    /// @notice Takes the identity of the SGX or TDX quoting enclave, version 2.
    /// @param signer The TCB signing certificate, DER.
    /// @param identity The value of the member `enclaveIdentity` as it stands, compact JSON.
    /// @param signature `r || s`.
    function upsertQeIdentity(bytes calldata signer, bytes calldata identity, bytes calldata signature) external;

    /// @notice The PCK authority with the hashed name `name`. Reverts if it is not known, or not valid now.
    /// @dev Whether it is revoked is asked by `tcbOf`, as for every use of what stands under it.
    function authority(bytes32 name) external view returns (Authority memory);

    /// @notice The status of a platform by the collateral that is in force now.
    /// @dev Reverts with `DcapNotValid` where a part of the collateral or a certificate is not in force: that says
    /// nothing about the platform. Reverts with `DcapRevoked`, `IntelCollateralNoLevel`,
    /// `IntelCollateralWrongQuotingEnclave` or `IntelCollateralWrongTdxModule` where the platform is not acceptable
    /// under any policy. `Revoked` is returned as a status.
    /// @dev Warning: the facts are believed. They have to come from a verified quote.
    /// @return status Of the platform, its TDX module and its quoting enclave together.
    /// @return evaluationNumber Of the TCB info.
    /// @return validUntil The earliest end of validity of everything that was used.
    function tcbOf(
        TcbFacts calldata facts
    ) external view returns (TcbStatus status, uint32 evaluationNumber, uint40 validUntil);

    /// @notice Until when the revocation list of the root and of a PCK authority are in force; zero if never given.
    function crlsValidUntil(bytes32 issuer) external view returns (uint40 root, uint40 pck);

    /// @notice Until when the TCB info of a family is in force; zero if never given.
    function tcbInfoValidUntil(bool tdx, bytes6 fmspc) external view returns (uint40);

    /// @notice Until when the identity of a quoting enclave is in force; zero if never given.
    function qeIdentityValidUntil(bool tdx) external view returns (uint40);

    /// @notice Whether the issuer with the hashed name `issuer` revoked the certificate with this serial number.
    function isRevoked(bytes32 issuer, uint160 serial) external view returns (bool);
}
