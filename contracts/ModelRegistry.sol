// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IModelRegistry} from "./interfaces/IModelRegistry.sol";
import {INodeRegistry} from "./interfaces/INodeRegistry.sol";
import {ModelId} from "./types/ModelId.sol";
import {NodeId} from "./types/NodeId.sol";

/// @title ModelRegistry
/// @dev The manual is the interface.
contract ModelRegistry is IModelRegistry {
    /// @dev An offer's price and its place in the node's list, counted from 1; place 0 means that there is no offer.
    struct Listing {
        uint128 pricePerUnit;
        uint128 place;
    }

    uint256 private constant MAX_URI_LENGTH = 512;
    uint256 private constant MAX_OFFERS = 64;

    /// @inheritdoc IModelRegistry
    INodeRegistry public immutable registry;

    mapping(ModelId id => Model record) private _models;
    ModelId[] private _roots;
    mapping(NodeId nodeId => ModelId[] offered) private _offered;
    mapping(NodeId nodeId => mapping(ModelId id => Listing listing)) private _listings;

    modifier onlyOwner(ModelId modelId) {
        _checkOwner(modelId);
        _;
    }

    modifier onlyOperator(NodeId nodeId) {
        // Asking for a receipt key tells the operator without reading the whole record.
        (, address operator) = registry.receiptKey(nodeId, 0);
        require(operator == msg.sender, ModelRegistryNotOperator(nodeId, msg.sender));
        _;
    }

    constructor(INodeRegistry registry_) {
        require(address(registry_) != address(0), ModelRegistryZeroAddress());
        registry = registry_;
    }

    /// @inheritdoc IModelRegistry
    function register(ModelId root, ModelTerms calldata terms) external {
        Model storage record = _models[root];
        uint256 length = bytes(terms.uri).length;
        require(ModelId.unwrap(root) != 0 && terms.manifestHash != 0, ModelRegistryZeroHash());
        require(length != 0 && length <= MAX_URI_LENGTH, ModelRegistryUriLength(length));
        require(record.owner == address(0), ModelRegistryAlreadyRegistered(root, record.owner));
        record.owner = msg.sender;
        record.terms = terms;
        _roots.push(root);
        emit ModelRegistered(root, msg.sender, terms);
    }

    /// @inheritdoc IModelRegistry
    function setPrice(ModelId modelId, uint128 pricePerUnit) external onlyOwner(modelId) {
        _models[modelId].terms.pricePerUnit = pricePerUnit;
        emit ModelPriceSet(modelId, pricePerUnit);
    }

    /// @inheritdoc IModelRegistry
    function transferOwnership(ModelId modelId, address newOwner) external onlyOwner(modelId) {
        _models[modelId].pendingOwner = newOwner;
        emit ModelTransferStarted(modelId, msg.sender, newOwner);
    }

    /// @inheritdoc IModelRegistry
    function acceptOwnership(ModelId modelId) external {
        Model storage record = _models[modelId];
        address previousOwner = record.owner;
        require(record.pendingOwner == msg.sender, ModelRegistryNotPendingOwner(modelId, msg.sender));
        record.owner = msg.sender;
        record.pendingOwner = address(0);
        emit ModelTransferred(modelId, previousOwner, msg.sender);
    }

    /// @inheritdoc IModelRegistry
    function retire(ModelId modelId) external onlyOwner(modelId) {
        _models[modelId].retired = true;
        emit ModelRetired(modelId);
    }

    /// @inheritdoc IModelRegistry
    function setOffer(NodeId nodeId, ModelId modelId, uint128 pricePerUnit) external onlyOperator(nodeId) {
        ModelId[] storage offered = _offered[nodeId];
        Listing storage listing = _listings[nodeId][modelId];
        require(_models[modelId].owner != address(0), ModelRegistryUnknownModel(modelId));
        if (listing.place == 0) {
            require(offered.length < MAX_OFFERS, ModelRegistryTooManyOffers(nodeId, MAX_OFFERS));
            offered.push(modelId);
            listing.place = uint128(offered.length);
        }
        listing.pricePerUnit = pricePerUnit;
        emit OfferSet(nodeId, modelId, pricePerUnit);
    }

    /// @inheritdoc IModelRegistry
    function removeOffer(NodeId nodeId, ModelId modelId) external onlyOperator(nodeId) {
        ModelId[] storage offered = _offered[nodeId];
        uint128 place = _listings[nodeId][modelId].place;
        require(place != 0, ModelRegistryNoOffer(nodeId, modelId));
        ModelId last = offered[offered.length - 1];
        offered[place - 1] = last;
        _listings[nodeId][last].place = place;
        offered.pop();
        delete _listings[nodeId][modelId];
        emit OfferRemoved(nodeId, modelId);
    }

    /// @inheritdoc IModelRegistry
    function model(ModelId modelId) external view returns (Model memory record) {
        record = _models[modelId];
        require(record.owner != address(0), ModelRegistryUnknownModel(modelId));
    }

    /// @inheritdoc IModelRegistry
    function modelCount() external view returns (uint256) {
        return _roots.length;
    }

    /// @inheritdoc IModelRegistry
    function models(uint256 start, uint256 count) external view returns (ModelId[] memory page) {
        uint256 length = _roots.length;
        uint256 rest = start < length ? length - start : 0;
        page = new ModelId[](count < rest ? count : rest);
        for (uint256 i = 0; i < page.length; ++i) page[i] = _roots[start + i];
    }

    /// @inheritdoc IModelRegistry
    function offer(NodeId nodeId, ModelId modelId) external view returns (bool offered, uint128 pricePerUnit) {
        Listing storage listing = _listings[nodeId][modelId];
        return (listing.place != 0, listing.pricePerUnit);
    }

    /// @inheritdoc IModelRegistry
    function offers(NodeId nodeId) external view returns (Offer[] memory list) {
        ModelId[] storage offered = _offered[nodeId];
        list = new Offer[](offered.length);
        for (uint256 i = 0; i < list.length; ++i) {
            ModelId modelId = offered[i];
            list[i] = Offer({modelId: modelId, pricePerUnit: _listings[nodeId][modelId].pricePerUnit});
        }
    }

    function _checkOwner(ModelId modelId) private view {
        Model storage record = _models[modelId];
        require(record.owner != address(0), ModelRegistryUnknownModel(modelId));
        require(record.owner == msg.sender, ModelRegistryNotOwner(modelId, msg.sender));
        require(!record.retired, ModelRegistryRetired(modelId));
    }
}
