// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @title Bonds of node operators and of committee members
/// @notice One ERC-20 bond per operator. Stake is `bonded` (it counts for nodes and committee seats) or `unbonding`
/// (it counts for nothing, can still be slashed, and can be withdrawn after the thaw). Token, thaw and slash cap are
/// fixed at deployment, so the terms under which a bond was made never change.
/// Amounts are in the token's smallest unit, times in seconds since 1970.
interface INodeStake {
    /// @notice `amount` of `from` became bonded stake of `operator`.
    event StakeDeposited(address indexed operator, address indexed from, uint256 amount);
    /// @notice `amount` started to thaw; everything that thaws can be withdrawn from `withdrawableAt` on.
    event UnbondRequested(address indexed operator, uint256 amount, uint256 withdrawableAt);
    /// @notice `amount` that was thawing is bonded again.
    event UnbondCancelled(address indexed operator, uint256 amount);
    /// @notice `amount` left for its operator.
    event StakeWithdrawn(address indexed operator, uint256 amount);
    /// @notice `operator` lost `reward + burned`: the reward went to `challenger`, the rest to the burn address.
    event StakeSlashed(address indexed operator, address indexed challenger, uint256 reward, uint256 burned);

    /// @notice An amount of zero was given.
    error NodeStakeZeroAmount();
    /// @notice An address of zero was given.
    error NodeStakeZeroAddress();
    /// @notice A parameter of the constructor is out of its bounds.
    error NodeStakeInvalidParameter(uint256 value);
    /// @notice The token moved another amount than asked, as tokens do that take a fee on transfer.
    error NodeStakeUnexpectedTransfer(uint256 expected, uint256 received);
    /// @notice `operator` has only `bonded` of the `requested` amount.
    error NodeStakeInsufficientBond(address operator, uint256 bonded, uint256 requested);
    /// @notice Nothing of `operator` is unbonding.
    error NodeStakeNothingUnbonding(address operator);
    /// @notice The stake of `operator` thaws until `withdrawableAt`.
    error NodeStakeStillThawing(address operator, uint256 withdrawableAt);

    /// @notice Bonds `amount` of the caller for the caller.
    function deposit(uint256 amount) external;

    /// @notice Bonds `amount` of the caller for the caller with an ERC-2612 permit.
    /// @dev The permit is used only if the allowance does not suffice, so that nobody can block a deposit by using the
    /// permit first.
    function depositWithPermit(uint256 amount, uint256 deadline, uint8 v, bytes32 r, bytes32 s) external;

    /// @notice Bonds `amount` of the caller for `operator`, to whom it belongs from then on.
    function depositFor(address operator, uint256 amount) external;

    /// @notice Moves `amount` of the caller from bonded to unbonding and starts the thaw.
    /// @dev There is one pending request: adding to it restarts the clock for all of it.
    function requestUnbond(uint256 amount) external;

    /// @notice Bonds everything of the caller that is unbonding again.
    function cancelUnbond() external;

    /// @notice Pays the caller everything that has thawed.
    /// @return amount What was paid.
    function withdraw() external returns (uint256 amount);

    /// @notice Takes up to `amount` from `operator`, bonded stake first, then unbonding: at most the cap's share of the
    /// two in one call. Half (rounded down) goes to `challenger`, the rest is burned, so that nobody gains by accusing
    /// themselves. Restricted to the contracts that prove faults.
    /// @dev Does not revert when there is nothing to take, so that an empty bond cannot block the proof of a fault.
    /// @return taken What the operator lost.
    function slash(address operator, uint256 amount, address challenger) external returns (uint256 taken);

    /// @notice Stake of `operator` that counts: bonded and not unbonding.
    function bondedOf(address operator) external view returns (uint256 bonded);

    /// @notice All stake of `operator`; `withdrawableAt` has a meaning only while something is unbonding.
    function stakeOf(
        address operator
    ) external view returns (uint256 bonded, uint256 unbonding, uint256 withdrawableAt);

    /// @notice Sum of all stake that was burned.
    function totalBurned() external view returns (uint256);

    /// @notice The ERC-20 token of all bonds.
    function token() external view returns (IERC20);

    /// @notice Seconds between a request to unbond and the earliest withdrawal.
    function thaw() external view returns (uint40);

    /// @notice The largest share of a stake that one slash may take, in hundredths of a per cent.
    function slashCapBps() external view returns (uint16);
}
