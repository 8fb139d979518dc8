// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ChannelId} from "../types/ChannelId.sol";
import {ModelId} from "../types/ModelId.sol";
import {NodeId} from "../types/NodeId.sol";
import {INodeRegistry} from "./INodeRegistry.sol";

/// @title Payment channels between payers and nodes, settled by voucher and receipt
/// @notice A payer deposits for a node, signs a voucher for each request, and the node's attested enclave key signs a
/// receipt for each answer. Both together move money from the channel to the node's operator; either alone moves none.
/// What was not spent returns to the payer, without anybody's help, once the thaw is over.
/// @dev One ERC-20 token for each escrow, immutable, no owner and no role: nobody can pause, seize or redirect money.
/// Amounts are in the token's smallest unit. All amounts of vouchers and receipts are cumulative for their channel and
/// the counter never restarts, not even by withdrawal, so nothing that was settled can be settled again.
/// Warning: tokens that take a fee on transfer are refused; tokens whose balances change by themselves are no use here.
interface IInferenceEscrow {
    /// @notice Why a settlement was refused; the order is the order of the checks.
    /// @param None not refused
    /// @param KeyUnknown the node has no key of that epoch whose receipts may be settled now
    /// @param AboveVoucher the receipt's amount is above the voucher's
    /// @param AboveDeposit the voucher's amount is above the channel's deposit
    /// @param NothingDue the receipt's amount was settled before
    /// @param ReceiptSignature the receipt is not signed by the node's key of that epoch
    /// @param VoucherSignature the voucher is not signed by the payer
    /// @param NotOptedIn a list names a channel whose payer allowed none
    /// @param AboveListCap a list's amount is above what the payer allowed
    enum SettlementRefusal {
        None,
        KeyUnknown,
        AboveVoucher,
        AboveDeposit,
        NothingDue,
        ReceiptSignature,
        VoucherSignature,
        NotOptedIn,
        AboveListCap
    }

    /// @notice One payer's account with one node.
    /// @param deposit what was ever deposited and not withdrawn, so `deposit - spent` is what remains
    /// @param spent what was ever settled; only grows
    /// @param withdrawableAt when the payer may withdraw (seconds since 1970), zero while the channel is open
    /// @param listCap up to where lists may raise `spent`, zero where the payer allowed none
    struct Channel {
        uint96 deposit;
        uint96 spent;
        uint40 withdrawableAt;
        uint96 listCap;
    }

    /// @notice A deposit of `amount` for a node.
    struct ChannelDeposit {
        NodeId nodeId;
        uint96 amount;
    }

    /// @notice What a payer signs: the promise to pay up to `amount` in all for answers up to `sequence`.
    struct Voucher {
        ChannelId channelId;
        uint64 sequence;
        uint128 amount;
        uint32 keyEpoch;
        ModelId modelId;
        bytes32 requestCommitment;
    }

    /// @notice What the enclave signs: the answer that it gave, and what that costs in all.
    struct Receipt {
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

    /// @notice What the receipts of one enclave for one model have in common.
    /// @param nodeId the node that answered
    /// @param keyEpoch the epoch of the key that signed the receipts, named by the vouchers too
    /// @param modelId the Merkle root of the model's package
    /// @param evidenceHash the evidence that the receipts name
    struct Service {
        NodeId nodeId;
        uint32 keyEpoch;
        ModelId modelId;
        bytes32 evidenceHash;
    }

