// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {INodeStake} from "./INodeStake.sol";
import {IPolicyObserver} from "./IPolicyObserver.sol";
import {IReferenceValues} from "./IReferenceValues.sol";
import {IStakeLock} from "./IStakeLock.sol";
import {NodeId} from "../types/NodeId.sol";
import {NodeStatus} from "../types/NodeStatus.sol";
import {Platform} from "../types/Platform.sol";
import {Refusal} from "../types/Refusal.sol";
import {TcbStatus} from "../types/TcbStatus.sol";
import {Verdict} from "../types/Verdict.sol";

/// @title Nodes: operators, attested keys and their validity
/// @notice One record per node. `isActive` is the only truth about a node, and nobody has to act for it to become
/// false: expiry is read from the clock, and whatever else may end a node starts a new policy epoch, in which every
/// record is judged when it is asked for. Only the current key of an active node can be renewed, and a replaced or
/// revoked one never returns. An active node holds its platform identity alone.
/// Times are in seconds since 1970. Key epochs count from 1; 0 means that no key was attested yet.
interface INodeRegistry is IPolicyObserver, IStakeLock {
    /// @notice A node as recorded. `evidenceHash` is the keccak256 of the evidence; `previousKey` is the key before the
    /// last rotation, whose receipts can be settled until `previousUntil`; `attestedAt` is when the result was
    /// recorded. A node whose window for a first challenge is over is `Active`.
    struct Node {
        NodeId nodeId;
        address operator;
        NodeStatus status;
        address signingKey;
        uint32 keyEpoch;
        Platform platform;
        TcbStatus tcbStatus;
        uint32 evaluationNumber;
        uint32 policyVersion;
        bytes32 workloadId;
        bytes32 evidenceHash;
        uint40 attestedAt;
        uint40 expiresAt;
        address previousKey;
        uint32 previousEpoch;
        uint40 previousUntil;
        string endpoint;
    }

    /// @notice `operator` registered a node that answers at `endpoint`.
    event NodeRegistered(NodeId indexed nodeId, address indexed operator, string endpoint);
    /// @notice The node answers at `endpoint` now.
    event NodeEndpointSet(NodeId indexed nodeId, string endpoint);
    /// @notice A result was recorded. `simulated` says that the evidence stands under a simulated vendor's root.
    event NodeAttested(
        NodeId indexed nodeId,
        address indexed signingKey,
        uint32 keyEpoch,
        bytes32 sealingKey,
        bytes32 configHash,
        Platform platform,
        bool simulated,
        bytes32 workloadId,
        bytes32 evidenceHash,
        uint40 expiresAt
    );
    /// @notice The node's keys were revoked for ever: by a re-check (`refusal`) or by the guardian (`reason`).
    event NodeRevoked(NodeId indexed nodeId, address indexed signingKey, Refusal refusal, string reason);
    /// @notice The operator took the node out of service.
    event NodeExited(NodeId indexed nodeId, address indexed operator);
    /// @notice The node was proven at fault; its keys were revoked for ever.
    event NodeSlashed(NodeId indexed nodeId, address indexed signingKey);
    /// @notice The node was found acceptable in the policy epoch `epoch`.
    event NodeRechecked(NodeId indexed nodeId, uint24 epoch);
    /// @notice What was found acceptable before has to be asked again: policy or the cover of a bond changed.
    event EpochStarted(uint24 epoch);
    /// @notice `committee` may record results from now on, and no other committee; zero: none.
    event CommitteeSet(address indexed committee);
    /// @notice Whether the contract `prover`, which checks evidence itself, may record results.
    event ProverSet(address indexed prover, bool allowed);
    /// @notice Whether the contract `prover` may convict nodes.
    event FaultProverSet(address indexed prover, bool allowed);
    /// @notice `challenges` may challenge recorded verdicts from now on, and no other contract; zero: none.
    event ChallengesSet(address indexed challenges);
    /// @notice The verdict on the evidence is under challenge: the node is not active until that ends.
    event NodeChallenged(NodeId indexed nodeId, bytes32 indexed evidenceHash);
    /// @notice The challenged verdict held.
    event NodeUpheld(NodeId indexed nodeId, bytes32 indexed evidenceHash);
    /// @notice Each live node needs `minStake` from now on.
    event MinStakeSet(uint256 minStake);
    /// @notice The registry is closed: no node is active, none registers or attests.
    event Paused(address indexed account);
    /// @notice The registry is open again.
    event Unpaused(address indexed account);

