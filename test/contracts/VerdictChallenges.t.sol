// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {NodeRegistry} from "../../contracts/NodeRegistry.sol";
import {NodeStake} from "../../contracts/NodeStake.sol";
import {ReferenceValues} from "../../contracts/ReferenceValues.sol";
import {VerdictChallenges} from "../../contracts/VerdictChallenges.sol";
import {VerifierCommittee} from "../../contracts/VerifierCommittee.sol";
import {INodeRegistry} from "../../contracts/interfaces/INodeRegistry.sol";
import {IReferenceValues} from "../../contracts/interfaces/IReferenceValues.sol";
import {IVerdictChallenges} from "../../contracts/interfaces/IVerdictChallenges.sol";
import {TestToken} from "../../contracts/mocks/TestToken.sol";
import {NodeId} from "../../contracts/types/NodeId.sol";
import {NodeStatus} from "../../contracts/types/NodeStatus.sol";
import {Platform} from "../../contracts/types/Platform.sol";
import {TcbStatus} from "../../contracts/types/TcbStatus.sol";
import {Verdict} from "../../contracts/types/Verdict.sol";

interface Vm {
    function addr(uint256 privateKey) external pure returns (address);
    function etch(address target, bytes calldata code) external;
    function prank(address sender) external;
    function roll(uint256 blockNumber) external;
    function sign(uint256 privateKey, bytes32 digest) external pure returns (uint8 v, bytes32 r, bytes32 s);
    function warp(uint256 timestamp) external;
}

