import { expect } from "chai";
import { keccak256, signDigest } from "#crypto";
import { verifyNode, type VerifyNodeOptions } from "../../../offchain/client/verify-node.ts";
import type { NodeRecord } from "../../../offchain/chain/registry.ts";
import { provisionPlatform } from "../../../offchain/device/simulated/intel/platform.ts";
import { simulatedDevice, type QuoteDefects } from "../../../offchain/device/simulated/intel/quote.ts";
import { simulatedTrustRoot } from "../../../offchain/device/simulated/intel/vendor.ts";
import { toHex, type Hex } from "../../../offchain/encoding/bytes.ts";
import { EndorsementError, type ErrorCode } from "../../../offchain/errors.ts";
import { createApp, listen, type Listening } from "../../../offchain/http/server.ts";
import { bindingDigest, reportDataOf, type NodeBinding } from "../../../offchain/verifier/binding.ts";
import { nodeEvidenceToJson, type NodeEvidence } from "../../../offchain/verifier/node-evidence.ts";
import { DEFAULT_POLICY, type AppraisalPolicy } from "../../../offchain/verifier/policy.ts";
import { INTEL_ROOT } from "../../../offchain/verifier/trust-roots.ts";
import { expectRefusal } from "../../support/expect-refusal.ts";
import { DOMAIN, ENCLAVE_KEY, NODE_ID, otherHex, SIGNING_KEY, word } from "../../support/receipts.ts";
import { SIMULATED_NOW, TEST_MEASUREMENTS, testEndorsements, testVendor } from "../../support/simulated-intel.ts";

const REGISTRY = { chainId: DOMAIN.chainId, verifyingContract: `0x${"4e".repeat(20)}` } as const;
const OPERATOR: Hex = `0x${"0b".repeat(20)}`;
const ANCHOR = { blockNumber: 1234n, blockHash: word(0xbb) };
/** A minute before the time of verifying. */
const ANCHOR_BLOCK = { ...ANCHOR, timestamp: SIMULATED_NOW / 1000 - 60 };
const POLICY: AppraisalPolicy = { ...DEFAULT_POLICY, allowSimulated: true };
const HOUR = 3600;
const DAY_MS = 86_400_000;
const BINDING: NodeBinding = {
  nodeId: NODE_ID,
  operator: OPERATOR,
  signingKey: SIGNING_KEY,
  sealingKey: word(0x5e),
  gpuEvidenceHash: word(0),
  configHash: word(0xcf),
};

