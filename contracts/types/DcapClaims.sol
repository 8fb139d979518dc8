// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Platform} from "./Platform.sol";
import {TcbFacts} from "./TcbFacts.sol";
import {TcbStatus} from "./TcbStatus.sol";

/// @notice What a verified quote says. `workloadId` and `platformId` are as in docs/protocol.md section 1; `pckId` is
/// the keccak256 of the PCK certificate's DER; `quoteDigest` the SHA-256 of the quote's header and body, which no
/// re-encoding of a signature or certificate changes. `attributes` are SGX ATTRIBUTES, or TDATTRIBUTES and XFAM.
/// `serviceTd` is the hash of MRSERVICETD, zero where there is none or it is all zero. `validUntil` is the earliest end
/// of validity of all that was used. `facts` allow to evaluate the TCB again, without the quote.
struct DcapClaims {
    Platform platform;
    TcbStatus tcbStatus;
    uint32 evaluationNumber;
    uint40 validUntil;
    bytes32 workloadId;
    bytes32 platformId;
    bytes32 pckId;
    bytes32 quoteDigest;
    bytes32 reportDataHead;
    bytes32 reportDataTail;
    bytes16 attributes;
    bytes32 serviceTd;
    TcbFacts facts;
}