    /// @notice An address of zero was given.
    error NodeRegistryZeroAddress();
    /// @notice The stake per node may not be zero.
    error NodeRegistryZeroMinStake();
    /// @notice The overlap of keys is longer than seven days.
    error NodeRegistryInvalidKeyOverlap(uint40 keyOverlap);
    /// @notice The window for challenges is longer than seven days.
    error NodeRegistryInvalidChallengeWindow(uint40 challengeWindow);
    /// @notice `caller` may not challenge verdicts.
    error NodeRegistryNotChallenges(address caller);
    /// @notice The node's record does not rest on a committee's verdict with these claims on this evidence.
    error NodeRegistryNotRecorded(NodeId nodeId, bytes32 evidenceHash);
    /// @notice The window for challenging the result recorded at `attestedAt` is over.
    error NodeRegistryWindowOver(NodeId nodeId, uint40 attestedAt);
    /// @notice The registry is paused.
    error NodeRegistryPaused();
    /// @notice The reference values or the stake do not report to this registry yet.
    error NodeRegistryNotLinked();
    /// @notice `caller` is not the reference values.
    error NodeRegistryNotReferenceValues(address caller);
    /// @notice `caller` is not the stake.
    error NodeRegistryNotStake(address caller);
    /// @notice The active node `holder` runs on the platform `platformId`: one platform is one node.
    error NodeRegistryPlatformTaken(bytes32 platformId, NodeId holder);
    /// @notice The verdict names no platform identity.
    error NodeRegistryNoPlatformIdentity(NodeId nodeId);
    /// @notice The registry is not paused.
    error NodeRegistryNotPaused();
    /// @notice No such node.
    error NodeRegistryUnknownNode(NodeId nodeId);
    /// @notice The operator registered a node with this salt before.
    error NodeRegistryNodeExists(NodeId nodeId);
    /// @notice The node left or was slashed, or is not in a state that allows this.
    error NodeRegistryWrongStatus(NodeId nodeId, NodeStatus status);
    /// @notice `caller` is not the operator of the node.
    error NodeRegistryNotOperator(NodeId nodeId, address operator, address caller);
    /// @notice The endpoint is not between 1 and 256 bytes long.
    error NodeRegistryInvalidEndpoint(uint256 length);
    /// @notice The operator's bond does not cover its live nodes.
    error NodeRegistryInsufficientStake(address operator, uint256 required, uint256 bonded);
    /// @notice `caller` may not record results.
    error NodeRegistryNotAttester(address caller);
    /// @notice `caller` may not convict nodes.
    error NodeRegistryNotFaultProver(address caller);
    /// @notice `signingKey` was never attested for the node.
    error NodeRegistryNotKeyOf(NodeId nodeId, address signingKey);
    /// @notice The result rests on evidence from before the result that it replaces was recorded.
    error NodeRegistryStaleResult(uint64 current, uint64 offered);
    /// @notice The result says that it was issued in the future.
    error NodeRegistryFutureResult(uint64 issuedAt, uint64 timestamp);
    /// @notice The evidence is older than the platform's policy allows.
    error NodeRegistryEvidenceTooOld(uint64 issuedAt, uint64 maxEvidenceAge);
    /// @notice The result is not valid any more.
    error NodeRegistryResultExpired(uint64 expiresAt, uint64 timestamp);
    /// @notice The result claims a longer validity than the platform's policy allows.
    error NodeRegistryValidityTooLong(uint64 ttl, uint64 offered);
    /// @notice The anchor block is in the future or too old to know its hash.
    error NodeRegistryUnknownBlock(uint64 blockNumber);
    /// @notice The anchor block has another hash.
    error NodeRegistryWrongBlockHash(uint64 blockNumber, bytes32 expected, bytes32 offered);
    /// @notice The reference values refuse the claims.
    error NodeRegistryNotAcceptable(NodeId nodeId, Refusal refusal);
    /// @notice The key is or was the key of `owner` and cannot be attested as a new one.
    error NodeRegistryKeyUsed(address signingKey, NodeId owner);
    /// @notice The current key relied on policy version `recorded`, which is not the one it is renewed under.
    error NodeRegistryKeyOfOtherPolicy(address signingKey, uint32 recorded, uint32 offered);
    /// @notice The binding was not signed by the key that it names.
    error NodeRegistryNoPossession(address signingKey, address recovered);
    /// @notice Policy still accepts the node: there is nothing to revoke.
    error NodeRegistryStillAcceptable(NodeId nodeId);

