// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {IVerdictChallenges} from "../interfaces/IVerdictChallenges.sol";

/// @title Who signed one digest
library Signers {
    /// @dev `r || s || v`.
    uint256 internal constant LENGTH = 65;

    /// @notice The signers of `digest` by signatures one after the other, in ascending order of addresses, so that
    /// none counts twice. What is left of a last signature is the caller's to refuse.
    function recover(bytes32 digest, bytes calldata signatures) internal pure returns (address[] memory signers) {
        signers = new address[](signatures.length / LENGTH);
        address previous = address(0);
        for (uint256 i = 0; i < signers.length; ++i) {
            uint256 start = i * LENGTH;
            address signer = ECDSA.recoverCalldata(digest, signatures[start:start + LENGTH]);
            require(signer > previous, IVerdictChallenges.VerdictChallengesSignersNotAscending(previous, signer));
            (signers[i], previous) = (signer, signer);
        }
    }
}
