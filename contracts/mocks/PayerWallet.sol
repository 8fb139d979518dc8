// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

/// @title A contract wallet that pays for inference, honest or not
/// @dev For tests only. Signatures are the owner's 65 bytes and one more byte, so that no key signature passes as one.
contract PayerWallet is IERC1271 {
    /// @notice How the wallet answers: as it should, by using all gas, by reverting, with too short an answer, or with
    /// a long one.
    enum Manner {
        Honest,
        Greedy,
        Reverting,
        Short,
        Long
    }

    address private immutable _owner;
    Manner private _manner;

    error PayerWalletReverts();

    constructor(address owner) {
        _owner = owner;
    }

    /// @notice Changes how the wallet answers.
    function setManner(Manner manner) external {
        _manner = manner;
    }

    /// @notice Calls `target` with `data` as the wallet.
    function execute(address target, bytes calldata data) external {
        Address.functionCall(target, data);
    }

    /// @inheritdoc IERC1271
    function isValidSignature(bytes32 hash, bytes calldata signature) external view returns (bytes4) {
        if (_manner == Manner.Greedy) _burnGas();
        require(_manner != Manner.Reverting, PayerWalletReverts());
        if (_manner == Manner.Short) _answer(4);
        if (_manner == Manner.Long) _answer(20_000);
        bool holds = signature.length == 66 && ECDSA.recoverCalldata(hash, signature[:65]) == _owner;
        return holds ? IERC1271.isValidSignature.selector : bytes4(0xffffffff);
    }

    function _burnGas() private view {
        uint256 seed = block.timestamp;
        while (true) seed = uint256(keccak256(abi.encode(seed)));
    }

    function _answer(uint256 length) private pure {
        bytes32 selector = IERC1271.isValidSignature.selector;
        assembly ("memory-safe") {
            mstore(0x00, selector)
            return(0x00, length)
        }
    }
}