    /// @notice Registers a node of the caller, whose bond has to cover one more live node.
    /// @param salt Chosen by the operator; names the node together with the operator's address.
    /// @param endpoint Base URL of the worker, 1 to 256 bytes.
    /// @return nodeId `keccak256(abi.encode(operator, salt))`.
    function register(bytes32 salt, string calldata endpoint) external returns (NodeId nodeId);

    /// @notice Changes where the caller's node answers.
    function setEndpoint(NodeId nodeId, string calldata endpoint) external;

    /// @notice Records a result. Only for the committee, which checked who signed the verdict, and for provers,
    /// which checked the evidence itself.
    /// @dev A new signing key starts a new key epoch, and receipts of the previous key stay payable for the overlap.
    /// The current key is renewed in its epoch. A committee's verdict leaves the node pending for the challenge window,
    /// unless it renews the key of an active node.
    /// @param possession Signature of `verdict.signingKey` over the binding digest: 65 bytes, low s. Not looked at for
    /// the renewal of a key, which proved it when it was new.
    function attest(Verdict calldata verdict, bytes calldata possession) external;

    /// @notice Judges an active node anew: revokes it, and its keys for ever, where policy no longer accepts its
    /// claims, otherwise notes that it is acceptable in the current epoch. Open to anyone.
    /// @dev A missing bond is not policy: it makes a node inactive but revokes nothing.
    function recheck(NodeId nodeId) external;

    /// @notice Revokes a node and its keys for ever. Restricted to the guardian.
    function revoke(NodeId nodeId, string calldata reason) external;

    /// @notice Marks a node as proven at fault by what `signingKey` signed, once, even after it left, and slashes its
    /// operator for `challenger`. Only for fault provers.
    function convict(NodeId nodeId, address signingKey, address challenger) external;

    /// @notice Suspends the node that rests on `verdict`, which can be challenged until the window after its recording
    /// is over. Only for the challenges.
    function challenge(Verdict calldata verdict) external;

    /// @notice Ends the challenge of the verdict on `evidenceHash`: the node is active again, or revoked and its keys
    /// for ever. Does nothing to a node that left, or that rests on another verdict, but for taking refuted keys from
    /// it. Only for the challenges.
    function endChallenge(NodeId nodeId, bytes32 evidenceHash, bool upheld) external;

    /// @notice Takes the caller's node out of service for ever. Its receipts stay payable for the overlap.
    function exit(NodeId nodeId) external;

    /// @notice Names the committee whose verdicts are recorded. Restricted to the governor.
    function setCommittee(address committee) external;

    /// @notice Stops the committee from recording results, at once. Restricted to the guardian.
    function dismissCommittee() external;

    /// @notice Lets a contract that checks evidence itself record results, or no longer. Restricted to the governor.
    function setProver(address prover, bool allowed) external;

    /// @notice Stops a prover from recording results, at once. Restricted to the guardian.
    function dismissProver(address prover) external;

