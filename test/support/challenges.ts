import type { HardhatEthers } from "@nomicfoundation/hardhat-ethers/types";
import { concat, hexlify, keccak256, toUtf8Bytes, type TypedDataDomain } from "ethers";
import { as, deploy, type VerdictChallenges } from "./deployed.ts";
import { accountWallet, bond, deployNetwork, HOUR, MEMBER_BOND, submit, verdictFor } from "./protocol.ts";
import { domainOf, signVerdict, type Signer, type TestVerdict } from "./verdicts.ts";

export const WINDOW = HOUR;
export const RESPONSE_TIME = 12 * HOUR;
export const CHALLENGE_BOND = 101n;
export const EVIDENCE = hexlify(toUtf8Bytes("evidence"));

export type ChallengeNetwork = Awaited<ReturnType<typeof deployChallenges>>;

const VOTE_TYPES = {
  AppealVote: [
    { name: "challengeId", type: "uint256" },
    { name: "verdictDigest", type: "bytes32" },
    { name: "upheld", type: "bool" },
  ],
};

/** A network with a challenge window, five members (two needed, three decide), and a challenger with money. */
export async function deployChallenges(ethers: HardhatEthers) {
  const network = await deployNetwork(ethers, WINDOW);
  const { committee, manager, registry, stranger: challenger, token } = network;
  const members = [...network.members];
  for (const member of [13, 14].map(accountWallet)) {
    await committee.addMember(member.address, "http://127.0.0.1:9090");
    await bond(network, member.address, 2n * MEMBER_BOND);
    await committee.takeSeat(member.address);
    members.push(member);
  }
  const challenges = await deploy<VerdictChallenges>(ethers, "VerdictChallenges", [
    manager,
    committee,
    CHALLENGE_BOND,
    RESPONSE_TIME,
    3,
  ]);
  await registry.setChallenges(challenges);
  await token.mint(challenger, 10n * CHALLENGE_BOND);
  await as(token, challenger).approve(challenges, 10n * CHALLENGE_BOND);
  const challengesDomain = domainOf("VerdictChallenges", await challenges.getAddress());
  return { ...network, members, challenges, challenger, challengesDomain };
}

/** Attests the network's node by its first two members, with evidence that can be published. */
export async function attestPublic(
  network: ChallengeNetwork,
  key: Signer = network.key,
  changes: Partial<TestVerdict> = {},
): Promise<TestVerdict> {
  const verdict = await verdictFor(network, key, {
    evidenceHash: keccak256(EVIDENCE),
    gpuEvidenceHash: `0x${"00".repeat(32)}`,
    ...changes,
  });
  await submit(network, verdict, key);
  return verdict;
}

/** The signatures of the first members over a verdict, one after the other. */
export async function signaturesOf(
  network: ChallengeNetwork,
  verdict: TestVerdict,
  signers: readonly Signer[] = network.members.slice(0, 2),
): Promise<string> {
  return concat(await signVerdict(network.committeeDomain, verdict, signers));
}

/** Opens a challenge of `verdict` as the challenger. */
export async function openChallenge(network: ChallengeNetwork, verdict: TestVerdict) {
  return as(network.challenges, network.challenger).open(verdict, await signaturesOf(network, verdict));
}

/** Votes in ascending order of the voters' addresses. */
export async function votesOf(
  domain: TypedDataDomain,
  vote: { readonly challengeId: number; readonly verdictDigest: string; readonly upheld: boolean },
  voters: readonly Signer[],
): Promise<string> {
  const ascending = [...voters].sort((left, right) => (BigInt(left.address) < BigInt(right.address) ? -1 : 1));
  return concat(await Promise.all(ascending.map((voter) => voter.signTypedData(domain, VOTE_TYPES, vote))));
}
