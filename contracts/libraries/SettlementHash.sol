// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IInferenceEscrow} from "../interfaces/IInferenceEscrow.sol";
import {ChannelId} from "../types/ChannelId.sol";
import {ModelId} from "../types/ModelId.sol";
import {NodeId} from "../types/NodeId.sol";

/// @title EIP-712 struct hashes of vouchers and receipts
/// @dev A struct in memory whose members are all value types lies there exactly as EIP-712 encodes it, one word for
/// each member, so a hash is one keccak over the struct with its type hash as the first member. A batch fills the same
/// two structs again for every settlement: memory does not grow with the batch.
library SettlementHash {
    bytes32 internal constant VOUCHER_TYPEHASH = keccak256(
        "Voucher(bytes32 channelId,uint64 sequence,uint128 amount,uint32 keyEpoch,bytes32 modelId,"
        "bytes32 requestCommitment)"
    );

    bytes32 internal constant RECEIPT_TYPEHASH = keccak256(
        "Receipt(bytes32 channelId,uint64 sequence,uint128 amount,bytes32 nodeId,uint32 keyEpoch,bytes32 modelId,"
        "bytes32 requestCommitment,bytes32 responseCommitment,bytes32 rawCommitment,bytes32 evidenceHash,"
        "uint64 units,uint64 privacySpent)"
    );

    bytes32 internal constant LIST_TYPEHASH = keccak256(
        "SettlementList(bytes32 nodeId,uint32 keyEpoch,uint64 sequence,bytes entries)"
    );

    /// @dev What is hashed for a voucher.
    struct VoucherWords {
        bytes32 typeHash;
        ChannelId channelId;
        uint64 sequence;
        uint128 amount;
        uint32 keyEpoch;
        ModelId modelId;
        bytes32 requestCommitment;
    }

    /// @dev What is hashed for a receipt.
    struct ReceiptWords {
        bytes32 typeHash;
        ChannelId channelId;
        uint64 sequence;
        uint128 amount;
        NodeId nodeId;
        uint32 keyEpoch;
        ModelId modelId;
        bytes32 requestCommitment;
        bytes32 responseCommitment;
        bytes32 rawCommitment;
        bytes32 evidenceHash;
        uint64 units;
        uint64 privacySpent;
    }

    /// @dev The two structs, filled in for one service and then for each of its settlements in turn.
    struct Draft {
        VoucherWords voucher;
        ReceiptWords receipt;
    }

    /// @dev Fills in what all settlements of a service share.
    function draft(IInferenceEscrow.Service calldata service) internal pure returns (Draft memory words) {
        words.voucher.typeHash = VOUCHER_TYPEHASH;
        words.voucher.keyEpoch = service.keyEpoch;
        words.voucher.modelId = service.modelId;
        words.receipt.typeHash = RECEIPT_TYPEHASH;
        words.receipt.nodeId = service.nodeId;
        words.receipt.keyEpoch = service.keyEpoch;
        words.receipt.modelId = service.modelId;
        words.receipt.evidenceHash = service.evidenceHash;
    }

    /// @dev Fills in one settlement: what voucher and receipt share goes into both.
    function fill(
        Draft memory words,
        ChannelId channelId,
        IInferenceEscrow.Settlement calldata settlement
    ) internal pure {
        VoucherWords memory voucher = words.voucher;
        ReceiptWords memory receipt = words.receipt;
        uint64 sequence = settlement.sequence;
        bytes32 requestCommitment = settlement.requestCommitment;
        voucher.channelId = channelId;
        voucher.sequence = sequence;
        voucher.amount = settlement.voucherAmount;
        voucher.requestCommitment = requestCommitment;
        receipt.channelId = channelId;
        receipt.sequence = sequence;
        receipt.amount = settlement.receiptAmount;
        receipt.requestCommitment = requestCommitment;
        receipt.responseCommitment = settlement.responseCommitment;
        receipt.rawCommitment = settlement.rawCommitment;
        receipt.units = settlement.units;
        receipt.privacySpent = settlement.privacySpent;
    }

    /// @dev The hash of the drafted voucher.
    function hash(VoucherWords memory voucher) internal pure returns (bytes32 structHash) {
        assembly ("memory-safe") {
            structHash := keccak256(voucher, 0xe0)
        }
    }

    /// @dev The hash of the drafted receipt.
    function hash(ReceiptWords memory receipt) internal pure returns (bytes32 structHash) {
        assembly ("memory-safe") {
            structHash := keccak256(receipt, 0x1a0)
        }
    }

    /// @dev The hash of a whole voucher.
    function hash(IInferenceEscrow.Voucher calldata voucher) internal pure returns (bytes32) {
        return keccak256(abi.encode(VOUCHER_TYPEHASH, voucher));
    }

    /// @dev The hash of a whole receipt.
    function hash(IInferenceEscrow.Receipt calldata receipt) internal pure returns (bytes32) {
        return keccak256(abi.encode(RECEIPT_TYPEHASH, receipt));
    }

    /// @dev The hash of a list.
    function hash(IInferenceEscrow.SettlementList calldata list) internal pure returns (bytes32) {
        return keccak256(abi.encode(LIST_TYPEHASH, list.nodeId, list.keyEpoch, list.sequence, keccak256(list.entries)));
    }

    /// @dev Whether two receipts are about one sequence of one channel.
    function isOfSameSequenceAs(
        IInferenceEscrow.Receipt calldata first,
        IInferenceEscrow.Receipt calldata second
    ) internal pure returns (bool) {
        return
            ChannelId.unwrap(first.channelId) == ChannelId.unwrap(second.channelId) &&
            first.sequence == second.sequence;
    }
}