    /// @notice Lets a contract that proves faults convict nodes, or no longer. Restricted to the governor.
    function setFaultProver(address prover, bool allowed) external;

    /// @notice Names the contract that may challenge verdicts; zero for none. Restricted to the governor.
    function setChallenges(address challenges) external;

    /// @notice Sets the bond that each live node needs, for old and new nodes. Restricted to the governor.
    function setMinStake(uint96 minStake) external;

    /// @notice Closes the registry. Restricted to the guardian.
    function pause() external;

    /// @notice Opens the registry. Restricted to the governor.
    function unpause() external;

    /// @notice Whether the node may be trusted with requests now: attested, not open to a first challenge, not
    /// challenged, not expired, accepted by all layers of
    /// policy, covered by its operator's bond, and the registry open.
    function isActive(NodeId nodeId) external view returns (bool);

    /// @notice The key whose receipts of epoch `keyEpoch` can be settled now, and the operator who is paid.
    /// @dev Current epoch: until the overlap after its end of validity. Previous epoch: until the overlap after the
    /// rotation, or after its own end of validity if that was before. Never for a revoked or slashed node. A pause
    /// does not matter: it must not take what was earned. The current key of a pending or challenged node is none until
    /// the node is active again.
    /// @return signingKey Zero if no receipt of that epoch can be settled.
    /// @return operator Zero only for an unknown node.
    function receiptKey(NodeId nodeId, uint32 keyEpoch) external view returns (address signingKey, address operator);

    /// @notice Whether `signingKey` is the node's current key, or was it before. A key that was replaced is never
    /// attested again, for no node.
    function isKeyOf(NodeId nodeId, address signingKey) external view returns (bool);

    /// @notice The node that last proved to run on `platformId`; zero if none did. It holds the platform while it is
    /// active there: one platform is one node.
    function platformNode(bytes32 platformId) external view returns (NodeId nodeId);

    /// @notice The record of a node; reverts for an unknown one.
    function node(NodeId nodeId) external view returns (Node memory);

    /// @notice Up to `count` records from index `start` on, in the order of registration.
    function nodes(uint256 start, uint256 count) external view returns (Node[] memory);

    /// @notice Number of nodes that were ever registered.
    function nodeCount() external view returns (uint256);

    /// @notice The node with number `index`, from 0.
    function nodeAt(uint256 index) external view returns (NodeId);

    /// @notice Number of the operator's nodes that neither left nor were slashed.
    function liveNodes(address operator) external view returns (uint256);

    /// @notice EIP-712 digest of the verdict's binding: the first half of the node's report data.
    function bindingDigest(Verdict calldata verdict) external view returns (bytes32);

    /// @notice The committee whose verdicts are recorded; zero if there is none.
    function committee() external view returns (address);

    /// @notice Whether `account` is a contract that checks evidence itself and may record results.
    function isProver(address account) external view returns (bool);

    /// @notice Whether `account` is a contract that may convict nodes.
    function isFaultProver(address account) external view returns (bool);

    /// @notice Bond that each live node needs.
    function minStake() external view returns (uint256);

    /// @notice Counts whatever can make an acceptable node unacceptable. A node that was found acceptable in the
    /// current epoch is active without a further question; any other is judged anew whenever it is asked for, until it
    /// is attested or rechecked.
    function epoch() external view returns (uint24);

    /// @notice Whether the registry is closed.
    function paused() external view returns (bool);

    /// @notice Seconds for which receipts of a key stay payable after its rotation or its end of validity.
    function keyOverlap() external view returns (uint40);

    /// @notice Seconds from the recording of a committee's verdict in which it can be challenged, and for which a node
    /// with a new key is pending; zero: verdicts cannot be challenged.
    function challengeWindow() external view returns (uint40);

    /// @notice The contract that may challenge verdicts; zero if there is none.
    function challenges() external view returns (address);

    /// @notice Where operators' bonds are.
    function stake() external view returns (INodeStake);

    /// @notice What claims are judged by.
    function referenceValues() external view returns (IReferenceValues);
}
