// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IPolicyObserver} from "./interfaces/IPolicyObserver.sol";
import {IReferenceValues} from "./interfaces/IReferenceValues.sol";
import {Platform} from "./types/Platform.sol";
import {Refusal} from "./types/Refusal.sol";
import {ACCEPTABLE_TCB_MASK, NO_STATUS_MASK, TcbStatus} from "./types/TcbStatus.sol";

/// @title ReferenceValues
contract ReferenceValues is IReferenceValues, AccessManaged {
    uint32 private constant MIN_TTL = 1 hours;
    uint32 private constant MAX_TTL = 7 days;

    /// @inheritdoc IReferenceValues
    uint40 public immutable additionDelay;

    /// @dev The second slot says all that an appraisal asks: 184 bits of the workload's identity are as good as all.
    struct Entry {
        bytes32 workloadId;
        bytes23 tag;
        Platform platform;
        uint40 activeFrom;
        bool removed;
        bool denied;
        bool requiresGpu;
    }

    mapping(Platform platform => PlatformPolicy policy) private _policies;
    mapping(uint32 version => Entry entry) private _entries;
    /// @inheritdoc IReferenceValues
    mapping(bytes32 workloadId => uint32 version) public workloadVersion;
    /// @inheritdoc IReferenceValues
    mapping(bytes32 id => bool isDenied) public denied;
    /// @inheritdoc IReferenceValues
    uint32 public latestVersion;
    /// @inheritdoc IReferenceValues
    IPolicyObserver public observer;

    /// @dev For what can only tighten or may do so: whoever relies on an earlier appraisal has to hear of it.
    modifier tellsObserver() {
        _;
        if (address(observer) != address(0)) observer.policyChanged();
    }

    constructor(address authority_, uint40 additionDelay_) AccessManaged(authority_) {
        require(authority_ != address(0), ReferenceValuesZeroAddress());
        require(additionDelay_ <= 30 days, ReferenceValuesInvalidDelay(additionDelay_));
        additionDelay = additionDelay_;
    }

    /// @inheritdoc IReferenceValues
    function setObserver(IPolicyObserver observer_) external restricted {
        require(address(observer_) != address(0), ReferenceValuesZeroAddress());
        require(address(observer) == address(0), ReferenceValuesObserverExists(observer));
        observer = observer_;
        emit ObserverSet(observer_);
        observer_.policyLinked();
    }

    /// @inheritdoc IReferenceValues
    function setPlatformPolicy(Platform platform, PlatformPolicy calldata policy) external restricted tellsObserver {
        uint16 mask = policy.tcbStatusMask;
        uint32 ttl = policy.ttl;
        uint32 maxAge = policy.maxEvidenceAge;
        uint16 acceptable = platform.statesTcb() ? ACCEPTABLE_TCB_MASK : NO_STATUS_MASK;
        require(mask != 0 && mask & ~acceptable == 0, ReferenceValuesInvalidTcbMask(mask));
        require(ttl >= MIN_TTL && ttl <= MAX_TTL, ReferenceValuesInvalidTtl(ttl));
        require(maxAge > 0 && maxAge <= ttl, ReferenceValuesInvalidEvidenceAge(maxAge));
        _policies[platform] = policy;
        emit PlatformPolicySet(platform, policy);
    }

    /// @inheritdoc IReferenceValues
    function suspendPlatform(Platform platform) external restricted tellsObserver {
        PlatformPolicy storage policy = _acceptedPolicy(platform);
        policy.accepted = false;
        emit PlatformPolicySet(platform, policy);
    }

    /// @inheritdoc IReferenceValues
    function removeTcbStatus(Platform platform, TcbStatus status) external restricted tellsObserver {
        PlatformPolicy storage policy = _acceptedPolicy(platform);
        uint16 mask = policy.tcbStatusMask;
        require(mask & status.toMask() != 0, ReferenceValuesTcbStatusNotAccepted(platform, status));
        policy.tcbStatusMask = mask & ~status.toMask();
        emit PlatformPolicySet(platform, policy);
    }

    /// @inheritdoc IReferenceValues
    function raiseMinEvaluationNumber(Platform platform, uint32 minEvaluationNumber) external restricted tellsObserver {
        PlatformPolicy storage policy = _acceptedPolicy(platform);
        uint32 current = policy.minEvaluationNumber;
        require(minEvaluationNumber > current, ReferenceValuesEvaluationNotRaised(current, minEvaluationNumber));
        policy.minEvaluationNumber = minEvaluationNumber;
        emit PlatformPolicySet(platform, policy);
    }

    /// @inheritdoc IReferenceValues
    function addWorkload(
        bytes32 workloadId,
        Platform platform,
        bool requiresGpu
    ) external restricted returns (uint32 version) {
        require(workloadId != bytes32(0), ReferenceValuesZeroId());
        uint32 live = workloadVersion[workloadId];
        require(live == 0, ReferenceValuesWorkloadExists(workloadId, live));
        uint40 activeFrom = uint40(block.timestamp) + additionDelay;
        version = ++latestVersion;
        workloadVersion[workloadId] = version;
        _entries[version] = Entry({
            workloadId: workloadId,
            tag: bytes23(workloadId),
            platform: platform,
            activeFrom: activeFrom,
            removed: false,
            denied: denied[workloadId],
            requiresGpu: requiresGpu
        });
        emit WorkloadAdded(workloadId, version, platform, activeFrom, requiresGpu);
    }

    /// @inheritdoc IReferenceValues
    function removeWorkload(bytes32 workloadId) external restricted tellsObserver {
        uint32 version = workloadVersion[workloadId];
        require(version != 0, ReferenceValuesWorkloadUnknown(workloadId));
        delete workloadVersion[workloadId];
        _entries[version].removed = true;
        emit WorkloadRemoved(workloadId, version);
    }

    /// @inheritdoc IReferenceValues
    function deny(bytes32 id, string calldata reasonURI) external restricted tellsObserver {
        require(id != bytes32(0), ReferenceValuesZeroId());
        require(!denied[id], ReferenceValuesAlreadyDenied(id));
        _setDenied(id, true);
        emit Denied(id, reasonURI);
        if (address(observer) != address(0)) observer.platformDenied(id);
    }

    /// @inheritdoc IReferenceValues
    function allow(bytes32 id) external restricted {
        require(denied[id], ReferenceValuesNotDenied(id));
        _setDenied(id, false);
        emit Allowed(id);
    }

    /// @inheritdoc IReferenceValues
    function appraise(Claims calldata claims) external view returns (Refusal refusal) {
        refusal = _appraisePlatform(claims);
        if (refusal == Refusal.None) refusal = _appraiseWorkload(claims);
        bytes32 platformId = claims.platformId;
        if (refusal == Refusal.None && platformId != 0 && denied[platformId]) refusal = Refusal.PlatformDenied;
    }

    /// @inheritdoc IReferenceValues
    function platformPolicy(Platform platform) external view returns (PlatformPolicy memory) {
        return _policies[platform];
    }

    /// @inheritdoc IReferenceValues
    function workload(uint32 version) external view returns (Workload memory) {
        Entry memory entry = _entries[version];
        return
            Workload({
                workloadId: entry.workloadId,
                platform: entry.platform,
                activeFrom: entry.activeFrom,
                removed: entry.removed,
                denied: entry.denied,
                requiresGpu: entry.requiresGpu
            });
    }

    /// @dev The flag of the live version mirrors the list, so that `appraise` reads one slot less; a removed version is
    /// refused anyway, and a new one starts from the list.
    function _setDenied(bytes32 id, bool isDenied) private {
        denied[id] = isDenied;
        uint32 version = workloadVersion[id];
        if (version != 0) _entries[version].denied = isDenied;
    }

    function _acceptedPolicy(Platform platform) private view returns (PlatformPolicy storage policy) {
        policy = _policies[platform];
        require(policy.accepted, ReferenceValuesPlatformNotAccepted(platform));
    }

    function _appraisePlatform(Claims calldata claims) private view returns (Refusal) {
        PlatformPolicy memory policy = _policies[claims.platform];
        if (!policy.accepted) return Refusal.PlatformNotAccepted;
        if (policy.tcbStatusMask & claims.tcbStatus.toMask() == 0) return Refusal.TcbStatusNotAccepted;
        if (claims.evaluationNumber < policy.minEvaluationNumber) return Refusal.EvaluationTooLow;
        return Refusal.None;
    }

    function _appraiseWorkload(Claims calldata claims) private view returns (Refusal) {
        Entry storage added = _entries[claims.policyVersion];
        uint40 activeFrom = added.activeFrom;
        bytes23 tag = bytes23(claims.workloadId);
        if (activeFrom == 0) return Refusal.WorkloadUnknown;
        if (tag != 0 && added.tag != tag) return Refusal.WorkloadOfOtherVersion;
        if (added.removed) return Refusal.WorkloadRemoved;
        if (added.denied) return Refusal.WorkloadDenied;
        if (added.platform != claims.platform) return Refusal.WorkloadOfOtherPlatform;
        if (block.timestamp < activeFrom) return Refusal.WorkloadNotYetActive;
        if (added.requiresGpu && !claims.withGpu) return Refusal.GpuMissing;
        return Refusal.None;
    }
}
