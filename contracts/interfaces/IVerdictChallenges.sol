// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IAttestationProof} from "./IAttestationProof.sol";
import {INodeRegistry} from "./INodeRegistry.sol";
import {INodeStake} from "./INodeStake.sol";
import {IVerifierCommittee} from "./IVerifierCommittee.sol";
import {NodeId} from "../types/NodeId.sol";
import {Platform} from "../types/Platform.sol";
import {Verdict} from "../types/Verdict.sol";

/// @title Challenges of recorded verdicts
/// @notice Anyone with a bond challenges a verdict within its window. Its signers have to get it upheld: the evidence
/// has to be published in time, and then a proof on chain or a majority of drawn members has to confirm the verdict in
/// time. Whatever is not done in time counts against the signers. Nobody decides alone, and a check that could not be
/// made decides nothing. Amounts are in the token's smallest unit, times in seconds since 1970, durations in seconds.
interface IVerdictChallenges {
    /// @notice None: no such challenge. Opened: waits for the evidence. Answered: the evidence is public, waits for a
    /// decision. Upheld and Refuted are final.
    enum Phase {
        None,
        Opened,
        Answered,
        Upheld,
        Refuted
    }

    /// @notice What ended a challenge.
    enum Ending {
        Timeout,
        Votes,
        Proof
    }

    /// @notice A challenge. `signers` are who is accused. `voters` are empty until they are drawn by the hash of the
    /// block `drawBlock`. What the phase waits for is in time before `deadline`.
    struct Challenge {
        NodeId nodeId;
        bytes32 verdictDigest;
        bytes32 evidenceHash;
        address challenger;
        uint40 deadline;
        uint48 drawBlock;
        Phase phase;
        address[] signers;
        address[] voters;
    }

    /// @notice `challenger` challenges the verdict by which the node was attested.
    event ChallengeOpened(
        uint256 indexed challengeId,
        NodeId indexed nodeId,
        address indexed challenger,
        bytes32 evidenceHash,
        bytes32 verdictDigest,
        uint40 deadline
    );
    /// @notice The evidence is in this transaction's calldata; a decision is due before `deadline`.
    event ChallengeAnswered(uint256 indexed challengeId, bytes32 indexed evidenceHash, uint40 deadline);
    /// @notice These members decide by majority.
    event VotersDrawn(uint256 indexed challengeId, address[] voters);
    /// @notice The hash that draws the voters was not known any more: the block `drawBlock` draws them.
    event DrawMoved(uint256 indexed challengeId, uint48 drawBlock);
    /// @notice The verdict was upheld or refuted.
    event ChallengeEnded(uint256 indexed challengeId, NodeId indexed nodeId, bool upheld, Ending ending);
    /// @notice `account` took what a challenge brought it.
    event CreditWithdrawn(address indexed account, uint256 amount);
    /// @notice `proof` verifies evidence of `platform` from now on; zero: nothing does.
    event ProofSet(Platform indexed platform, IAttestationProof indexed proof);

    /// @notice An address of zero was given.
    error VerdictChallengesZeroAddress();
    /// @notice A parameter of the constructor is out of its bounds.
    error VerdictChallengesInvalidParameter(uint256 value);
    /// @notice The token moved another amount than asked.
    error VerdictChallengesUnexpectedTransfer(uint256 expected, uint256 received);
    /// @notice Not exactly as many signatures as a verdict needs.
    error VerdictChallengesWrongSignatures(uint256 required, uint256 length);
    /// @notice The signers are not in ascending order of their addresses, or one stands there twice.
    error VerdictChallengesSignersNotAscending(address previous, address current);
    /// @notice `account` never belonged to the committee, or has less than half a member's bond left.
    error VerdictChallengesNotSigner(address account);
    /// @notice `account` was not drawn for this challenge.
    error VerdictChallengesNotVoter(uint256 challengeId, address account);
    /// @notice No member is left to decide: all that are seated signed.
    error VerdictChallengesNoVoters();
    /// @notice This verdict was challenged before, by `challengeId`.
    error VerdictChallengesChallengedBefore(uint256 challengeId);
    /// @notice The challenge is not in a phase that allows this.
    error VerdictChallengesWrongPhase(uint256 challengeId, Phase phase);
    /// @notice The time for this was over at `deadline`.
    error VerdictChallengesTooLate(uint256 challengeId, uint40 deadline);
    /// @notice The signers still have time until `deadline`.
    error VerdictChallengesTooEarly(uint256 challengeId, uint40 deadline);
    /// @notice These are not the bytes that the verdict is about.
    error VerdictChallengesWrongEvidence(bytes32 expected, bytes32 offered);
    /// @notice This is not the challenged verdict.
    error VerdictChallengesWrongVerdict(bytes32 expected, bytes32 offered);
    /// @notice The block that draws the voters is not in the past yet.
    error VerdictChallengesDrawTooEarly(uint256 challengeId, uint48 drawBlock);
    /// @notice The voters were drawn, or were not drawn yet.
    error VerdictChallengesDrawn(uint256 challengeId, uint256 voters);
    /// @notice Fewer votes than a majority.
    error VerdictChallengesTooFewVotes(uint256 required, uint256 given);
    /// @notice Nothing verifies evidence of `platform` on chain.
    error VerdictChallengesNoProof(Platform platform);
    /// @notice The proof neither confirms nor contradicts what the node's record rests on.
    error VerdictChallengesUndecided(uint256 challengeId);
    /// @notice `account` has nothing to take.
    error VerdictChallengesNoCredit(address account);

