// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {InferenceEscrow} from "../../contracts/InferenceEscrow.sol";
import {IInferenceEscrow} from "../../contracts/interfaces/IInferenceEscrow.sol";
import {INodeRegistry} from "../../contracts/interfaces/INodeRegistry.sol";
import {INodeStake} from "../../contracts/interfaces/INodeStake.sol";
import {MockNodeRegistry} from "../../contracts/mocks/MockNodeRegistry.sol";
import {TestToken} from "../../contracts/mocks/TestToken.sol";
import {ChannelId} from "../../contracts/types/ChannelId.sol";
import {ModelId} from "../../contracts/types/ModelId.sol";
import {NodeId} from "../../contracts/types/NodeId.sol";

interface Vm {
    function addr(uint256 privateKey) external pure returns (address);
    function assume(bool condition) external pure;
    function prank(address sender) external;
    function sign(uint256 privateKey, bytes32 digest) external pure returns (uint8 v, bytes32 r, bytes32 s);
    function warp(uint256 timestamp) external;
}

/// @dev An escrow over three payers, three nodes and two operators, and what it takes to sign for them.
abstract contract EscrowWorld {
    Vm internal constant VM = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
    uint40 internal constant THAW = 7 days;
    uint32 internal constant EPOCH = 4;
    uint256 internal constant PAYERS = 3;
    uint256 internal constant NODES = 3;
    uint256 internal constant OPERATORS = 2;

    TestToken public token;
    MockNodeRegistry public registry;
    InferenceEscrow public escrow;

    /// @dev Kept, because deriving an address from its key is what a run of these tests spends most of its time on.
    address[] private _payers;
    address[] private _operators;

    function build() internal {
        nameActors();
        token = new TestToken();
        registry = new MockNodeRegistry(INodeStake(address(0)));
        escrow = new InferenceEscrow(token, INodeRegistry(address(registry)), THAW);
        for (uint256 node = 0; node < NODES; ++node) {
            registry.setNode(nodeId(node), operatorOf(node), true);
            registry.setKey(nodeId(node), EPOCH, VM.addr(nodeKey(node)));
        }
        for (uint256 payer = 0; payer < PAYERS; ++payer) {
            token.mint(payerAt(payer), type(uint128).max);
            VM.prank(payerAt(payer));
            token.approve(address(escrow), type(uint256).max);
        }
    }

    function nameActors() internal {
        for (uint256 payer = 0; payer < PAYERS; ++payer) _payers.push(VM.addr(payerKey(payer)));
        for (uint256 operator = 0; operator < OPERATORS; ++operator) _operators.push(VM.addr(3000 + operator));
    }

    function nodeId(uint256 node) public pure returns (NodeId) {
        return NodeId.wrap(keccak256(abi.encode("node", node)));
    }

    function operatorAt(uint256 operator) public view returns (address) {
        return _operators[operator];
    }

    function operatorOf(uint256 node) public view returns (address) {
        return operatorAt(node % OPERATORS);
    }

    function payerAt(uint256 payer) public view returns (address) {
        return _payers[payer];
    }

    function payerKey(uint256 payer) internal pure returns (uint256) {
        return 1000 + payer;
    }

    function nodeKey(uint256 node) internal pure returns (uint256) {
        return 2000 + node;
    }

    function serviceOf(uint256 node) internal pure returns (IInferenceEscrow.Service memory) {
        return IInferenceEscrow.Service(nodeId(node), EPOCH, ModelId.wrap(keccak256("model")), keccak256("evidence"));
    }

    function depositOf(
        uint256 node,
        uint96 amount
    ) internal pure returns (IInferenceEscrow.ChannelDeposit[] memory list) {
        list = new IInferenceEscrow.ChannelDeposit[](1);
        list[0] = IInferenceEscrow.ChannelDeposit(nodeId(node), amount);
    }

    /// @dev A settlement that says `voucherAmount` and `receiptAmount`, signed by the two keys given.
    function settlementOf(
        uint256 payer,
        uint256 node,
        uint128[2] memory amounts,
        uint256[2] memory keys
    ) internal view returns (IInferenceEscrow.Settlement memory settlement) {
        settlement.payer = payerAt(payer);
        settlement.sequence = uint64(amounts[1]);
        settlement.voucherAmount = amounts[0];
        settlement.receiptAmount = amounts[1];
        settlement.requestCommitment = keccak256(abi.encode("request", amounts[1]));
        settlement.responseCommitment = keccak256(abi.encode("response", amounts[1]));
        settlement.units = 1;
        ChannelId channelId = escrow.channelId(settlement.payer, nodeId(node));
        settlement.voucherSignature = _signature(keys[0], _voucherDigest(channelId, settlement));
        settlement.receiptSignature = _signature(keys[1], _receiptDigest(channelId, node, settlement));
    }

    function honest(
        uint256 payer,
        uint256 node,
        uint128 voucherAmount,
        uint128 receiptAmount
    ) internal view returns (IInferenceEscrow.Settlement memory) {
        return settlementOf(payer, node, [voucherAmount, receiptAmount], [payerKey(payer), nodeKey(node)]);
    }

    function _voucherDigest(
        ChannelId channelId,
        IInferenceEscrow.Settlement memory settlement
    ) private view returns (bytes32) {
        return
            escrow.voucherDigest(
                IInferenceEscrow.Voucher({
                    channelId: channelId,
                    sequence: settlement.sequence,
                    amount: settlement.voucherAmount,
                    keyEpoch: EPOCH,
                    modelId: ModelId.wrap(keccak256("model")),
                    requestCommitment: settlement.requestCommitment
                })
            );
    }

    function _receiptDigest(
        ChannelId channelId,
        uint256 node,
        IInferenceEscrow.Settlement memory settlement
    ) private view returns (bytes32) {
        return
            escrow.receiptDigest(
                IInferenceEscrow.Receipt({
                    channelId: channelId,
                    sequence: settlement.sequence,
                    amount: settlement.receiptAmount,
                    nodeId: nodeId(node),
                    keyEpoch: EPOCH,
                    modelId: ModelId.wrap(keccak256("model")),
                    requestCommitment: settlement.requestCommitment,
                    responseCommitment: settlement.responseCommitment,
                    rawCommitment: settlement.rawCommitment,
                    evidenceHash: keccak256("evidence"),
                    units: settlement.units,
                    privacySpent: settlement.privacySpent
                })
            );
    }

    function _signature(uint256 key, bytes32 digest) private pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = VM.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    /// @dev The same settlements of one node in the packed form.
    function packedOf(
        uint256 node,
        IInferenceEscrow.Settlement[] memory settlements
    ) internal pure returns (IInferenceEscrow.PackedBatch[] memory batches) {
        bytes memory entries;
        for (uint256 i = 0; i < settlements.length; ++i) entries = bytes.concat(entries, _entry(settlements[i]));
        batches = new IInferenceEscrow.PackedBatch[](1);
        batches[0] = IInferenceEscrow.PackedBatch(serviceOf(node), false, entries);
    }

    /// @dev A list of the node that charges one payer.
    function listOf(
        uint256 payer,
        uint256 node,
        uint64 sequence,
        uint96 amount
    ) internal view returns (IInferenceEscrow.SettlementList memory list, bytes memory signature) {
        bytes memory entries = abi.encodePacked(payerAt(payer), amount);
        list = IInferenceEscrow.SettlementList(nodeId(node), EPOCH, sequence, entries);
        signature = _signature(nodeKey(node), escrow.listDigest(list));
    }

    function _entry(IInferenceEscrow.Settlement memory settlement) private pure returns (bytes memory) {
        bytes memory terms = abi.encodePacked(
            settlement.payer,
            settlement.sequence,
            settlement.voucherAmount,
            settlement.receiptAmount,
            settlement.units,
            settlement.privacySpent
        );
        return
            bytes.concat(
                terms,
                settlement.requestCommitment,
                settlement.responseCommitment,
                _compact(settlement.voucherSignature),
                _compact(settlement.receiptSignature)
            );
    }

    /// @dev EIP-2098: the parity in the highest bit of s.
    function _compact(bytes memory signature) private pure returns (bytes memory) {
        (bytes32 r, bytes32 s, uint8 v) = (bytes32(0), bytes32(0), uint8(signature[64]));
        assembly ("memory-safe") {
            r := mload(add(signature, 0x20))
            s := mload(add(signature, 0x40))
        }
        return abi.encodePacked(r, uint256(s) | (uint256(v - 27) << 255));
    }
}

