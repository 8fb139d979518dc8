// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDcapErrors} from "./IDcapErrors.sol";
import {IIntelCollateral} from "./IIntelCollateral.sol";
import {DcapClaims} from "../types/DcapClaims.sol";

/// @title Intel SGX and TDX quotes, verified on chain
/// @notice Quotes of version 3 (SGX), 4 (SGX, TDX 1.0) and 5 (SGX, TDX 1.0 and 1.5). Every function reverts for what
/// does not hold and returns what was verified; none returns a verdict. Debug enclaves and trust domains, reserved
/// attribute bits, measurements of zero and revoked TCBs are refused whatever policy says.
/// @dev The certification data at the end of a quote is not signed by anything and is not used: the PCK certificate is
/// given in DER beside the quote, and the caller may put any other data of any length there.
/// The block's time is the time of verification. There is no role; what is cached was verified and is never changed.
interface IDcapVerifier is IDcapErrors {
    /// @notice A PCK certificate was cached.
    event PckCached(bytes32 indexed pckId, bytes32 indexed platformId, bytes6 fmspc);
    /// @notice An attestation key was cached with the report of the quoting enclave that made it.
    event AttestationKeyCached(bytes32 indexed keyId, bytes32 indexed pckId);

    /// @notice The quote is not of the stated length, or longer than 16 KiB, or something follows it.
    error DcapVerifierMalformedQuote();
    /// @notice A version, key type, TEE type, body type or certification data type that is not known, or a quoting
    /// enclave of another vendor.
    error DcapVerifierUnsupportedQuote();
    /// @notice The quoting enclave's report does not bind the attestation key.
    error DcapVerifierKeyNotBound();
    /// @notice The enclave or the trust domain runs in debug mode or under a profiler.
    error DcapVerifierDebug(bytes16 attributes);
    /// @notice Attributes with reserved bits, or without bits that are always set.
    error DcapVerifierReservedAttributes(bytes16 attributes);
    /// @notice The attributes of the TDX module are not those of a production module.
    error DcapVerifierSeamAttributes(bytes8 attributes);
    /// @notice The measurement is zero.
    error DcapVerifierNotMeasured();
    /// @notice The platform's TCB is revoked.
    error DcapVerifierTcbRevoked();
    /// @notice No such PCK certificate was cached.
    error DcapVerifierUnknownPck(bytes32 pckId);
    /// @notice No such attestation key was cached.
    error DcapVerifierUnknownKey(bytes32 keyId);

    /// @notice The collateral that quotes are held against.
    function collateral() external view returns (IIntelCollateral);

    /// @notice Verifies a quote with its PCK certificate.
    /// @param quote Exactly one quote.
    /// @param pckCertificate DER.
    function verify(bytes calldata quote, bytes calldata pckCertificate) external view returns (DcapClaims memory);

    /// @notice Verifies a quote of a platform whose PCK certificate is cached.
    function verifyWithPck(bytes calldata quote, bytes32 pckId) external view returns (DcapClaims memory);

    /// @notice Verifies a quote by an attestation key that is cached.
    /// @param signedQuote What the key signed, header and body, and then the 64 octets of its signature.
    function verifyWithKey(bytes calldata signedQuote, bytes32 keyId) external view returns (DcapClaims memory);

    /// @notice Verifies a PCK certificate and keeps its key and what it says of the platform.
    /// @dev Validity, revocation and collateral are checked again at every use.
    /// @return pckId keccak256 of the DER.
    function cachePck(bytes calldata pckCertificate) external returns (bytes32 pckId);

    /// @notice Verifies the quoting enclave's report in a quote under a cached PCK, and keeps the attestation key.
    /// @dev The quote itself does not have to hold.
    /// @return keyId `keccak256(pckId || attestation key || QE report)`.
    function cacheAttestationKey(bytes calldata quote, bytes32 pckId) external returns (bytes32 keyId);

    /// @notice Whether a PCK certificate is cached.
    function isPckCached(bytes32 pckId) external view returns (bool);

    /// @notice Whether an attestation key is cached.
    function isKeyCached(bytes32 keyId) external view returns (bool);
}
