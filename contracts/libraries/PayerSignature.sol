// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

/// @title Signatures of payers: a key's, or a contract wallet's with limited gas
/// @dev The key comes first: it needs no look at the account's code and still holds for an account with delegated code
/// (EIP-7702). OpenZeppelin's SignatureChecker hands all gas to a wallet, so one of them could stop a whole batch.
library PayerSignature {
    /// @dev What a contract wallet may use to answer: enough for a multi-signature or a P-256 key.
    uint256 internal constant WALLET_GAS = 200_000;

    /// @dev Whether the key of `signer` made the 65-byte signature.
    function isByKey(address signer, bytes32 digest, bytes calldata signature) internal pure returns (bool) {
        (address recovered, ECDSA.RecoverError fault, ) = ECDSA.tryRecoverCalldata(digest, signature);
        return fault == ECDSA.RecoverError.NoError && recovered == signer;
    }

    /// @dev Whether `signer` stands for the digest by key or by contract (EIP-1271).
    function isBy(address signer, bytes32 digest, bytes calldata signature) internal view returns (bool) {
        return isByKey(signer, digest, signature) || _isByWallet(signer, digest, signature);
    }

    function _isByWallet(address wallet, bytes32 digest, bytes calldata signature) private view returns (bool holds) {
        bytes memory question = abi.encodeCall(IERC1271.isValidSignature, (digest, signature));
        bytes32 expected = bytes32(IERC1271.isValidSignature.selector);
        uint256 allowance = WALLET_GAS;
        // Only the first word of the answer is copied, so a long answer costs the wallet and not the batch.
        assembly ("memory-safe") {
            let answered := staticcall(allowance, wallet, add(question, 0x20), mload(question), 0x00, 0x20)
            holds := and(and(answered, gt(returndatasize(), 0x1f)), eq(mload(0x00), expected))
        }
    }
}