    /// @notice One channel's latest voucher and receipt, without what the service already says.
    /// @dev The digests of voucher and receipt are both rebuilt from this and from the service, so the two cannot
    /// disagree about channel, sequence, epoch, model or request.
    /// @param payer whose channel it is; may be a contract wallet (EIP-1271)
    /// @param rawCommitment commitment to the output before noise, zero where no noise was added
    /// @param units number of inferences
    /// @param privacySpent in millionths of rho
    /// @param voucherSignature 65 bytes `r || s || v`, or whatever the payer's contract wallet takes
    /// @param receiptSignature 65 bytes `r || s || v`
    struct Settlement {
        address payer;
        uint64 sequence;
        uint128 voucherAmount;
        uint128 receiptAmount;
        bytes32 requestCommitment;
        bytes32 responseCommitment;
        bytes32 rawCommitment;
        uint64 units;
        uint64 privacySpent;
        bytes voucherSignature;
        bytes receiptSignature;
    }

    /// @notice Settlements of one service.
    struct ServiceBatch {
        Service service;
        Settlement[] settlements;
    }

    /// @notice Settlements of one service without padding, for payers that sign with a key.
    /// @param withRaw whether every entry ends with a commitment to the output before noise
    /// @param settlements entries of 268 octets, with `withRaw` of 300: payer 20, sequence 8, voucher's amount 16,
    /// receipt's amount 16, units 8, privacy spent 8, request commitment 32, response commitment 32, voucher's
    /// signature 64, receipt's signature 64, raw commitment 32; signatures as `r || yParityAndS` (EIP-2098)
    struct PackedBatch {
        Service service;
        bool withRaw;
        bytes settlements;
    }

    /// @notice What a node's enclave signs for payers who allowed lists (EIP-712): what each of them owes in all.
    /// @param sequence grows from list to list of one node and key epoch
    /// @param entries 32 octets each: payer 20, cumulative amount 12; payers ascend, so each is named once
    struct SettlementList {
        NodeId nodeId;
        uint32 keyEpoch;
        uint64 sequence;
        bytes entries;
    }

    /// @notice A payer put `amount` into a channel, which has `deposit` now.
    event ChannelFunded(
        ChannelId indexed channelId,
        address indexed payer,
        NodeId indexed nodeId,
        uint256 amount,
        uint256 deposit
    );

    /// @notice A payer asked for the rest of a channel, to be had at `withdrawableAt`.
    event ChannelClosing(ChannelId indexed channelId, uint40 withdrawableAt);

    /// @notice A payer took the request to close back.
    event ChannelReopened(ChannelId indexed channelId);

    /// @notice A payer took the rest of a channel.
    event ChannelWithdrawn(ChannelId indexed channelId, uint256 amount);

    /// @notice A receipt was settled: `paid` more than before was credited to the node's operator.
    event Settled(ChannelId indexed channelId, uint64 sequence, uint256 paid, uint64 units, uint64 privacySpent);

    /// @notice What a packed batch settled with a node: entries of 32 octets, payer 20, paid 12. A wallet asks for the
    /// nodes that it has channels with; sequence and units are in the transaction.
    event SettledPacked(NodeId indexed nodeId, bytes settled);

    /// @notice What a list settled with a node: entries of 32 octets, payer 20, paid 12.
    event ListSettled(NodeId indexed nodeId, uint32 keyEpoch, uint64 sequence, bytes settled);

    /// @notice A payer lets a node's lists raise what the channel has spent up to `cap`.
    event ListAllowed(ChannelId indexed channelId, uint256 cap);

    /// @notice A settlement of a batch was left out; the single form tells the same reason as an error.
    event SettlementRefused(ChannelId indexed channelId, SettlementRefusal refusal);

    /// @notice An operator took what its nodes earned.
    event EarningsWithdrawn(address indexed operator, uint256 amount);

    /// @notice A node's key signed two receipts for one sequence of a channel; the stake's event tells what was taken.
    event ConflictingReceipts(
        NodeId indexed nodeId,
        ChannelId indexed channelId,
        uint64 sequence,
        address signingKey,
        address indexed reporter
    );

    /// @notice An address of zero was given.
    error InferenceEscrowZeroAddress();

    /// @notice The thaw is zero or longer than a year.
    error InferenceEscrowInvalidThaw(uint40 thaw);

