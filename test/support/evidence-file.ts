import { keccak256, signDigest, signingAddress } from "#crypto";
import { evidenceFileToJson, type EvidenceFile } from "../../offchain/client/evidence-file.ts";
import { provisionPlatform } from "../../offchain/device/simulated/intel/platform.ts";
import { simulatedDevice } from "../../offchain/device/simulated/intel/quote.ts";
import type { SimulatedVendor } from "../../offchain/device/simulated/intel/vendor.ts";
import { toHex } from "../../offchain/encoding/bytes.ts";
import { float32Tensor } from "../../offchain/encoding/tensor.ts";
import { commitTensors } from "../../offchain/receipt/commitment.ts";
import { signReceipt, type Receipt } from "../../offchain/receipt/receipt.ts";
import { channelId, signVoucher, type Voucher } from "../../offchain/receipt/voucher.ts";
import { createSealingKey } from "../../offchain/sealing/request.ts";
import { bindingDigest, reportDataOf, type NodeBinding } from "../../offchain/verifier/binding.ts";
import type { NodeEvidence } from "../../offchain/verifier/node-evidence.ts";
import { DOMAIN, ENCLAVE_KEY, NODE_ID, PAYER, PAYER_KEY, word } from "./receipts.ts";
import { SIMULATED_NOW, TEST_MEASUREMENTS, testEndorsements } from "./simulated-intel.ts";

const REGISTRY = { chainId: DOMAIN.chainId, verifyingContract: `0x${"4e".repeat(20)}` } as const;
const INPUTS = [float32Tensor("image", [1, 2], Float32Array.of(0.25, 0.5))];
const OUTPUTS = [float32Tensor("logits", [1, 3], Float32Array.of(-1, 4, 2))];

/** An answer of a simulated TDX node with everything that proves it: real keys, real signatures, real evidence. */
export async function testEvidenceFile(vendor: SimulatedVendor): Promise<EvidenceFile> {
  const platform = provisionPlatform(vendor, { tee: "intel-tdx", now: SIMULATED_NOW, name: "machine" });
  const nodeEvidence = await evidenceOf(simulatedDevice(platform, TEST_MEASUREMENTS));
  const request = { salt: new Uint8Array(32).fill(1), tensors: INPUTS };
  const response = { salt: new Uint8Array(32).fill(2), tensors: OUTPUTS };
  const voucher: Voucher = {
    channelId: channelId(PAYER, NODE_ID),
    sequence: 1n,
    amount: 1_000n,
    keyEpoch: 1,
    modelId: word(0xa1),
    requestCommitment: commitTensors(request.salt, INPUTS),
  };
  const receipt: Receipt = {
    ...voucher,
    nodeId: NODE_ID,
    responseCommitment: commitTensors(response.salt, OUTPUTS),
    rawCommitment: word(0),
    evidenceHash: toHex(keccak256(nodeEvidence.evidence)),
    units: 1n,
    privacySpent: 0n,
  };
  return {
    checkedAt: SIMULATED_NOW,
    simulated: true,
    chain: {
      chainId: DOMAIN.chainId,
      nodeRegistry: REGISTRY.verifyingContract,
      inferenceEscrow: DOMAIN.verifyingContract,
    },
    nodeEvidence,
    endorsements: { dcap: testEndorsements(vendor, platform) },
    voucher,
    voucherSignature: signVoucher(DOMAIN, voucher, PAYER_KEY),
    payer: PAYER,
    receipt,
    receiptSignature: signReceipt(DOMAIN, receipt, ENCLAVE_KEY),
    request,
    response,
    settlement: word(0x77),
  };
}

/** An evidence file as the JSON value that a test may change. */
export async function testEvidenceJson(vendor: SimulatedVendor): Promise<Record<string, unknown>> {
  return structuredClone(evidenceFileToJson(await testEvidenceFile(vendor)));
}

async function evidenceOf(device: ReturnType<typeof simulatedDevice>): Promise<NodeEvidence> {
  const sealingKey = await createSealingKey();
  const binding: NodeBinding = {
    nodeId: NODE_ID,
    operator: `0x${"0b".repeat(20)}`,
    signingKey: toHex(signingAddress(ENCLAVE_KEY)),
    sealingKey: toHex(sealingKey.publicKey),
    gpuEvidenceHash: word(0),
    configHash: word(0xcf),
  };
  const anchor = { blockNumber: 1234n, blockHash: word(0xbb) };
  return {
    platform: device.platform,
    evidence: await device.quote(reportDataOf(REGISTRY, binding, anchor)),
    devices: [],
    binding,
    anchor,
    possession: toHex(signDigest(ENCLAVE_KEY, bindingDigest(REGISTRY, binding))),
    keyEpoch: 1,
    simulated: device.simulated,
  };
}
