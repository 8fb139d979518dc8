/** What Cloister calls, listens to and can be refused with, as short human-readable ABIs; a test holds them against the artifacts. */

const VERDICT =
  "tuple(bytes32 nodeId, address operator, address signingKey, bytes32 sealingKey, bytes32 gpuEvidenceHash, bytes32 configHash, uint8 platform, uint8 tcbStatus, uint32 evaluationNumber, bytes32 workloadId, bytes32 platformId, bytes32 evidenceHash, uint32 policyVersion, uint64 blockNumber, bytes32 blockHash, uint40 issuedAt, uint40 expiresAt)";
const NODE =
  "tuple(bytes32 nodeId, address operator, uint8 status, address signingKey, uint32 keyEpoch, uint8 platform, uint8 tcbStatus, uint32 evaluationNumber, uint32 policyVersion, bytes32 workloadId, bytes32 platformId, bytes32 evidenceHash, uint40 attestedAt, uint40 expiresAt, address previousKey, uint32 previousEpoch, uint40 previousUntil, string endpoint)";
const POLICY =
  "tuple(uint16 tcbStatusMask, uint32 minEvaluationNumber, uint32 ttl, uint32 maxEvidenceAge, bool accepted)";
const TERMS =
  "tuple(uint128 pricePerUnit, bytes32 manifestHash, bytes32 privacyPolicyHash, bytes32 keyReleasePolicyHash, string uri)";
const RECEIPT =
  "tuple(bytes32 channelId, uint64 sequence, uint128 amount, bytes32 nodeId, uint32 keyEpoch, bytes32 modelId, bytes32 requestCommitment, bytes32 responseCommitment, bytes32 rawCommitment, bytes32 evidenceHash, uint64 units, uint64 privacySpent)";
const SERVICE = "tuple(bytes32 nodeId, uint32 keyEpoch, bytes32 modelId, bytes32 evidenceHash)";
const SETTLEMENT =
  "tuple(address payer, uint64 sequence, uint128 voucherAmount, uint128 receiptAmount, bytes32 requestCommitment, bytes32 responseCommitment, bytes32 rawCommitment, uint64 units, uint64 privacySpent, bytes voucherSignature, bytes receiptSignature)";

const ERC20_ERRORS = [
  "error ERC20InsufficientAllowance(address spender, uint256 allowance, uint256 needed)",
  "error ERC20InsufficientBalance(address sender, uint256 balance, uint256 needed)",
] as const;

const SHARED_ERRORS = [
  "error AccessManagedInvalidAuthority(address authority)",
  "error AccessManagedRequiredDelay(address caller, uint32 delay)",
  "error AccessManagedUnauthorized(address caller)",
  "error ECDSAInvalidSignature()",
  "error ECDSAInvalidSignatureLength(uint256 length)",
  "error ECDSAInvalidSignatureS(bytes32 s)",
  "error InvalidShortString()",
  "error ReentrancyGuardReentrantCall()",
  "error SafeCastOverflowedUintDowncast(uint8 bits, uint256 value)",
  "error SafeERC20FailedOperation(address token)",
  "error StringTooLong(string str)",
] as const;

const TOKEN = [
  "function allowance(address owner, address spender) view returns (uint256)",
  "function approve(address spender, uint256 value) returns (bool)",
  "function balanceOf(address account) view returns (uint256)",
  "function decimals() view returns (uint8)",
  "function mint(address account, uint256 amount)",
  "function symbol() view returns (string)",
  "function totalSupply() view returns (uint256)",
  "function transfer(address to, uint256 value) returns (bool)",
  ...ERC20_ERRORS,
] as const;

