import type { HardhatEthers } from "@nomicfoundation/hardhat-ethers/types";
import {
  HDNodeWallet,
  Mnemonic,
  concat,
  id,
  keccak256,
  type ContractTransactionResponse,
  type TypedDataDomain,
} from "ethers";
import {
  as,
  deploy,
  type AccessManager,
  type NodeRegistry,
  type NodeStake,
  type OpenLock,
  type ReferenceValues,
  type TestToken,
  type VerifierCommittee,
} from "./deployed.ts";
import { domainOf, signBinding, signVerdict, type Signer, type TestVerdict } from "./verdicts.ts";

export const GUARDIAN_ROLE = 1n;
export const COMMUNITY_ROLE = 2n;

export const HOUR = 3_600;
export const DAY = 24 * HOUR;
export const TDX = 2;
export const SIMULATED_SGX = 0x81;
export const UP_TO_DATE = 1;

export const MIN_STAKE = 1_000n;
export const MEMBER_BOND = 500n;
export const THAW = 21 * DAY;
export const SLASH_CAP_BPS = 5_000;
export const ADDITION_DELAY = 48 * HOUR;
export const KEY_OVERLAP = 2 * HOUR;

/** Accepts UpToDate and SWHardeningNeeded from evaluation number 17 on. */
export const POLICY = {
  tcbStatusMask: 0b110,
  minEvaluationNumber: 17,
  ttl: DAY,
  maxEvidenceAge: HOUR / 2,
  accepted: true,
};

const GUARDED: Readonly<Record<string, readonly string[]>> = {
  referenceValues: ["suspendPlatform", "removeTcbStatus", "raiseMinEvaluationNumber", "removeWorkload"],
  registry: ["revoke", "dismissCommittee", "dismissProver", "pause"],
  committee: ["removeMember"],
};

/** The wallet of one of the development chain's accounts. */
export function accountWallet(index: number): HDNodeWallet {
  const phrase = Mnemonic.fromPhrase("test test test test test test test test test test test junk");
  return HDNodeWallet.fromMnemonic(phrase, `m/44'/60'/0'/0/${index}`);
}

/** A key that an enclave could have made: deterministic, and without money on any chain. */
export function enclaveKey(name: string): HDNodeWallet {
  return HDNodeWallet.fromSeed(keccak256(id(name)));
}

export type Protocol = Awaited<ReturnType<typeof deployProtocol>>;

/** Deploys stake, reference values, registry and committee under one access manager, with an open policy for TDX. */
export async function deployProtocol(ethers: HardhatEthers, challengeWindow = 0) {
  const accounts = await ethers.getSigners();
  const [governor, guardian, community, operator, stranger, slasher] = accounts;
  if (!governor || !guardian || !community || !operator || !stranger || !slasher) throw new Error("too few accounts");
  const token = await deploy<TestToken>(ethers, "TestToken");
  const manager = await deploy<AccessManager>(ethers, "AccessManager", [governor]);
  const stake = await deploy<NodeStake>(ethers, "NodeStake", [manager, token, THAW, SLASH_CAP_BPS]);
  const referenceValues = await deploy<ReferenceValues>(ethers, "ReferenceValues", [manager, ADDITION_DELAY]);
  const registry = await deploy<NodeRegistry>(ethers, "NodeRegistry", [
    manager,
    stake,
    referenceValues,
    MIN_STAKE,
    KEY_OVERLAP,
    challengeWindow,
  ]);
  const committee = await deploy<VerifierCommittee>(ethers, "VerifierCommittee", [manager, registry, MEMBER_BOND, 2]);

  const contracts = { stake, referenceValues, registry, committee };
  const assign = async (contract: keyof typeof contracts, names: readonly string[], role: bigint) => {
    const target = contracts[contract];
    const selectors = names.map((name) => target.interface.getFunction(name)?.selector);
    await manager.setTargetFunctionRole(target, selectors, role);
  };
  for (const [contract, names] of Object.entries(GUARDED)) {
    await assign(contract as keyof typeof contracts, names, GUARDIAN_ROLE);
  }
  await assign("referenceValues", ["deny"], COMMUNITY_ROLE);
  await manager.grantRole(GUARDIAN_ROLE, governor, 0);
  await manager.grantRole(GUARDIAN_ROLE, guardian, 0);
  await manager.grantRole(COMMUNITY_ROLE, community, 0);
  const lock = await deploy<OpenLock>(ethers, "OpenLock", [stake]);
  for (const one of [registry, committee, lock]) await stake.addLock(one);
  await referenceValues.setObserver(registry);
  await registry.setCommittee(committee);
  await registry.setFaultProver(slasher, true);
  await referenceValues.setPlatformPolicy(TDX, POLICY);
  return { ...contracts, lock, token, manager, governor, guardian, community, operator, stranger, slasher, accounts };
}

