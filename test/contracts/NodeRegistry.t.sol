// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {NodeRegistry} from "../../contracts/NodeRegistry.sol";
import {NodeStake} from "../../contracts/NodeStake.sol";
import {ReferenceValues} from "../../contracts/ReferenceValues.sol";
import {INodeRegistry} from "../../contracts/interfaces/INodeRegistry.sol";
import {IReferenceValues} from "../../contracts/interfaces/IReferenceValues.sol";
import {OpenLock} from "../../contracts/mocks/OpenLock.sol";
import {TestToken} from "../../contracts/mocks/TestToken.sol";
import {NodeId} from "../../contracts/types/NodeId.sol";
import {NodeStatus} from "../../contracts/types/NodeStatus.sol";
import {Platform} from "../../contracts/types/Platform.sol";
import {TcbStatus} from "../../contracts/types/TcbStatus.sol";
import {Verdict} from "../../contracts/types/Verdict.sol";

interface Vm {
    function addr(uint256 privateKey) external pure returns (address);
    function etch(address target, bytes calldata code) external;
    function roll(uint256 blockNumber) external;
    function sign(uint256 privateKey, bytes32 digest) external pure returns (uint8 v, bytes32 r, bytes32 s);
    function warp(uint256 timestamp) external;
}

/// @dev Operator, attester, governor, guardian and community of a registry at once, with three nodes, three workloads and
/// four platform identities: does whatever a run asks for, and remembers which keys are dead. As an enclave binds its
/// key to one node, each node has keys of its own.
contract RegistryHandler {
    Vm private constant VM = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
    address private constant HISTORY = 0x0000F90827F1C53a10cb7A02335B175320002935;
    bytes32 private constant BLOCK_HASH = keccak256("block");
    Platform private constant PLATFORM = Platform.wrap(2);
    uint96 private constant MIN_STAKE = 100;
    uint32 private constant TTL = 1 days;
    uint256 public constant NODES = 3;
    uint256 private constant KEYS = 24;

    ReferenceValues public referenceValues;
    NodeStake public stake;
    NodeRegistry public registry;

    mapping(address signingKey => bool isDead) private _dead;
    mapping(NodeId nodeId => uint256 privateKey) private _lastKey;
    mapping(NodeId nodeId => bytes32 platformId) public platformOf;
    TestToken private _token;
    OpenLock private _lock;
    uint256 public attested;
    bool public brokeRule;

    constructor() {
        AccessManager manager = new AccessManager(address(this));
        _token = new TestToken();
        stake = new NodeStake(address(manager), _token, 21 days, 5_000);
        referenceValues = new ReferenceValues(address(manager), 0);
        registry = new NodeRegistry(address(manager), stake, referenceValues, MIN_STAKE, 1 hours, 0);
        registry.setCommittee(address(this));
        stake.addLock(registry);
        _lock = new OpenLock(stake);
        stake.addLock(_lock);
        referenceValues.setObserver(registry);
        _bond(NODES * MIN_STAKE);
        for (uint256 i = 0; i < NODES; ++i) registry.register(bytes32(i), "http://node");
        for (uint256 i = 0; i < 3; ++i) referenceValues.addWorkload(workloadAt(i), PLATFORM, false);
        setPolicy(false);
        // PUSH32 hash, PUSH0, MSTORE, PUSH1 32, PUSH0, RETURN: a history that knows one hash.
        VM.etch(HISTORY, abi.encodePacked(hex"7f", BLOCK_HASH, hex"5f5260205ff3"));
        VM.roll(1000);
        VM.warp(1_000_000);
    }

    function attest(uint256 node, uint256 key, uint256 workload, uint256 platformId) external {
        _attest(nodeAt(node), 1 + (key % KEYS) + (node % NODES) * KEYS, workloadAt(workload), platformId);
    }

    function renew(uint256 node, uint256 platformId) external {
        NodeId nodeId = nodeAt(node);
        INodeRegistry.Node memory current = registry.node(nodeId);
        if (current.keyEpoch != 0) _attest(nodeId, _lastKey[nodeId], current.workloadId, platformId);
    }

    function replaceWorkload(uint256 workload) external {
        removeWorkload(workload);
        addWorkload(workload);
    }

    function removeWorkload(uint256 workload) public {
        bytes32 workloadId = workloadAt(workload);
        uint32 version = referenceValues.workloadVersion(workloadId);
        if (version == 0) return;
        referenceValues.removeWorkload(workloadId);
        for (uint256 i = 0; i < NODES; ++i) {
            INodeRegistry.Node memory node = registry.node(nodeAt(i));
            if (node.policyVersion == version) _dead[node.signingKey] = true;
        }
    }

    function addWorkload(uint256 workload) public {
        bytes32 workloadId = workloadAt(workload);
        if (referenceValues.workloadVersion(workloadId) == 0) referenceValues.addWorkload(workloadId, PLATFORM, false);
    }

    function toggleDenial(uint256 which) external {
        bytes32 id = which % 2 == 0 ? workloadAt(which / 2) : platformAt(which / 2);
        if (referenceValues.denied(id)) return referenceValues.allow(id);
        referenceValues.deny(id, "");
        for (uint256 i = 0; i < NODES; ++i) {
            if (platformOf[nodeAt(i)] == id) _dead[registry.node(nodeAt(i)).signingKey] = true;
        }
    }

    function setPolicy(bool suspended) public {
        referenceValues.setPlatformPolicy(PLATFORM, IReferenceValues.PlatformPolicy(6, 17, TTL, TTL, !suspended));
    }

    function recheck(uint256 node) external {
        NodeId nodeId = nodeAt(node);
        address signingKey = registry.node(nodeId).signingKey;
        bool wasActive = registry.isActive(nodeId);
        try registry.recheck(nodeId) {
            if (registry.node(nodeId).status == NodeStatus.Active) return;
            _dead[signingKey] = true;
            if (wasActive) brokeRule = true;
        } catch {}
    }

    function revoke(uint256 node) external {
        NodeId nodeId = nodeAt(node);
        if (registry.node(nodeId).status != NodeStatus.Active) return;
        _dead[registry.node(nodeId).signingKey] = true;
        registry.revoke(nodeId, "");
    }

    function togglePause(uint8 chance) external {
        if (registry.paused()) registry.unpause();
        else if (chance < 64) registry.pause();
    }

    function toggleStake(uint96 amount) external {
        uint256 bonded = stake.bondedOf(address(this));
        if (bonded < NODES * MIN_STAKE) return _bond(NODES * MIN_STAKE - bonded);
        _lock.slash(address(this), 1 + (amount % bonded), address(1));
    }

    function unbond(uint96 amount) external {
        try stake.requestUnbond(amount) {
            brokeRule = true;
        } catch {}
    }

    function wait(uint32 time) external {
        VM.warp(block.timestamp + 1 + (time % TTL));
    }

    function nodeAt(uint256 index) public view returns (NodeId) {
        return registry.nodeAt(index % NODES);
    }

    function workloadAt(uint256 index) public pure returns (bytes32) {
        return keccak256(abi.encode("workload", index % 3));
    }

    function platformAt(uint256 index) public pure returns (bytes32) {
        return bytes32(1 + (index % 4));
    }

    /// @dev What `isActive` promises, written once more from the views alone.
    function mayBeActive(NodeId nodeId) external view returns (bool) {
        INodeRegistry.Node memory node = registry.node(nodeId);
        bool current = node.status == NodeStatus.Active && node.expiresAt > block.timestamp && !registry.paused();
        bool live = referenceValues.workloadVersion(node.workloadId) == node.policyVersion && node.policyVersion != 0;
        bool clean = !referenceValues.denied(node.workloadId) && !referenceValues.denied(platformOf[nodeId]);
        bool bonded = stake.bondedOf(node.operator) >= registry.liveNodes(node.operator) * registry.minStake();
        return current && live && clean && bonded && referenceValues.platformPolicy(node.platform).accepted;
    }

    function isDead(address signingKey) external view returns (bool) {
        return _dead[signingKey];
    }

    function _bond(uint256 amount) private {
        _token.mint(address(this), amount);
        _token.approve(address(stake), amount);
        stake.deposit(amount);
    }

    /// @dev With a later time for every result, so that only keys and policy decide.
    function _attest(NodeId nodeId, uint256 privateKey, bytes32 workloadId, uint256 platformId) private {
        VM.warp(block.timestamp + 1);
        Verdict memory verdict = _verdict(nodeId, VM.addr(privateKey), workloadId, platformId);
        (uint8 v, bytes32 r, bytes32 s) = VM.sign(privateKey, registry.bindingDigest(verdict));
        address before = registry.node(nodeId).signingKey;
        try registry.attest(verdict, abi.encodePacked(r, s, v)) {
            ++attested;
            if (_dead[verdict.signingKey]) brokeRule = true;
            if (before != address(0) && before != verdict.signingKey) _dead[before] = true;
            _lastKey[nodeId] = privateKey;
            platformOf[nodeId] = verdict.platformId;
        } catch {
            if (registry.node(nodeId).signingKey != before) brokeRule = true;
        }
    }

    function _verdict(
        NodeId nodeId,
        address signingKey,
        bytes32 workloadId,
        uint256 platformId
    ) private view returns (Verdict memory verdict) {
        verdict.nodeId = nodeId;
        verdict.operator = address(this);
        verdict.signingKey = signingKey;
        verdict.platform = PLATFORM;
        verdict.tcbStatus = TcbStatus.wrap(1);
        verdict.evaluationNumber = 17;
        verdict.workloadId = workloadId;
        verdict.platformId = platformAt(platformId);
        verdict.policyVersion = referenceValues.workloadVersion(workloadId);
        verdict.blockNumber = 1;
        verdict.blockHash = BLOCK_HASH;
        verdict.issuedAt = uint40(block.timestamp);
        verdict.expiresAt = uint40(block.timestamp + TTL);
    }
}