const NODE_STAKE = [
  "error NodeStakeInsufficientBond(address operator, uint256 bonded, uint256 requested)",
  "error NodeStakeInvalidParameter(uint256 value)",
  "error NodeStakeNothingUnbonding(address operator)",
  "error NodeStakeStillThawing(address operator, uint256 withdrawableAt)",
  "error NodeStakeUnexpectedTransfer(uint256 expected, uint256 received)",
  "error NodeStakeZeroAddress()",
  "error NodeStakeZeroAmount()",
  "event StakeDeposited(address indexed operator, address indexed from, uint256 amount)",
  "event StakeSlashed(address indexed operator, address indexed challenger, uint256 reward, uint256 burned)",
  "event StakeWithdrawn(address indexed operator, uint256 amount)",
  "event UnbondRequested(address indexed operator, uint256 amount, uint256 withdrawableAt)",
  "function bondedOf(address operator) view returns (uint256 bonded)",
  "function deposit(uint256 amount)",
  "function depositFor(address operator, uint256 amount)",
  "function requestUnbond(uint256 amount)",
  "function slash(address operator, uint256 amount, address challenger) returns (uint256 taken)",
  "function slashCapBps() view returns (uint16)",
  "function stakeOf(address operator) view returns (uint256 bonded, uint256 unbonding, uint256 withdrawableAt)",
  "function thaw() view returns (uint40)",
  "function token() view returns (address)",
  "function totalBurned() view returns (uint256)",
  "function withdraw() returns (uint256 amount)",
] as const;

const REFERENCE_VALUES = [
  "error ReferenceValuesAlreadyDenied(bytes32 id)",
  "error ReferenceValuesEvaluationNotRaised(uint32 current, uint32 offered)",
  "error ReferenceValuesInvalidDelay(uint40 delay)",
  "error ReferenceValuesInvalidEvidenceAge(uint32 maxEvidenceAge)",
  "error ReferenceValuesInvalidTcbMask(uint16 mask)",
  "error ReferenceValuesInvalidTtl(uint32 ttl)",
  "error ReferenceValuesNotDenied(bytes32 id)",
  "error ReferenceValuesPlatformNotAccepted(uint8 platform)",
  "error ReferenceValuesTcbStatusNotAccepted(uint8 platform, uint8 status)",
  "error ReferenceValuesWorkloadExists(bytes32 workloadId, uint32 version)",
  "error ReferenceValuesWorkloadUnknown(bytes32 workloadId)",
  "error ReferenceValuesZeroAddress()",
  "error ReferenceValuesZeroId()",
  "event WorkloadAdded(bytes32 indexed workloadId, uint32 indexed version, uint8 platform, uint40 activeFrom)",
  "event WorkloadRemoved(bytes32 indexed workloadId, uint32 indexed version)",
  "function addWorkload(bytes32 workloadId, uint8 platform) returns (uint32 version)",
  "function additionDelay() view returns (uint40)",
  "function allow(bytes32 id)",
  "function appraise(tuple(uint32 policyVersion, uint8 platform, uint8 tcbStatus, uint32 evaluationNumber, bytes32 platformId) claims) view returns (uint8 refusal)",
  "function denied(bytes32 id) view returns (bool)",
  "function deny(bytes32 id, string reasonURI)",
  `function platformPolicy(uint8 platform) view returns (${POLICY})`,
  "function raiseMinEvaluationNumber(uint8 platform, uint32 minEvaluationNumber)",
  "function removeTcbStatus(uint8 platform, uint8 status)",
  "function removeWorkload(bytes32 workloadId)",
  `function setPlatformPolicy(uint8 platform, ${POLICY} policy)`,
  "function suspendPlatform(uint8 platform)",
  "function workload(uint32 version) view returns (tuple(bytes32 workloadId, uint8 platform, uint40 activeFrom, bool removed, bool denied))",
  "function workloadVersion(bytes32 workloadId) view returns (uint32 version)",
] as const;

