// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";

/// @title Cloister test token
/// @notice A token that anyone can mint: for development networks only, it has no value.
contract TestToken is ERC20, ERC20Permit {
    constructor() ERC20("Cloister Test Token", "TCLO") ERC20Permit("Cloister Test Token") {}

    /// @notice Mints `amount` (18 decimals) to `account`; open to anyone.
    function mint(address account, uint256 amount) external {
        _mint(account, amount);
    }
}
