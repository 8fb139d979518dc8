import type { HDNodeWallet, TypedDataDomain, Wallet } from "ethers";

const VERDICT_TYPES = {
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

const BINDING_TYPES = { NodeBinding: VERDICT_TYPES.Verdict.slice(0, 6) };

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

/** The enclave key's proof of possession for the binding inside `verdict`. */
export async function signBinding(domain: TypedDataDomain, verdict: TestVerdict, key: Signer): Promise<string> {
  const { nodeId, operator, signingKey, sealingKey, gpuEvidenceHash, configHash } = verdict;
  return key.signTypedData(domain, BINDING_TYPES, {
    nodeId,
    operator,
    signingKey,
    sealingKey,
    gpuEvidenceHash,
    configHash,
  });
}
