import { expect } from "chai";
import { endorsementsFor, issueCollateral } from "../../../offchain/device/simulated/intel/collateral.ts";
import { provisionPlatform } from "../../../offchain/device/simulated/intel/platform.ts";
import { simulatedTrustRoot } from "../../../offchain/device/simulated/intel/vendor.ts";
import { simulatedNvidiaDevice } from "../../../offchain/device/simulated/nvidia/report.ts";
import { issueRim } from "../../../offchain/device/simulated/nvidia/rim.ts";
import {
  createNvidiaVendor,
  nvidiaDeviceTrustRoot,
  nvidiaRimTrustRoot,
} from "../../../offchain/device/simulated/nvidia/vendor.ts";
import { latestBlock } from "../../../offchain/chain/provider.ts";
import { readNode } from "../../../offchain/chain/registry.ts";
import type { JudgeContext } from "../../../offchain/relayer/context.ts";
import { judge, readAnchor, type Judgement } from "../../../offchain/relayer/judge.ts";
import type { Endorsements } from "../../../offchain/verifier/family.ts";
import type { NodeEvidence } from "../../../offchain/verifier/node-evidence.ts";
import { ChainVerifier } from "../../../offchain/x509/chain.ts";
import { temporaryDirectory } from "../../support/directories.ts";
import { codeOfAsync } from "../../support/errors.ts";
import { testNvidiaDevice } from "../../support/simulated-nvidia.ts";
import { startTestNetwork, type TestNetwork, type TestNode } from "../../support/test-network.ts";

describe("relayer, of a node with a GPU", function () {
  this.timeout(180_000);

  const directory = temporaryDirectory();
  const now = Date.now();
  const vendor = createNvidiaVendor({ now });
  const gpu = testNvidiaDevice(vendor, { now });
  let network: TestNetwork;
  let node: TestNode;

  before(async () => {
    network = await startTestNetwork(directory);
    node = await network.startNode("intel-tdx", 1);
  });
  after(() => network.close());

  const devices = async (nonce: Uint8Array): Promise<NodeEvidence["devices"]> => {
    const { evidence, certChain } = await simulatedNvidiaDevice(gpu).report(nonce);
    return [{ evidence, certChain }];
  };

  /** The vendors' endorsements, with or without the manifests of devices. */
  const source = (withManifests: boolean): JudgeContext["endorsementsOf"] => {
    const rim = (component: "driver" | "vbios", version: string | null) =>
      issueRim(vendor, { kind: "gpu", component, version: version ?? "" });
    const nvidia = { driverRim: rim("driver", gpu.driverVersion), vbiosRim: rim("vbios", gpu.vbiosVersion) };
    return async (_evidence, given): Promise<Endorsements> => {
      if (given !== undefined) return { nvidia: { ...given.nvidia, ...(withManifests ? nvidia : {}) } };
      const platform = provisionPlatform(network.vendor, { tee: "intel-tdx", now, name: "machine 1" });
      return { dcap: endorsementsFor(issueCollateral(network.vendor, { now }), platform) };
    };
  };

  async function judged(evidence: NodeEvidence, withManifests = true): Promise<Judgement> {
    const { contracts } = network;
    const trustRoots = [simulatedTrustRoot(network.vendor), nvidiaDeviceTrustRoot(vendor), nvidiaRimTrustRoot(vendor)];
    const endorsementsOf = source(withManifests);
    const context = { contracts, chains: new ChainVerifier(), trustRoots, now: Date.now, endorsementsOf };
    const record = await readNode(contracts, node.nodeId);
    if (record === undefined) throw new Error("the node is not registered");
    const [anchor, head] = [await readAnchor(context, evidence), await latestBlock(contracts.chain)];
    return judge(context, { node: record, evidence, anchor, head });
  }

  it("signs a verdict that names the evidence of its devices", async () => {
    const evidence = await node.refresh({ devices });
    const judgement = await judged(evidence);
    if (!("verdict" in judgement)) throw new Error(JSON.stringify(judgement.refused));
    expect(judgement.verdict.gpuEvidenceHash).to.equal(evidence.binding.gpuEvidenceHash);
    expect(judgement.verdict.gpuEvidenceHash).to.not.match(/^0x0+$/);
  });

  it("waits where the devices' measurements cannot be compared yet", async () => {
    const evidence = await node.refresh({ devices });
    expect(await codeOfAsync(() => judged(evidence, false))).to.equal("ENDORSEMENT_UNAVAILABLE");
  });

  const bad: readonly (readonly [string, string, Parameters<TestNode["refresh"]>[0]])[] = [
    ["a nonce of another node or block", "binding", { devices: () => devices(new Uint8Array(32)) }],
    [
      "a device that its binding does not name",
      "binding",
      { devices, binding: { gpuEvidenceHash: `0x${"00".repeat(32)}` } },
    ],
    [
      "a binding of a device that it does not have",
      "binding",
      { binding: { gpuEvidenceHash: `0x${"11".repeat(32)}` } },
    ],
    [
      "a device that runs something else",
      "gpu0/reference-measurements",
      {
        devices: async (nonce) => {
          const { evidence, certChain } = await simulatedNvidiaDevice(gpu, { foreignMeasurement: 3 }).report(nonce);
          return [{ evidence, certChain }];
        },
      },
    ],
  ];
  for (const [what, id, change] of bad) {
    it(`refuses ${what}`, async () => {
      const judgement = await judged(await node.refresh(change));
      expect("refused" in judgement ? judgement.refused.map((failure) => failure.id) : []).to.include(id);
    });
  }
});
