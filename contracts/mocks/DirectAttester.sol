// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDcapVerifier} from "../interfaces/IDcapVerifier.sol";
import {IIntelCollateral} from "../interfaces/IIntelCollateral.sol";
import {DcapClaims} from "../types/DcapClaims.sol";
import {TcbFacts} from "../types/TcbFacts.sol";
import {TcbStatus} from "../types/TcbStatus.sol";

/// @title A registry in miniature: records what a quote proves in three slots, and re-checks it without the quote
/// @dev For tests and for measuring gas only.
contract DirectAttester {
    struct Record {
        address key;
        uint40 expiresAt;
        uint40 attestedAt;
        TcbStatus status;
        bytes32 workloadId;
        bytes32 facts;
    }

    IDcapVerifier public immutable verifier;
    IIntelCollateral public immutable collateral;
    mapping(bytes32 node => Record record) public records;

    event Attested(bytes32 indexed node, bytes32 workloadId, bytes32 platformId, TcbStatus status, uint40 expiresAt);
    event Rechecked(bytes32 indexed node, TcbStatus status);

    error OtherFacts(bytes32 expected, bytes32 found);

    constructor(IDcapVerifier verifier_) {
        verifier = verifier_;
        collateral = verifier_.collateral();
    }

    function attest(bytes32 node, bytes calldata quote, bytes calldata pckCertificate) external {
        _record(node, verifier.verify(quote, pckCertificate));
    }

    function attestWithPck(bytes32 node, bytes calldata quote, bytes32 pckId) external {
        _record(node, verifier.verifyWithPck(quote, pckId));
    }

    function attestWithKey(bytes32 node, bytes calldata signedQuote, bytes32 keyId) external {
        _record(node, verifier.verifyWithKey(signedQuote, keyId));
    }

    function recheck(bytes32 node, TcbFacts calldata facts) external {
        Record storage record = records[node];
        bytes32 found = facts.hashCalldata();
        require(found == record.facts, OtherFacts(record.facts, found));
        (TcbStatus status, , uint40 validUntil) = collateral.tcbOf(facts);
        (record.status, record.expiresAt) = (status, validUntil);
        emit Rechecked(node, status);
    }

    function _record(bytes32 node, DcapClaims memory claims) private {
        records[node] = Record({
            key: address(bytes20(claims.reportDataHead)),
            expiresAt: claims.validUntil,
            attestedAt: uint40(block.timestamp),
            status: claims.tcbStatus,
            workloadId: claims.workloadId,
            facts: claims.facts.hash()
        });
        emit Attested(node, claims.workloadId, claims.platformId, claims.tcbStatus, claims.validUntil);
    }
}
