import { recoverAddress, signDigest } from "#crypto";
import { structType } from "../crypto/eip712.ts";
import { parseHex, toHex, type Hex } from "../encoding/bytes.ts";
import { NODE_PLATFORMS, TCB_STATUSES, type Platform, type TcbStatus } from "../evidence/scheme.ts";
import type { NodeBinding } from "./binding.ts";
import { messageDigest, type ContractDomain } from "./typed-message.ts";

/** Where `VerifierCommittee` is deployed. */
export type CommitteeDomain = ContractDomain;

/** What a committee member signs about a node, in the types of the chain. */
export interface Verdict extends NodeBinding {
  /** See `platformCode`. */
  readonly platform: number;
  /** See `tcbStatusCode`. */
  readonly tcbStatus: number;
  /** Intel's TCB evaluation data number, 0 where the platform has none. */
  readonly evaluationNumber: number;
  readonly workloadId: Hex;
  readonly platformId: Hex;
  readonly evidenceHash: Hex;
  readonly policyVersion: number;
  readonly blockNumber: bigint;
  readonly blockHash: Hex;
  /** Seconds since 1970: the timestamp of the anchor block. */
  readonly issuedAt: number;
  /** Seconds since 1970. */
  readonly expiresAt: number;
}

const VERDICT = structType<keyof Verdict>(
  "Verdict(bytes32 nodeId,address operator,address signingKey,bytes32 sealingKey,bytes32 gpuEvidenceHash,bytes32 configHash,uint8 platform,uint8 tcbStatus,uint32 evaluationNumber,bytes32 workloadId,bytes32 platformId,bytes32 evidenceHash,uint32 policyVersion,uint64 blockNumber,bytes32 blockHash,uint40 issuedAt,uint40 expiresAt)",
);

const SIMULATED = 0x80;
/** The byte that stands for a platform on chain; undefined for one that cannot be a node by itself. */
export function platformCode(platform: Platform, simulated: boolean): number | undefined {
  const place = (NODE_PLATFORMS as readonly Platform[]).indexOf(platform);
  return place < 0 ? undefined : (place + 1) | (simulated ? SIMULATED : 0);
}

/** The byte that stands for a TCB status on chain, 0 where none was evaluated. */
export function tcbStatusCode(status: TcbStatus | undefined): number {
  return status === undefined ? 0 : TCB_STATUSES.indexOf(status) + 1;
}

/**
 * The 32-byte digest of a verdict under the committee's domain; throws `RangeError` where a member does not fit.
 * @see docs/protocol.md section 4
 */
export function verdictDigest(domain: CommitteeDomain, verdict: Verdict): Uint8Array {
  return messageDigest({ ...domain, name: "Cloister VerifierCommittee" }, VERDICT, { ...verdict });
}

/** Signs a verdict with a member's secp256k1 key (32 bytes): `r || s || v`, 65 bytes. */
export function signVerdict(domain: CommitteeDomain, verdict: Verdict, privateKey: Uint8Array): Hex {
  return toHex(signDigest(privateKey, verdictDigest(domain, verdict)));
}

/** The address that signed a verdict; undefined where the signature is not one. */
export function verdictSigner(domain: CommitteeDomain, verdict: Verdict, signature: Hex): Hex | undefined {
  const bytes = parseHex(signature, 65);
  const signer = bytes && recoverAddress(verdictDigest(domain, verdict), bytes);
  return signer && toHex(signer);
}
