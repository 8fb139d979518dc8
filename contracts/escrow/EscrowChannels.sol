// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {LowLevelCall} from "@openzeppelin/contracts/utils/LowLevelCall.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Hashes} from "@openzeppelin/contracts/utils/cryptography/Hashes.sol";
import {IInferenceEscrow} from "../interfaces/IInferenceEscrow.sol";
import {INodeRegistry} from "../interfaces/INodeRegistry.sol";
import {ChannelId} from "../types/ChannelId.sol";
import {ChannelSlot} from "../types/ChannelSlot.sol";
import {ListCap, toListCap} from "../types/ListCap.sol";
import {NodeId} from "../types/NodeId.sol";

/// @title What a payer does with its channels: fund them, close them, and take back what was not spent
abstract contract EscrowChannels is IInferenceEscrow, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    /// @inheritdoc IInferenceEscrow
    IERC20 public immutable token;
    /// @inheritdoc IInferenceEscrow
    INodeRegistry public immutable registry;
    /// @inheritdoc IInferenceEscrow
    uint40 public immutable thaw;

    /// @dev A struct, so that a settlement finds its place in storage once for reading and writing.
    struct Cell {
        ChannelSlot slot;
    }

    mapping(ChannelId id => Cell cell) internal _cells;

    constructor(IERC20 token_, INodeRegistry registry_, uint40 thaw_) {
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
    function allowList(NodeId nodeId, uint96 cap) external {
        ChannelId id = channelId(msg.sender, nodeId);
        ChannelSlot slot = _cells[id].slot;
        (ListCap allowed, uint96 current) = (toListCap(cap), slot.listCap().toAmount());
        require(slot.withdrawableAt() == 0, InferenceEscrowChannelClosing(id, slot.withdrawableAt()));
        require(allowed.toAmount() > current, InferenceEscrowListCapNotRaised(id, current, cap));
        _cells[id].slot = slot.withListCap(allowed);
        emit ListAllowed(id, allowed.toAmount());
    }

    /// @inheritdoc IInferenceEscrow
    function close(NodeId nodeId) external {
        ChannelId id = channelId(msg.sender, nodeId);
        ChannelSlot slot = _cells[id].slot;
        uint40 withdrawableAt = slot.withdrawableAt();
        require(withdrawableAt == 0, InferenceEscrowChannelClosing(id, withdrawableAt));
        bool allowsLists = slot.listCap().toAmount() != 0;
        require(slot.deposit() > slot.spent() || allowsLists, InferenceEscrowChannelEmpty(id));
        withdrawableAt = uint40(block.timestamp) + thaw;
        _cells[id].slot = slot.withWithdrawableAt(withdrawableAt);
        emit ChannelClosing(id, withdrawableAt);
    }

    /// @inheritdoc IInferenceEscrow
    function reopen(NodeId nodeId) external {
        ChannelId id = channelId(msg.sender, nodeId);
        ChannelSlot slot = _cells[id].slot;
        require(slot.withdrawableAt() != 0, InferenceEscrowChannelNotClosing(id));
        _cells[id].slot = slot.withWithdrawableAt(0);
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
    function channel(address payer, NodeId nodeId) external view returns (Channel memory) {
        ChannelSlot slot = _cells[channelId(payer, nodeId)].slot;
        return Channel(slot.deposit(), slot.spent(), slot.withdrawableAt(), slot.listCap().toAmount());
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
        ChannelSlot slot = _cells[id].slot;
        uint96 current = slot.deposit();
        require(amount != 0, InferenceEscrowZeroAmount(nodeId));
        require(slot.withdrawableAt() == 0, InferenceEscrowChannelClosing(id, slot.withdrawableAt()));
        require(current > slot.spent() || registry.isActive(nodeId), InferenceEscrowNodeInactive(nodeId));
        _cells[id].slot = slot.withDeposit(current + amount);
        emit ChannelFunded(id, msg.sender, nodeId, amount, current + amount);
    }

    function _withdraw(NodeId nodeId) private returns (uint256 amount) {
        ChannelId id = channelId(msg.sender, nodeId);
        ChannelSlot slot = _cells[id].slot;
        uint40 withdrawableAt = slot.withdrawableAt();
        require(withdrawableAt != 0, InferenceEscrowChannelNotClosing(id));
        require(withdrawableAt <= block.timestamp, InferenceEscrowChannelThawing(id, withdrawableAt));
        uint96 spent = slot.spent();
        amount = slot.deposit() - spent;
        _cells[id].slot = ChannelSlot.wrap(0).withDeposit(spent).withSpent(spent);
        emit ChannelWithdrawn(id, amount);
    }
}