contract InferenceEscrowFuzzTest is EscrowWorld {
    function setUp() public {
        build();
    }

    function _settleBatch(IInferenceEscrow.Settlement[] memory settlements) private returns (uint256[] memory) {
        IInferenceEscrow.ServiceBatch[] memory batches = new IInferenceEscrow.ServiceBatch[](1);
        batches[0] = IInferenceEscrow.ServiceBatch(serviceOf(0), settlements);
        return escrow.settleBatch(batches);
    }

    error Outcome(uint256 paid, uint256[3] spent, uint256 earned);

    /// @dev Settles in the plain form and takes all back by a revert that tells what came of it.
    function tryBatch(IInferenceEscrow.Settlement[] memory settlements) external {
        uint256[] memory paid = _settleBatch(settlements);
        uint256 sum;
        for (uint256 i = 0; i < paid.length; ++i) sum += paid[i];
        revert Outcome(sum, _spent(), escrow.earnings(operatorOf(0)));
    }

    function _spent() private view returns (uint256[3] memory spent) {
        for (uint256 i = 0; i < PAYERS; ++i) spent[i] = escrow.channel(payerAt(i), nodeId(0)).spent;
    }

    /// @dev Random amounts and forgeries of three payers: both forms pay the same from each channel.
    function testFuzz_packedAndPlainAgree(uint8[5] calldata amounts, uint256 seed) public {
        for (uint256 payer = 0; payer < PAYERS; ++payer) {
            VM.prank(payerAt(payer));
            escrow.deposit(depositOf(0, 150));
        }
        IInferenceEscrow.Settlement[] memory many = new IInferenceEscrow.Settlement[](amounts.length);
        for (uint256 i = 0; i < amounts.length; ++i) {
            uint256 draw = uint256(keccak256(abi.encode(seed, i)));
            uint256 payer = draw % PAYERS;
            uint128 promised = (draw >> 8) % 4 == 0 ? amounts[i] / 2 : amounts[i];
            uint256 voucherKey = (draw >> 16) % 8 == 0 ? payerKey(payer + 1) : payerKey(payer);
            uint256 receiptKey = (draw >> 24) % 8 == 0 ? nodeKey(1) : nodeKey(0);
            many[i] = settlementOf(payer, 0, [promised, amounts[i]], [voucherKey, receiptKey]);
        }
        bytes memory expected;
        try this.tryBatch(many) {
            assert(false);
        } catch (bytes memory outcome) {
            expected = outcome;
        }
        uint256 paid = escrow.settlePacked(packedOf(0, many));
        bytes memory found = abi.encodeWithSelector(Outcome.selector, paid, _spent(), escrow.earnings(operatorOf(0)));
        assert(keccak256(found) == keccak256(expected));
    }

    /// @dev Whatever is changed in a packed entry, it pays nothing: every octet is signed or is a signature.
    function testFuzz_changedEntriesPayNothing(uint256 place, uint8 change) public {
        VM.assume(change != 0);
        _fund(100);
        IInferenceEscrow.Settlement[] memory one = new IInferenceEscrow.Settlement[](1);
        one[0] = honest(0, 0, 50, 40);
        IInferenceEscrow.PackedBatch[] memory batches = packedOf(0, one);
        bytes memory entries = batches[0].settlements;
        place %= entries.length;
        entries[place] = bytes1(uint8(entries[place]) ^ change);
        assert(escrow.settlePacked(batches) == 0);
    }

    /// @dev A list pays up to the payer's cap, which is never above what the payer said, and up to the deposit.
    function testFuzz_listsPayUpToTheCap(uint96 funds, uint96 cap, uint96 amount) public {
        VM.assume(funds != 0 && cap != 0);
        _fund(funds);
        VM.prank(payerAt(0));
        escrow.allowList(nodeId(0), cap);
        uint96 kept = escrow.channel(payerAt(0), nodeId(0)).listCap;
        assert(kept <= cap && kept >= cap - cap / 65536);
        (IInferenceEscrow.SettlementList memory list, bytes memory signature) = listOf(0, 0, 1, amount);
        uint256 paid = escrow.settleList(list, signature);
        assert(paid == (amount <= kept && amount <= funds ? amount : 0));
        assert(escrow.channel(payerAt(0), nodeId(0)).spent == paid);
    }

    function _fund(uint96 amount) private {
        VM.prank(payerAt(0));
        escrow.deposit(depositOf(0, amount));
    }

    /// @dev Whatever the amounts: it pays the receipt exactly if receipt <= voucher <= deposit, and nothing otherwise.
    function testFuzz_settlePaysTheReceiptOrNothing(uint96 funds, uint128 voucher, uint128 receipt) public {
        VM.assume(funds != 0);
        _fund(funds);
        IInferenceEscrow.Settlement[] memory one = new IInferenceEscrow.Settlement[](1);
        one[0] = honest(0, 0, voucher, receipt);
        uint256 paid = _settleBatch(one)[0];
        assert(paid == (receipt <= voucher && voucher <= funds ? receipt : 0));
        assert(escrow.earnings(operatorOf(0)) == paid);
        assert(escrow.channel(payerAt(0), nodeId(0)).spent == paid);
        assert(_settleBatch(one)[0] == 0);
    }

    /// @dev In any order and with repetitions, a channel's receipts together pay the largest of them.
    function testFuzz_receiptsTogetherPayTheLargest(uint8[6] calldata amounts) public {
        _fund(type(uint8).max);
        IInferenceEscrow.Settlement[] memory many = new IInferenceEscrow.Settlement[](amounts.length);
        uint256 largest;
        for (uint256 i = 0; i < amounts.length; ++i) {
            many[i] = honest(0, 0, amounts[i], amounts[i]);
            if (amounts[i] > largest) largest = amounts[i];
        }
        uint256[] memory paid = _settleBatch(many);
        uint256 sum;
        for (uint256 i = 0; i < paid.length; ++i) sum += paid[i];
        assert(sum == largest);
        assert(escrow.earnings(operatorOf(0)) == largest);
    }

    /// @dev No bytes but the two signatures pay.
    function testFuzz_otherBytesAreNoSignature(bytes calldata bytesGiven, bool voucherIsForged) public {
        _fund(100);
        IInferenceEscrow.Settlement[] memory one = new IInferenceEscrow.Settlement[](1);
        one[0] = honest(0, 0, 50, 50);
        if (voucherIsForged) one[0].voucherSignature = bytesGiven;
        else one[0].receiptSignature = bytesGiven;
        assert(_settleBatch(one)[0] == 0);
    }

    /// @dev No keys but the payer's and the enclave's pay.
    function testFuzz_otherKeysDoNotSign(uint64 key, bool voucherIsForged) public {
        VM.assume(key != 0 && key != (voucherIsForged ? payerKey(0) : nodeKey(0)));
        _fund(100);
        uint256[2] memory keys = voucherIsForged ? [key, nodeKey(0)] : [payerKey(0), key];
        IInferenceEscrow.Settlement[] memory one = new IInferenceEscrow.Settlement[](1);
        one[0] = settlementOf(0, 0, [uint128(50), 50], keys);
        assert(_settleBatch(one)[0] == 0);
    }

    /// @dev Whatever was settled before and during the thaw, the payer gets exactly the rest, and never before its end.
    function testFuzz_withdrawPaysTheRest(uint96 funds, uint96 settled, uint40 waited) public {
        VM.assume(funds > settled && settled != 0);
        _fund(funds);
        VM.prank(payerAt(0));
        escrow.close(nodeId(0));
        uint256 closedAt = block.timestamp;
        escrow.settle(serviceOf(0), honest(0, 0, settled, settled));
        VM.warp(closedAt + waited);
        uint256 before = token.balanceOf(payerAt(0));
        VM.prank(payerAt(0));
        try escrow.withdraw(nodeId(0)) {
            assert(waited >= THAW);
            assert(token.balanceOf(payerAt(0)) - before == funds - settled);
        } catch {
            assert(waited < THAW);
        }
    }
}

