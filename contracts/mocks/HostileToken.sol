// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {Address} from "@openzeppelin/contracts/utils/Address.sol";

/// @title A token that takes a fee, or calls back, on transfer
/// @dev For tests only.
contract HostileToken is ERC20 {
    uint256 private _fee;
    address private _target;
    bytes private _data;

    constructor() ERC20("Hostile", "HOST") {}

    /// @notice Mints `amount` to `account`.
    function mint(address account, uint256 amount) external {
        _mint(account, amount);
    }

    /// @notice Takes `fee` from every transfer from now on.
    function setFee(uint256 fee) external {
        _fee = fee;
    }

    /// @notice Calls `target` with `data` in the middle of the next transfer.
    function arm(address target, bytes calldata data) external {
        _target = target;
        _data = data;
    }

    function _update(address from, address to, uint256 value) internal override {
        address target = _target;
        _target = address(0);
        if (target != address(0)) Address.functionCall(target, _data);
        super._update(from, to, value);
        if (from != address(0) && _fee != 0) super._update(to, address(0), _fee);
    }
}
