// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {ExampleConsumer} from "../consumers/ExampleConsumer.sol";
import {ModelId} from "../types/ModelId.sol";

/// @title An asker that comes back in while it is paid
/// @dev For tests only.
contract ReentrantAsker {
    ExampleConsumer private immutable _consumer;
    bytes private _data;

    /// @notice How often the consumer paid, and whether the way back in was open.
    uint256 public payments;
    bool public entered;

    constructor(ExampleConsumer consumer) {
        _consumer = consumer;
    }

    // solhint-disable-next-line no-complex-fallback
    receive() external payable {
        ++payments;
        // solhint-disable-next-line avoid-low-level-calls
        (entered, ) = address(_consumer).call(_data);
    }

    /// @notice Asks as this contract.
    function ask(ModelId modelId, bytes32 requestCommitment, uint40 deadline) external payable {
        _consumer.ask{value: msg.value}(modelId, requestCommitment, deadline);
    }

    /// @notice Withdraws, and calls the consumer with `data` when the money comes.
    function withdraw(bytes calldata data) external {
        _data = data;
        Address.functionCall(address(_consumer), abi.encodeCall(ExampleConsumer.withdraw, ()));
    }
}
