// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {IInferenceEscrow} from "../interfaces/IInferenceEscrow.sol";
import {INodeRegistry} from "../interfaces/INodeRegistry.sol";
import {ModelId} from "../types/ModelId.sol";
import {NodeId} from "../types/NodeId.sol";

/// @title A contract that acts on answers of attested nodes
/// @notice A base to inherit from: what an answer has to prove before a contract may act on it.
/// @dev The receipt names the answer by its commitment; `_checkOutput` compares the answer itself.
/// Warning: an answer is as public as the transaction that brings it.
abstract contract CloisterConsumer {
    /// @notice The escrow whose domain receipts are signed under.
    IInferenceEscrow public immutable escrow;

    /// @notice Whether a request was answered here.
    mapping(bytes32 requestId => bool isAnswered) public answered;

    /// @dev What the answer to a request has to be.
    /// @param requestId how the inheriting contract names its request. It must depend on who asks: a commitment can be
    /// copied before it is in a block
    /// @param nodeId the node that has to answer
    /// @param modelId the model that has to answer
    /// @param requestCommitment the commitment to the input
    struct Expectation {
        bytes32 requestId;
        NodeId nodeId;
        ModelId modelId;
        bytes32 requestCommitment;
    }

    /// @notice The node may not be trusted now.
    error CloisterConsumerNodeInactive(NodeId nodeId);

    /// @notice The receipt is of another node.
    error CloisterConsumerWrongNode(NodeId expected, NodeId given);

    /// @notice The receipt is for another model.
    error CloisterConsumerWrongModel(ModelId expected, ModelId given);

    /// @notice The receipt is for another request.
    error CloisterConsumerWrongRequest(bytes32 expected, bytes32 given);

    /// @notice The request was answered before.
    error CloisterConsumerAnswered(bytes32 requestId);

    /// @notice The receipt is not signed by the key that the node has in the epoch it names.
    error CloisterConsumerWrongKey(NodeId nodeId, address expected, address signer);

    /// @notice The output is not the one that the receipt names.
    error CloisterConsumerWrongOutput(bytes32 expected, bytes32 given);

    constructor(IInferenceEscrow escrow_) {
        escrow = escrow_;
    }

    /// @dev Checks that a node which is active now gave the expected answer, and takes it once. One request has one
    /// answer, whichever receipt proves it. The inheriting contract checks beforehand that the request was made.
    /// @return operator who runs the node
    function _checkResult(
        IInferenceEscrow.Receipt calldata receipt,
        bytes calldata signature,
        Expectation memory expected
    ) internal returns (address operator) {
        (NodeId nodeId, ModelId modelId) = (receipt.nodeId, receipt.modelId);
        bytes32 commitment = receipt.requestCommitment;
        bytes32 wanted = expected.requestCommitment;
        bool isSameModel = ModelId.unwrap(modelId) == ModelId.unwrap(expected.modelId);
        require(nodeId == expected.nodeId, CloisterConsumerWrongNode(expected.nodeId, nodeId));
        require(isSameModel, CloisterConsumerWrongModel(expected.modelId, modelId));
        require(commitment == wanted, CloisterConsumerWrongRequest(wanted, commitment));
        require(!answered[expected.requestId], CloisterConsumerAnswered(expected.requestId));
        operator = _checkSigner(receipt, signature);
        answered[expected.requestId] = true;
    }

    /// @dev Checks that `tensors` (docs/protocol.md section 6) under `salt` are the output that a receipt names.
    function _checkOutput(
        IInferenceEscrow.Receipt calldata receipt,
        bytes32 salt,
        bytes calldata tensors
    ) internal pure {
        bytes32 given = sha256(bytes.concat(salt, tensors));
        require(given == receipt.responseCommitment, CloisterConsumerWrongOutput(receipt.responseCommitment, given));
    }

    /// @dev A key that only its overlap keeps payable is not enough: the node has to be active too.
    function _checkSigner(
        IInferenceEscrow.Receipt calldata receipt,
        bytes calldata signature
    ) private view returns (address operator) {
        NodeId nodeId = receipt.nodeId;
        INodeRegistry registry = escrow.registry();
        require(registry.isActive(nodeId), CloisterConsumerNodeInactive(nodeId));
        address key;
        (key, operator) = registry.receiptKey(nodeId, receipt.keyEpoch);
        address signer = ECDSA.recoverCalldata(escrow.receiptDigest(receipt), signature);
        require(signer == key, CloisterConsumerWrongKey(nodeId, key, signer));
    }
}