/// @dev What anybody may do with the escrow, at random, and a memory of what must hold.
contract EscrowHandler is EscrowWorld {
    IInferenceEscrow.ServiceBatch[] private _sent;

    /// @dev The largest voucher that the payer signed, or amount that it let a list take.
    mapping(ChannelId id => uint256 amount) public promised;
    mapping(ChannelId id => uint256 amount) public lastSpent;
    mapping(address operator => uint256 amount) public withdrawnEarnings;
    bool public counterFell;

    constructor() {
        build();
    }

    modifier counted() {
        _;
        for (uint256 payer = 0; payer < PAYERS; ++payer) {
            for (uint256 node = 0; node < NODES; ++node) {
                ChannelId id = escrow.channelId(payerAt(payer), nodeId(node));
                uint256 spent = escrow.channel(payerAt(payer), nodeId(node)).spent;
                if (spent < lastSpent[id]) counterFell = true;
                lastSpent[id] = spent;
            }
        }
    }

    function deposit(uint8 payer, uint8 node, uint32 amount) external counted {
        VM.prank(payerAt(payer % PAYERS));
        try escrow.deposit(depositOf(node % NODES, amount)) {} catch {}
    }

    function settle(uint8 payer, uint8 node, uint32 voucher, uint32 receipt) external counted {
        (uint256 who, uint256 where) = (payer % PAYERS, node % NODES);
        uint256 funds = escrow.channel(payerAt(who), nodeId(where)).deposit;
        // Mostly within the deposit, so that many of the settlements hold.
        uint128 voucherAmount = voucher % 8 == 0 ? voucher : uint128(voucher % (funds + 1));
        uint128 receiptAmount = receipt % 8 == 0 ? receipt : uint128(receipt % (uint256(voucherAmount) + 1));
        _settle(who, where, honest(who, where, voucherAmount, receiptAmount));
        ChannelId id = escrow.channelId(payerAt(who), nodeId(where));
        if (voucherAmount > promised[id]) promised[id] = voucherAmount;
    }

    function forge(uint8 payer, uint8 node, uint32 amount, bool byPayer) external counted {
        (uint256 who, uint256 where) = (payer % PAYERS, node % NODES);
        uint256[2] memory keys = byPayer ? [payerKey(who), uint256(payerKey(who))] : [nodeKey(where), nodeKey(where)];
        _settle(who, where, settlementOf(who, where, [uint128(amount), amount], keys));
    }

    function replay(uint256 index, uint256 count) external counted {
        if (_sent.length == 0) return;
        IInferenceEscrow.ServiceBatch[] memory batches = new IInferenceEscrow.ServiceBatch[](1 + (count % 4));
        for (uint256 i = 0; i < batches.length; ++i) batches[i] = _sent[((index % _sent.length) + i) % _sent.length];
        escrow.settleBatch(batches);
    }

    function allowList(uint8 payer, uint8 node, uint32 cap) external counted {
        VM.prank(payerAt(payer % PAYERS));
        try escrow.allowList(nodeId(node % NODES), cap) {} catch {}
    }

    function settleList(uint8 payer, uint8 node, uint8 step, uint32 amount) external counted {
        (uint256 who, uint256 where) = (payer % PAYERS, node % NODES);
        IInferenceEscrow.Channel memory channel = escrow.channel(payerAt(who), nodeId(where));
        uint96 listed = amount % 8 == 0 ? amount : uint96(amount % (uint256(channel.listCap) + 1));
        uint64 sequence = escrow.listSequence(nodeId(where), EPOCH) + (step % 4);
        (IInferenceEscrow.SettlementList memory list, bytes memory signature) = listOf(who, where, sequence, listed);
        try escrow.settleList(list, signature) {} catch {}
        ChannelId id = escrow.channelId(payerAt(who), nodeId(where));
        if (listed <= channel.listCap && listed > promised[id]) promised[id] = listed;
    }

    function close(uint8 payer, uint8 node) external counted {
        VM.prank(payerAt(payer % PAYERS));
        try escrow.close(nodeId(node % NODES)) {} catch {}
    }

    function reopen(uint8 payer, uint8 node) external counted {
        VM.prank(payerAt(payer % PAYERS));
        try escrow.reopen(nodeId(node % NODES)) {} catch {}
    }

    function withdraw(uint8 payer, uint8 node, bool waits) external counted {
        if (waits) VM.warp(block.timestamp + THAW);
        VM.prank(payerAt(payer % PAYERS));
        try escrow.withdraw(nodeId(node % NODES)) {} catch {}
    }

    function withdrawEarnings(uint8 operator) external counted {
        address who = operatorAt(operator % OPERATORS);
        withdrawnEarnings[who] += escrow.earnings(who);
        VM.prank(who);
        try escrow.withdrawEarnings() {} catch {}
    }

    function _settle(uint256 payer, uint256 node, IInferenceEscrow.Settlement memory settlement) private {
        assert(settlement.payer == payerAt(payer));
        IInferenceEscrow.ServiceBatch storage batch = _sent.push();
        batch.service = serviceOf(node);
        batch.settlements.push(settlement);
        IInferenceEscrow.ServiceBatch[] memory batches = new IInferenceEscrow.ServiceBatch[](1);
        batches[0] = batch;
        if (settlement.sequence % 2 == 0) escrow.settleBatch(batches);
        else escrow.settlePacked(packedOf(node, batch.settlements));
    }
}