/** Mints `amount` and bonds it for `account`. */
export async function bond(
  protocol: Pick<Protocol, "token" | "stake" | "governor">,
  account: string,
  amount: bigint,
): Promise<void> {
  const { token, stake, governor } = protocol;
  await token.mint(governor, amount);
  await token.approve(stake, amount);
  await stake.depositFor(account, amount);
}

export const WORKLOAD = id("workload");
export const PLATFORM_ID = id("platform");
export const SALT = id("salt");
export const ENDPOINT = "http://127.0.0.1:8080";

export type Network = Awaited<ReturnType<typeof deployNetwork>>;

/** A committee of three (two needed), an accepted workload of version 1, and one registered node of `operator`. */
export async function deployNetwork(ethers: HardhatEthers, challengeWindow = 0) {
  const protocol = await deployProtocol(ethers, challengeWindow);
  const { committee, registry, referenceValues, operator } = protocol;
  const members = [10, 11, 12].map(accountWallet);
  for (const member of members) {
    await committee.addMember(member.address, "http://127.0.0.1:9090");
    await bond(protocol, member.address, 2n * MEMBER_BOND);
    await committee.takeSeat(member.address);
  }
  await referenceValues.addWorkload(WORKLOAD, TDX, false);
  await ethers.provider.send("evm_increaseTime", [ADDITION_DELAY]);
  await bond(protocol, operator.address, 2n * MIN_STAKE);
  await as(registry, operator).register(SALT, ENDPOINT);
  const nodeId = String(await registry.nodeAt(0));
  const key = enclaveKey("first");
  const registryDomain = domainOf("NodeRegistry", await registry.getAddress());
  const committeeDomain = domainOf("VerifierCommittee", await committee.getAddress());
  return { ...protocol, ethers, members, nodeId, key, registryDomain, committeeDomain };
}

/** An affirming verdict for the network's node and `key`, anchored at the latest block. */
export async function verdictFor(
  network: Pick<Network, "ethers" | "nodeId" | "operator">,
  key: Signer,
  changes: Partial<TestVerdict> = {},
): Promise<TestVerdict> {
  const block = await network.ethers.provider.getBlock("latest");
  if (!block?.hash) throw new Error("no block");
  return {
    nodeId: network.nodeId,
    operator: network.operator.address,
    signingKey: key.address,
    sealingKey: id(`sealing ${key.address}`),
    gpuEvidenceHash: id("gpu"),
    configHash: id("config"),
    platform: TDX,
    tcbStatus: UP_TO_DATE,
    evaluationNumber: 17,
    workloadId: WORKLOAD,
    platformId: PLATFORM_ID,
    evidenceHash: id(`evidence ${key.address} ${block.number}`),
    policyVersion: 1,
    blockNumber: block.number,
    blockHash: block.hash,
    issuedAt: block.timestamp,
    expiresAt: block.timestamp + DAY,
    ...changes,
  };
}

/** Submits `verdict` with the signatures of the first two members, and the key's proof of possession. */
export async function submit(
  network: Pick<Network, "committee" | "members"> & Record<"committeeDomain" | "registryDomain", TypedDataDomain>,
  verdict: TestVerdict,
  key: Signer,
): Promise<ContractTransactionResponse> {
  const signatures = await signVerdict(network.committeeDomain, verdict, network.members.slice(0, 2));
  const possession = await signBinding(network.registryDomain, verdict, key);
  return network.committee.submitVerdict(verdict, possession, concat(signatures));
}

/** Attests the network's node with `key` through the committee and returns the verdict. */
export async function attest(network: Network, key: Signer, changes: Partial<TestVerdict> = {}): Promise<TestVerdict> {
  const verdict = await verdictFor(network, key, changes);
  await submit(network, verdict, key);
  return verdict;
}