contract NodeRegistryInvariants {
    RegistryHandler private _handler;

    function setUp() external {
        _handler = new RegistryHandler();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_handler);
    }

    function invariant_activeIsExactlyWhatAllLayersAllow() external view {
        for (uint256 i = 0; i < _handler.NODES(); ++i) {
            NodeId nodeId = _handler.nodeAt(i);
            assert(_handler.registry().isActive(nodeId) == _handler.mayBeActive(nodeId));
        }
    }

    function invariant_noDeadKeyIsActive() external view {
        for (uint256 i = 0; i < _handler.NODES(); ++i) {
            NodeId nodeId = _handler.nodeAt(i);
            address signingKey = _handler.registry().node(nodeId).signingKey;
            assert(!_handler.isDead(signingKey) || !_handler.registry().isActive(nodeId));
        }
        assert(!_handler.brokeRule());
    }

    function invariant_anActiveNodeHoldsItsPlatformAlone() external view {
        for (uint256 i = 0; i < _handler.NODES(); ++i) {
            NodeId nodeId = _handler.nodeAt(i);
            if (!_handler.registry().isActive(nodeId)) continue;
            assert(_handler.registry().platformNode(_handler.platformOf(nodeId)) == nodeId);
        }
    }

    function test_handlerAttests() external {
        _handler.attest(0, 0, 0, 0);
        assert(_handler.attested() == 1 && _handler.registry().isActive(_handler.nodeAt(0)));
        _handler.removeWorkload(0);
        _handler.addWorkload(0);
        _handler.attest(0, 0, 0, 0);
        assert(_handler.attested() == 1 && !_handler.registry().isActive(_handler.nodeAt(0)));
    }
}