/// @dev Five members (two needed), two nodes, and whoever challenges, answers, votes, waits, slashes or leaves as a run
/// asks for. Whatever a call takes from or brings to somebody is compared with the money rules at once.
contract ChallengeHandler {
    Vm private constant VM = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
    address private constant HISTORY = 0x0000F90827F1C53a10cb7A02335B175320002935;
    address private constant BURN_ADDRESS = 0x000000000000000000000000000000000000dEaD;
    bytes32 private constant BLOCK_HASH = keccak256("block");
    bytes32 private constant WORKLOAD = keccak256("workload");
    Platform private constant PLATFORM = Platform.wrap(3);
    uint256 public constant NODES = 2;
    uint256 public constant MEMBERS = 5;
    uint256 private constant MEMBER_BOND = 1000;
    uint256 private constant BOND = 101;
    uint40 public constant WINDOW = 1 hours;
    uint40 public constant RESPONSE = 2 hours;

    TestToken public token;
    NodeStake public stake;
    NodeRegistry public registry;
    VerifierCommittee public committee;
    VerdictChallenges public challenges;

    mapping(NodeId nodeId => Verdict verdict) private _verdicts;
    mapping(NodeId nodeId => bytes signatures) private _signatures;
    mapping(uint256 challengeId => NodeId nodeId) private _nodeOf;
    uint256 private _keys;
    uint256 public minted;
    uint256 public opened;
    bool public brokeRule;

    constructor() {
        AccessManager manager = new AccessManager(address(this));
        token = new TestToken();
        stake = new NodeStake(address(manager), token, 21 days, 5_000);
        ReferenceValues values = new ReferenceValues(address(manager), 0);
        registry = new NodeRegistry(address(manager), stake, values, 100, 1 hours, WINDOW);
        committee = new VerifierCommittee(address(manager), registry, MEMBER_BOND, 2);
        challenges = new VerdictChallenges(address(manager), committee, BOND, RESPONSE, 3);
        stake.addLock(registry);
        stake.addLock(committee);
        values.setObserver(registry);
        registry.setCommittee(address(committee));
        registry.setChallenges(address(challenges));
        values.setPlatformPolicy(PLATFORM, IReferenceValues.PlatformPolicy(1, 0, 1 days, 1 days, true));
        values.addWorkload(WORKLOAD, PLATFORM, false);
        for (uint256 i = 0; i < MEMBERS; ++i) {
            committee.addMember(memberAt(i), "http://relayer");
            bondMember(i);
        }
        _bond(address(this), NODES * 100);
        for (uint256 i = 0; i < NODES; ++i) registry.register(bytes32(i), "http://node");
        // PUSH32 hash, PUSH0, MSTORE, PUSH1 32, PUSH0, RETURN: a history that knows one hash.
        VM.etch(HISTORY, abi.encodePacked(hex"7f", BLOCK_HASH, hex"5f5260205ff3"));
        VM.roll(1000);
        VM.warp(1_000_000);
    }

    function attest(uint256 node, uint256 first, bool renews) external {
        NodeId nodeId = nodeAt(node);
        wait(1);
        if (!renews || _keys < NODES) ++_keys;
        uint256 key = renews ? _keyOf(nodeId) : 1000 + _keys;
        Verdict memory verdict = _verdict(nodeId, VM.addr(key));
        uint256 member = first % MEMBERS;
        bytes memory signatures = _signed(committee.verdictDigest(verdict), member, (member + 1) % MEMBERS);
        bytes memory possession = _signature(key, registry.bindingDigest(verdict));
        bool wasChallenged = registry.node(nodeId).status == NodeStatus.Challenged;
        bool wasActive = registry.isActive(nodeId);
        bool isNew = registry.node(nodeId).signingKey != verdict.signingKey;
        try committee.submitVerdict(verdict, possession, signatures) {
            if (wasChallenged) brokeRule = true;
            if (registry.isActive(nodeId) && (isNew || !wasActive)) brokeRule = true;
            _verdicts[nodeId] = verdict;
            _signatures[nodeId] = signatures;
            _lastKey[nodeId] = key;
        } catch {}
    }

    mapping(NodeId nodeId => uint256 privateKey) private _lastKey;

    function open(uint256 node) external {
        NodeId nodeId = nodeAt(node);
        INodeRegistry.Node memory before = registry.node(nodeId);
        bool late = block.timestamp >= before.attestedAt + WINDOW;
        _mint(address(this), BOND);
        token.approve(address(challenges), BOND);
        try challenges.open(_verdicts[nodeId], _signatures[nodeId]) returns (uint256 challengeId) {
            _nodeOf[challengeId] = nodeId;
            ++opened;
            if (late || registry.isActive(nodeId)) brokeRule = true;
        } catch {}
    }

    function answer(uint256 which) external {
        uint256 challengeId = _some(which);
        Verdict memory verdict = _verdicts[_nodeOf[challengeId]];
        try challenges.answer(challengeId, verdict, abi.encode(verdict.nodeId, verdict.issuedAt), new bytes[](0)) {
            if (_isOver(challengeId)) brokeRule = true;
        } catch {}
    }

    function draw(uint256 which) external {
        VM.roll(block.number + 3);
        try challenges.draw(_some(which)) {} catch {}
    }

    function vote(uint256 which, bool upheld, uint256 first) external {
        uint256 challengeId = _some(which);
        IVerdictChallenges.Challenge memory challenge = challenges.challengeOf(challengeId);
        bytes32 digest = challenges.voteDigest(challengeId, challenge.verdictDigest, upheld);
        uint256 member = first % MEMBERS;
        bytes memory signatures = _signed(digest, member, (member + 1) % MEMBERS);
        bool late = _isOver(challengeId) || block.timestamp >= challenge.deadline;
        _watch(challenge);
        try challenges.resolveByVotes(challengeId, upheld, signatures) {
            bool drawn = _has(challenge.voters, memberAt(member)) && _has(challenge.voters, memberAt(member + 1));
            if (late || !drawn) brokeRule = true;
            _checkEnd(challenge, upheld);
        } catch {}
    }

    function expire(uint256 which) external {
        uint256 challengeId = _some(which);
        IVerdictChallenges.Challenge memory challenge = challenges.challengeOf(challengeId);
        _watch(challenge);
        try challenges.expire(challengeId) {
            if (block.timestamp < challenge.deadline) brokeRule = true;
            _checkEnd(challenge, false);
        } catch {}
    }

    function withdraw(uint256 who) external {
        if (who % (MEMBERS + 1) != 0) VM.prank(memberAt(who));
        try challenges.withdraw() {} catch {}
    }

    function bondMember(uint256 member) public {
        _bond(memberAt(member), MEMBER_BOND);
        try committee.takeSeat(memberAt(member)) {} catch {}
    }

    function unbond(uint256 member, uint96 amount) external {
        VM.prank(memberAt(member));
        try stake.requestUnbond(amount) {} catch {}
    }

    function wait(uint32 time) public {
        VM.warp(block.timestamp + 1 + (time % 30 minutes));
    }

    /// @dev Ends everything that can be ended by anybody: none may be left open.
    function endAll() external returns (uint256 left) {
        VM.warp(block.timestamp + 2 * RESPONSE);
        for (uint256 id = 1; id <= challenges.challengeCount(); ++id) {
            if (!_isOver(id)) challenges.expire(id);
            if (!_isOver(id)) ++left;
        }
    }

    function nodeAt(uint256 index) public view returns (NodeId) {
        return registry.nodeAt(index % NODES);
    }

    function memberAt(uint256 index) public pure returns (address) {
        return VM.addr(1 + (index % MEMBERS));
    }

    /// @dev What the contract should hold: bonds of open challenges and credits.
    function owed() external view returns (uint256 sum) {
        for (uint256 id = 1; id <= challenges.challengeCount(); ++id) if (!_isOver(id)) sum += BOND;
        for (uint256 i = 0; i < MEMBERS; ++i) sum += challenges.creditOf(memberAt(i));
        sum += challenges.creditOf(address(this));
    }

    function staked() external view returns (uint256 sum) {
        for (uint256 i = 0; i < MEMBERS; ++i) sum += _stakeOf(memberAt(i));
        sum += _stakeOf(address(this)) + stake.totalBurned();
    }

    /// @dev All tokens, wherever they are.
    function found() external view returns (uint256 sum) {
        sum = token.balanceOf(address(this)) + token.balanceOf(address(stake)) + token.balanceOf(address(challenges));
        for (uint256 i = 0; i < MEMBERS; ++i) sum += token.balanceOf(memberAt(i));
        sum += token.balanceOf(BURN_ADDRESS);
    }

    uint256 private _wealthBefore;
    uint256 private _stakesBefore;

    /// @dev Everything that the challenger and the accused have together: they may be one.
    function _watch(IVerdictChallenges.Challenge memory challenge) private {
        _wealthBefore = _wealthOf(challenge);
        _stakesBefore = _stakesOf(challenge);
    }

    function _checkEnd(IVerdictChallenges.Challenge memory challenge, bool upheld) private {
        uint256 lost = _wealthBefore - _wealthOf(challenge);
        uint256 slashed = _stakesBefore - _stakesOf(challenge);
        if (upheld && (slashed != 0 || lost < BOND / 2)) brokeRule = true;
        if (!upheld && 2 * lost < slashed) brokeRule = true;
        if (slashed > challenge.signers.length * MEMBER_BOND) brokeRule = true;
        bool active = registry.isActive(challenge.nodeId);
        if (active && !upheld) brokeRule = true;
    }

    function _wealthOf(IVerdictChallenges.Challenge memory challenge) private view returns (uint256 sum) {
        sum = token.balanceOf(address(this)) + challenges.creditOf(address(this)) + _stakesOf(challenge);
        for (uint256 i = 0; i < challenge.signers.length; ++i) sum += challenges.creditOf(challenge.signers[i]);
        if (challenge.phase == IVerdictChallenges.Phase.Opened) sum += BOND;
        else if (challenge.phase == IVerdictChallenges.Phase.Answered) sum += BOND;
        if (_ended(challenge)) sum -= BOND;
    }

    /// @dev The bond counts as the challenger's until the challenge is over.
    function _ended(IVerdictChallenges.Challenge memory challenge) private view returns (bool) {
        for (uint256 id = 1; id <= challenges.challengeCount(); ++id) {
            if (challenges.challengeOf(id).verdictDigest == challenge.verdictDigest) return _isOver(id);
        }
        return false;
    }

    function _stakesOf(IVerdictChallenges.Challenge memory challenge) private view returns (uint256 sum) {
        for (uint256 i = 0; i < challenge.signers.length; ++i) sum += _stakeOf(challenge.signers[i]);
    }

    function _stakeOf(address account) private view returns (uint256) {
        (uint256 bonded, uint256 unbonding, ) = stake.stakeOf(account);
        return bonded + unbonding;
    }

    function _isOver(uint256 challengeId) private view returns (bool) {
        return challenges.challengeOf(challengeId).phase >= IVerdictChallenges.Phase.Upheld;
    }

    function _some(uint256 which) private view returns (uint256) {
        uint256 count = challenges.challengeCount();
        return count == 0 ? 0 : 1 + (which % count);
    }

    function _keyOf(NodeId nodeId) private view returns (uint256) {
        return _lastKey[nodeId] == 0 ? 1000 + _keys : _lastKey[nodeId];
    }

    function _has(address[] memory list, address account) private pure returns (bool) {
        for (uint256 i = 0; i < list.length; ++i) if (list[i] == account) return true;
        return false;
    }

    function _bond(address account, uint256 amount) private {
        _mint(address(this), amount);
        token.approve(address(stake), amount);
        stake.depositFor(account, amount);
    }

    function _mint(address account, uint256 amount) private {
        token.mint(account, amount);
        minted += amount;
    }

    function _signed(bytes32 digest, uint256 first, uint256 second) private pure returns (bytes memory) {
        if (memberAt(first) > memberAt(second)) (first, second) = (second, first);
        return abi.encodePacked(_signature(1 + first, digest), _signature(1 + second, digest));
    }

    function _signature(uint256 privateKey, bytes32 digest) private pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = VM.sign(privateKey, digest);
        return abi.encodePacked(r, s, v);
    }

    function _verdict(NodeId nodeId, address signingKey) private view returns (Verdict memory verdict) {
        verdict.nodeId = nodeId;
        verdict.operator = address(this);
        verdict.signingKey = signingKey;
        verdict.platform = PLATFORM;
        verdict.tcbStatus = TcbStatus.wrap(0);
        verdict.workloadId = WORKLOAD;
        verdict.platformId = NodeId.unwrap(nodeId);
        verdict.evidenceHash = keccak256(abi.encode(nodeId, uint40(block.timestamp)));
        verdict.policyVersion = 1;
        verdict.blockNumber = 1;
        verdict.blockHash = BLOCK_HASH;
        verdict.issuedAt = uint40(block.timestamp);
        verdict.expiresAt = uint40(block.timestamp + 1 days);
    }
}

