// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice Why the reference values refuse a node's claims; None means that they are accepted.
enum Refusal {
    None,
    PlatformNotAccepted,
    TcbStatusNotAccepted,
    EvaluationTooLow,
    WorkloadUnknown,
    WorkloadNotYetActive,
    WorkloadRemoved,
    WorkloadOfOtherPlatform,
    WorkloadDenied,
    PlatformDenied,
    WorkloadOfOtherVersion,
    GpuMissing
}
