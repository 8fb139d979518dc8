// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Why Intel's bytes are refused
/// @notice Shared by the collateral and the quote verifier. Nothing of this is ever returned as `false`: what does not
/// hold reverts, and running out of gas has an error of its own.
interface IDcapErrors {
    /// @notice A signed thing.
    enum Signed {
        Certificate,
        RevocationList,
        Statement,
        QeReport,
        Quote
    }

    /// @notice What a certificate or revocation list has to be. Key: a P-256 key and ECDSA with SHA-256. Issuer: named
    /// as its issuer's subject. IssuerKey: names the issuer's key identifier; an empty one is none. Role: basic
    /// constraints and key usage. Name: the common name that Intel gives to this role. Root: the pinned key.
    enum Rule {
        Version,
        Serial,
        Key,
        Extension,
        Issuer,
        IssuerKey,
        Role,
        Name,
        Root,
        SgxExtension
    }

    /// @notice Something with an end of validity.
    enum Timed {
        Certificate,
        RootCrl,
        PckCrl,
        TcbInfo,
        QeIdentity
    }

    /// @notice The P-256 precompile is not there or does not work: nothing can be verified on this chain.
    error DcapNoPrecompile();
    /// @notice The call of the precompile failed, which it does only for want of gas. Says nothing about the signature.
    error DcapOutOfGas();
    /// @notice The element at `offset` of the calldata is not canonical DER, or not what stands there.
    error DcapMalformedDer(uint256 offset);
    /// @notice The JSON at `offset` of the calldata is not compact, or not what stands there.
    error DcapMalformedJson(uint256 offset);
    /// @notice A certificate or a revocation list breaks a rule.
    error DcapRuleBroken(Rule rule);
    /// @notice A signature does not hold.
    error DcapInvalidSignature(Signed what);
    /// @notice Not valid at the block's time. `validUntil` is zero for what was never given.
    error DcapNotValid(Timed what, uint256 validFrom, uint256 validUntil);
    /// @notice The issuer with the hashed name `issuer` revoked the certificate.
    error DcapRevoked(bytes32 issuer, uint256 serial);
}