contract VerdictChallengesInvariants {
    ChallengeHandler private _handler;

    function setUp() external {
        _handler = new ChallengeHandler();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_handler);
    }

    function invariant_moneySumsToTheWei() external view {
        assert(_handler.token().balanceOf(address(_handler.challenges())) == _handler.owed());
        assert(_handler.token().balanceOf(address(_handler.stake())) == _handler.staked());
        assert(_handler.found() == _handler.minted());
    }

    function invariant_aChallengedNodeIsNeverActive() external view {
        for (uint256 i = 0; i < _handler.NODES(); ++i) {
            NodeId nodeId = _handler.nodeAt(i);
            bool challenged = _handler.registry().node(nodeId).status == NodeStatus.Challenged;
            assert(!challenged || !_handler.registry().isActive(nodeId));
        }
        assert(!_handler.brokeRule());
    }

    function invariant_everyChallengeEnds() external {
        assert(_handler.endAll() == 0);
    }

    function test_handlerEndsChallengesEachWay() external {
        _handler.attest(0, 0, false);
        _handler.open(0);
        assert(_handler.opened() == 1);
        _handler.answer(0);
        _handler.draw(0);
        assert(_handler.challenges().challengeOf(1).voters.length == 3);
        _handler.vote(0, true, 2);
        assert(_handler.challenges().challengeOf(1).phase == IVerdictChallenges.Phase.Upheld);
        assert(_handler.registry().isActive(_handler.nodeAt(0)) && !_handler.brokeRule());
        _handler.attest(1, 0, false);
        _handler.open(1);
        assert(_handler.endAll() == 0 && _handler.opened() == 2 && !_handler.brokeRule());
        assert(_handler.registry().node(_handler.nodeAt(1)).status == NodeStatus.Revoked);
    }
}
