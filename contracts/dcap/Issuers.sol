// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDcapErrors} from "../interfaces/IDcapErrors.sol";
import {Certificates} from "./Certificates.sol";
import {P256} from "./P256.sol";

/// @title What Intel's certificates may do. RFC 5280, section 6.1.
library Issuers {
    using Certificates for Certificates.Certificate;

    /// @dev Bits of the first octet of the key usage.
    uint256 private constant DIGITAL_SIGNATURE = 0x80;
    uint256 private constant KEY_CERT_SIGN = 0x04;
    uint256 private constant CRL_SIGN = 0x02;

    /// @notice A verified authority: its name and key identifier are hashes of their DER.
    struct Issuer {
        P256.Point key;
        bytes32 name;
        bytes32 keyId;
    }

    /// @notice The certificate's subject as an issuer of others.
    function asIssuer(Certificates.Certificate memory certificate) internal pure returns (Issuer memory) {
        return Issuer(certificate.key, certificate.subject, certificate.subjectKeyId);
    }

    /// @notice Checks that `issuer` signed the certificate, which is valid now.
    function checkIssued(Certificates.Certificate memory certificate, Issuer memory issuer) internal view {
        require(certificate.issuer == issuer.name, IDcapErrors.DcapRuleBroken(IDcapErrors.Rule.Issuer));
        require(
            certificate.authorityKeyId != bytes32(0) && certificate.authorityKeyId == issuer.keyId,
            IDcapErrors.DcapRuleBroken(IDcapErrors.Rule.IssuerKey)
        );
        checkTime(certificate);
        P256.check(certificate.frame.digest, certificate.frame.signature, issuer.key, IDcapErrors.Signed.Certificate);
    }

    /// @notice Checks that the certificate is valid at the block's time, both ends included.
    function checkTime(Certificates.Certificate memory certificate) internal view {
        require(
            block.timestamp >= certificate.notBefore && block.timestamp <= certificate.notAfter,
            IDcapErrors.DcapNotValid(IDcapErrors.Timed.Certificate, certificate.notBefore, certificate.notAfter)
        );
    }

    /// @notice Checks that the certificate is of an authority for certificates and revocation lists, with `below`
    /// authorities under it.
    function checkAuthority(Certificates.Certificate memory certificate, uint256 below) internal pure {
        uint256 both = KEY_CERT_SIGN | CRL_SIGN;
        require(
            certificate.isCa && certificate.keyUsage & both == both && certificate.pathLength >= below,
            IDcapErrors.DcapRuleBroken(IDcapErrors.Rule.Role)
        );
        require(certificate.subjectKeyId != bytes32(0), IDcapErrors.DcapRuleBroken(IDcapErrors.Rule.IssuerKey));
    }

    /// @notice Checks that the certificate is of no authority and signs data.
    function checkEndEntity(Certificates.Certificate memory certificate) internal pure {
        require(
            !certificate.isCa && certificate.keyUsage & DIGITAL_SIGNATURE != 0,
            IDcapErrors.DcapRuleBroken(IDcapErrors.Rule.Role)
        );
    }
}
