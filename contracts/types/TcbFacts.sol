// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice What an Intel platform's TCB status depends on besides the collateral: everything that a quote and its PCK
/// certificate say about it, so that it can be evaluated again without them.
/// @dev `issuer` is the hash of the PCK's issuer name in DER, `pckSerial` and `caSerial` the serial numbers of the PCK
/// and of its issuer, `validUntil` the earliest end of their validity and the root's. `svns` are the 16 component SVNs.
/// `qeSigner` to `qeIsvSvn` are of the quoting enclave's report. The rest is zero for SGX: `seamSigner` is the hash of
/// MRSIGNERSEAM, `teeTcbSvn` the TCB at launch and, where `current` is set (TDX 1.5), `teeTcbSvn2` the TCB now.
struct TcbFacts {
    bytes32 issuer;
    uint160 pckSerial;
    uint160 caSerial;
    uint40 validUntil;
    bytes6 fmspc;
    uint16 pceid;
    uint16 pcesvn;
    bytes16 svns;
    bytes32 qeSigner;
    bytes16 qeAttributes;
    bytes4 qeMiscselect;
    uint16 qeProductId;
    uint16 qeIsvSvn;
    bool tdx;
    bool current;
    bytes32 seamSigner;
    bytes16 teeTcbSvn;
    bytes16 teeTcbSvn2;
}

using {hash, hashCalldata} for TcbFacts global;

/// @notice `keccak256(abi.encode(facts))`: what a record keeps of the facts, 18 words.
function hash(TcbFacts memory facts) pure returns (bytes32 digest) {
    assembly ("memory-safe") {
        digest := keccak256(facts, 0x240)
    }
}

/// @notice The same of facts that somebody brings: a field with octets beyond its type gives another hash.
function hashCalldata(TcbFacts calldata facts) pure returns (bytes32 digest) {
    assembly ("memory-safe") {
        let copy := mload(0x40)
        calldatacopy(copy, facts, 0x240)
        digest := keccak256(copy, 0x240)
    }
}
