import { createSigningKey, signDigest, signingAddress } from "#crypto";
import { submitVerdict, takeSeat } from "../../offchain/chain/committee.ts";
import type { Contracts } from "../../offchain/chain/contracts.ts";
import { DEVNET, type DeployParameters } from "../../offchain/chain/deploy-parameters.ts";
import { latestBlock } from "../../offchain/chain/provider.ts";
import { readWorkload } from "../../offchain/chain/reference-values.ts";
import type { NodeRecord } from "../../offchain/chain/registry.ts";
import type { Sender } from "../../offchain/chain/sender.ts";
import { bondFor } from "../../offchain/chain/stake.ts";
import { approve, mintTestTokens } from "../../offchain/chain/token.ts";
import { toHex, type Hex } from "../../offchain/encoding/bytes.ts";
import { bindingDigest } from "../../offchain/verifier/binding.ts";
import { signVerdict } from "../../offchain/verifier/verdict.ts";
import { word } from "./receipts.ts";

const SIMULATED_TDX = 0x82;
const WORKLOAD = word(0x3a);
const HOUR = 3600;

/** A committee whose keys a test holds. */
export interface TestCommittee {
  readonly parameters: Pick<DeployParameters, "members" | "threshold" | "platforms" | "workloads">;
  /** Bonds the members; the sender makes the test tokens. */
  bond(contracts: Contracts, sender: Sender): Promise<void>;
  /** Has the members attest a registered node, without evidence: what the contracts check is the signatures. */
  attest(contracts: Contracts, sender: Sender, record: NodeRecord): Promise<void>;
}

/** Makes a committee of two, both needed, and a simulated platform with one workload. */
export function testCommittee(): TestCommittee {
  const keys = [createSigningKey(), createSigningKey()];
  keys.sort((a, b) => (addressOf(a) < addressOf(b) ? -1 : 1));
  const policy = { tcbStatusMask: 0b10, minEvaluationNumber: 0, ttl: HOUR, maxEvidenceAge: HOUR / 2, accepted: true };
  return {
    parameters: {
      threshold: keys.length,
      members: keys.map((key) => ({ account: addressOf(key), endpoint: "http://127.0.0.1:9090" })),
      platforms: [{ ...policy, platform: SIMULATED_TDX }],
      workloads: [{ workloadId: WORKLOAD, platform: SIMULATED_TDX }],
    },
    bond: async (contracts, sender) => {
      const total = DEVNET.memberBond * BigInt(keys.length);
      await sender.send(mintTestTokens(contracts, sender.address, total));
      await sender.send(approve(contracts, "NodeStake", total));
      for (const key of keys) {
        await sender.send(bondFor(contracts, addressOf(key), DEVNET.memberBond));
        await sender.send(takeSeat(contracts, addressOf(key)));
      }
    },
    attest: async (contracts, sender, record) => {
      const { verdict, possession } = await verdictFor(contracts, record);
      const { chain, addresses } = contracts;
      const domain = { chainId: chain.chainId, verifyingContract: addresses.VerifierCommittee };
      const signatures = keys.map((key) => signVerdict(domain, verdict, key));
      await sender.send(submitVerdict(contracts, verdict, possession, signatures));
    },
  };
}

async function verdictFor(contracts: Contracts, { nodeId, operator }: NodeRecord) {
  const { chain, addresses } = contracts;
  const enclaveKey = createSigningKey();
  const { blockNumber, blockHash, timestamp } = await latestBlock(chain);
  const binding = {
    nodeId,
    operator,
    signingKey: addressOf(enclaveKey),
    sealingKey: word(0x5e),
    gpuEvidenceHash: word(0),
    configHash: word(0xcf),
  };
  const registry = { chainId: chain.chainId, verifyingContract: addresses.NodeRegistry };
  const workload = await readWorkload(contracts, WORKLOAD);
  const verdict = {
    ...binding,
    platform: SIMULATED_TDX,
    tcbStatus: 1,
    evaluationNumber: 0,
    workloadId: WORKLOAD,
    // The node's own: one platform is one node.
    platformId: nodeId,
    evidenceHash: word(0xee),
    policyVersion: workload?.version ?? 0,
    blockNumber,
    blockHash,
    issuedAt: timestamp,
    expiresAt: timestamp + HOUR,
  };
  return { verdict, possession: toHex(signDigest(enclaveKey, bindingDigest(registry, binding))) };
}

function addressOf(key: Uint8Array): Hex {
  return toHex(signingAddress(key));
}