    /// @notice A deposit of nothing for a node.
    error InferenceEscrowZeroAmount(NodeId nodeId);

    /// @notice A channel cannot be opened to a node that is not active.
    error InferenceEscrowNodeInactive(NodeId nodeId);

    /// @notice The channel is closing: reopen it first, or withdraw.
    error InferenceEscrowChannelClosing(ChannelId channelId, uint40 withdrawableAt);

    /// @notice The channel is not closing: there is nothing to reopen or to withdraw.
    error InferenceEscrowChannelNotClosing(ChannelId channelId);

    /// @notice The channel has nothing left to close for.
    error InferenceEscrowChannelEmpty(ChannelId channelId);

    /// @notice The thaw is not over.
    error InferenceEscrowChannelThawing(ChannelId channelId, uint40 withdrawableAt);

    /// @notice The token refused the permit, and the allowance does not suffice without it.
    error InferenceEscrowPermitRefused(uint256 required, uint256 allowance);

    /// @notice The token moved another amount than asked: it takes a fee on transfer.
    error InferenceEscrowUnexpectedTransfer(uint256 expected, uint256 received);

    /// @notice The settlement holds no money, for the reason given.
    error InferenceEscrowSettlementRefused(ChannelId channelId, SettlementRefusal refusal);

    /// @notice The octets given are no whole number of entries of `size` octets.
    error InferenceEscrowPackedLength(uint256 length, uint256 size);

    /// @notice A cap can only be raised; it falls to zero with the withdrawal of the channel.
    error InferenceEscrowListCapNotRaised(ChannelId channelId, uint96 current, uint96 offered);

    /// @notice The node has no key of that epoch, or the list is not signed by it.
    error InferenceEscrowListRefused(NodeId nodeId, SettlementRefusal refusal);

    /// @notice A list with this sequence or a later one was settled before.
    error InferenceEscrowListReplayed(NodeId nodeId, uint64 current, uint64 offered);

    /// @notice The payers of a list do not ascend: one is named twice, or the order is another.
    error InferenceEscrowListNotAscending(address previous, address current);

    /// @notice The caller has no earnings.
    error InferenceEscrowNoEarnings(address operator);

    /// @notice The two receipts are not about one sequence of one channel with one node, or do not differ.
    error InferenceEscrowNoConflict(bytes32 firstDigest, bytes32 secondDigest);

    /// @notice The two receipts are signed by different keys.
    error InferenceEscrowSignersDiffer(address first, address second);

    /// @notice Opens channels or tops them up, with one transfer of the sum from the caller, who is their payer.
    /// @dev A channel without a rest (new, spent or withdrawn) opens only to an active node; one that is closing cannot
    /// be topped up. A node may be named several times.
    function deposit(ChannelDeposit[] calldata deposits) external;

