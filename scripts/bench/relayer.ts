/** What a relayer computes for one node, without the chain: parse, verify, appraise, sign the verdict. */
import { createSigningKey, signDigest, signingAddress } from "#crypto";
import { endorsementsFor, issueCollateral } from "../../offchain/device/simulated/intel/collateral.ts";
import { provisionPlatform } from "../../offchain/device/simulated/intel/platform.ts";
import { simulatedDevice } from "../../offchain/device/simulated/intel/quote.ts";
import { createSimulatedVendor, simulatedTrustRoot } from "../../offchain/device/simulated/intel/vendor.ts";
import { toHex, type Hex } from "../../offchain/encoding/bytes.ts";
import { bindingDigest, reportDataOf, type NodeBinding } from "../../offchain/verifier/binding.ts";
import { nodeEvidenceToJson, parseNodeEvidence, type NodeEvidence } from "../../offchain/verifier/node-evidence.ts";
import { DEFAULT_POLICY } from "../../offchain/verifier/policy.ts";
import { platformCode, signVerdict, tcbStatusCode, type Verdict } from "../../offchain/verifier/verdict.ts";
import { verifyNodeEvidence } from "../../offchain/verifier/verify-node.ts";
import { ChainVerifier } from "../../offchain/x509/chain.ts";
import type { Figure } from "../figures/report.ts";
import { figureOf, roundTo } from "../figures/report.ts";
import { cpuTimes } from "./clock.ts";

const BUDGET_MS = 6000;
const WHAT = "relayer judges a SIMULATED TDX node (parse, verify, appraise, sign)";
const filled = (length: number, byte: number): Hex => toHex(new Uint8Array(length).fill(byte));
const DOMAIN = { chainId: 31_337n, verifyingContract: filled(20, 0x4e) } as const;
const ANCHOR = { blockNumber: 1234n, blockHash: filled(32, 0xbb) };
const MEMBER_KEY = createSigningKey();

/** CPU milliseconds for one node of a new and of a known platform, and nodes a second and core. */
export async function benchRelayer(): Promise<readonly Figure[]> {
  const now = Date.now();
  const vendor = createSimulatedVendor({ now });
  const [known, another] = await Promise.all(
    ["known", "another"].map(async (name) => {
      const platform = provisionPlatform(vendor, { tee: "intel-tdx", now, name });
      const endorsements = { dcap: endorsementsFor(issueCollateral(vendor, { now }), platform) };
      return { json: nodeEvidenceToJson(await nodeOf(platform)), endorsements };
    }),
  );
  if (known === undefined || another === undefined) throw new Error("two platforms are needed");
  const judge = async ({ json, endorsements }: typeof known, chains: ChainVerifier): Promise<Hex> => {
    const evidence = parseNodeEvidence(json);
    const policy = { ...DEFAULT_POLICY, allowSimulated: true };
    const options = { endorsements, trustRoots: [simulatedTrustRoot(vendor)], now, policy, chains };
    const { verdict, claims, failures } = await verifyNodeEvidence(DOMAIN, evidence, options);
    if (verdict !== "affirming" || claims === null) throw new Error(failures.map(({ detail }) => detail).join("; "));
    return signVerdict(DOMAIN, verdictOf(evidence, claims, now), MEMBER_KEY);
  };
  const chains = new ChainVerifier();
  const afterAnother = async (): Promise<ChainVerifier> => {
    const fresh = new ChainVerifier();
    await judge(another, fresh);
    return fresh;
  };
  const cases = [
    { name: `${WHAT}, new platform`, prepare: async () => judge.bind(undefined, known, await afterAnother()) },
    { name: `${WHAT}, known platform`, prepare: () => judge.bind(undefined, known, chains) },
  ];
  const times = await cpuTimes(cases, BUDGET_MS);
  return [...times].flatMap(([what, time]) => [
    figureOf({ what, value: roundTo(time, 3), unit: "ms CPU" }),
    figureOf({ what: `${what}: a second and core`, value: Math.round(1000 / time), unit: "1/s" }),
  ]);
}

async function nodeOf(platform: ReturnType<typeof provisionPlatform>): Promise<NodeEvidence> {
  const signingKey = createSigningKey();
  const binding: NodeBinding = {
    nodeId: filled(32, 1),
    operator: filled(20, 2),
    signingKey: toHex(signingAddress(signingKey)),
    sealingKey: filled(32, 3),
    gpuEvidenceHash: filled(32, 0),
    configHash: filled(32, 4),
  };
  const [short, long] = [filled(32, 1), filled(48, 1)];
  const registers = { mrtd: long, rtmr0: long, rtmr1: long, rtmr2: long, rtmr3: long };
  const configuration = { mrconfigid: long, mrowner: long, mrownerconfig: long };
  const device = simulatedDevice(platform, { mrenclave: short, mrsigner: short, ...registers, ...configuration });
  return {
    platform: device.platform,
    evidence: await device.quote(reportDataOf(DOMAIN, binding, ANCHOR)),
    devices: [],
    binding,
    anchor: ANCHOR,
    possession: toHex(signDigest(signingKey, bindingDigest(DOMAIN, binding))),
    keyEpoch: 1,
    simulated: device.simulated,
  };
}

type Claims = NonNullable<Awaited<ReturnType<typeof verifyNodeEvidence>>["claims"]>;

function verdictOf({ binding, anchor }: NodeEvidence, claims: Claims, now: number): Verdict {
  const seconds = Math.floor(now / 1000);
  return {
    ...binding,
    platform: platformCode(claims.platform, claims.simulated) ?? 0,
    tcbStatus: tcbStatusCode(claims.tcb?.status),
    evaluationNumber: claims.tcb?.evaluationDataNumber ?? 0,
    workloadId: `0x${claims.workloadId}`,
    platformId: `0x${claims.platformId ?? ""}`,
    evidenceHash: `0x${claims.evidenceHash}`,
    policyVersion: 1,
    ...anchor,
    issuedAt: seconds,
    expiresAt: seconds + 3600,
  };
}