contract InferenceEscrowInvariantTest is EscrowWorld {
    EscrowHandler private _handler;

    function setUp() public {
        nameActors();
        _handler = new EscrowHandler();
        escrow = _handler.escrow();
        token = _handler.token();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_handler);
    }

    /// @dev What channels hold and operators have not taken is what the escrow has, to the last unit.
    /// hardhat-config: invariant.runs = 48
    /// hardhat-config: invariant.depth = 100
    function invariant_depositsAndEarningsAreTheBalance() public view {
        uint256 owed;
        for (uint256 payer = 0; payer < PAYERS; ++payer) {
            for (uint256 node = 0; node < NODES; ++node) {
                IInferenceEscrow.Channel memory channel = escrow.channel(payerAt(payer), nodeId(node));
                owed += channel.deposit - channel.spent;
            }
        }
        for (uint256 operator = 0; operator < OPERATORS; ++operator) owed += escrow.earnings(operatorAt(operator));
        assert(owed == token.balanceOf(address(escrow)));
    }

    /// @dev What was settled never becomes less.
    /// hardhat-config: invariant.runs = 48
    /// hardhat-config: invariant.depth = 100
    function invariant_countersOnlyGrow() public view {
        assert(!_handler.counterFell());
    }

    /// @dev No channel pays more than its payer's largest voucher, and no operator gets more than its channels paid.
    /// hardhat-config: invariant.runs = 48
    /// hardhat-config: invariant.depth = 100
    function invariant_nobodyIsPaidMoreThanPromised() public view {
        uint256[OPERATORS] memory spent;
        for (uint256 payer = 0; payer < PAYERS; ++payer) {
            for (uint256 node = 0; node < NODES; ++node) {
                IInferenceEscrow.Channel memory channel = escrow.channel(payerAt(payer), nodeId(node));
                assert(channel.spent <= _handler.promised(escrow.channelId(payerAt(payer), nodeId(node))));
                spent[node % OPERATORS] += channel.spent;
            }
        }
        for (uint256 operator = 0; operator < OPERATORS; ++operator) {
            address who = operatorAt(operator);
            assert(escrow.earnings(who) + _handler.withdrawnEarnings(who) == spent[operator]);
        }
    }
}