    /// @notice As `deposit`, with the token's EIP-2612 permit for exactly the sum of the deposits.
    /// @dev A permit that fails is ignored where the allowance suffices without it: whoever sees the permit may have
    /// used it already, which must not stop the deposit.
    function depositWithPermit(
        ChannelDeposit[] calldata deposits,
        uint256 deadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external;

    /// @notice Lets lists signed by the node's enclave settle without vouchers, until the channel has spent `cap`.
    /// @dev The caller trusts the enclave's count up to there. The cap is kept in 24 bits and rounded down
    /// (`ListAllowed` says to what), can be raised while the channel is open, and falls to zero with the channel's
    /// withdrawal: so the node has the thaw to settle what it has served.
    function allowList(NodeId nodeId, uint96 cap) external;

    /// @notice Starts the thaw of the caller's channel with a node. Receipts can be settled until it is withdrawn.
    /// @dev A channel without a rest can be closed too where it allows lists.
    function close(NodeId nodeId) external;

    /// @notice Takes back the caller's request to close a channel.
    function reopen(NodeId nodeId) external;

    /// @notice Pays the rest of the caller's channel back, after the thaw.
    /// @dev `spent` stays as a floor: what was settled before can never be settled again from a later deposit.
    /// Warning: a receipt that nobody settled in time becomes good again when its payer deposits for that node again.
    function withdraw(NodeId nodeId) external;

    /// @notice As `withdraw` for several channels with one transfer; none is paid unless all can be.
    function withdrawMany(NodeId[] calldata nodeIds) external;

    /// @notice Settles one receipt and credits the node's operator; anyone may call it.
    /// @dev Reverts with `InferenceEscrowSettlementRefused` where it would pay nothing.
    /// @return paid what was credited: the receipt's amount less what was settled before
    function settle(Service calldata service, Settlement calldata settlement) external returns (uint256 paid);

    /// @notice Settles many receipts, of one or of several nodes and operators; anyone may call it.
    /// @dev A settlement that does not hold is left out with the event `SettlementRefused` and the others go on.
    /// The wallets of payers that are contracts get a limited amount of gas to answer, so that none can stop a batch.
    /// @return paid what was credited for each settlement in the order given, zero for those left out
    function settleBatch(ServiceBatch[] calldata batches) external returns (uint256[] memory paid);

    /// @notice As `settleBatch`, with less calldata and one event for each batch; anyone may call it.
    /// @dev For payers and enclaves that sign with keys: a contract wallet is asked by the other forms only. Reverts
    /// where the octets of a batch are no whole number of entries.
    /// @return paid what was credited for all entries together
    function settlePacked(PackedBatch[] calldata batches) external returns (uint256 paid);

    /// @notice Settles what an enclave says that payers owe who allowed its lists; anyone may call it.
    /// @dev An entry that does not hold is left out with the event `SettlementRefused`, and needs a later list. Reverts
    /// where the list itself does not hold: key, signature, sequence, or the order of its payers.
    /// @return paid what was credited for all entries together
    function settleList(SettlementList calldata list, bytes calldata signature) external returns (uint256 paid);

    /// @notice Pays the caller, an operator, what its nodes earned.
    function withdrawEarnings() external;

    /// @notice Shows that one attested key of a node signed two receipts for one sequence of one channel: the operator
    /// is slashed, up to the stake contract's cap, and the node is out for ever. The caller is rewarded as challenger.
    /// @dev Any key that was ever attested for the node counts, expired and revoked ones too: a fault does not lapse.
    /// A node can be slashed once.
    function reportConflictingReceipts(
        Receipt calldata first,
        Receipt calldata second,
        bytes calldata firstSignature,
        bytes calldata secondSignature
    ) external;

    /// @notice The token of all deposits.
    function token() external view returns (IERC20);

    /// @notice The registry whose word on nodes and their keys counts.
    function registry() external view returns (INodeRegistry);

    /// @notice How long a closing channel thaws, in seconds.
    function thaw() external view returns (uint40);

    /// @notice The channel of a payer with a node; all zero if there never was one.
    function channel(address payer, NodeId nodeId) external view returns (Channel memory);

    /// @notice What an operator may withdraw.
    function earnings(address operator) external view returns (uint256);

    /// @notice The sequence of the latest list of a node's key epoch that was settled, zero if none was.
    function listSequence(NodeId nodeId, uint32 keyEpoch) external view returns (uint64);

    /// @notice The name of a payer's channel with a node: `keccak256(abi.encode(payer, nodeId))`.
    function channelId(address payer, NodeId nodeId) external pure returns (ChannelId);

    /// @notice What the payer signs for a voucher (EIP-712).
    function voucherDigest(Voucher calldata voucher) external view returns (bytes32);

    /// @notice What the enclave signs for a receipt (EIP-712).
    function receiptDigest(Receipt calldata receipt) external view returns (bytes32);

    /// @notice What the enclave signs for a list (EIP-712).
    function listDigest(SettlementList calldata list) external view returns (bytes32);
}
