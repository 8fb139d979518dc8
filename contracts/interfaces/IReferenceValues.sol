// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IPolicyObserver} from "./IPolicyObserver.sol";
import {Platform} from "../types/Platform.sol";
import {Refusal} from "../types/Refusal.sol";
import {TcbStatus} from "../types/TcbStatus.sol";

/// @title Which hardware and which software are accepted, in three layers
/// @notice vendor: a policy for each platform. protocol: workloads (measurements of released images), added with a
/// delay, removed at once. community: a deny list that acts at once and overrides the others. Claims are acceptable
/// only if all three agree. Each addition of a workload has its own version, and a removed version never returns: who
/// relied on it has to be attested with a new key under a new version.
/// Times are in seconds since 1970, durations in seconds.
interface IReferenceValues {
    /// @notice Vendor layer. `tcbStatusMask` has bit n set when TCB status n is accepted; `ttl` is the longest
    /// validity of an attestation result, `maxEvidenceAge` the oldest evidence that a result may rest on when it is
    /// recorded.
    struct PlatformPolicy {
        uint16 tcbStatusMask;
        uint32 minEvaluationNumber;
        uint32 ttl;
        uint32 maxEvidenceAge;
        bool accepted;
    }

    /// @notice Protocol layer: one addition of one measurement. `denied` mirrors the deny list for `workloadId`; with
    /// `requiresGpu` it is accepted only together with the evidence of a GPU.
    struct Workload {
        bytes32 workloadId;
        Platform platform;
        uint40 activeFrom;
        bool removed;
        bool denied;
        bool requiresGpu;
    }

    /// @notice What is known of a node's evidence, as far as policy judges it. `workloadId` and `platformId` are zero
    /// where only the rest is to be judged. `withGpu` says that the evidence of a GPU was verified with the node's.
    struct Claims {
        bytes32 workloadId;
        uint32 policyVersion;
        Platform platform;
        TcbStatus tcbStatus;
        uint32 evaluationNumber;
        bytes32 platformId;
        bool withGpu;
    }

    /// @notice The policy of `platform` is now `policy`.
    event PlatformPolicySet(Platform indexed platform, PlatformPolicy policy);
    /// @notice `workloadId` is accepted on `platform` from `activeFrom` on, under `version`.
    event WorkloadAdded(
        bytes32 indexed workloadId,
        uint32 indexed version,
        Platform platform,
        uint40 activeFrom,
        bool requiresGpu
    );
    /// @notice `version` of `workloadId` is refused for ever.
    event WorkloadRemoved(bytes32 indexed workloadId, uint32 indexed version);
    /// @notice The community denies `id`; `reasonURI` says why.
    event Denied(bytes32 indexed id, string reasonURI);
    /// @notice `observer` is told of every change that could make a record unacceptable.
    event ObserverSet(IPolicyObserver indexed observer);
    /// @notice `id` is no longer denied.
    event Allowed(bytes32 indexed id);

    /// @notice An address of zero was given.
    error ReferenceValuesZeroAddress();
    /// @notice The observer was set before.
    error ReferenceValuesObserverExists(IPolicyObserver observer);
    /// @notice The mask holds a status that no policy may accept, or none at all.
    error ReferenceValuesInvalidTcbMask(uint16 mask);
    /// @notice The validity is not between one hour and seven days.
    error ReferenceValuesInvalidTtl(uint32 ttl);
    /// @notice The evidence age is zero or longer than the validity.
    error ReferenceValuesInvalidEvidenceAge(uint32 maxEvidenceAge);
    /// @notice No policy was ever set for `platform`, or it is suspended already.
    error ReferenceValuesPlatformNotAccepted(Platform platform);
    /// @notice The policy of `platform` does not accept `status` anyway.
    error ReferenceValuesTcbStatusNotAccepted(Platform platform, TcbStatus status);
    /// @notice The minimum can only be raised here.
    error ReferenceValuesEvaluationNotRaised(uint32 current, uint32 offered);
    /// @notice `workloadId` has the live version `version` already.
    error ReferenceValuesWorkloadExists(bytes32 workloadId, uint32 version);
    /// @notice `workloadId` has no live version.
    error ReferenceValuesWorkloadUnknown(bytes32 workloadId);
    /// @notice The identifier is zero.
    error ReferenceValuesZeroId();
    /// @notice `id` is on the deny list already.
    error ReferenceValuesAlreadyDenied(bytes32 id);
    /// @notice `id` is not on the deny list.
    error ReferenceValuesNotDenied(bytes32 id);
    /// @notice The delay of additions is longer than thirty days.
    error ReferenceValuesInvalidDelay(uint40 delay);

    /// @notice Sets, once and for ever, who is told of changes: the registry. Restricted to the administrator.
    function setObserver(IPolicyObserver observer) external;

    /// @notice Replaces the policy of `platform`. Restricted to the governor.
    function setPlatformPolicy(Platform platform, PlatformPolicy calldata policy) external;

    /// @notice Stops accepting `platform` at once. Restricted to the guardian.
    function suspendPlatform(Platform platform) external;

    /// @notice Stops accepting `status` on `platform` at once. Restricted to the guardian.
    function removeTcbStatus(Platform platform, TcbStatus status) external;

    /// @notice Stops accepting evidence of `platform` under an older evaluation number, at once. Restricted to the
    /// guardian.
    function raiseMinEvaluationNumber(Platform platform, uint32 minEvaluationNumber) external;

    /// @notice Accepts `workloadId` on `platform` after the delay of additions. Restricted to the governor.
    /// @param requiresGpu Whether results without the evidence of a GPU are refused.
    /// @return version The version of this addition: larger than every one before.
    function addWorkload(bytes32 workloadId, Platform platform, bool requiresGpu) external returns (uint32 version);

    /// @notice Removes the live version of `workloadId` at once and for ever. Restricted to the guardian.
    function removeWorkload(bytes32 workloadId) external;

    /// @notice Denies `id` (a workload or a platform identity) at once, over the other layers. Restricted to the
    /// community.
    function deny(bytes32 id, string calldata reasonURI) external;

    /// @notice Takes `id` off the deny list. Restricted to the governor.
    function allow(bytes32 id) external;

    /// @notice Judges claims by all three layers as of now; never reverts.
    /// @return refusal The first reason to refuse, None if the claims are accepted.
    function appraise(Claims calldata claims) external view returns (Refusal refusal);

    /// @notice Who is told of changes; zero before it was set.
    function observer() external view returns (IPolicyObserver);

    /// @notice The vendor layer for `platform`.
    function platformPolicy(Platform platform) external view returns (PlatformPolicy memory);

    /// @notice The live version of `workloadId`, which may still wait for its delay; zero if there is none.
    function workloadVersion(bytes32 workloadId) external view returns (uint32 version);

    /// @notice The addition with number `version` (versions count from 1); all zero if there was none.
    function workload(uint32 version) external view returns (Workload memory);

    /// @notice The largest version in use, so that all additions can be listed.
    function latestVersion() external view returns (uint32);

    /// @notice Whether `id` is on the deny list.
    function denied(bytes32 id) external view returns (bool);

    /// @notice Seconds between an addition and the moment it is accepted.
    function additionDelay() external view returns (uint40);
}
