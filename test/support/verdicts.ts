import type { HDNodeWallet, TypedDataDomain, Wallet } from "ethers";

export const VERDICT_TYPES = {
  Verdict: [
    { name: "nodeId", type: "bytes32" },
    { name: "operator", type: "address" },
    { name: "signingKey", type: "address" },
    { name: "sealingKey", type: "bytes32" },
    { name: "gpuEvidenceHash", type: "bytes32" },
    { name: "configHash", type: "bytes32" },
    { name: "platform", type: "uint8" },
    { name: "tcbStatus", type: "uint8" },
    { name: "evaluationNumber", type: "uint32" },
    { name: "workloadId", type: "bytes32" },
    { name: "platformId", type: "bytes32" },
    { name: "evidenceHash", type: "bytes32" },
    { name: "policyVersion", type: "uint32" },
    { name: "blockNumber", type: "uint64" },
    { name: "blockHash", type: "bytes32" },
    { name: "issuedAt", type: "uint40" },
    { name: "expiresAt", type: "uint40" },
  ],
};

export const BINDING_TYPES = { NodeBinding: VERDICT_TYPES.Verdict.slice(0, 6) };

/** A verdict as ethers encodes it; times in seconds since 1970. */
export interface TestVerdict {
  readonly nodeId: string;
  readonly operator: string;
  readonly signingKey: string;
  readonly sealingKey: string;
  readonly gpuEvidenceHash: string;
  readonly configHash: string;
  readonly platform: number;
  readonly tcbStatus: number;
  readonly evaluationNumber: number;
  readonly workloadId: string;
  readonly platformId: string;
  readonly evidenceHash: string;
  readonly policyVersion: number;
  readonly blockNumber: number;
  readonly blockHash: string;
  readonly issuedAt: number;
  readonly expiresAt: number;
}

/** What signs in tests: a wallet of ethers, as an oracle for the digests that is not ours. */
export type Signer = Wallet | HDNodeWallet;

export function domainOf(name: string, verifyingContract: string, chainId = 31_337): TypedDataDomain {
  return { name: `Cloister ${name}`, version: "1", chainId, verifyingContract };
}

/** The members' signatures over `verdict`, in ascending order of their addresses. */
export async function signVerdict(
  domain: TypedDataDomain,
  verdict: TestVerdict,
  members: readonly Signer[],
): Promise<string[]> {
  const ascending = [...members].sort((left, right) => (BigInt(left.address) < BigInt(right.address) ? -1 : 1));
  return Promise.all(ascending.map((member) => member.signTypedData(domain, VERDICT_TYPES, verdict)));
}

/** The members of `verdict` that the binding has. */
export function bindingOf(verdict: TestVerdict) {
  const { nodeId, operator, signingKey, sealingKey, gpuEvidenceHash, configHash } = verdict;
  return { nodeId, operator, signingKey, sealingKey, gpuEvidenceHash, configHash };
}

/** The enclave key's proof of possession for the binding inside `verdict`. */
export async function signBinding(domain: TypedDataDomain, verdict: TestVerdict, key: Signer): Promise<string> {
  return key.signTypedData(domain, BINDING_TYPES, bindingOf(verdict));
}

/** Why reference values refuse claims, in the contracts' order. */
export const REFUSAL = {
  None: 0n,
  PlatformNotAccepted: 1n,
  TcbStatusNotAccepted: 2n,
  EvaluationTooLow: 3n,
  WorkloadUnknown: 4n,
  WorkloadNotYetActive: 5n,
  WorkloadRemoved: 6n,
  WorkloadOfOtherPlatform: 7n,
  WorkloadDenied: 8n,
  PlatformDenied: 9n,
  WorkloadOfOtherVersion: 10n,
  GpuMissing: 11n,
} as const;

/** Where a node stands, in the contracts' order. */
export const STATUS = {
  None: 0n,
  Registered: 1n,
  Active: 2n,
  Revoked: 3n,
  Exited: 4n,
  Slashed: 5n,
  Pending: 6n,
  Challenged: 7n,
} as const;
