// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ModelId} from "../types/ModelId.sol";
import {NodeId} from "../types/NodeId.sol";
import {INodeRegistry} from "./INodeRegistry.sol";

/// @title Models and what nodes ask for them
/// @notice A model is named by the Merkle root of its package, so its name commits to every byte of the weights. The
/// first to register a root becomes its owner, who suggests a price and states policies; each node's operator offers
/// the models that it serves at its own price. Nothing here moves money: a payer accepts a price by signing a voucher.
/// @dev Immutable, no role. Warning: registering proves nothing about authorship. A stranger who registers a root first
/// can suggest a price that binds nobody, and can retire it, which is advice to clients and stops no offer.
interface IModelRegistry {
    /// @notice What an owner states when it registers a model.
    /// @param pricePerUnit suggested price of one inference, in the escrow token's smallest unit
    /// @param manifestHash SHA-256 of the canonical manifest, the first leaf's content of the package's Merkle tree
    /// @param privacyPolicyHash SHA-256 of the differential-privacy policy, zero if there is none
    /// @param keyReleasePolicyHash SHA-256 of the policy under which the weights' key is released, zero if open
    /// @param uri where the manifest can be had, 1 to 512 bytes
    struct ModelTerms {
        uint128 pricePerUnit;
        bytes32 manifestHash;
        bytes32 privacyPolicyHash;
        bytes32 keyReleasePolicyHash;
        string uri;
    }

    /// @notice A registered model.
    /// @param owner who may change the price, hand the model over or retire it
    /// @param pendingOwner to whom it is being handed over, zero if to nobody
    /// @param retired whether the owner advises against further use
    /// @param terms what the owner states
    struct Model {
        address owner;
        address pendingOwner;
        bool retired;
        ModelTerms terms;
    }

    /// @notice A node's price for one unit of a model.
    struct Offer {
        ModelId modelId;
        uint128 pricePerUnit;
    }

    /// @notice A model was registered.
    event ModelRegistered(ModelId indexed modelId, address indexed owner, ModelTerms terms);

    /// @notice An owner suggests another price.
    event ModelPriceSet(ModelId indexed modelId, uint128 pricePerUnit);

    /// @notice An owner is handing a model over; it stays the owner until the other accepts.
    event ModelTransferStarted(ModelId indexed modelId, address indexed owner, address indexed pendingOwner);

    /// @notice A model has a new owner.
    event ModelTransferred(ModelId indexed modelId, address indexed previousOwner, address indexed owner);

    /// @notice An owner advises against further use of a model, for ever.
    event ModelRetired(ModelId indexed modelId);

    /// @notice A node offers a model at a price.
    event OfferSet(NodeId indexed nodeId, ModelId indexed modelId, uint128 pricePerUnit);

    /// @notice A node no longer offers a model.
    event OfferRemoved(NodeId indexed nodeId, ModelId indexed modelId);

    /// @notice An address of zero was given.
    error ModelRegistryZeroAddress();

    /// @notice A zero root or manifest hash names nothing.
    error ModelRegistryZeroHash();

    /// @notice The uri is empty or too long.
    error ModelRegistryUriLength(uint256 length);

    /// @notice The root has an owner already.
    error ModelRegistryAlreadyRegistered(ModelId modelId, address owner);

    /// @notice The root is not registered.
    error ModelRegistryUnknownModel(ModelId modelId);

    /// @notice The caller is not the model's owner.
    error ModelRegistryNotOwner(ModelId modelId, address caller);

    /// @notice The model is not being handed over to the caller.
    error ModelRegistryNotPendingOwner(ModelId modelId, address caller);

    /// @notice The model is retired.
    error ModelRegistryRetired(ModelId modelId);

    /// @notice The caller is not the node's operator.
    error ModelRegistryNotOperator(NodeId nodeId, address caller);

    /// @notice The node offers as many models as it may.
    error ModelRegistryTooManyOffers(NodeId nodeId, uint256 maximum);

    /// @notice The node does not offer the model.
    error ModelRegistryNoOffer(NodeId nodeId, ModelId modelId);

    /// @notice Registers the model whose package has this Merkle root, owned by the caller.
    function register(ModelId root, ModelTerms calldata terms) external;

    /// @notice Suggests another price for a model; by its owner.
    function setPrice(ModelId modelId, uint128 pricePerUnit) external;

    /// @notice Starts handing a model over, or stops it with the zero address; by its owner.
    function transferOwnership(ModelId modelId, address newOwner) external;

    /// @notice Accepts a model that is being handed over to the caller.
    function acceptOwnership(ModelId modelId) external;

    /// @notice Advises against further use of a model, for ever; by its owner.
    /// @dev Offers go on: if they stopped, whoever registers another's root first could take the model off the market.
    function retire(ModelId modelId) external;

    /// @notice Offers a registered model at a price, or changes the price; by the node's operator.
    function setOffer(NodeId nodeId, ModelId modelId, uint128 pricePerUnit) external;

    /// @notice Stops offering a model; by the node's operator.
    function removeOffer(NodeId nodeId, ModelId modelId) external;

    /// @notice The registry that knows the nodes' operators.
    function registry() external view returns (INodeRegistry);

    /// @notice A registered model; reverts if the root is unknown.
    function model(ModelId modelId) external view returns (Model memory);

    /// @notice How many models are registered.
    function modelCount() external view returns (uint256);

    /// @notice The roots of up to `count` models from the one numbered `start` on, in order of registration.
    function models(uint256 start, uint256 count) external view returns (ModelId[] memory);

    /// @notice Whether a node offers a model, and its price.
    /// @dev Says nothing about whether the node is active.
    function offer(NodeId nodeId, ModelId modelId) external view returns (bool offered, uint128 pricePerUnit);

    /// @notice All offers of a node, at most 64, in no order.
    function offers(NodeId nodeId) external view returns (Offer[] memory);
}
