// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IAttestationProof} from "./interfaces/IAttestationProof.sol";
import {INodeRegistry} from "./interfaces/INodeRegistry.sol";
import {INodeStake} from "./interfaces/INodeStake.sol";
import {IVerdictChallenges} from "./interfaces/IVerdictChallenges.sol";
import {IVerifierCommittee} from "./interfaces/IVerifierCommittee.sol";
import {BlockHashes} from "./libraries/BlockHashes.sol";
import {Draw} from "./libraries/Draw.sol";
import {Signers} from "./libraries/Signers.sol";
import {VerdictEvidence} from "./libraries/VerdictEvidence.sol";
import {NodeId} from "./types/NodeId.sol";
import {Platform} from "./types/Platform.sol";
import {Verdict} from "./types/Verdict.sol";

/// @title VerdictChallenges
contract VerdictChallenges is IVerdictChallenges, AccessManaged, EIP712, ReentrancyGuardTransient {
    using Draw for address[];
    using SafeERC20 for IERC20;
    using VerdictEvidence for Verdict;

    bytes32 private constant VOTE_TYPEHASH = keccak256(
        "AppealVote(uint256 challengeId,bytes32 verdictDigest,bool upheld)"
    );
    address private constant BURN_ADDRESS = 0x000000000000000000000000000000000000dEaD;
    uint256 private constant MAX_APPEAL_SIZE = 15;
    /// @dev Blocks from the challenge to the one that draws: nobody knows its hash when the challenge is sent.
    uint48 private constant DRAW_DELAY = 2;

    /// @inheritdoc IVerdictChallenges
    IVerifierCommittee public immutable committee;
    /// @inheritdoc IVerdictChallenges
    INodeRegistry public immutable registry;
    /// @inheritdoc IVerdictChallenges
    INodeStake public immutable stake;
    /// @inheritdoc IVerdictChallenges
    IERC20 public immutable token;
    /// @inheritdoc IVerdictChallenges
    uint256 public immutable bond;
    /// @inheritdoc IVerdictChallenges
    uint40 public immutable responseTime;
    /// @inheritdoc IVerdictChallenges
    uint8 public immutable appealSize;

    /// @inheritdoc IVerdictChallenges
    uint256 public challengeCount;
    mapping(uint256 challengeId => Challenge challenge) private _challenges;
    mapping(bytes32 verdictDigest => uint256 challengeId) private _challengedBy;
    /// @inheritdoc IVerdictChallenges
    mapping(address account => uint256 amount) public creditOf;
    /// @inheritdoc IVerdictChallenges
    mapping(Platform platform => IAttestationProof proof) public proofOf;

    constructor(
        address authority_,
        IVerifierCommittee committee_,
        uint256 bond_,
        uint40 responseTime_,
        uint8 appealSize_
    ) AccessManaged(authority_) EIP712("Cloister VerdictChallenges", "1") {
        require(authority_ != address(0) && address(committee_) != address(0), VerdictChallengesZeroAddress());
        committee = committee_;
        registry = committee_.registry();
        stake = committee_.stake();
        token = stake.token();
        uint256 longest = registry.challengeWindow() + 2 * uint256(responseTime_);
        require(bond_ > 0, VerdictChallengesInvalidParameter(bond_));
        // What a signer unbonds before it is accused has to be there when the challenge ends.
        require(responseTime_ > 0 && longest < stake.thaw(), VerdictChallengesInvalidParameter(responseTime_));
        require(appealSize_ > 0 && appealSize_ <= MAX_APPEAL_SIZE, VerdictChallengesInvalidParameter(appealSize_));
        bond = bond_;
        responseTime = responseTime_;
        appealSize = appealSize_;
    }

    /// @inheritdoc IVerdictChallenges
    function setProof(Platform platform, IAttestationProof proof) external restricted {
        proofOf[platform] = proof;
        emit ProofSet(platform, proof);
    }

    /// @inheritdoc IVerdictChallenges
    function open(
        Verdict calldata verdict,
        bytes calldata signatures
    ) external nonReentrant returns (uint256 challengeId) {
        bytes32 digest = committee.verdictDigest(verdict);
        uint256 earlier = _challengedBy[digest];
        require(earlier == 0, VerdictChallengesChallengedBefore(earlier));
        address[] memory signers = _signersOf(digest, signatures);
        require(_eligible(signers).length > 0, VerdictChallengesNoVoters());
        challengeId = ++challengeCount;
        _challengedBy[digest] = challengeId;
        Challenge storage challenge = _challenges[challengeId];
        (challenge.nodeId, challenge.verdictDigest) = (verdict.nodeId, digest);
        (challenge.evidenceHash, challenge.challenger) = (verdict.evidenceHash, msg.sender);
        challenge.drawBlock = uint48(block.number) + DRAW_DELAY;
        challenge.phase = Phase.Opened;
        challenge.signers = signers;
        uint40 deadline = _extend(challenge);
        emit ChallengeOpened(challengeId, verdict.nodeId, msg.sender, verdict.evidenceHash, digest, deadline);
        registry.challenge(verdict);
        uint256 before = token.balanceOf(address(this));
        token.safeTransferFrom(msg.sender, address(this), bond);
        uint256 received = token.balanceOf(address(this)) - before;
        require(received == bond, VerdictChallengesUnexpectedTransfer(bond, received));
    }

    /// @inheritdoc IVerdictChallenges
    function answer(
        uint256 challengeId,
        Verdict calldata verdict,
        bytes calldata evidence,
        bytes[] calldata devices
    ) external {
        Challenge storage challenge = _inTime(challengeId, Phase.Opened);
        _checkVerdict(challenge, verdict);
        verdict.checkEvidence(evidence);
        verdict.checkDevices(devices);
        challenge.phase = Phase.Answered;
        emit ChallengeAnswered(challengeId, verdict.evidenceHash, _extend(challenge));
    }

    /// @inheritdoc IVerdictChallenges
    function draw(uint256 challengeId) external {
        Challenge storage challenge = _challenges[challengeId];
        Phase phase = challenge.phase;
        uint48 drawBlock = challenge.drawBlock;
        uint256 drawn = challenge.voters.length;
        require(phase == Phase.Opened || phase == Phase.Answered, VerdictChallengesWrongPhase(challengeId, phase));
        require(drawn == 0, VerdictChallengesDrawn(challengeId, drawn));
        require(block.number > drawBlock, VerdictChallengesDrawTooEarly(challengeId, drawBlock));
        bytes32 seed = BlockHashes.hashOf(drawBlock);
        if (seed == bytes32(0)) {
            drawBlock = uint48(block.number) + DRAW_DELAY;
            challenge.drawBlock = drawBlock;
            emit DrawMoved(challengeId, drawBlock);
            return;
        }
        address[] memory voters = _eligible(challenge.signers);
        require(voters.length > 0, VerdictChallengesNoVoters());
        voters.pick(appealSize, keccak256(abi.encode(seed, challengeId)));
        challenge.voters = voters;
        emit VotersDrawn(challengeId, voters);
    }

    /// @inheritdoc IVerdictChallenges
    function resolveByVotes(uint256 challengeId, bool upheld, bytes calldata signatures) external nonReentrant {
        Challenge storage challenge = _inTime(challengeId, Phase.Answered);
        address[] memory voters = challenge.voters;
        uint256 given = signatures.length / Signers.LENGTH;
        uint256 required = voters.length / 2 + 1;
        require(voters.length > 0, VerdictChallengesDrawn(challengeId, 0));
        require(
            given >= required && signatures.length % Signers.LENGTH == 0,
            VerdictChallengesTooFewVotes(required, given)
        );
        address[] memory signed = Signers.recover(voteDigest(challengeId, challenge.verdictDigest, upheld), signatures);
        for (uint256 i = 0; i < given; ++i) {
            require(voters.has(signed[i]), VerdictChallengesNotVoter(challengeId, signed[i]));
        }
        _end(challengeId, challenge, upheld, Ending.Votes);
    }

    /// @inheritdoc IVerdictChallenges
    function resolveByProof(
        uint256 challengeId,
        Verdict calldata verdict,
        bytes calldata evidence,
        bytes calldata proof
    ) external nonReentrant {
        Phase phase = _challenges[challengeId].phase;
        Challenge storage challenge = _inTime(challengeId, phase == Phase.Answered ? phase : Phase.Opened);
        _checkVerdict(challenge, verdict);
        verdict.checkEvidence(evidence);
        IAttestationProof prover = proofOf[verdict.platform];
        require(address(prover) != address(0), VerdictChallengesNoProof(verdict.platform));
        IAttestationProof.ProvenClaims memory claims = prover.prove(evidence, proof);
        bool upheld = verdict.isProvenBy(claims, registry.bindingDigest(verdict));
        require(upheld || verdict.isContradictedBy(claims), VerdictChallengesUndecided(challengeId));
        _end(challengeId, challenge, upheld, Ending.Proof);
    }

    /// @inheritdoc IVerdictChallenges
    function expire(uint256 challengeId) external nonReentrant {
        Challenge storage challenge = _challenges[challengeId];
        Phase phase = challenge.phase;
        uint40 deadline = challenge.deadline;
        require(phase == Phase.Opened || phase == Phase.Answered, VerdictChallengesWrongPhase(challengeId, phase));
        require(block.timestamp >= deadline, VerdictChallengesTooEarly(challengeId, deadline));
        _end(challengeId, challenge, false, Ending.Timeout);
    }

    /// @inheritdoc IVerdictChallenges
    function withdraw() external nonReentrant returns (uint256 amount) {
        amount = creditOf[msg.sender];
        require(amount > 0, VerdictChallengesNoCredit(msg.sender));
        creditOf[msg.sender] = 0;
        emit CreditWithdrawn(msg.sender, amount);
        token.safeTransfer(msg.sender, amount);
    }

    /// @inheritdoc IVerdictChallenges
    function challengeOf(uint256 challengeId) external view returns (Challenge memory) {
        return _challenges[challengeId];
    }

    /// @inheritdoc IVerdictChallenges
    function voteDigest(uint256 challengeId, bytes32 verdictDigest, bool upheld) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(VOTE_TYPEHASH, challengeId, verdictDigest, upheld)));
    }

    /// @dev A contract that lost its place with the registry still pays back what it holds.
    function _end(uint256 challengeId, Challenge storage challenge, bool upheld, Ending ending) private {
        (NodeId nodeId, address challenger) = (challenge.nodeId, challenge.challenger);
        address[] memory signers = challenge.signers;
        challenge.phase = upheld ? Phase.Upheld : Phase.Refuted;
        uint256 share = upheld ? bond / 2 / signers.length : 0;
        if (!upheld) creditOf[challenger] += bond;
        for (uint256 i = 0; i < signers.length; ++i) creditOf[signers[i]] += share;
        emit ChallengeEnded(challengeId, nodeId, upheld, ending);
        bool isInPlace = registry.challenges() == address(this);
        if (isInPlace) registry.endChallenge(nodeId, challenge.evidenceHash, upheld);
        if (isInPlace && !upheld) committee.penalise(signers, challenger);
        if (upheld) token.safeTransfer(BURN_ADDRESS, bond - share * signers.length);
    }

    function _extend(Challenge storage challenge) private returns (uint40 deadline) {
        deadline = uint40(block.timestamp) + responseTime;
        challenge.deadline = deadline;
    }

    function _inTime(uint256 challengeId, Phase phase) private view returns (Challenge storage challenge) {
        challenge = _challenges[challengeId];
        Phase found = challenge.phase;
        uint40 deadline = challenge.deadline;
        require(found == phase, VerdictChallengesWrongPhase(challengeId, found));
        require(block.timestamp < deadline, VerdictChallengesTooLate(challengeId, deadline));
    }

    function _checkVerdict(Challenge storage challenge, Verdict calldata verdict) private view {
        (bytes32 expected, bytes32 offered) = (challenge.verdictDigest, committee.verdictDigest(verdict));
        require(expected == offered, VerdictChallengesWrongVerdict(expected, offered));
    }

    /// @dev As many as a verdict needs, so that nobody leaves out an accused or accuses all who could decide. Members
    /// that left since stay answerable; whoever has no stake cannot lend a false verdict to a challenger.
    function _signersOf(bytes32 digest, bytes calldata signatures) private view returns (address[] memory signers) {
        uint256 required = committee.threshold();
        bool fits = signatures.length == required * Signers.LENGTH;
        require(fits, VerdictChallengesWrongSignatures(required, signatures.length));
        uint256 least = committee.memberBond() / 2;
        signers = Signers.recover(digest, signatures);
        for (uint256 i = 0; i < required; ++i) {
            address signer = signers[i];
            bool isKnown = committee.standingOf(signer) != IVerifierCommittee.Standing.None;
            (uint256 bonded, uint256 unbonding, ) = stake.stakeOf(signer);
            require(isKnown && bonded + unbonding >= least, VerdictChallengesNotSigner(signer));
        }
    }

    /// @dev All seated members that are not accused: at most 32.
    function _eligible(address[] memory signers) private view returns (address[] memory list) {
        IVerifierCommittee.Member[] memory members = committee.members();
        list = new address[](members.length);
        uint256 count;
        for (uint256 i = 0; i < members.length; ++i) {
            address account = members[i].account;
            if (members[i].bonded && !signers.has(account)) list[count++] = account;
        }
        list.cut(count);
    }
}