const NODE_REGISTRY = [
  "error NodeRegistryAttesterExists(address attester)",
  "error NodeRegistryEvidenceTooOld(uint64 issuedAt, uint64 maxEvidenceAge)",
  "error NodeRegistryFutureResult(uint64 issuedAt, uint64 timestamp)",
  "error NodeRegistryInsufficientStake(address operator, uint256 required, uint256 bonded)",
  "error NodeRegistryInvalidEndpoint(uint256 length)",
  "error NodeRegistryInvalidKeyOverlap(uint40 keyOverlap)",
  "error NodeRegistryKeyOfOtherPolicy(address signingKey, uint32 recorded, uint32 offered)",
  "error NodeRegistryKeyUsed(address signingKey, bytes32 owner)",
  "error NodeRegistryNoPossession(address signingKey, address recovered)",
  "error NodeRegistryNodeExists(bytes32 nodeId)",
  "error NodeRegistryNotAcceptable(bytes32 nodeId, uint8 refusal)",
  "error NodeRegistryNotAttester(address caller)",
  "error NodeRegistryNotOperator(bytes32 nodeId, address operator, address caller)",
  "error NodeRegistryNotPaused()",
  "error NodeRegistryPaused()",
  "error NodeRegistryResultExpired(uint64 expiresAt, uint64 timestamp)",
  "error NodeRegistryStaleResult(uint64 current, uint64 offered)",
  "error NodeRegistryStillAcceptable(bytes32 nodeId)",
  "error NodeRegistryUnknownBlock(uint64 blockNumber)",
  "error NodeRegistryUnknownNode(bytes32 nodeId)",
  "error NodeRegistryValidityTooLong(uint64 ttl, uint64 offered)",
  "error NodeRegistryWrongBlockHash(uint64 blockNumber, bytes32 expected, bytes32 offered)",
  "error NodeRegistryWrongPolicyVersion(bytes32 workloadId, uint32 current, uint32 offered)",
  "error NodeRegistryWrongStatus(bytes32 nodeId, uint8 status)",
  "error NodeRegistryZeroAddress()",
  "error NodeRegistryZeroMinStake()",
  "event NodeAttested(bytes32 indexed nodeId, address indexed signingKey, uint32 keyEpoch, bytes32 sealingKey, bytes32 configHash, uint8 platform, bool simulated, bytes32 workloadId, bytes32 evidenceHash, uint40 expiresAt)",
  "event NodeExited(bytes32 indexed nodeId, address indexed operator)",
  "event NodeRegistered(bytes32 indexed nodeId, address indexed operator, string endpoint)",
  "event NodeRevoked(bytes32 indexed nodeId, address indexed signingKey, uint8 refusal, string reason)",
  "event NodeSlashed(bytes32 indexed nodeId, address indexed signingKey)",
  "function addAttester(address attester)",
  `function attest(${VERDICT} verdict, bytes possession)`,
  "function exit(bytes32 nodeId)",
  "function isActive(bytes32 nodeId) view returns (bool)",
  "function isAttester(address account) view returns (bool)",
  "function keyOverlap() view returns (uint40)",
  "function liveNodes(address operator) view returns (uint256)",
  "function markSlashed(bytes32 nodeId)",
  "function minStake() view returns (uint256)",
  `function node(bytes32 nodeId) view returns (${NODE})`,
  "function nodeCount() view returns (uint256)",
  `function nodes(uint256 start, uint256 count) view returns (${NODE}[])`,
  "function pause()",
  "function paused() view returns (bool)",
  "function receiptKey(bytes32 nodeId, uint32 keyEpoch) view returns (address signingKey, address operator)",
  "function recheck(bytes32 nodeId)",
  "function register(bytes32 salt, string endpoint) returns (bytes32 nodeId)",
  "function removeAttester(address attester)",
  "function revoke(bytes32 nodeId, string reason)",
  "function setEndpoint(bytes32 nodeId, string endpoint)",
  "function setMinStake(uint96 minStake)",
  "function unpause()",
] as const;

