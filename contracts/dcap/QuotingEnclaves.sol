// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IIntelCollateral} from "../interfaces/IIntelCollateral.sol";
import {TcbFacts} from "../types/TcbFacts.sol";
import {Packed} from "./Packed.sol";

/// @title The match of a quoting enclave with its identity, packed as `QeIdentityParser` packs it
/// @dev Intel SGX and TDX DCAP Quote Verification Library, enclave report verification.
library QuotingEnclaves {
    uint256 private constant LEVELS = 75;

    /// @notice Status of the quoting enclave by an identity that stands in `data` from `offset` on.
    function statusOf(bytes memory data, uint256 offset, TcbFacts calldata facts) internal pure returns (uint256) {
        unchecked {
            uint256 misc = uint32(facts.qeMiscselect) & Packed.number(data, offset + 4, 4);
            uint256 attributes = uint128(facts.qeAttributes) & Packed.number(data, offset + 24, 16);
            bool fits = misc == Packed.number(data, offset, 4) && attributes == Packed.number(data, offset + 8, 16);
            fits = fits && uint256(facts.qeSigner) == Packed.number(data, offset + 40, 32);
            require(
                fits && facts.qeProductId == Packed.number(data, offset + 72, 2),
                IIntelCollateral.IntelCollateralWrongQuotingEnclave()
            );
            uint256 status = Packed.isvStatus(
                data,
                offset + LEVELS,
                Packed.number(data, offset + 74, 1),
                facts.qeIsvSvn
            );
            require(status != 0, IIntelCollateral.IntelCollateralNoLevel());
            return status;
        }
    }
}
