// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {INodeRegistry} from "./interfaces/INodeRegistry.sol";
import {INodeStake} from "./interfaces/INodeStake.sol";
import {IReferenceValues} from "./interfaces/IReferenceValues.sol";
import {Endpoint} from "./libraries/Endpoint.sol";
import {NodeRecords} from "./libraries/NodeRecords.sol";
import {VerdictChecks} from "./libraries/VerdictChecks.sol";
import {VerdictHash} from "./libraries/VerdictHash.sol";
import {NO_NODE, NodeId} from "./types/NodeId.sol";
import {NodeStatus} from "./types/NodeStatus.sol";
import {Refusal} from "./types/Refusal.sol";
import {Verdict} from "./types/Verdict.sol";

/// @title NodeRegistry
contract NodeRegistry is INodeRegistry, AccessManaged, EIP712 {
    using VerdictChecks for Verdict;
    using NodeRecords for NodeRecords.Record;
    using VerdictHash for Verdict;

    /// @inheritdoc INodeRegistry
    INodeStake public immutable stake;
    /// @inheritdoc INodeRegistry
    IReferenceValues public immutable referenceValues;
    /// @inheritdoc INodeRegistry
    uint40 public immutable keyOverlap;

    uint96 private _minStake;
    /// @inheritdoc INodeRegistry
    bool public paused;
    mapping(NodeId nodeId => NodeRecords.Record record) private _records;
    mapping(NodeId nodeId => string endpoint) private _endpoints;
    NodeId[] private _nodeIds;
    /// @inheritdoc INodeRegistry
    mapping(address signingKey => NodeId nodeId) public keyOwner;
    /// @inheritdoc INodeRegistry
    mapping(address operator => uint256 count) public liveNodes;
    /// @inheritdoc INodeRegistry
    mapping(address account => bool mayAttest) public isAttester;

    modifier whenOpen() {
        require(!paused, NodeRegistryPaused());
        _;
    }

    constructor(
        address authority_,
        INodeStake stake_,
        IReferenceValues referenceValues_,
        uint96 minStake_,
        uint40 keyOverlap_
    ) AccessManaged(authority_) EIP712("Cloister NodeRegistry", "1") {
        require(
            authority_ != address(0) && address(stake_) != address(0) && address(referenceValues_) != address(0),
            NodeRegistryZeroAddress()
        );
        require(keyOverlap_ <= 7 days, NodeRegistryInvalidKeyOverlap(keyOverlap_));
        stake = stake_;
        referenceValues = referenceValues_;
        keyOverlap = keyOverlap_;
        _setMinStake(minStake_);
    }

    /// @inheritdoc INodeRegistry
    function register(bytes32 salt, string calldata endpoint) external whenOpen returns (NodeId nodeId) {
        require(Endpoint.fits(endpoint), NodeRegistryInvalidEndpoint(bytes(endpoint).length));
        nodeId = NodeId.wrap(keccak256(abi.encode(msg.sender, salt)));
        NodeRecords.Record storage record = _records[nodeId];
        require(record.status == NodeStatus.None, NodeRegistryNodeExists(nodeId));
        uint256 live = liveNodes[msg.sender] + 1;
        _checkStake(msg.sender, live);
        record.status = NodeStatus.Registered;
        record.operator = msg.sender;
        liveNodes[msg.sender] = live;
        _nodeIds.push(nodeId);
        _endpoints[nodeId] = endpoint;
        emit NodeRegistered(nodeId, msg.sender, endpoint);
    }

    /// @inheritdoc INodeRegistry
    function setEndpoint(NodeId nodeId, string calldata endpoint) external {
        _liveRecord(nodeId, msg.sender);
        require(Endpoint.fits(endpoint), NodeRegistryInvalidEndpoint(bytes(endpoint).length));
        _endpoints[nodeId] = endpoint;
        emit NodeEndpointSet(nodeId, endpoint);
    }

    /// @inheritdoc INodeRegistry
    function attest(Verdict calldata verdict, bytes calldata possession) external whenOpen {
        require(isAttester[msg.sender], NodeRegistryNotAttester(msg.sender));
        NodeRecords.Record storage record = _liveRecord(verdict.nodeId, verdict.operator);
        _checkVerdict(record, verdict, possession);
        if (record.signingKey != verdict.signingKey) {
            record.rotate(verdict.signingKey, keyOverlap);
            keyOwner[verdict.signingKey] = verdict.nodeId;
        }
        record.write(verdict);
        emit NodeAttested(
            verdict.nodeId,
            verdict.signingKey,
            record.keyEpoch,
            verdict.sealingKey,
            verdict.configHash,
            verdict.platform,
            verdict.platform.isSimulated(),
            verdict.workloadId,
            verdict.evidenceHash,
            verdict.expiresAt
        );
    }

    /// @inheritdoc INodeRegistry
    function recheck(NodeId nodeId) external {
        NodeRecords.Record storage record = _activeRecord(nodeId);
        Refusal refusal = _appraise(record);
        require(refusal != Refusal.None, NodeRegistryStillAcceptable(nodeId));
        address signingKey = record.end(NodeStatus.Revoked);
        emit NodeRevoked(nodeId, signingKey, refusal, "");
    }

    /// @inheritdoc INodeRegistry
    function revoke(NodeId nodeId, string calldata reason) external restricted {
        address signingKey = _activeRecord(nodeId).end(NodeStatus.Revoked);
        emit NodeRevoked(nodeId, signingKey, Refusal.None, reason);
    }

    /// @inheritdoc INodeRegistry
    function markSlashed(NodeId nodeId) external restricted {
        (NodeRecords.Record storage record, NodeStatus status) = _knownRecord(nodeId);
        require(status != NodeStatus.Slashed, NodeRegistryWrongStatus(nodeId, status));
        if (status != NodeStatus.Exited) --liveNodes[record.operator];
        address signingKey = record.end(NodeStatus.Slashed);
        emit NodeSlashed(nodeId, signingKey);
    }

    /// @inheritdoc INodeRegistry
    function exit(NodeId nodeId) external {
        NodeRecords.Record storage record = _liveRecord(nodeId, msg.sender);
        record.status = NodeStatus.Exited;
        --liveNodes[msg.sender];
        emit NodeExited(nodeId, msg.sender);
    }

    /// @inheritdoc INodeRegistry
    function addAttester(address attester) external restricted {
        require(attester != address(0), NodeRegistryZeroAddress());
        require(!isAttester[attester], NodeRegistryAttesterExists(attester));
        isAttester[attester] = true;
        emit AttesterAdded(attester);
    }

    /// @inheritdoc INodeRegistry
    function removeAttester(address attester) external restricted {
        require(isAttester[attester], NodeRegistryNotAttester(attester));
        isAttester[attester] = false;
        emit AttesterRemoved(attester);
    }

    /// @inheritdoc INodeRegistry
    function setMinStake(uint96 minStake_) external restricted {
        _setMinStake(minStake_);
    }

    /// @inheritdoc INodeRegistry
    function pause() external whenOpen restricted {
        paused = true;
        emit Paused(msg.sender);
    }

    /// @inheritdoc INodeRegistry
    function unpause() external restricted {
        require(paused, NodeRegistryNotPaused());
        paused = false;
        emit Unpaused(msg.sender);
    }

    /// @inheritdoc INodeRegistry
    function isActive(NodeId nodeId) external view returns (bool) {
        NodeRecords.Record storage record = _records[nodeId];
        if (record.status != NodeStatus.Active || block.timestamp >= record.expiresAt || paused) return false;
        address operator = record.operator;
        if (stake.bondedOf(operator) < liveNodes[operator] * _minStake) return false;
        return _appraise(record) == Refusal.None;
    }

    /// @inheritdoc INodeRegistry
    function receiptKey(NodeId nodeId, uint32 keyEpoch) external view returns (address signingKey, address operator) {
        NodeRecords.Record storage record = _records[nodeId];
        return (record.receiptKey(keyEpoch, keyOverlap), record.operator);
    }

    /// @inheritdoc INodeRegistry
    function node(NodeId nodeId) external view returns (Node memory) {
        _knownRecord(nodeId);
        return _node(nodeId);
    }

    /// @inheritdoc INodeRegistry
    function nodes(uint256 start, uint256 count) external view returns (Node[] memory page) {
        uint256 total = _nodeIds.length;
        uint256 size = Math.min(count, Math.saturatingSub(total, start));
        page = new Node[](size);
        for (uint256 i = 0; i < size; ++i) page[i] = _node(_nodeIds[start + i]);
    }

    /// @inheritdoc INodeRegistry
    function nodeCount() external view returns (uint256) {
        return _nodeIds.length;
    }

    /// @inheritdoc INodeRegistry
    function nodeAt(uint256 index) external view returns (NodeId) {
        return _nodeIds[index];
    }

    /// @inheritdoc INodeRegistry
    function minStake() external view returns (uint256) {
        return _minStake;
    }

    /// @inheritdoc INodeRegistry
    function bindingDigest(Verdict calldata verdict) public view returns (bytes32) {
        return _hashTypedDataV4(verdict.hashBinding());
    }

    function _setMinStake(uint96 minStake_) private {
        require(minStake_ > 0, NodeRegistryZeroMinStake());
        _minStake = minStake_;
        emit MinStakeSet(minStake_);
    }

    function _knownRecord(NodeId nodeId) private view returns (NodeRecords.Record storage record, NodeStatus status) {
        record = _records[nodeId];
        status = record.status;
        require(status != NodeStatus.None, NodeRegistryUnknownNode(nodeId));
    }

    function _liveRecord(NodeId nodeId, address operator) private view returns (NodeRecords.Record storage) {
        (NodeRecords.Record storage record, NodeStatus status) = _knownRecord(nodeId);
        require(status != NodeStatus.Exited && status != NodeStatus.Slashed, NodeRegistryWrongStatus(nodeId, status));
        require(record.operator == operator, NodeRegistryNotOperator(nodeId, record.operator, operator));
        return record;
    }

    function _activeRecord(NodeId nodeId) private view returns (NodeRecords.Record storage) {
        (NodeRecords.Record storage record, NodeStatus status) = _knownRecord(nodeId);
        require(status == NodeStatus.Active, NodeRegistryWrongStatus(nodeId, status));
        return record;
    }

    function _appraise(NodeRecords.Record storage record) private view returns (Refusal) {
        return referenceValues.appraise(record.claims());
    }

    function _node(NodeId nodeId) private view returns (Node memory) {
        NodeRecords.Record memory record = _records[nodeId];
        bytes32 workloadId = referenceValues.workload(record.policyVersion).workloadId;
        return record.toNode(nodeId, workloadId, _endpoints[nodeId]);
    }

    function _checkVerdict(
        NodeRecords.Record storage record,
        Verdict calldata verdict,
        bytes calldata possession
    ) private view {
        _checkKey(record, verdict);
        verdict.checkTimes(referenceValues, record.attestedAt);
        verdict.checkAnchor();
        verdict.checkClaims(referenceValues);
        _checkStake(verdict.operator, liveNodes[verdict.operator]);
        address possessor = ECDSA.recoverCalldata(bindingDigest(verdict), possession);
        require(possessor == verdict.signingKey, NodeRegistryNoPossession(verdict.signingKey, possessor));
    }

    function _checkKey(NodeRecords.Record storage record, Verdict calldata verdict) private view {
        if (verdict.signingKey == record.signingKey) {
            uint32 recorded = record.policyVersion;
            require(
                recorded == verdict.policyVersion,
                NodeRegistryKeyOfOtherPolicy(verdict.signingKey, recorded, verdict.policyVersion)
            );
        } else {
            NodeId owner = keyOwner[verdict.signingKey];
            require(owner == NO_NODE, NodeRegistryKeyUsed(verdict.signingKey, owner));
        }
    }

    function _checkStake(address operator, uint256 live) private view {
        uint256 required = live * _minStake;
        uint256 bonded = stake.bondedOf(operator);
        require(bonded >= required, NodeRegistryInsufficientStake(operator, required, bonded));
    }
}