describe("verifyNode", function () {
  this.timeout(60_000);

  const vendor = testVendor();
  const platform = provisionPlatform(vendor, { tee: "intel-tdx", now: SIMULATED_NOW, name: "machine" });
  let server: Listening;
  let evidence: NodeEvidence;
  /** What the node answers; a test may put anything else in its place. */
  let served: object;
  let requests: string[];

  const evidenceWith = async (change: { defects?: QuoteDefects; binding?: Partial<NodeBinding> } = {}) => {
    const binding = { ...BINDING, ...change.binding };
    const device = simulatedDevice(platform, TEST_MEASUREMENTS, change.defects);
    return {
      platform: device.platform,
      simulated: device.simulated,
      evidence: await device.quote(reportDataOf(REGISTRY, binding, ANCHOR)),
      devices: [],
      binding,
      anchor: ANCHOR,
      possession: toHex(signDigest(ENCLAVE_KEY, bindingDigest(REGISTRY, binding))),
      keyEpoch: 1,
    };
  };

  before(async () => {
    const app = createApp();
    app.all("*", (context) => {
      requests.push(`${context.req.method} ${context.req.path}`);
      return context.json(served);
    });
    server = await listen(app, { port: 0 });
    evidence = await evidenceWith();
  });
  beforeEach(() => {
    served = nodeEvidenceToJson(evidence);
    requests = [];
  });
  after(() => server.close(0));

  const hashOf = (one: NodeEvidence): Hex => toHex(keccak256(one.evidence));

  function recordOf(one: NodeEvidence = evidence, change: Partial<NodeRecord> = {}): NodeRecord {
    return {
      nodeId: one.binding.nodeId,
      operator: one.binding.operator,
      status: "active",
      signingKey: one.binding.signingKey,
      keyEpoch: 1,
      platform: 0x82,
      tcbStatus: 1,
      evaluationNumber: 17,
      policyVersion: 1,
      workloadId: word(1),
      evidenceHash: hashOf(one),
      attestedAt: SIMULATED_NOW / 1000,
      expiresAt: SIMULATED_NOW / 1000 + HOUR,
      previousKey: `0x${"00".repeat(20)}`,
      previousEpoch: 0,
      previousUntil: 0,
      endpoint: server.url,
      ...change,
    };
  }

  function options(change: Partial<VerifyNodeOptions> = {}): VerifyNodeOptions {
    return {
      domain: REGISTRY,
      trustRoots: [INTEL_ROOT, simulatedTrustRoot(vendor)],
      policy: POLICY,
      endorsementsFor: async () => ({ dcap: testEndorsements(vendor, platform) }),
      blockAt: async (number) => (number === ANCHOR.blockNumber ? ANCHOR_BLOCK : undefined),
      now: SIMULATED_NOW,
      ...change,
    };
  }

  it("verifies the evidence that the registry names, and takes its keys", async () => {
    const node = await verifyNode(recordOf(), options());
    expect(node).to.deep.include({
      nodeId: NODE_ID,
      keyEpoch: 1,
      evidenceHash: hashOf(evidence),
      endpoint: server.url,
    });
    expect(node.nodeEvidence.binding).to.deep.equal(BINDING);
    expect(node.result).to.deep.include({ verdict: "affirming", simulated: true });
    expect(requests).to.deep.equal([`GET /v1/evidence/${hashOf(evidence)}`]);
  });

  it("is valid no longer than the record", async () => {
    expect((await verifyNode(recordOf(), options())).validUntil).to.equal(SIMULATED_NOW + HOUR * 1000);
  });

  it("is valid no longer than the endorsements", async () => {
    const record = recordOf(evidence, { expiresAt: SIMULATED_NOW / 1000 + 10_000 * HOUR });
    const { validUntil, result } = await verifyNode(record, options());
    expect(validUntil).to.equal(result.claims?.validUntil);
    expect(validUntil).to.be.below(SIMULATED_NOW + 10_000 * HOUR * 1000);
  });

  describe("refuses a record that names", () => {
    const records: readonly (readonly [string, Partial<NodeRecord>])[] = [
      ["other evidence", { evidenceHash: word(9) }],
      ["another node", { nodeId: word(9) }],
      ["another operator", { operator: otherHex(OPERATOR) }],
      ["another signing key", { signingKey: otherHex(SIGNING_KEY) }],
    ];
    for (const [what, change] of records) {
      it(`${what}: BINDING_MISMATCH`, async () => {
        await expectRefusal("BINDING_MISMATCH", () => verifyNode(recordOf(evidence, change), options()));
      });
    }
  });

  describe("refuses evidence", () => {
    const changes: readonly (readonly [string, ErrorCode, (one: NodeEvidence) => NodeEvidence])[] = [
      [
        "with another sealing key than it binds",
        "BINDING_MISMATCH",
        (one) => resigned({ ...one, binding: { ...one.binding, sealingKey: word(0x66) } }),
      ],
      [
        "with another configuration than it binds",
        "BINDING_MISMATCH",
        (one) => resigned({ ...one, binding: { ...one.binding, configHash: word(1) } }),
      ],
      ["without a proof of possession", "SIGNATURE_INVALID", (one) => ({ ...one, possession: `0x${"00".repeat(65)}` })],
      ["that says it is not simulated", "BINDING_MISMATCH", (one) => ({ ...one, simulated: false })],
      ["that says it is of another platform", "BINDING_MISMATCH", (one) => ({ ...one, platform: "intel-sgx" })],
    ];
    for (const [what, code, change] of changes) {
      it(`${what}: ${code}`, async () => {
        served = nodeEvidenceToJson(change(evidence));
        await expectRefusal(code, () => verifyNode(recordOf(), options()));
      });
    }

    const quotes: readonly (readonly [string, ErrorCode, QuoteDefects])[] = [
      ["of a TD in debug mode", "CHAIN_UNTRUSTED", { debug: true }],
      ["whose quote is signed by another key", "SIGNATURE_INVALID", { forgedSignature: true }],
      ["whose quoting enclave is signed by nobody", "SIGNATURE_INVALID", { forgedQeReport: true }],
      ["over other report data", "BINDING_MISMATCH", { reportData: new Uint8Array(64) }],
      ["with a changed measurement", "SIGNATURE_INVALID", { flippedByte: 48 + 136 }],
    ];
    for (const [what, code, defects] of quotes) {
      it(`${what}: ${code}`, async () => {
        const bad = await evidenceWith({ defects });
        served = nodeEvidenceToJson(bad);
        await expectRefusal(code, () => verifyNode(recordOf(bad), options()));
      });
    }

    const trust: readonly (readonly [string, ErrorCode, Partial<VerifyNodeOptions>])[] = [
      ["of another registry", "SIGNATURE_INVALID", { domain: { ...REGISTRY, verifyingContract: OPERATOR } }],
      ["for another chain", "SIGNATURE_INVALID", { domain: { ...REGISTRY, chainId: 1n } }],
      ["over a block that this chain has not", "EVIDENCE_STALE", { blockAt: async () => undefined }],
      [
        "over another block than this chain's",
        "EVIDENCE_STALE",
        { blockAt: async () => ({ ...ANCHOR_BLOCK, blockHash: word(0xbc) }) },
      ],
      ["older than the user's policy allows", "EVIDENCE_STALE", { policy: { ...POLICY, maximumEvidenceAge: 59 } }],
      ["of a simulated vendor where none is allowed", "CHAIN_UNTRUSTED", { policy: DEFAULT_POLICY }],
      ["under a root that the user does not trust", "CHAIN_UNTRUSTED", { trustRoots: [INTEL_ROOT] }],
      [
        "of another workload than the user's",
        "CHAIN_UNTRUSTED",
        { policy: { ...POLICY, workloadIds: ["00".repeat(32)] } },
      ],
      ["of another platform than the user's", "CHAIN_UNTRUSTED", { policy: { ...POLICY, platforms: ["intel-sgx"] } }],
      ["whose endorsements have expired", "ENDORSEMENT_EXPIRED", { now: SIMULATED_NOW + 400 * DAY_MS }],
    ];
    for (const [what, code, change] of trust) {
      it(`${what}: ${code}`, async () => {
        await expectRefusal(code, () => verifyNode(recordOf(), options(change)));
      });
    }

    it("for which there are no endorsements: it is not the node's fault, and still no pass", async () => {
      const endorsementsFor = () =>
        Promise.reject(new EndorsementError("ENDORSEMENT_UNAVAILABLE", "the vendor is away"));
      await expectRefusal("ENDORSEMENT_UNAVAILABLE", () => verifyNode(recordOf(), options({ endorsementsFor })));
      const none = options({ endorsementsFor: async () => ({}) });
      await expectRefusal("ENDORSEMENT_UNAVAILABLE", () => verifyNode(recordOf(), none));
    });

    it("of another registry, also where the key signed for this one", async () => {
      const domain = { ...REGISTRY, verifyingContract: OPERATOR };
      const possession = toHex(signDigest(ENCLAVE_KEY, bindingDigest(domain, BINDING)));
      served = nodeEvidenceToJson({ ...evidence, possession });
      await expectRefusal("BINDING_MISMATCH", () => verifyNode(recordOf(), options({ domain })));
    });
  });

  it("takes evidence as old as its anchor, and for no longer than the user's policy allows", async () => {
    const policy = { ...POLICY, maximumEvidenceAge: 90 };
    const made = ANCHOR_BLOCK.timestamp * 1000;
    expect((await verifyNode(recordOf(), options({ policy }))).validUntil).to.equal(made + 90_000);
    const ahead = async () => ({ ...ANCHOR_BLOCK, timestamp: SIMULATED_NOW / 1000 + 60 });
    const { validUntil } = await verifyNode(recordOf(), options({ policy, blockAt: ahead }));
    expect(validUntil).to.equal(SIMULATED_NOW + 90_000);
  });

  it("refuses an answer that is no evidence, and a node that does not answer", async () => {
    served = {};
    await expectRefusal("EVIDENCE_MALFORMED", () => verifyNode(recordOf(), options()));
    const gone = recordOf(evidence, { endpoint: "http://127.0.0.1:1" });
    await expectRefusal("SERVICE_UNAVAILABLE", () => verifyNode(gone, options()));
  });
});

function resigned(one: NodeEvidence): NodeEvidence {
  return { ...one, possession: toHex(signDigest(ENCLAVE_KEY, bindingDigest(REGISTRY, one.binding))) };
}
