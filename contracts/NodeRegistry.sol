// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {INodeRegistry} from "./interfaces/INodeRegistry.sol";
import {INodeStake} from "./interfaces/INodeStake.sol";
import {IReferenceValues} from "./interfaces/IReferenceValues.sol";
import {Endpoint} from "./libraries/Endpoint.sol";
import {NodeRecords} from "./libraries/NodeRecords.sol";
import {VerdictChecks} from "./libraries/VerdictChecks.sol";
import {NodeDisputes} from "./registry/NodeDisputes.sol";
import {NodeLedger} from "./registry/NodeLedger.sol";
import {NO_NODE, NodeId} from "./types/NodeId.sol";
import {NodeStatus} from "./types/NodeStatus.sol";
import {Platform} from "./types/Platform.sol";
import {Refusal} from "./types/Refusal.sol";
import {Verdict} from "./types/Verdict.sol";

/// @title NodeRegistry
contract NodeRegistry is NodeDisputes, AccessManaged {
    using VerdictChecks for Verdict;
    using NodeRecords for NodeRecords.Profile;
    using NodeRecords for NodeRecords.Record;
    using NodeRecords for NodeRecords.Standing;

    modifier whenOpen() {
        _checkOpen();
        _;
    }

    constructor(
        address authority_,
        INodeStake stake_,
        IReferenceValues referenceValues_,
        uint96 minStake_,
        uint40 keyOverlap_,
        uint40 challengeWindow_
    )
        NodeLedger(stake_, referenceValues_, keyOverlap_, challengeWindow_)
        AccessManaged(authority_)
        EIP712("Cloister NodeRegistry", "1")
    {
        require(authority_ != address(0), NodeRegistryZeroAddress());
        _setMinStake(minStake_);
    }

    /// @inheritdoc INodeRegistry
    function register(bytes32 salt, string calldata endpoint) external whenOpen returns (NodeId nodeId) {
        require(Endpoint.fits(endpoint), NodeRegistryInvalidEndpoint(bytes(endpoint).length));
        nodeId = NodeId.wrap(keccak256(abi.encode(msg.sender, salt)));
        NodeRecords.Record storage record = _records[nodeId];
        require(record.standing.status == NodeStatus.None, NodeRegistryNodeExists(nodeId));
        liveNodes[msg.sender] += 1;
        _checkStake(msg.sender);
        record.open(msg.sender, _state.epoch);
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
    function attest(Verdict calldata verdict, bytes calldata possession) external {
        State memory state = _checkOpen();
        require(msg.sender == state.committee || isProver[msg.sender], NodeRegistryNotAttester(msg.sender));
        NodeRecords.Record storage record = _liveRecord(verdict.nodeId, verdict.operator);
        NodeRecords.Standing memory standing = record.standing;
        NodeRecords.Profile memory profile = record.profile;
        bool renews = standing.signingKey == verdict.signingKey;
        if (renews) _checkRenewal(standing, profile, verdict);
        else _checkKey(standing, verdict, possession);
        Terms memory terms = _termsOf(verdict.platform, state.epoch);
        verdict.checkTimes(terms.ttl, terms.maxEvidenceAge, standing.attestedAt);
        verdict.checkAnchor();
        bool continues = renews && standing.isCurrent(challengeWindow);
        if (standing.checkedEpoch != state.epoch) _checkStake(verdict.operator);
        else if (continues && profile.hasClaims(verdict))
            return _record(record, verdict, state.epoch, profile.keyEpoch, NodeStatus.Active);
        verdict.checkClaims(referenceValues);
        _takePlatform(verdict.platformId, verdict.nodeId, verdict.signingKey);
        profile.claim(verdict);
        if (!renews) _rotate(record, standing, profile, verdict.nodeId);
        record.profile = profile;
        bool waits = !continues && challengeWindow != 0 && msg.sender == state.committee;
        _record(record, verdict, state.epoch, profile.keyEpoch, waits ? NodeStatus.Pending : NodeStatus.Active);
    }

    /// @inheritdoc INodeRegistry
    function recheck(NodeId nodeId) external {
        NodeRecords.Record storage record = _activeRecord(nodeId);
        uint24 current = _state.epoch;
        require(record.standing.checkedEpoch != current, NodeRegistryStillAcceptable(nodeId));
        NodeRecords.Profile memory profile = record.profile;
        Refusal refusal = _appraise(profile);
        if (refusal != Refusal.None) return _revoke(nodeId, record, refusal, "");
        _checkStake(profile.operator);
        record.standing.checkedEpoch = current;
        emit NodeRechecked(nodeId, current);
    }

    /// @inheritdoc INodeRegistry
    function revoke(NodeId nodeId, string calldata reason) external restricted {
        _revoke(nodeId, _activeRecord(nodeId), Refusal.None, reason);
    }

    /// @inheritdoc INodeRegistry
    function convict(NodeId nodeId, address signingKey, address challenger) external {
        require(isFaultProver[msg.sender], NodeRegistryNotFaultProver(msg.sender));
        (NodeRecords.Record storage record, NodeStatus status) = _knownRecord(nodeId);
        require(status != NodeStatus.Slashed, NodeRegistryWrongStatus(nodeId, status));
        require(isKeyOf(nodeId, signingKey), NodeRegistryNotKeyOf(nodeId, signingKey));
        address operator = record.profile.operator;
        if (status != NodeStatus.Exited) --liveNodes[operator];
        record.standing.status = NodeStatus.Slashed;
        if (liveNodes[operator] != 0) _startEpoch();
        emit NodeSlashed(nodeId, signingKey);
        stake.slash(operator, type(uint256).max, challenger);
    }

    /// @inheritdoc INodeRegistry
    function exit(NodeId nodeId) external {
        NodeRecords.Record storage record = _liveRecord(nodeId, msg.sender);
        if (record.standing.status == NodeStatus.Revoked) {
            _retire(record, nodeId);
        }
        record.standing.status = NodeStatus.Exited;
        --liveNodes[msg.sender];
        emit NodeExited(nodeId, msg.sender);
    }

    /// @inheritdoc INodeRegistry
    function setCommittee(address committee_) external restricted {
        _state.committee = committee_;
        emit CommitteeSet(committee_);
    }

    /// @inheritdoc INodeRegistry
    function dismissCommittee() external restricted {
        _state.committee = address(0);
        emit CommitteeSet(address(0));
    }

    /// @inheritdoc INodeRegistry
    function setProver(address prover, bool allowed) external restricted {
        require(prover != address(0), NodeRegistryZeroAddress());
        isProver[prover] = allowed;
        emit ProverSet(prover, allowed);
    }

    /// @inheritdoc INodeRegistry
    function dismissProver(address prover) external restricted {
        isProver[prover] = false;
        emit ProverSet(prover, false);
    }

    /// @inheritdoc INodeRegistry
    function setFaultProver(address prover, bool allowed) external restricted {
        require(prover != address(0), NodeRegistryZeroAddress());
        isFaultProver[prover] = allowed;
        emit FaultProverSet(prover, allowed);
    }

    /// @inheritdoc INodeRegistry
    function setChallenges(address challenges_) external restricted {
        challenges = challenges_;
        emit ChallengesSet(challenges_);
    }

    /// @inheritdoc INodeRegistry
    function setMinStake(uint96 minStake_) external restricted {
        _setMinStake(minStake_);
    }

    /// @inheritdoc INodeRegistry
    function pause() external restricted {
        require(!_state.paused, NodeRegistryPaused());
        _state.paused = true;
        emit Paused(msg.sender);
    }

    /// @inheritdoc INodeRegistry
    function unpause() external restricted {
        require(_state.paused, NodeRegistryNotPaused());
        _state.paused = false;
        emit Unpaused(msg.sender);
    }

    function _setMinStake(uint96 minStake_) private {
        require(minStake_ > 0, NodeRegistryZeroMinStake());
        minStake = minStake_;
        _startEpoch();
        emit MinStakeSet(minStake_);
    }

    /// @dev A key does not leave its platform, so that another node can only bring it from there.
    function _takePlatform(bytes32 platformId, NodeId nodeId, address signingKey) private {
        NodeId holder = platformNode[platformId];
        if (holder == nodeId) return;
        NodeRecords.Record storage other = _records[holder];
        NodeRecords.Standing memory standing = other.standing;
        require(standing.signingKey != signingKey, NodeRegistryKeyUsed(signingKey, holder));
        bool isTaken = block.timestamp < standing.expiresAt && other.runsOn(platformId);
        require(!isTaken, NodeRegistryPlatformTaken(platformId, holder));
        platformNode[platformId] = nodeId;
    }

    function _rotate(
        NodeRecords.Record storage record,
        NodeRecords.Standing memory standing,
        NodeRecords.Profile memory profile,
        NodeId nodeId
    ) private {
        if (standing.signingKey != address(0)) _retiredKeys[standing.signingKey] = nodeId;
        record.rotate(standing, profile, keyOverlap);
    }

    function _termsOf(Platform platform, uint24 epoch) private returns (Terms memory terms) {
        terms = _terms[platform];
        if (terms.epoch == epoch) return terms;
        IReferenceValues.PlatformPolicy memory policy = referenceValues.platformPolicy(platform);
        terms = Terms(policy.ttl, policy.maxEvidenceAge, epoch);
        _terms[platform] = terms;
    }

    function _record(
        NodeRecords.Record storage record,
        Verdict calldata verdict,
        uint24 epoch,
        uint32 keyEpoch,
        NodeStatus status
    ) private {
        record.write(verdict, epoch, status);
        emit NodeAttested(
            verdict.nodeId,
            verdict.signingKey,
            keyEpoch,
            verdict.sealingKey,
            verdict.configHash,
            verdict.platform,
            verdict.platform.isSimulated(),
            verdict.workloadId,
            verdict.evidenceHash,
            verdict.expiresAt
        );
    }

    function _checkOpen() private view returns (State memory state) {
        state = _state;
        require(!state.paused, NodeRegistryPaused());
        require(state.policyLinked && state.stakeLinked, NodeRegistryNotLinked());
    }

    function _checkRenewal(
        NodeRecords.Standing memory standing,
        NodeRecords.Profile memory profile,
        Verdict calldata verdict
    ) private pure {
        address signingKey = verdict.signingKey;
        uint32 recorded = profile.policyVersion;
        if (standing.status != NodeStatus.Active) {
            _checkUnchallenged(standing, verdict.nodeId);
            require(standing.status == NodeStatus.Pending, NodeRegistryKeyUsed(signingKey, verdict.nodeId));
        }
        require(
            recorded == verdict.policyVersion,
            NodeRegistryKeyOfOtherPolicy(signingKey, recorded, verdict.policyVersion)
        );
    }

    function _checkUnchallenged(NodeRecords.Standing memory standing, NodeId nodeId) private pure {
        require(standing.status != NodeStatus.Challenged, NodeRegistryWrongStatus(nodeId, standing.status));
    }

    function _checkKey(
        NodeRecords.Standing memory standing,
        Verdict calldata verdict,
        bytes calldata possession
    ) private view {
        _checkUnchallenged(standing, verdict.nodeId);
        NodeId owner = _retiredKeys[verdict.signingKey];
        require(owner == NO_NODE, NodeRegistryKeyUsed(verdict.signingKey, owner));
        address possessor = ECDSA.recoverCalldata(bindingDigest(verdict), possession);
        require(possessor == verdict.signingKey, NodeRegistryNoPossession(verdict.signingKey, possessor));
    }

    function _checkStake(address operator) private view {
        uint256 required = lockedOf(operator);
        uint256 bonded = stake.bondedOf(operator);
        require(bonded >= required, NodeRegistryInsufficientStake(operator, required, bonded));
    }
}
