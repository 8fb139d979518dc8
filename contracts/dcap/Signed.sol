// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDcapErrors} from "../interfaces/IDcapErrors.sol";
import {Der} from "./Der.sol";
import {Octets} from "./Octets.sol";
import {P256} from "./P256.sol";

/// @title The frame of certificates and revocation lists: what is signed, by which algorithm, and the signature
library Signed {
    /// @dev AlgorithmIdentifier of ecdsa-with-SHA256, which has no parameters: 12 octets.
    uint256 private constant ECDSA_WITH_SHA256 = 0x300a06082a8648ce3d040302;
    uint256 private constant ALGORITHM_LENGTH = 12;

    struct Frame {
        bytes32 digest;
        P256.Signature signature;
        /// @dev The content of the signed part.
        uint256 start;
        uint256 stop;
    }

    /// @notice Reads the frame that `der` is, without a rest.
    function read(bytes calldata der) internal pure returns (Frame memory frame) {
        (uint256 offset, uint256 end) = Octets.bounds(der);
        offset = Der.whole(offset, end, Der.SEQUENCE);
        (frame.start, frame.stop) = Der.open(offset, end, Der.SEQUENCE);
        frame.digest = sha256(Octets.slice(offset, frame.stop));
        offset = algorithm(frame.stop, end);
        (uint256 start, uint256 stop) = Der.octetsOfBits(offset, end);
        Der.close(stop, end);
        start = Der.whole(start, stop, Der.SEQUENCE);
        (frame.signature.r, start) = Der.unsigned(start, stop);
        (frame.signature.s, start) = Der.unsigned(start, stop);
        Der.close(start, stop);
    }

    /// @notice Passes the one algorithm that Intel signs with, at `offset`.
    function algorithm(uint256 offset, uint256 end) internal pure returns (uint256 next) {
        unchecked {
            next = offset + ALGORITHM_LENGTH;
            require(
                next <= end && Octets.number(offset, ALGORITHM_LENGTH) == ECDSA_WITH_SHA256,
                IDcapErrors.DcapRuleBroken(IDcapErrors.Rule.Key)
            );
        }
    }
}
