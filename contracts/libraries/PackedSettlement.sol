// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IInferenceEscrow} from "../interfaces/IInferenceEscrow.sol";
import {ChannelId} from "../types/ChannelId.sol";
import {SettlementHash} from "./SettlementHash.sol";

/// @title Settlements without padding, read straight from calldata
/// @dev All entries of a batch are equally long, so one look at the length bounds every read:
/// `payer:20 | sequence:8 | voucherAmount:16 | receiptAmount:16 | units:8 | privacySpent:8 | requestCommitment:32 |
/// responseCommitment:32 | voucherSignature:64 | receiptSignature:64`, and `rawCommitment:32` where the batch has it.
/// Signatures are `r || yParityAndS` (EIP-2098).
library PackedSettlement {
    /// @dev The octets of an entry without and with the commitment to the output before noise.
    uint256 internal constant SIZE = 268;
    uint256 internal constant SIZE_WITH_RAW = 300;

    uint256 private constant VOUCHER_SIGNATURE = 140;
    uint256 private constant RECEIPT_SIGNATURE = 204;
    uint256 private constant HALF_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0;

    /// @dev Where an entry begins in calldata; only `first` makes one out of nothing.
    type Entry is uint256;

    /// @dev Memory for one settlement at a time. From octet 30 on, the first three words are the octets of an EIP-712
    /// digest; the next four are what the precompile is asked.
    struct Room {
        bytes32 prefix;
        bytes32 domain;
        bytes32 structHash;
        bytes32 digest;
        uint256 v;
        bytes32 r;
        bytes32 s;
        address signingKey;
        SettlementHash.VoucherWords voucher;
        SettlementHash.ReceiptWords receipt;
    }

    /// @dev A room for the settlements of a service, whose drafts it goes on to fill.
    function open(
        SettlementHash.Draft memory draft,
        bytes32 domain,
        address signingKey
    ) internal pure returns (Room memory room) {
        room.prefix = bytes32(uint256(0x1901));
        room.domain = domain;
        room.signingKey = signingKey;
        room.voucher = draft.voucher;
        room.receipt = draft.receipt;
    }

    /// @dev The number of entries in a batch, and how long each is; reverts where octets would be left over.
    function measure(IInferenceEscrow.PackedBatch calldata batch) internal pure returns (uint256 count, uint256 size) {
        uint256 length = batch.settlements.length;
        size = batch.withRaw ? SIZE_WITH_RAW : SIZE;
        require(length % size == 0, IInferenceEscrow.InferenceEscrowPackedLength(length, size));
        count = length / size;
    }

    /// @dev The first entry of a batch; it is one only if `measure` counts it.
    function first(bytes calldata entries) internal pure returns (Entry entry) {
        assembly ("memory-safe") {
            entry := entries.offset
        }
    }

    /// @dev The entry behind another one; calldata is far shorter than what this could pass over.
    function next(Entry entry, uint256 size) internal pure returns (Entry) {
        unchecked {
            return Entry.wrap(Entry.unwrap(entry) + size);
        }
    }

    /// @dev Whose channel the entry settles.
    function payer(Entry entry) internal pure returns (address account) {
        assembly ("memory-safe") {
            account := shr(96, calldataload(entry))
        }
    }

    /// @dev What the entry's voucher and its receipt say that the channel owes in all.
    function amounts(Entry entry) internal pure returns (uint256 promised, uint256 due) {
        assembly ("memory-safe") {
            let both := calldataload(add(entry, 28))
            promised := shr(128, both)
            due := and(both, 0xffffffffffffffffffffffffffffffff)
        }
    }

    /// @dev As `SettlementHash.fill`, from an entry of `size` octets; offsets are those of the members of the structs.
    /// The name of the channel is that of the entry's payer and the drafted node.
    function fill(Entry entry, Room memory room, uint256 size) internal pure returns (ChannelId channelId) {
        assembly ("memory-safe") {
            let voucher := mload(add(room, 0x100))
            let receipt := mload(add(room, 0x120))
            mstore(0x00, shr(96, calldataload(entry)))
            mstore(0x20, mload(add(receipt, 0x80)))
            channelId := keccak256(0x00, 0x40)
            mstore(add(voucher, 0x20), channelId)
            mstore(add(receipt, 0x20), channelId)
            let word := shr(192, calldataload(add(entry, 20)))
            mstore(add(voucher, 0x40), word)
            mstore(add(receipt, 0x40), word)
            word := calldataload(add(entry, 28))
            mstore(add(voucher, 0x60), shr(128, word))
            mstore(add(receipt, 0x60), and(word, 0xffffffffffffffffffffffffffffffff))
            word := calldataload(add(entry, 60))
            mstore(add(receipt, 0x160), shr(192, word))
            mstore(add(receipt, 0x180), and(shr(128, word), 0xffffffffffffffff))
            word := calldataload(add(entry, 76))
            mstore(add(voucher, 0xc0), word)
            mstore(add(receipt, 0xe0), word)
            mstore(add(receipt, 0x100), calldataload(add(entry, 108)))
            if gt(size, SIZE) {
                mstore(add(receipt, 0x120), calldataload(add(entry, 268)))
            }
        }
    }

    /// @dev Whose signatures the filled room lacks; none of them, or the first in the order of the checks.
    function refusal(Entry entry, Room memory room) internal view returns (IInferenceEscrow.SettlementRefusal) {
        bytes32 structHash = SettlementHash.hash(room.receipt);
        if (_recover(room, Entry.unwrap(entry), RECEIPT_SIGNATURE, structHash) != room.signingKey)
            return IInferenceEscrow.SettlementRefusal.ReceiptSignature;
        structHash = SettlementHash.hash(room.voucher);
        if (_recover(room, Entry.unwrap(entry), VOUCHER_SIGNATURE, structHash) != payer(entry))
            return IInferenceEscrow.SettlementRefusal.VoucherSignature;
        return IInferenceEscrow.SettlementRefusal.None;
    }

    /// @dev Who made a signature, zero for nobody: the precompile answers with one word, or with none at all, and what
    /// it answers for a high s does not count.
    function _recover(
        Room memory room,
        uint256 entry,
        uint256 offset,
        bytes32 structHash
    ) private view returns (address signer) {
        assembly ("memory-safe") {
            let signature := add(entry, offset)
            let parityAndS := calldataload(add(signature, 0x20))
            let s := shr(1, shl(1, parityAndS))
            mstore(add(room, 0x40), structHash)
            let question := add(room, 0x60)
            mstore(question, keccak256(add(room, 0x1e), 0x42))
            mstore(add(room, 0x80), add(27, shr(255, parityAndS)))
            mstore(add(room, 0xa0), calldataload(signature))
            mstore(add(room, 0xc0), s)
            pop(staticcall(gas(), 0x01, question, 0x80, 0x00, 0x20))
            signer := mul(mload(0x00), and(eq(returndatasize(), 0x20), iszero(gt(s, HALF_ORDER))))
        }
    }
}
