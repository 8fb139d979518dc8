// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDcapErrors} from "../interfaces/IDcapErrors.sol";

/// @title ECDSA on P-256 with the precompile of EIP-7951
/// @dev Both high and low s are accepted: Intel does not normalise, and nothing here is keyed by a signature. The
/// precompile refuses values out of range and points off the curve, for which it returns nothing.
library P256 {
    address private constant PRECOMPILE = address(0x100);
    bytes32 private constant TEST_DIGEST = 0xcb79a0dd0488b0c3d9d930bdc797ea7506eee27673450bd9b587599fb4b7fe80;
    uint256 private constant TEST_R = 0x98ade1dbc8f253d4d0d210ec13015daddd44f0ef4f2b3567f4ec1c39d74567b3;
    /// @dev Above half the order.
    uint256 private constant TEST_S = 0xc9fe46bad92057ce1c45fd96b81498015c1d5dc59b653981eb02bd674186db00;
    uint256 private constant TEST_X = 0x64e7c89207f5d1c9d6347e08820e769ceef636385404fab53afbad8adf36c72d;
    uint256 private constant TEST_Y = 0x76df138981f4e4dbf2bc1397b149d5d7b8e45c4062ebd7e41bc1d50f8793ded6;
    uint256 private constant ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551;

    struct Point {
        uint256 x;
        uint256 y;
    }

    struct Signature {
        uint256 r;
        uint256 s;
    }

    /// @notice Whether `signature` is the key's over the hash `digest`. Reverts for want of gas.
    function holds(bytes32 digest, Signature memory signature, Point memory key) internal view returns (bool valid) {
        address precompile = PRECOMPILE;
        bool called;
        assembly ("memory-safe") {
            let input := mload(0x40)
            mstore(input, digest)
            mcopy(add(input, 0x20), signature, 0x40)
            mcopy(add(input, 0x60), key, 0x40)
            called := staticcall(gas(), precompile, input, 0xa0, 0x00, 0x20)
            valid := and(eq(returndatasize(), 0x20), eq(mload(0x00), 1))
        }
        require(called, IDcapErrors.DcapOutOfGas());
    }

    /// @notice Refuses what the key did not sign.
    function check(
        bytes32 digest,
        Signature memory signature,
        Point memory key,
        IDcapErrors.Signed what
    ) internal view {
        require(holds(digest, signature, key), IDcapErrors.DcapInvalidSignature(what));
    }

    /// @notice Refuses a chain whose precompile does not tell good signatures, with high and low s, from bad ones.
    function selfTest() internal view {
        Point memory key = Point(TEST_X, TEST_Y);
        bool good =
            holds(TEST_DIGEST, Signature(TEST_R, TEST_S), key) &&
                holds(TEST_DIGEST, Signature(TEST_R, ORDER - TEST_S), key);
        bool bad =
            holds(TEST_DIGEST, Signature(TEST_R, TEST_S ^ 1), key) ||
                holds(TEST_DIGEST, Signature(TEST_R, TEST_S), Point(TEST_X, TEST_Y ^ 1));
        require(good && !bad, IDcapErrors.DcapNoPrecompile());
    }
}