    /// @notice Names what verifies evidence of a platform on chain; zero for nothing. Restricted to the governor.
    function setProof(Platform platform, IAttestationProof proof) external;

    /// @notice Challenges the verdict that a node's record rests on, and takes the caller's bond.
    /// @param signatures Of as many members as a verdict needs, one after the other in ascending order of their
    /// addresses.
    function open(Verdict calldata verdict, bytes calldata signatures) external returns (uint256 challengeId);

    /// @notice Publishes the evidence in this call's data. Open to anyone.
    /// @param devices Evidence of each device in the order of the verdict's `gpuEvidenceHash`; none where that is zero.
    function answer(
        uint256 challengeId,
        Verdict calldata verdict,
        bytes calldata evidence,
        bytes[] calldata devices
    ) external;

    /// @notice Draws who decides, by the hash of a block after the challenge, from all seated members but the signers.
    /// Open to anyone. Where that hash is not known any more, another block is named.
    function draw(uint256 challengeId) external;

    /// @notice Ends a challenge by the votes of more than half of those drawn. Open to anyone who holds them.
    /// @param signatures Over `voteDigest`, one after the other in ascending order of the voters' addresses.
    function resolveByVotes(uint256 challengeId, bool upheld, bytes calldata signatures) external;

    /// @notice Ends a challenge by verifying the evidence on chain. Open to anyone.
    /// @dev Upheld where all claims and the report data are the verdict's, and the evidence is all that it rests on.
    /// Refuted where genuine evidence is of another workload or platform. Anything else reverts and decides nothing.
    function resolveByProof(
        uint256 challengeId,
        Verdict calldata verdict,
        bytes calldata evidence,
        bytes calldata proof
    ) external;

    /// @notice Ends a challenge against the signers, whose time is over. Open to anyone.
    function expire(uint256 challengeId) external;

    /// @notice Pays the caller what challenges brought it.
    function withdraw() external returns (uint256 amount);

    /// @notice A challenge; all zero if there is none.
    function challengeOf(uint256 challengeId) external view returns (Challenge memory);

    /// @notice Number of challenges; they are numbered from 1.
    function challengeCount() external view returns (uint256);

    /// @notice EIP-712 digest that drawn members sign.
    function voteDigest(uint256 challengeId, bytes32 verdictDigest, bool upheld) external view returns (bytes32);

    /// @notice What `account` can take.
    function creditOf(address account) external view returns (uint256);

    /// @notice What verifies evidence of `platform` on chain; zero if nothing does.
    function proofOf(Platform platform) external view returns (IAttestationProof);

    /// @notice What a challenger has to lay down.
    function bond() external view returns (uint256);

    /// @notice Time for the evidence, and after it for the decision.
    function responseTime() external view returns (uint40);

    /// @notice How many members decide, where there are as many.
    function appealSize() external view returns (uint8);

    /// @notice Whose verdicts are challenged.
    function committee() external view returns (IVerifierCommittee);

    /// @notice Where verdicts are recorded.
    function registry() external view returns (INodeRegistry);

    /// @notice Where the signers' bonds are.
    function stake() external view returns (INodeStake);

    /// @notice The token of the bonds.
    function token() external view returns (IERC20);
}
