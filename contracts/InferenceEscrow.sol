// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {LowLevelCall} from "@openzeppelin/contracts/utils/LowLevelCall.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {Hashes} from "@openzeppelin/contracts/utils/cryptography/Hashes.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {IInferenceEscrow} from "./interfaces/IInferenceEscrow.sol";
import {INodeRegistry} from "./interfaces/INodeRegistry.sol";
import {PayerSignature} from "./libraries/PayerSignature.sol";
import {SettlementHash} from "./libraries/SettlementHash.sol";
import {ChannelId} from "./types/ChannelId.sol";
import {NodeId} from "./types/NodeId.sol";

/// @title InferenceEscrow
/// @dev The manual is the interface.
contract InferenceEscrow is IInferenceEscrow, EIP712, ReentrancyGuardTransient {
    using MessageHashUtils for bytes32;
    using PayerSignature for address;
    using SafeERC20 for IERC20;
    using SettlementHash for *;

    /// @inheritdoc IInferenceEscrow
    IERC20 public immutable token;
    /// @inheritdoc IInferenceEscrow
    INodeRegistry public immutable registry;
    /// @inheritdoc IInferenceEscrow
    uint40 public immutable thaw;

    /// @inheritdoc IInferenceEscrow
    mapping(address operator => uint256 amount) public earnings;

    mapping(ChannelId id => Channel record) private _channels;

    /// @dev What the settlements of one service share.
    struct Ledger {
        bytes32 domain;
        address signingKey;
        SettlementHash.Draft draft;
    }

    constructor(IERC20 token_, INodeRegistry registry_, uint40 thaw_) EIP712("Cloister InferenceEscrow", "1") {
        bool complete = address(token_) != address(0) && address(registry_) != address(0);
        require(complete, InferenceEscrowZeroAddress());
        require(thaw_ != 0 && thaw_ <= 365 days, InferenceEscrowInvalidThaw(thaw_));
        token = token_;
        registry = registry_;
        thaw = thaw_;
    }

    /// @inheritdoc IInferenceEscrow
    function deposit(ChannelDeposit[] calldata deposits) external nonReentrant {
        _deposit(deposits);
    }

    /// @inheritdoc IInferenceEscrow
    function depositWithPermit(
        ChannelDeposit[] calldata deposits,
        uint256 deadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external nonReentrant {
        uint256 sum;
        for (uint256 i = 0; i < deposits.length; ++i) sum += deposits[i].amount;
        bytes memory permit = abi.encodeCall(IERC20Permit.permit, (msg.sender, address(this), sum, deadline, v, r, s));
        // Whoever saw the permit may have used it already: then it fails here, and the allowance that it gave is there.
        bool permitted = LowLevelCall.callNoReturn(address(token), permit);
        uint256 allowance = token.allowance(msg.sender, address(this));
        require(permitted || allowance >= sum, InferenceEscrowPermitRefused(sum, allowance));
        _deposit(deposits);
    }

    /// @inheritdoc IInferenceEscrow
    function close(NodeId nodeId) external {
        ChannelId id = channelId(msg.sender, nodeId);
        Channel storage record = _channels[id];
        uint40 withdrawableAt = record.withdrawableAt;
        require(withdrawableAt == 0, InferenceEscrowChannelClosing(id, withdrawableAt));
        require(record.deposit > record.spent, InferenceEscrowChannelEmpty(id));
        withdrawableAt = uint40(block.timestamp) + thaw;
        record.withdrawableAt = withdrawableAt;
        emit ChannelClosing(id, withdrawableAt);
    }

    /// @inheritdoc IInferenceEscrow
    function reopen(NodeId nodeId) external {
        ChannelId id = channelId(msg.sender, nodeId);
        Channel storage record = _channels[id];
        require(record.withdrawableAt != 0, InferenceEscrowChannelNotClosing(id));
        record.withdrawableAt = 0;
        emit ChannelReopened(id);
    }

    /// @inheritdoc IInferenceEscrow
    function withdraw(NodeId nodeId) external nonReentrant {
        token.safeTransfer(msg.sender, _withdraw(nodeId));
    }

    /// @inheritdoc IInferenceEscrow
    function withdrawMany(NodeId[] calldata nodeIds) external nonReentrant {
        uint256 sum;
        for (uint256 i = 0; i < nodeIds.length; ++i) sum += _withdraw(nodeIds[i]);
        token.safeTransfer(msg.sender, sum);
    }

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
    function channel(address payer, NodeId nodeId) external view returns (Channel memory) {
        return _channels[channelId(payer, nodeId)];
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
    function channelId(address payer, NodeId nodeId) public pure returns (ChannelId) {
        bytes32 payerWord = bytes32(uint256(uint160(payer)));
        return ChannelId.wrap(Hashes.efficientKeccak256(payerWord, NodeId.unwrap(nodeId)));
    }

    function _deposit(ChannelDeposit[] calldata deposits) private {
        uint256 sum;
        for (uint256 i = 0; i < deposits.length; ++i) {
            _fund(deposits[i].nodeId, deposits[i].amount);
            sum += deposits[i].amount;
        }
        uint256 before = token.balanceOf(address(this));
        token.safeTransferFrom(msg.sender, address(this), sum);
        uint256 received = token.balanceOf(address(this)) - before;
        require(received == sum, InferenceEscrowUnexpectedTransfer(sum, received));
    }

    function _fund(NodeId nodeId, uint96 amount) private {
        ChannelId id = channelId(msg.sender, nodeId);
        Channel storage record = _channels[id];
        uint96 current = record.deposit;
        require(amount != 0, InferenceEscrowZeroAmount(nodeId));
        require(record.withdrawableAt == 0, InferenceEscrowChannelClosing(id, record.withdrawableAt));
        require(current > record.spent || registry.isActive(nodeId), InferenceEscrowNodeInactive(nodeId));
        record.deposit = current + amount;
        emit ChannelFunded(id, msg.sender, nodeId, amount, current + amount);
    }

    function _withdraw(NodeId nodeId) private returns (uint256 amount) {
        ChannelId id = channelId(msg.sender, nodeId);
        Channel memory record = _channels[id];
        require(record.withdrawableAt != 0, InferenceEscrowChannelNotClosing(id));
        require(record.withdrawableAt <= block.timestamp, InferenceEscrowChannelThawing(id, record.withdrawableAt));
        amount = record.deposit - record.spent;
        _channels[id] = Channel({deposit: record.spent, spent: record.spent, withdrawableAt: 0});
        emit ChannelWithdrawn(id, amount);
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
        Channel storage record = _channels[id];
        (uint256 funded, uint256 spent) = (record.deposit, record.spent);
        ledger.draft.fill(id, settlement);
        refusal = _refusal(ledger, settlement, funded, spent);
        if (refusal != SettlementRefusal.None) return (0, refusal);
        paid = receipt.amount - spent;
        record.spent = uint96(receipt.amount);
        emit Settled(id, receipt.sequence, paid, receipt.units, receipt.privacySpent);
    }

    function _refusal(
        Ledger memory ledger,
        Settlement calldata settlement,
        uint256 funded,
        uint256 spent
    ) private view returns (SettlementRefusal) {
        SettlementHash.VoucherWords memory voucher = ledger.draft.voucher;
        SettlementHash.ReceiptWords memory receipt = ledger.draft.receipt;
        if (ledger.signingKey == address(0)) return SettlementRefusal.KeyUnknown;
        if (receipt.amount > voucher.amount) return SettlementRefusal.AboveVoucher;
        if (voucher.amount > funded) return SettlementRefusal.AboveDeposit;
        if (receipt.amount <= spent) return SettlementRefusal.NothingDue;
        bytes32 digest = ledger.domain.toTypedDataHash(receipt.hash());
        if (!ledger.signingKey.isByKey(digest, settlement.receiptSignature)) return SettlementRefusal.ReceiptSignature;
        digest = ledger.domain.toTypedDataHash(voucher.hash());
        if (!settlement.payer.isBy(digest, settlement.voucherSignature)) return SettlementRefusal.VoucherSignature;
        return SettlementRefusal.None;
    }
}
