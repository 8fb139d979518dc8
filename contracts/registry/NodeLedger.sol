// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {INodeRegistry} from "../interfaces/INodeRegistry.sol";
import {INodeStake} from "../interfaces/INodeStake.sol";
import {IReferenceValues} from "../interfaces/IReferenceValues.sol";
import {IStakeLock} from "../interfaces/IStakeLock.sol";
import {NodeRecords} from "../libraries/NodeRecords.sol";
import {VerdictHash} from "../libraries/VerdictHash.sol";
import {NodeId} from "../types/NodeId.sol";
import {NodeStatus} from "../types/NodeStatus.sol";
import {Platform} from "../types/Platform.sol";
import {Refusal} from "../types/Refusal.sol";
import {Verdict} from "../types/Verdict.sol";

/// @title The registry's records and everything that only reads them
abstract contract NodeLedger is INodeRegistry, EIP712 {
    using NodeRecords for NodeRecords.Profile;
    using NodeRecords for NodeRecords.Record;
    using NodeRecords for NodeRecords.Standing;
    using VerdictHash for Verdict;

    /// @dev One slot. Whatever can make an acceptable node unacceptable, other than its own expiry, raises `epoch`; a
    /// record of the current epoch needs no further question. That holds only while both the reference values and the
    /// stake report to this contract: before, the registry is closed.
    struct State {
        address committee;
        uint24 epoch;
        bool paused;
        bool policyLinked;
        bool stakeLinked;
    }

    /// @inheritdoc INodeRegistry
    INodeStake public immutable stake;
    /// @inheritdoc INodeRegistry
    IReferenceValues public immutable referenceValues;
    /// @inheritdoc INodeRegistry
    uint40 public immutable keyOverlap;
    /// @inheritdoc INodeRegistry
    uint40 public immutable challengeWindow;

    /// @dev What the policy of a platform says about times, as read in the policy epoch `epoch`.
    struct Terms {
        uint32 ttl;
        uint32 maxEvidenceAge;
        uint24 epoch;
    }

    State internal _state;
    /// @inheritdoc INodeRegistry
    uint256 public minStake;
    mapping(Platform platform => Terms terms) internal _terms;
    mapping(NodeId nodeId => NodeRecords.Record record) internal _records;
    mapping(NodeId nodeId => string endpoint) internal _endpoints;
    NodeId[] internal _nodeIds;
    mapping(address signingKey => NodeId nodeId) internal _retiredKeys;
    /// @inheritdoc INodeRegistry
    mapping(bytes32 platformId => NodeId nodeId) public platformNode;
    /// @inheritdoc INodeRegistry
    mapping(address operator => uint256 count) public liveNodes;
    /// @inheritdoc INodeRegistry
    mapping(address account => bool isContract) public isProver;
    /// @inheritdoc INodeRegistry
    mapping(address account => bool isContract) public isFaultProver;
    /// @inheritdoc INodeRegistry
    address public challenges;

    constructor(INodeStake stake_, IReferenceValues referenceValues_, uint40 keyOverlap_, uint40 challengeWindow_) {
        require(address(stake_) != address(0) && address(referenceValues_) != address(0), NodeRegistryZeroAddress());
        require(keyOverlap_ <= 7 days, NodeRegistryInvalidKeyOverlap(keyOverlap_));
        stake = stake_;
        referenceValues = referenceValues_;
        require(challengeWindow_ <= 7 days, NodeRegistryInvalidChallengeWindow(challengeWindow_));
        keyOverlap = keyOverlap_;
        challengeWindow = challengeWindow_;
    }

    /// @inheritdoc INodeRegistry
    function isActive(NodeId nodeId) external view returns (bool) {
        NodeRecords.Standing memory standing = _records[nodeId].standing;
        if (!standing.isCurrent(challengeWindow)) return false;
        State memory state = _state;
        if (state.paused) return false;
        if (standing.checkedEpoch == state.epoch && state.stakeLinked) return true;
        NodeRecords.Profile memory profile = _records[nodeId].profile;
        return _isCovered(profile.operator) && _appraise(profile) == Refusal.None;
    }

    /// @inheritdoc INodeRegistry
    function receiptKey(NodeId nodeId, uint32 keyEpoch) external view returns (address signingKey, address operator) {
        NodeRecords.Record storage record = _records[nodeId];
        return (record.receiptKey(keyEpoch, keyOverlap, challengeWindow), record.profile.operator);
    }

    /// @inheritdoc INodeRegistry
    function isKeyOf(NodeId nodeId, address signingKey) public view returns (bool) {
        if (signingKey == address(0)) return false;
        return _records[nodeId].standing.signingKey == signingKey || _retiredKeys[signingKey] == nodeId;
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
    function paused() external view returns (bool) {
        return _state.paused;
    }

    /// @inheritdoc INodeRegistry
    function epoch() external view returns (uint24) {
        return _state.epoch;
    }

    /// @inheritdoc INodeRegistry
    function committee() external view returns (address) {
        return _state.committee;
    }

    /// @inheritdoc IStakeLock
    function lockedOf(address operator) public view returns (uint256) {
        return liveNodes[operator] * minStake;
    }

    /// @inheritdoc INodeRegistry
    function bindingDigest(Verdict calldata verdict) public view returns (bytes32) {
        return _hashTypedDataV4(verdict.hashBinding());
    }

    function _knownRecord(NodeId nodeId) internal view returns (NodeRecords.Record storage record, NodeStatus status) {
        record = _records[nodeId];
        status = record.standing.status;
        require(status != NodeStatus.None, NodeRegistryUnknownNode(nodeId));
    }

    function _liveRecord(NodeId nodeId, address operator) internal view returns (NodeRecords.Record storage) {
        (NodeRecords.Record storage record, NodeStatus status) = _knownRecord(nodeId);
        require(status != NodeStatus.Exited && status != NodeStatus.Slashed, NodeRegistryWrongStatus(nodeId, status));
        address owner = record.profile.operator;
        require(owner == operator, NodeRegistryNotOperator(nodeId, owner, operator));
        return record;
    }

    function _activeRecord(NodeId nodeId) internal view returns (NodeRecords.Record storage) {
        (NodeRecords.Record storage record, NodeStatus status) = _knownRecord(nodeId);
        require(NodeRecords.hasKey(status), NodeRegistryWrongStatus(nodeId, status));
        return record;
    }

    function _appraise(NodeRecords.Profile memory profile) internal view returns (Refusal) {
        return referenceValues.appraise(profile.claims());
    }

    function _isCovered(address operator) internal view returns (bool) {
        return stake.bondedOf(operator) >= lockedOf(operator);
    }

    function _node(NodeId nodeId) private view returns (Node memory) {
        NodeRecords.Record memory record = _records[nodeId];
        bytes32 workloadId = referenceValues.workload(record.profile.policyVersion).workloadId;
        return record.toNode(nodeId, workloadId, _endpoints[nodeId], challengeWindow);
    }
}
