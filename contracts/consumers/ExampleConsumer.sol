// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {IInferenceEscrow} from "../interfaces/IInferenceEscrow.sol";
import {ModelId} from "../types/ModelId.sol";
import {CloisterConsumer} from "./CloisterConsumer.sol";

/// @title An example: whoever asks through this contract puts a reward on the answer
/// @notice The request goes to a node off chain, sealed; on chain are its commitment and the reward. Anybody may bring
/// the answer, the reward is the operator's whose node gave it, and after the deadline the asker takes it back.
contract ExampleConsumer is CloisterConsumer {
    /// @notice A request: `deadline` is the last second (since 1970) in which an answer is taken.
    struct Request {
        address asker;
        uint96 reward;
        ModelId modelId;
        uint40 deadline;
    }

    /// @notice Open requests by their id.
    mapping(bytes32 requestId => Request request) public requests;

    /// @notice What an account may withdraw.
    mapping(address account => uint256 amount) public owed;

    /// @notice Somebody asks `modelId` and pays `reward` for the answer.
    event Asked(
        address indexed asker,
        ModelId indexed modelId,
        bytes32 requestCommitment,
        uint96 reward,
        uint40 deadline
    );

    /// @notice The answer, as canonical tensors.
    event Answered(bytes32 indexed requestId, address indexed operator, bytes tensors);

    /// @notice Nobody answered in time.
    event Refunded(bytes32 indexed requestId, address indexed asker, uint96 reward);

    /// @notice The asker's request is open or answered.
    error ExampleConsumerRequestExists(bytes32 requestId);

    /// @notice There is no such open request.
    error ExampleConsumerUnknownRequest(bytes32 requestId);

    /// @notice The deadline has passed, or for a refund: has not.
    error ExampleConsumerDeadline(uint40 deadline, uint256 timestamp);

    /// @notice The account is owed nothing.
    error ExampleConsumerNothingOwed(address account);

    constructor(IInferenceEscrow escrow_) CloisterConsumer(escrow_) {}

    /// @notice Asks a model; the value sent is the reward. A commitment stands for one request of its asker.
    function ask(ModelId modelId, bytes32 requestCommitment, uint40 deadline) external payable {
        bytes32 id = requestId(msg.sender, requestCommitment);
        bool isNew = requests[id].asker == address(0) && !answered[id];
        require(isNew, ExampleConsumerRequestExists(id));
        require(deadline >= block.timestamp, ExampleConsumerDeadline(deadline, block.timestamp));
        uint96 reward = uint96(msg.value);
        requests[id] = Request(msg.sender, reward, modelId, deadline);
        emit Asked(msg.sender, modelId, requestCommitment, reward, deadline);
    }

    /// @notice Brings the answer of any active node, with the receipt that proves it and the salt of its commitment.
    function answer(
        address asker,
        IInferenceEscrow.Receipt calldata receipt,
        bytes calldata signature,
        bytes32 salt,
        bytes calldata tensors
    ) external {
        bytes32 commitment = receipt.requestCommitment;
        bytes32 id = requestId(asker, commitment);
        Request memory request = _openRequest(id);
        require(block.timestamp <= request.deadline, ExampleConsumerDeadline(request.deadline, block.timestamp));
        Expectation memory expected = Expectation(id, receipt.nodeId, request.modelId, commitment);
        address operator = _checkResult(receipt, signature, expected);
        _checkOutput(receipt, salt, tensors);
        delete requests[id];
        owed[operator] += request.reward;
        emit Answered(id, operator, tensors);
    }

    /// @notice Gives the reward of a request that nobody answered in time back to its asker.
    function refund(bytes32 id) external {
        Request memory request = _openRequest(id);
        require(block.timestamp > request.deadline, ExampleConsumerDeadline(request.deadline, block.timestamp));
        delete requests[id];
        owed[request.asker] += request.reward;
        emit Refunded(id, request.asker, request.reward);
    }

    /// @notice Pays the caller what it is owed.
    function withdraw() external {
        uint256 amount = owed[msg.sender];
        require(amount != 0, ExampleConsumerNothingOwed(msg.sender));
        owed[msg.sender] = 0;
        Address.sendValue(payable(msg.sender), amount);
    }

    /// @notice How a request is named: by its asker too, so that nobody can ask with another's commitment first.
    function requestId(address asker, bytes32 requestCommitment) public pure returns (bytes32) {
        return keccak256(abi.encode(asker, requestCommitment));
    }

    function _openRequest(bytes32 id) private view returns (Request memory request) {
        request = requests[id];
        require(request.asker != address(0), ExampleConsumerUnknownRequest(id));
    }
}
