// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {INodeRegistry} from "./INodeRegistry.sol";
import {INodeStake} from "./INodeStake.sol";
import {IStakeLock} from "./IStakeLock.sol";
import {Verdict} from "../types/Verdict.sol";

/// @title Bonded relayers whose verdicts are recorded when enough of them agree
/// @notice Members check evidence off-chain and sign the whole result (EIP-712). Whoever holds enough signatures over
/// the same verdict submits them. A member that signs two verdicts for one evidence hash can be proven at fault by
/// anyone.
interface IVerifierCommittee is IStakeLock {
    /// @notice None: never a member. Member: its signature counts, and its bond is locked. Former: removed, still
    /// answerable for what it signs. Expelled: proven at fault, never a member again. Nominated: may take its seat as
    /// soon as its bond suffices.
    enum Standing {
        None,
        Member,
        Former,
        Expelled,
        Nominated
    }

    /// @notice A member or nominee, whether it is seated (its bond suffices), and the base URL of its relayer.
    struct Member {
        address account;
        bool bonded;
        string endpoint;
    }

    /// @notice `member` joined; its relayer answers at `endpoint`.
    event MemberAdded(address indexed member, string endpoint);
    /// @notice The bond of `member` suffices and is locked: its signature counts from now on.
    event SeatTaken(address indexed member);
    /// @notice `member` was slashed below its bond: its signature does not count until it takes its seat again.
    event SeatLost(address indexed member);
    /// @notice `member` left or was removed.
    event MemberRemoved(address indexed member);
    /// @notice The relayer of `member` answers at `endpoint` now.
    event MemberEndpointSet(address indexed member, string endpoint);
    /// @notice `threshold` signatures are required from now on.
    event ThresholdSet(uint256 threshold);
    /// @notice `member` signed the two different verdicts `first` and `second` for one evidence hash.
    event EquivocationProven(
        address indexed member,
        bytes32 indexed evidenceHash,
        bytes32 first,
        bytes32 second,
        address indexed reporter
    );

    /// @notice An address of zero was given.
    error VerifierCommitteeZeroAddress();
    /// @notice The bond of a member may not be zero.
    error VerifierCommitteeZeroBond();
    /// @notice The threshold is not between 1 and the number of members (at deployment: the largest number).
    error VerifierCommitteeInvalidThreshold(uint256 threshold, uint256 members);
    /// @notice The committee has its largest number of members.
    error VerifierCommitteeFull(uint256 members);
    /// @notice `account` cannot join: it is a member or was expelled.
    error VerifierCommitteeCannotJoin(address account, Standing standing);
    /// @notice `account` is not a member, or for a report: was never one or was expelled before.
    error VerifierCommitteeNotMember(address account, Standing standing);
    /// @notice The endpoint is not between 1 and 256 bytes long.
    error VerifierCommitteeInvalidEndpoint(uint256 length);
    /// @notice The signatures are not a multiple of 65 bytes long.
    error VerifierCommitteeInvalidSignatures(uint256 length);
    /// @notice Fewer signatures than required.
    error VerifierCommitteeTooFewSignatures(uint256 required, uint256 given);
    /// @notice The signers are not in ascending order of their addresses, or one stands there twice.
    error VerifierCommitteeSignersNotAscending(address previous, address current);
    /// @notice The stake does not lock members' bonds for this committee.
    error VerifierCommitteeNotLinked();
    /// @notice `caller` is not the contract by which the registry's verdicts are challenged.
    error VerifierCommitteeNotChallenges(address caller);
    /// @notice `caller` is not the stake.
    error VerifierCommitteeNotStake(address caller);
    /// @notice The bond of `member` does not suffice.
    error VerifierCommitteeNotBonded(address member, uint256 required, uint256 bonded);
    /// @notice The two verdicts are for different evidence.
    error VerifierCommitteeDifferentEvidence(bytes32 first, bytes32 second);
    /// @notice The two verdicts are the same.
    error VerifierCommitteeSameVerdict(bytes32 digest);
    /// @notice The two verdicts were not signed by one account.
    error VerifierCommitteeDifferentSigners(address first, address second);

    /// @notice Adds a member: seated at once where its bond suffices, otherwise nominated. Restricted to the governor.
    function addMember(address member, string calldata endpoint) external;

    /// @notice Seats a nominee whose bond suffices now, and locks that bond. Open to anyone.
    function takeSeat(address member) external;

    /// @notice Removes a member at once. Restricted to the guardian.
    /// @dev The threshold stays: with too few members left no verdict can be recorded until the governor acts.
    function removeMember(address member) external;

    /// @notice Changes where the caller's relayer answers.
    function setEndpoint(string calldata endpoint) external;

    /// @notice Sets how many signatures a verdict needs. Restricted to the governor.
    function setThreshold(uint8 threshold) external;

    /// @notice Records `verdict` in the registry. Open to anyone who holds enough signatures.
    /// @param possession Signature of the node's key over its binding, see `INodeRegistry.attest`; empty for a renewal.
    /// @param signatures Signatures of seated members over the verdict's digest, one after the other in ascending order
    /// of their addresses; each 65 bytes, low s. Each one given has to be good, not only the first `threshold`.
    function submitVerdict(Verdict calldata verdict, bytes calldata possession, bytes calldata signatures) external;

    /// @notice Proves that one member signed two different verdicts for one evidence hash. It is expelled and
    /// slashed, and the caller gets the challenger's share.
    function reportEquivocation(
        Verdict calldata first,
        Verdict calldata second,
        bytes calldata firstSignature,
        bytes calldata secondSignature
    ) external;

    /// @notice Slashes each of `signers`, who did not get their verdict upheld; `challenger` gets the challenger's
    /// share. A member whose bond does not suffice any more loses its seat. Only for the registry's challenges.
    function penalise(address[] calldata signers, address challenger) external;

    /// @notice EIP-712 digest that members sign.
    function verdictDigest(Verdict calldata verdict) external view returns (bytes32);

    /// @notice All members and nominees.
    function members() external view returns (Member[] memory);

    /// @notice Number of members and nominees.
    function memberCount() external view returns (uint256);

    /// @notice Where `account` stands.
    function standingOf(address account) external view returns (Standing);

    /// @notice Whether a signature of `account` counts now: a seated member.
    function isMember(address account) external view returns (bool);

    /// @notice Signatures that a verdict needs.
    function threshold() external view returns (uint256);

    /// @notice Bond that a member needs, and what it is slashed by for an equivocation (within the stake's cap).
    function memberBond() external view returns (uint256);

    /// @notice Where verdicts are recorded.
    function registry() external view returns (INodeRegistry);

    /// @notice Where members' bonds are.
    function stake() external view returns (INodeStake);
}