const VERIFIER_COMMITTEE = [
  "error VerifierCommitteeCannotJoin(address account, uint8 standing)",
  "error VerifierCommitteeDifferentEvidence(bytes32 first, bytes32 second)",
  "error VerifierCommitteeDifferentSigners(address first, address second)",
  "error VerifierCommitteeFull(uint256 members)",
  "error VerifierCommitteeInvalidEndpoint(uint256 length)",
  "error VerifierCommitteeInvalidThreshold(uint256 threshold, uint256 members)",
  "error VerifierCommitteeNotBonded(address member, uint256 required, uint256 bonded)",
  "error VerifierCommitteeNotMember(address account, uint8 standing)",
  "error VerifierCommitteeSameVerdict(bytes32 digest)",
  "error VerifierCommitteeSignersNotAscending(address previous, address current)",
  "error VerifierCommitteeTooFewSignatures(uint256 required, uint256 given)",
  "error VerifierCommitteeZeroAddress()",
  "error VerifierCommitteeZeroBond()",
  "event MemberAdded(address indexed member, string endpoint)",
  "event MemberRemoved(address indexed member)",
  "function addMember(address member, string endpoint)",
  "function isMember(address account) view returns (bool)",
  "function memberBond() view returns (uint256)",
  "function members() view returns (tuple(address account, bool bonded, string endpoint)[])",
  "function removeMember(address member)",
  `function reportEquivocation(${VERDICT} first, ${VERDICT} second, bytes firstSignature, bytes secondSignature)`,
  "function setEndpoint(string endpoint)",
  "function setThreshold(uint8 threshold)",
  `function submitVerdict(${VERDICT} verdict, bytes possession, bytes[] signatures)`,
  "function threshold() view returns (uint256)",
] as const;

const MODEL_REGISTRY = [
  "error ModelRegistryAlreadyRegistered(bytes32 modelId, address owner)",
  "error ModelRegistryNoOffer(bytes32 nodeId, bytes32 modelId)",
  "error ModelRegistryNotOperator(bytes32 nodeId, address caller)",
  "error ModelRegistryNotOwner(bytes32 modelId, address caller)",
  "error ModelRegistryNotPendingOwner(bytes32 modelId, address caller)",
  "error ModelRegistryRetired(bytes32 modelId)",
  "error ModelRegistryTooManyOffers(bytes32 nodeId, uint256 maximum)",
  "error ModelRegistryUnknownModel(bytes32 modelId)",
  "error ModelRegistryUriLength(uint256 length)",
  "error ModelRegistryZeroAddress()",
  "error ModelRegistryZeroHash()",
  `function model(bytes32 modelId) view returns (tuple(address owner, address pendingOwner, bool retired, ${TERMS} terms))`,
  "function modelCount() view returns (uint256)",
  "function models(uint256 start, uint256 count) view returns (bytes32[])",
  "function offer(bytes32 nodeId, bytes32 modelId) view returns (bool offered, uint128 pricePerUnit)",
  "function offers(bytes32 nodeId) view returns (tuple(bytes32 modelId, uint128 pricePerUnit)[])",
  `function register(bytes32 root, ${TERMS} terms)`,
  "function removeOffer(bytes32 nodeId, bytes32 modelId)",
  "function setOffer(bytes32 nodeId, bytes32 modelId, uint128 pricePerUnit)",
] as const;

