// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {EscrowChannels} from "./escrow/EscrowChannels.sol";
import {IInferenceEscrow} from "./interfaces/IInferenceEscrow.sol";
import {INodeRegistry} from "./interfaces/INodeRegistry.sol";
import {PackedSettlement} from "./libraries/PackedSettlement.sol";
import {PayerSignature} from "./libraries/PayerSignature.sol";
import {SettledLog} from "./libraries/SettledLog.sol";
import {SettlementHash} from "./libraries/SettlementHash.sol";
import {ChannelId} from "./types/ChannelId.sol";
import {ChannelSlot} from "./types/ChannelSlot.sol";
import {NodeId} from "./types/NodeId.sol";

/// @title InferenceEscrow
/// @dev The manual is the interface.
contract InferenceEscrow is EscrowChannels, EIP712 {
    using MessageHashUtils for bytes32;
    using PackedSettlement for *;
    using PayerSignature for address;
    using SafeERC20 for IERC20;
    using SettledLog for bytes;
    using SettlementHash for *;

    /// @inheritdoc IInferenceEscrow
    mapping(address operator => uint256 amount) public earnings;
    /// @inheritdoc IInferenceEscrow
    mapping(NodeId nodeId => mapping(uint32 keyEpoch => uint64 sequence)) public listSequence;

    /// @dev What the settlements of one service share.
    struct Ledger {
        bytes32 domain;
        address signingKey;
        SettlementHash.Draft draft;
    }

    constructor(
        IERC20 token_,
        INodeRegistry registry_,
        uint40 thaw_
    ) EscrowChannels(token_, registry_, thaw_) EIP712("Cloister InferenceEscrow", "1") {}

    /// @inheritdoc IInferenceEscrow
    function settle(
        Service calldata service,
        Settlement calldata settlement
    ) external nonReentrant returns (uint256 paid) {
        (Ledger memory ledger, address operator) = _ledger(service);
        SettlementRefusal refusal;
        (paid, refusal) = _apply(ledger, settlement);
        require(
            refusal == SettlementRefusal.None,
            InferenceEscrowSettlementRefused(ledger.draft.receipt.channelId, refusal)
        );
        earnings[operator] += paid;
    }

    /// @inheritdoc IInferenceEscrow
    function settleBatch(ServiceBatch[] calldata batches) external nonReentrant returns (uint256[] memory paid) {
        uint256 total;
        for (uint256 i = 0; i < batches.length; ++i) total += batches[i].settlements.length;
        paid = new uint256[](total);
        uint256 done;
        for (uint256 i = 0; i < batches.length; ++i) done = _settleService(batches[i], paid, done);
    }

    /// @inheritdoc IInferenceEscrow
    function settlePacked(PackedBatch[] calldata batches) external nonReentrant returns (uint256 paid) {
        for (uint256 i = 0; i < batches.length; ++i) paid += _settlePacked(batches[i]);
    }

    /// @inheritdoc IInferenceEscrow
    function settleList(
        SettlementList calldata list,
        bytes calldata signature
    ) external nonReentrant returns (uint256 paid) {
        address operator = _openList(list, signature);
        NodeId nodeId = list.nodeId;
        bytes calldata entries = list.entries;
        uint256 count = entries.length / SettledLog.SIZE;
        bytes memory log = SettledLog.open(count);
        address previous;
        // Each amount is below 2**96, and there are fewer than 2**64.
        unchecked {
            for (uint256 i = 0; i < count; ++i) {
                (address payer, uint256 amount) = entries.at(i);
                require(payer > previous, InferenceEscrowListNotAscending(previous, payer));
                previous = payer;
                paid += _applyListed(log, payer, nodeId, amount);
            }
        }
        if (paid == 0) return 0;
        earnings[operator] += paid;
        emit ListSettled(nodeId, list.keyEpoch, list.sequence, log);
    }

    /// @inheritdoc IInferenceEscrow
    function withdrawEarnings() external nonReentrant {
        uint256 amount = earnings[msg.sender];
        require(amount != 0, InferenceEscrowNoEarnings(msg.sender));
        earnings[msg.sender] = 0;
        emit EarningsWithdrawn(msg.sender, amount);
        token.safeTransfer(msg.sender, amount);
    }

    /// @inheritdoc IInferenceEscrow
    function reportConflictingReceipts(
        Receipt calldata first,
        Receipt calldata second,
        bytes calldata firstSignature,
        bytes calldata secondSignature
    ) external nonReentrant {
        NodeId nodeId = first.nodeId;
        bytes32 firstDigest = receiptDigest(first);
        bytes32 secondDigest = receiptDigest(second);
        require(
            firstDigest != secondDigest && nodeId == second.nodeId && first.isOfSameSequenceAs(second),
            InferenceEscrowNoConflict(firstDigest, secondDigest)
        );
        address signer = ECDSA.recoverCalldata(firstDigest, firstSignature);
        address other = ECDSA.recoverCalldata(secondDigest, secondSignature);
        require(signer == other, InferenceEscrowSignersDiffer(signer, other));
        emit ConflictingReceipts(nodeId, first.channelId, first.sequence, signer, msg.sender);
        registry.convict(nodeId, signer, msg.sender);
    }

    /// @inheritdoc IInferenceEscrow
    function voucherDigest(Voucher calldata voucher) external view returns (bytes32) {
        return _hashTypedDataV4(voucher.hash());
    }

    /// @inheritdoc IInferenceEscrow
    function receiptDigest(Receipt calldata receipt) public view returns (bytes32) {
        return _hashTypedDataV4(receipt.hash());
    }

    /// @inheritdoc IInferenceEscrow
    function listDigest(SettlementList calldata list) public view returns (bytes32) {
        return _hashTypedDataV4(list.hash());
    }

    function _ledger(Service calldata service) private view returns (Ledger memory ledger, address operator) {
        (ledger.signingKey, operator) = registry.receiptKey(service.nodeId, service.keyEpoch);
        ledger.domain = _domainSeparatorV4();
        ledger.draft = service.draft();
    }

    function _settleService(
        ServiceBatch calldata batch,
        uint256[] memory paid,
        uint256 done
    ) private returns (uint256) {
        (Ledger memory ledger, address operator) = _ledger(batch.service);
        Settlement[] calldata settlements = batch.settlements;
        uint256 earned;
        for (uint256 i = 0; i < settlements.length; ++i) {
            (uint256 amount, SettlementRefusal refusal) = _apply(ledger, settlements[i]);
            if (refusal != SettlementRefusal.None) emit SettlementRefused(ledger.draft.receipt.channelId, refusal);
            earned += amount;
            paid[done++] = amount;
        }
        if (earned != 0) earnings[operator] += earned;
        return done;
    }

    function _apply(
        Ledger memory ledger,
        Settlement calldata settlement
    ) private returns (uint256 paid, SettlementRefusal refusal) {
        SettlementHash.ReceiptWords memory receipt = ledger.draft.receipt;
        ChannelId id = channelId(settlement.payer, receipt.nodeId);
        Cell storage cell = _cells[id];
        ChannelSlot slot = cell.slot;
        ledger.draft.fill(id, settlement);
        refusal = _refusal(ledger, settlement, slot);
        if (refusal != SettlementRefusal.None) return (0, refusal);
        paid = receipt.amount - slot.spent();
        cell.slot = slot.withSpent(uint96(receipt.amount));
        emit Settled(id, receipt.sequence, paid, receipt.units, receipt.privacySpent);
    }

    function _settlePacked(PackedBatch calldata batch) private returns (uint256 paid) {
        (Ledger memory ledger, address operator) = _ledger(batch.service);
        (uint256 count, uint256 size) = batch.measure();
        PackedSettlement.Room memory room = ledger.draft.open(ledger.domain, ledger.signingKey);
        PackedSettlement.Entry entry = batch.settlements.first();
        bytes memory log = SettledLog.open(count);
        // Each amount is below 2**96 and calldata far shorter than 2**64: neither sum can overflow.
        unchecked {
            for (; count != 0; --count) {
                paid += _applyPacked(entry, size, room, log);
                entry = entry.next(size);
            }
        }
        if (paid == 0) return 0;
        earnings[operator] += paid;
        emit SettledPacked(batch.service.nodeId, log);
    }

    function _applyPacked(
        PackedSettlement.Entry entry,
        uint256 size,
        PackedSettlement.Room memory room,
        bytes memory log
    ) private returns (uint256 paid) {
        ChannelId id = entry.fill(room, size);
        Cell storage cell = _cells[id];
        ChannelSlot slot = cell.slot;
        (uint256 promised, uint256 due) = entry.amounts();
        SettlementRefusal refusal = _amountRefusal(room.signingKey, slot, promised, due);
        if (refusal == SettlementRefusal.None) refusal = entry.refusal(room);
        if (refusal != SettlementRefusal.None) {
            emit SettlementRefused(id, refusal);
            return 0;
        }
        unchecked {
            paid = due - slot.spent();
        }
        cell.slot = slot.withSpent(uint96(due));
        log.add(entry.payer(), paid);
    }

    function _openList(SettlementList calldata list, bytes calldata signature) private returns (address operator) {
        (NodeId nodeId, uint32 keyEpoch, uint64 sequence) = (list.nodeId, list.keyEpoch, list.sequence);
        uint64 current = listSequence[nodeId][keyEpoch];
        uint256 length = list.entries.length;
        address key;
        (key, operator) = registry.receiptKey(nodeId, keyEpoch);
        require(key != address(0), InferenceEscrowListRefused(nodeId, SettlementRefusal.KeyUnknown));
        require(sequence > current, InferenceEscrowListReplayed(nodeId, current, sequence));
        require(length % SettledLog.SIZE == 0, InferenceEscrowPackedLength(length, SettledLog.SIZE));
        bool signed = key.isByKey(listDigest(list), signature);
        require(signed, InferenceEscrowListRefused(nodeId, SettlementRefusal.ReceiptSignature));
        listSequence[nodeId][keyEpoch] = sequence;
    }

    function _applyListed(
        bytes memory log,
        address payer,
        NodeId nodeId,
        uint256 amount
    ) private returns (uint256 paid) {
        ChannelId id = channelId(payer, nodeId);
        Cell storage cell = _cells[id];
        ChannelSlot slot = cell.slot;
        SettlementRefusal refusal = _listRefusal(slot, amount);
        if (refusal != SettlementRefusal.None) {
            emit SettlementRefused(id, refusal);
            return 0;
        }
        unchecked {
            paid = amount - slot.spent();
        }
        cell.slot = slot.withSpent(uint96(amount));
        log.add(payer, paid);
    }

    function _refusal(
        Ledger memory ledger,
        Settlement calldata settlement,
        ChannelSlot slot
    ) private view returns (SettlementRefusal refusal) {
        uint256 promised = ledger.draft.voucher.amount;
        refusal = _amountRefusal(ledger.signingKey, slot, promised, ledger.draft.receipt.amount);
        if (refusal != SettlementRefusal.None) return refusal;
        bytes32 digest = ledger.domain.toTypedDataHash(ledger.draft.receipt.hash());
        if (!ledger.signingKey.isByKey(digest, settlement.receiptSignature)) return SettlementRefusal.ReceiptSignature;
        digest = ledger.domain.toTypedDataHash(ledger.draft.voucher.hash());
        if (!settlement.payer.isBy(digest, settlement.voucherSignature)) return SettlementRefusal.VoucherSignature;
    }

    function _amountRefusal(
        address signingKey,
        ChannelSlot slot,
        uint256 promised,
        uint256 due
    ) private pure returns (SettlementRefusal) {
        if (signingKey == address(0)) return SettlementRefusal.KeyUnknown;
        if (due > promised) return SettlementRefusal.AboveVoucher;
        if (promised > slot.deposit()) return SettlementRefusal.AboveDeposit;
        if (due <= slot.spent()) return SettlementRefusal.NothingDue;
        return SettlementRefusal.None;
    }

    function _listRefusal(ChannelSlot slot, uint256 amount) private pure returns (SettlementRefusal) {
        uint256 cap = slot.listCap().toAmount();
        if (cap == 0) return SettlementRefusal.NotOptedIn;
        if (amount > cap) return SettlementRefusal.AboveListCap;
        if (amount > slot.deposit()) return SettlementRefusal.AboveDeposit;
        if (amount <= slot.spent()) return SettlementRefusal.NothingDue;
        return SettlementRefusal.None;
    }
}
