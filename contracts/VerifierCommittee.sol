// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {INodeRegistry} from "./interfaces/INodeRegistry.sol";
import {INodeStake} from "./interfaces/INodeStake.sol";
import {IStakeLock} from "./interfaces/IStakeLock.sol";
import {IVerifierCommittee} from "./interfaces/IVerifierCommittee.sol";
import {Endpoint} from "./libraries/Endpoint.sol";
import {VerdictHash} from "./libraries/VerdictHash.sol";
import {Verdict} from "./types/Verdict.sol";

/// @title VerifierCommittee
contract VerifierCommittee is IVerifierCommittee, AccessManaged, EIP712 {
    using VerdictHash for Verdict;

    uint256 private constant MAX_MEMBERS = 32;
    uint256 private constant SIGNATURE_LENGTH = 65;

    /// @inheritdoc IVerifierCommittee
    INodeRegistry public immutable registry;
    /// @inheritdoc IVerifierCommittee
    INodeStake public immutable stake;
    /// @inheritdoc IVerifierCommittee
    uint256 public immutable memberBond;

    uint8 private _threshold;
    bool private _isLinked;
    address[] private _accounts;
    mapping(address account => string endpoint) private _endpoints;
    /// @inheritdoc IVerifierCommittee
    mapping(address account => Standing standing) public standingOf;

    modifier onlyStake() {
        require(msg.sender == address(stake), VerifierCommitteeNotStake(msg.sender));
        _;
    }

    constructor(
        address authority_,
        INodeRegistry registry_,
        uint256 memberBond_,
        uint8 threshold_
    ) AccessManaged(authority_) EIP712("Cloister VerifierCommittee", "1") {
        require(authority_ != address(0) && address(registry_) != address(0), VerifierCommitteeZeroAddress());
        require(memberBond_ > 0, VerifierCommitteeZeroBond());
        registry = registry_;
        stake = registry_.stake();
        memberBond = memberBond_;
        _setThreshold(threshold_, MAX_MEMBERS);
    }

    /// @inheritdoc IVerifierCommittee
    function addMember(address member, string calldata endpoint) external restricted {
        Standing standing = standingOf[member];
        uint256 count = _accounts.length;
        require(member != address(0), VerifierCommitteeZeroAddress());
        require(
            standing == Standing.None || standing == Standing.Former,
            VerifierCommitteeCannotJoin(member, standing)
        );
        require(count < MAX_MEMBERS, VerifierCommitteeFull(count));
        require(Endpoint.fits(endpoint), VerifierCommitteeInvalidEndpoint(bytes(endpoint).length));
        standingOf[member] = Standing.Nominated;
        _accounts.push(member);
        _endpoints[member] = endpoint;
        emit MemberAdded(member, endpoint);
        if (stake.bondedOf(member) >= memberBond) _seat(member);
    }

    /// @inheritdoc IVerifierCommittee
    function takeSeat(address member) external {
        Standing standing = standingOf[member];
        uint256 bonded = stake.bondedOf(member);
        require(standing == Standing.Nominated, VerifierCommitteeNotMember(member, standing));
        require(bonded >= memberBond, VerifierCommitteeNotBonded(member, memberBond, bonded));
        _seat(member);
    }

    /// @inheritdoc IVerifierCommittee
    function removeMember(address member) external restricted {
        Standing standing = standingOf[member];
        require(_isListed(standing), VerifierCommitteeNotMember(member, standing));
        _remove(member, Standing.Former);
    }

    /// @inheritdoc IVerifierCommittee
    function setEndpoint(string calldata endpoint) external {
        Standing standing = standingOf[msg.sender];
        require(_isListed(standing), VerifierCommitteeNotMember(msg.sender, standing));
        require(Endpoint.fits(endpoint), VerifierCommitteeInvalidEndpoint(bytes(endpoint).length));
        _endpoints[msg.sender] = endpoint;
        emit MemberEndpointSet(msg.sender, endpoint);
    }

    /// @inheritdoc IVerifierCommittee
    function setThreshold(uint8 threshold_) external restricted {
        _setThreshold(threshold_, _accounts.length);
    }

    /// @inheritdoc IVerifierCommittee
    function submitVerdict(Verdict calldata verdict, bytes calldata possession, bytes calldata signatures) external {
        uint256 required = _threshold;
        require(_isLinked, VerifierCommitteeNotLinked());
        uint256 given = signatures.length / SIGNATURE_LENGTH;
        require(signatures.length % SIGNATURE_LENGTH == 0, VerifierCommitteeInvalidSignatures(signatures.length));
        require(given >= required, VerifierCommitteeTooFewSignatures(required, given));
        bytes32 digest = verdictDigest(verdict);
        address previous = address(0);
        for (uint256 end = SIGNATURE_LENGTH; end <= signatures.length; end += SIGNATURE_LENGTH) {
            address signer = ECDSA.recoverCalldata(digest, signatures[end - SIGNATURE_LENGTH:end]);
            require(signer > previous, VerifierCommitteeSignersNotAscending(previous, signer));
            _checkSigner(signer);
            previous = signer;
        }
        registry.attest(verdict, possession);
    }

    /// @inheritdoc IVerifierCommittee
    function reportEquivocation(
        Verdict calldata first,
        Verdict calldata second,
        bytes calldata firstSignature,
        bytes calldata secondSignature
    ) external {
        bytes32 evidenceHash = first.evidenceHash;
        require(
            evidenceHash == second.evidenceHash,
            VerifierCommitteeDifferentEvidence(evidenceHash, second.evidenceHash)
        );
        bytes32 firstDigest = verdictDigest(first);
        bytes32 secondDigest = verdictDigest(second);
        require(firstDigest != secondDigest, VerifierCommitteeSameVerdict(firstDigest));
        address member = ECDSA.recoverCalldata(firstDigest, firstSignature);
        address other = ECDSA.recoverCalldata(secondDigest, secondSignature);
        require(member == other, VerifierCommitteeDifferentSigners(member, other));
        _expel(member);
        emit EquivocationProven(member, evidenceHash, firstDigest, secondDigest, msg.sender);
        stake.slash(member, memberBond, msg.sender);
    }

    /// @inheritdoc IVerifierCommittee
    function penalise(address[] calldata signers, address challenger) external {
        require(msg.sender == registry.challenges(), VerifierCommitteeNotChallenges(msg.sender));
        for (uint256 i = 0; _isLinked && i < signers.length; ++i) {
            stake.slash(signers[i], memberBond, challenger);
            _unseat(signers[i]);
        }
    }

    /// @inheritdoc IStakeLock
    function stakeLinked(bool linked) external onlyStake {
        _isLinked = linked;
    }

    /// @inheritdoc IStakeLock
    function stakeSlashed(address account) external onlyStake {
        _unseat(account);
    }

    /// @inheritdoc IStakeLock
    function lockedOf(address account) external view returns (uint256) {
        return standingOf[account] == Standing.Member ? memberBond : 0;
    }

    /// @inheritdoc IVerifierCommittee
    function threshold() external view returns (uint256) {
        return _threshold;
    }

    /// @inheritdoc IVerifierCommittee
    function members() external view returns (Member[] memory list) {
        uint256 count = _accounts.length;
        list = new Member[](count);
        for (uint256 i = 0; i < count; ++i) {
            address account = _accounts[i];
            list[i] = Member(account, standingOf[account] == Standing.Member, _endpoints[account]);
        }
    }

    /// @inheritdoc IVerifierCommittee
    function memberCount() external view returns (uint256) {
        return _accounts.length;
    }

    /// @inheritdoc IVerifierCommittee
    function isMember(address account) external view returns (bool) {
        return standingOf[account] == Standing.Member;
    }

    /// @inheritdoc IVerifierCommittee
    function verdictDigest(Verdict calldata verdict) public view returns (bytes32) {
        return _hashTypedDataV4(verdict.hashVerdict());
    }

    function _expel(address member) private {
        Standing standing = standingOf[member];
        if (_isListed(standing)) _remove(member, Standing.Expelled);
        else if (standing == Standing.Former) standingOf[member] = Standing.Expelled;
        else revert VerifierCommitteeNotMember(member, standing);
    }

    /// @dev The order of the list means nothing: the last takes the place of the one that leaves.
    function _remove(address member, Standing standing) private {
        uint256 last = _accounts.length - 1;
        uint256 index = 0;
        while (_accounts[index] != member) ++index;
        if (index != last) _accounts[index] = _accounts[last];
        _accounts.pop();
        delete _endpoints[member];
        standingOf[member] = standing;
        emit MemberRemoved(member);
    }

    function _setThreshold(uint8 threshold_, uint256 largest) private {
        require(threshold_ > 0 && threshold_ <= largest, VerifierCommitteeInvalidThreshold(threshold_, largest));
        _threshold = threshold_;
        emit ThresholdSet(threshold_);
    }

    /// @dev Takes the seat of a member whose bond does not suffice any more.
    function _unseat(address account) private {
        if (standingOf[account] != Standing.Member || stake.bondedOf(account) >= memberBond) return;
        standingOf[account] = Standing.Nominated;
        emit SeatLost(account);
    }

    function _seat(address member) private {
        standingOf[member] = Standing.Member;
        emit SeatTaken(member);
    }

    function _checkSigner(address signer) private view {
        Standing standing = standingOf[signer];
        require(standing == Standing.Member, VerifierCommitteeNotMember(signer, standing));
    }

    function _isListed(Standing standing) private pure returns (bool) {
        return standing == Standing.Member || standing == Standing.Nominated;
    }
}
