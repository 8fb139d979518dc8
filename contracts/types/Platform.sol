// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice Kind of TEE: 1 Intel SGX, 2 Intel TDX, 3 AMD SEV-SNP, 4 AWS Nitro, 5 Arm CCA. With bit 7 (0x80) set the
/// evidence stands under a simulated vendor's root; that is another platform, about which policy for the real one says
/// nothing.
type Platform is uint8;

using {isSimulated, statesTcb, differ as !=} for Platform global;

uint8 constant SIMULATED_BIT = 0x80;
uint8 constant AMD_SEV_SNP = 3;
uint8 constant AWS_NITRO = 4;

function isSimulated(Platform platform) pure returns (bool) {
    return Platform.unwrap(platform) & SIMULATED_BIT != 0;
}

/// @notice Says whether the platform's vendor states a TCB status: AMD and AWS state none, simulated or not.
function statesTcb(Platform platform) pure returns (bool) {
    uint8 kind = Platform.unwrap(platform) & ~SIMULATED_BIT;
    return kind != AMD_SEV_SNP && kind != AWS_NITRO;
}

function differ(Platform left, Platform right) pure returns (bool) {
    return Platform.unwrap(left) != Platform.unwrap(right);
}
