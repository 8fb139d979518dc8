import { expect } from "chai";
import { createSigningKey, signDigest, signingAddress } from "../../../offchain/crypto/node.ts";
import { provisionPlatform } from "../../../offchain/device/simulated/intel/platform.ts";
import { simulatedDevice } from "../../../offchain/device/simulated/intel/quote.ts";
import { simulatedTrustRoot } from "../../../offchain/device/simulated/intel/vendor.ts";
import { toHex, type Hex } from "../../../offchain/encoding/bytes.ts";
import type { ErrorCode } from "../../../offchain/errors.ts";
import { bindingDigest, reportDataOf, type NodeBinding } from "../../../offchain/verifier/binding.ts";
import {
  checkNodeEvidence,
  nodeEvidenceToJson,
  parseNodeEvidence,
  type NodeEvidence,
} from "../../../offchain/verifier/node-evidence.ts";
import { DEFAULT_POLICY } from "../../../offchain/verifier/policy.ts";
import { verifyNodeEvidence } from "../../../offchain/verifier/verify-node.ts";
import type { VerifyOptions } from "../../../offchain/verifier/verify.ts";
import { expectRefusal } from "../../support/expect-refusal.ts";
import { nitroChain, nitroDocument } from "../../support/nitro.ts";
import { NOW as PKI_NOW } from "../../support/pki.ts";
import { SIMULATED_NOW, TEST_MEASUREMENTS, testEndorsements, testVendor } from "../../support/simulated-intel.ts";

const word = (byte: string): Hex => `0x${byte.repeat(32)}`;
const domain = { chainId: 31_337n, verifyingContract: `0x${"c0".repeat(20)}` } as const;
const anchor = { blockNumber: 42n, blockHash: word("ee") };
const key = createSigningKey();
const binding: NodeBinding = {
  nodeId: word("01"),
  operator: `0x${"02".repeat(20)}`,
  signingKey: toHex(signingAddress(key)),
  sealingKey: word("04"),
  gpuEvidenceHash: word("00"),
  configHash: word("06"),
};

describe("node evidence", () => {
  let node: NodeEvidence;
  let options: VerifyOptions;

  before(async () => {
    const vendor = testVendor();
    const platform = provisionPlatform(vendor, { tee: "intel-tdx", now: SIMULATED_NOW, name: "node" });
    const evidence = await simulatedDevice(platform, TEST_MEASUREMENTS).quote(reportDataOf(domain, binding, anchor));
    const possession = toHex(signDigest(key, bindingDigest(domain, binding)));
    node = {
      platform: "intel-tdx",
      evidence,
      devices: [],
      binding,
      anchor,
      possession,
      keyEpoch: null,
      simulated: true,
    };
    options = {
      endorsements: { dcap: testEndorsements(vendor, platform) },
      trustRoots: [simulatedTrustRoot(vendor)],
      now: SIMULATED_NOW,
      policy: { ...DEFAULT_POLICY, allowSimulated: true },
    };
  });

  it("travels as JSON and back", () => {
    const travelled = parseNodeEvidence(JSON.parse(JSON.stringify(nodeEvidenceToJson(node))));
    expect(travelled).to.deep.equal(node);
    checkNodeEvidence(domain, travelled);
  });

  it("is affirmed with every check", async () => {
    const result = await verifyNodeEvidence(domain, node, options);
    expect(result.failures).to.deep.equal([]);
    expect(result.verdict).to.equal("affirming");
    expect(result.checks.filter(({ outcome }) => outcome === "none").map(({ id }) => id)).to.deep.equal(["workload"]);
  });

  it("is affirmed where the user data of an AWS Nitro document carries the binding, and only of that binding", async () => {
    const chain = nitroChain();
    const evidence = nitroDocument(chain, { fields: { user_data: reportDataOf(domain, binding, anchor) } });
    const nitro: NodeEvidence = { ...node, platform: "aws-nitro", evidence };
    const trusted = { ...options, endorsements: {}, trustRoots: [chain.trustRoot], now: PKI_NOW };
    checkNodeEvidence(domain, nitro);
    expect((await verifyNodeEvidence(domain, nitro, trusted)).verdict).to.equal("affirming");
    for (const user_data of [null, Buffer.alloc(64), Buffer.from(binding.nodeId)]) {
      const other = { ...nitro, evidence: nitroDocument(chain, { fields: { user_data } }) };
      await expectRefusal("BINDING_MISMATCH", () => checkNodeEvidence(domain, other));
      expect((await verifyNodeEvidence(domain, other, trusted)).verdict).to.equal("contraindicated");
    }
  });

  const bad: readonly [string, ErrorCode, string, (node: NodeEvidence) => NodeEvidence][] = [
    [
      "another binding",
      "BINDING_MISMATCH",
      "possession",
      (n) => ({ ...n, binding: { ...binding, sealingKey: word("05") } }),
    ],
    ["another anchor", "BINDING_MISMATCH", "report-data", (n) => ({ ...n, anchor: { ...anchor, blockNumber: 43n } })],
    [
      "another platform than the evidence's",
      "BINDING_MISMATCH",
      "declared-platform",
      (n) => ({ ...n, platform: "intel-sgx" }),
    ],
    [
      "a signature by another key",
      "SIGNATURE_INVALID",
      "possession",
      (n) => ({ ...n, possession: toHex(signDigest(createSigningKey(), bindingDigest(domain, binding))) }),
    ],
    ["no signature", "SIGNATURE_INVALID", "possession", (n) => ({ ...n, possession: "0x" })],
  ];
  for (const [what, code, id, change] of bad) {
    it(`is refused with ${what}`, async () => {
      await expectRefusal(code, () => checkNodeEvidence(domain, change(node)));
      const { verdict, failures } = await verifyNodeEvidence(domain, change(node), options);
      expect(verdict).to.equal("contraindicated");
      expect(failures.map((failure) => failure.id)).to.include(id);
    });
  }

  it("is refused under another registry or chain", async () => {
    await expectRefusal("BINDING_MISMATCH", () => checkNodeEvidence({ ...domain, chainId: 1n }, node));
  });

  it("is refused where it hides that it is simulated", async () => {
    const { verdict, failures } = await verifyNodeEvidence(domain, { ...node, simulated: false }, options);
    expect(verdict).to.equal("contraindicated");
    expect(failures.map(({ id }) => id)).to.deep.equal(["declared-platform"]);
  });

  const malformed: readonly [string, (json: Record<string, unknown>) => unknown][] = [
    ["no object", () => "x"],
    ["an unknown platform", (json) => ({ ...json, platform: "intel-mpx" })],
    ["evidence that is not hex", (json) => ({ ...json, evidence: "0xzz" })],
    ["a binding without a member", (json) => ({ ...json, binding: { ...binding, configHash: undefined } })],
    ["an address of 19 bytes", (json) => ({ ...json, binding: { ...binding, operator: `0x${"02".repeat(19)}` } })],
    ["a block number as a number", (json) => ({ ...json, anchor: { ...anchor, blockNumber: 42 } })],
    ["a block number of 65 bits", (json) => ({ ...json, anchor: { ...anchor, blockNumber: "18446744073709551616" } })],
    ["a negative key epoch", (json) => ({ ...json, keyEpoch: -1 })],
    ["no word of simulation", (json) => ({ ...json, simulated: undefined })],
  ];
  for (const [what, change] of malformed) {
    it(`does not parse with ${what}`, () =>
      expectRefusal("EVIDENCE_MALFORMED", () => parseNodeEvidence(change(nodeEvidenceToJson(node)))));
  }
});
