/** Real results of every family: acceptable, refused, not judged and not genuine. */
import { createSigningKey, signDigest, signingAddress } from "../../offchain/crypto/node.ts";
import { provisionPlatform } from "../../offchain/device/simulated/intel/platform.ts";
import { simulatedDevice } from "../../offchain/device/simulated/intel/quote.ts";
import { simulatedTrustRoot } from "../../offchain/device/simulated/intel/vendor.ts";
import { toHex, type Hex } from "../../offchain/encoding/bytes.ts";
import {
  bindingDigest,
  deviceNonceOf,
  gpuEvidenceHashOf,
  reportDataOf,
  type NodeBinding,
} from "../../offchain/verifier/binding.ts";
import type { Policy } from "../../offchain/verifier/policy-layers.ts";
import { parsePolicy } from "../../offchain/verifier/policy.ts";
import type { AttestationResult } from "../../offchain/verifier/result.ts";
import { verifyNodeEvidence } from "../../offchain/verifier/verify-node.ts";
import { verifyEvidence, type VerifyOptions } from "../../offchain/verifier/verify.ts";
import { nitroChain, nitroDocument } from "./nitro.ts";
import { createDevice, deviceReport, request } from "./nvidia-device.ts";
import { NOW as PKI_NOW } from "./pki.ts";
import { snpEndorsements, snpReport, snpVendor } from "./sev-snp.ts";
import { SIMULATED_NOW, TEST_MEASUREMENTS, testEndorsements, testVendor } from "./simulated-intel.ts";

/** Evidence with all that its verification takes. */
export interface Sample {
  readonly name: string;
  readonly evidence: Uint8Array;
  readonly options: Omit<VerifyOptions, "policy">;
}

/** A result, and the policy that it was made with. */
export interface SampleResult {
  readonly name: string;
  readonly result: AttestationResult;
  readonly policy: Policy;
}

const ALLOWED = parsePolicy({ allowSimulated: true });
const REFUSING = parsePolicy({
  allowSimulated: true,
  deny: { platforms: ["intel-sgx", "intel-tdx", "amd-sev-snp", "aws-nitro", "nvidia-gpu"] },
});

/** One piece of evidence of each family, made anew. */
export async function samples(): Promise<readonly Sample[]> {
  const intel = testVendor();
  const tees = (["intel-sgx", "intel-tdx"] as const).map(async (tee): Promise<Sample> => {
    const platform = provisionPlatform(intel, { tee, now: SIMULATED_NOW, name: tee });
    return {
      name: tee,
      evidence: await simulatedDevice(platform, TEST_MEASUREMENTS).quote(new Uint8Array(64).fill(9)),
      options: {
        endorsements: { dcap: testEndorsements(intel, platform) },
        trustRoots: [simulatedTrustRoot(intel)],
        now: SIMULATED_NOW,
      },
    };
  });
  const amd = snpVendor();
  const aws = nitroChain();
  const gpu = createDevice();
  return [
    ...(await Promise.all(tees)),
    {
      name: "amd-sev-snp",
      evidence: new Uint8Array(snpReport(amd)),
      options: { endorsements: { sevSnp: snpEndorsements(amd) }, trustRoots: [amd.trustRoot("Milan")], now: PKI_NOW },
    },
    {
      name: "aws-nitro",
      evidence: nitroDocument(aws),
      options: { endorsements: {}, trustRoots: [aws.trustRoot], now: PKI_NOW },
    },
    {
      name: "nvidia-gpu",
      evidence: new Uint8Array(deviceReport(gpu)),
      options: { endorsements: { nvidia: { certChain: gpu.certChain } }, trustRoots: [gpu.root], now: PKI_NOW },
    },
  ];
}

/** What is said of every sample as it is, under a policy that refuses it, without endorsements, damaged, cut and without its root. */
export async function sampleResults(): Promise<readonly SampleResult[]> {
  const results: SampleResult[] = [];
  for (const { name, evidence, options } of await samples()) {
    const flipped = Uint8Array.from(evidence, (byte, at) => (at === evidence.length - 20 ? byte ^ 1 : byte));
    const cases: readonly (readonly [string, Uint8Array, VerifyOptions])[] = [
      ["as it is", evidence, { ...options, policy: ALLOWED }],
      ["denied", evidence, { ...options, policy: REFUSING }],
      ["simulated", evidence, { ...options, policy: parsePolicy({}) }],
      ["without endorsements", evidence, { ...options, endorsements: {}, policy: ALLOWED }],
      ["damaged", flipped, { ...options, policy: ALLOWED }],
      ["cut", evidence.subarray(0, 100), { ...options, policy: ALLOWED }],
      ["without its root", evidence, { ...options, trustRoots: [], policy: ALLOWED }],
      ["for someone else", evidence, { ...options, expectedReportData: new Uint8Array(64), policy: ALLOWED }],
    ];
    for (const [what, bytes, made] of cases) {
      results.push({ name: `${name} ${what}`, result: await verifyEvidence(bytes, made), policy: made.policy });
    }
  }
  const composite = parsePolicy({ allowSimulated: true, gpu: { required: true, referenceMeasurements: "warn" } });
  for (const policy of [composite, parsePolicy({ allowSimulated: true })]) {
    results.push({ name: "a node with a device", result: await compositeResult(policy), policy });
  }
  return results;
}

const DAY = 86_400_000;
const word = (byte: string): Hex => `0x${byte.repeat(32)}`;

/** A simulated TDX node with one GPU. */
export async function compositeResult(policy: Policy): Promise<AttestationResult> {
  const domain = { chainId: 31_337n, verifyingContract: `0x${"c0".repeat(20)}` } as const;
  const anchor = { blockNumber: 42n, blockHash: word("ee") };
  const intel = testVendor();
  const platform = provisionPlatform(intel, { tee: "intel-tdx", now: SIMULATED_NOW, name: "node" });
  const key = createSigningKey();
  const keys: Omit<NodeBinding, "gpuEvidenceHash"> = {
    nodeId: word("01"),
    operator: `0x${"02".repeat(20)}`,
    signingKey: toHex(signingAddress(key)),
    sealingKey: word("04"),
    configHash: word("06"),
  };
  const gpu = createDevice({ change: () => ({ notBefore: SIMULATED_NOW - DAY, notAfter: SIMULATED_NOW + DAY }) });
  const report = deviceReport(gpu, { request: request(deviceNonceOf(domain, keys, anchor)) });
  const devices = [{ evidence: new Uint8Array(report), certChain: gpu.certChain }];
  const binding = { ...keys, gpuEvidenceHash: gpuEvidenceHashOf(devices) };
  return verifyNodeEvidence(
    domain,
    {
      platform: "intel-tdx",
      evidence: await simulatedDevice(platform, TEST_MEASUREMENTS).quote(reportDataOf(domain, binding, anchor)),
      devices,
      binding,
      anchor,
      possession: toHex(signDigest(key, bindingDigest(domain, binding))),
      keyEpoch: 1,
      simulated: true,
    },
    {
      endorsements: { dcap: testEndorsements(intel, platform) },
      trustRoots: [simulatedTrustRoot(intel), gpu.root],
      now: SIMULATED_NOW,
      policy,
    },
  );
}