const INFERENCE_ESCROW = [
  "error InferenceEscrowChannelClosing(bytes32 channelId, uint40 withdrawableAt)",
  "error InferenceEscrowChannelEmpty(bytes32 channelId)",
  "error InferenceEscrowChannelNotClosing(bytes32 channelId)",
  "error InferenceEscrowChannelThawing(bytes32 channelId, uint40 withdrawableAt)",
  "error InferenceEscrowInvalidThaw(uint40 thaw)",
  "error InferenceEscrowNoConflict(bytes32 firstDigest, bytes32 secondDigest)",
  "error InferenceEscrowNoEarnings(address operator)",
  "error InferenceEscrowNodeInactive(bytes32 nodeId)",
  "error InferenceEscrowPermitRefused(uint256 required, uint256 allowance)",
  "error InferenceEscrowSettlementRefused(bytes32 channelId, uint8 refusal)",
  "error InferenceEscrowSignerUnknown(bytes32 nodeId, address signer)",
  "error InferenceEscrowSignersDiffer(address first, address second)",
  "error InferenceEscrowUnexpectedTransfer(uint256 expected, uint256 received)",
  "error InferenceEscrowZeroAddress()",
  "error InferenceEscrowZeroAmount(bytes32 nodeId)",
  "event ChannelClosing(bytes32 indexed channelId, uint40 withdrawableAt)",
  "event ChannelFunded(bytes32 indexed channelId, address indexed payer, bytes32 indexed nodeId, uint256 amount, uint256 deposit)",
  "event ChannelWithdrawn(bytes32 indexed channelId, uint256 amount)",
  "event EarningsWithdrawn(address indexed operator, uint256 amount)",
  "event Settled(bytes32 indexed channelId, uint64 sequence, uint256 paid, uint64 units, uint64 privacySpent)",
  "event SettlementRefused(bytes32 indexed channelId, uint8 refusal)",
  "function channel(address payer, bytes32 nodeId) view returns (tuple(uint96 deposit, uint96 spent, uint40 withdrawableAt))",
  "function close(bytes32 nodeId)",
  "function deposit(tuple(bytes32 nodeId, uint96 amount)[] deposits)",
  "function depositWithPermit(tuple(bytes32 nodeId, uint96 amount)[] deposits, uint256 deadline, uint8 v, bytes32 r, bytes32 s)",
  "function earnings(address operator) view returns (uint256)",
  "function reopen(bytes32 nodeId)",
  `function reportConflictingReceipts(${RECEIPT} first, ${RECEIPT} second, bytes firstSignature, bytes secondSignature)`,
  `function settle(${SERVICE} service, ${SETTLEMENT} settlement) returns (uint256 paid)`,
  `function settleBatch(tuple(${SERVICE} service, ${SETTLEMENT}[] settlements)[] batches) returns (uint256[] paid)`,
  "function thaw() view returns (uint40)",
  "function withdraw(bytes32 nodeId)",
  "function withdrawEarnings()",
  "function withdrawMany(bytes32[] nodeIds)",
] as const;

const ACCESS_MANAGER = [
  "error AccessManagerBadConfirmation()",
  "error AccessManagerUnauthorizedAccount(address msgsender, uint64 roleId)",
  "function getTargetFunctionRole(address target, bytes4 selector) view returns (uint64)",
  "function grantRole(uint64 roleId, address account, uint32 executionDelay)",
  "function hasRole(uint64 roleId, address account) view returns (bool isMember, uint32 executionDelay)",
  "function labelRole(uint64 roleId, string label)",
  "function renounceRole(uint64 roleId, address callerConfirmation)",
  "function setTargetFunctionRole(address target, bytes4[] selectors, uint64 roleId)",
] as const;

const TIMELOCK_CONTROLLER = [
  "error AccessControlUnauthorizedAccount(address account, bytes32 neededRole)",
  "error TimelockInsufficientDelay(uint256 delay, uint256 minDelay)",
  "error TimelockUnexpectedOperationState(bytes32 operationId, bytes32 expectedStates)",
  "function executeBatch(address[] targets, uint256[] values, bytes[] payloads, bytes32 predecessor, bytes32 salt) payable",
  "function getMinDelay() view returns (uint256)",
  "function getTimestamp(bytes32 id) view returns (uint256)",
  "function hasRole(bytes32 role, address account) view returns (bool)",
  "function hashOperationBatch(address[] targets, uint256[] values, bytes[] payloads, bytes32 predecessor, bytes32 salt) pure returns (bytes32)",
  "function scheduleBatch(address[] targets, uint256[] values, bytes[] payloads, bytes32 predecessor, bytes32 salt, uint256 delay)",
] as const;

/** The ABI of each contract by its name. */
export const ABI = {
  AccessManager: ACCESS_MANAGER,
  TimelockController: TIMELOCK_CONTROLLER,
  NodeStake: NODE_STAKE,
  ReferenceValues: REFERENCE_VALUES,
  NodeRegistry: NODE_REGISTRY,
  VerifierCommittee: VERIFIER_COMMITTEE,
  ModelRegistry: MODEL_REGISTRY,
  InferenceEscrow: INFERENCE_ESCROW,
  Token: TOKEN,
} as const;

export type ContractName = keyof typeof ABI;

/** Errors that any of the contracts can pass on from the libraries they use. */
export const LIBRARY_ERRORS = SHARED_ERRORS;
