import { expect } from "chai";
import { createSigningKey, signingAddress } from "../../../offchain/crypto/node.ts";
import type { Device } from "../../../offchain/device/device.ts";
import { amdEndorsements } from "../../../offchain/device/simulated/amd/endorsements.ts";
import { provisionAmdPlatform } from "../../../offchain/device/simulated/amd/platform.ts";
import { simulatedAmdDevice } from "../../../offchain/device/simulated/amd/report.ts";
import { amdTrustRoot } from "../../../offchain/device/simulated/amd/vendor.ts";
import { simulatedAwsDevice } from "../../../offchain/device/simulated/aws/document.ts";
import { provisionAwsPlatform } from "../../../offchain/device/simulated/aws/platform.ts";
import { awsTrustRoot } from "../../../offchain/device/simulated/aws/vendor.ts";
import { workloadIdOf } from "../../../offchain/device/simulated/measure.ts";
import { toHex, type Hex } from "../../../offchain/encoding/bytes.ts";
import type { NodeBinding } from "../../../offchain/verifier/binding.ts";
import type { Endorsements } from "../../../offchain/verifier/family.ts";
import { nodeEvidenceToJson, parseNodeEvidence, type NodeEvidence } from "../../../offchain/verifier/node-evidence.ts";
import { DEFAULT_POLICY } from "../../../offchain/verifier/policy.ts";
import {
  platformCode,
  signVerdict,
  tcbStatusCode,
  verdictSigner,
  type Verdict,
} from "../../../offchain/verifier/verdict.ts";
import { verifyNodeEvidence } from "../../../offchain/verifier/verify-node.ts";
import { createEvidenceSource } from "../../../offchain/worker/evidence-source.ts";
import { testAmd } from "../../support/simulated-amd.ts";
import { testAws } from "../../support/simulated-aws.ts";
import { SIMULATED_NOW, TEST_MEASUREMENTS } from "../../support/simulated-intel.ts";

const word = (byte: string): Hex => `0x${byte.repeat(32)}`;
const domain = { chainId: 31_337n, verifyingContract: `0x${"c0".repeat(20)}` } as const;
const anchor = { blockNumber: 42n, blockHash: word("ee"), timestamp: SIMULATED_NOW / 1000 };
const policy = { ...DEFAULT_POLICY, allowSimulated: true };

/** A machine with what verifies it. */
interface Machine {
  readonly device: Device;
  readonly endorsements: Endorsements;
}

describe("a simulated node of AMD or AWS", () => {
  const key = createSigningKey();
  const keys: Omit<NodeBinding, "gpuEvidenceHash"> = {
    nodeId: word("01"),
    operator: `0x${"02".repeat(20)}`,
    signingKey: toHex(signingAddress(key)),
    sealingKey: word("04"),
    configHash: word("06"),
  };

  const machines = async (): Promise<readonly Machine[]> => {
    const amd = await testAmd();
    const platform = provisionAmdPlatform(amd, { name: "node" });
    const aws = provisionAwsPlatform(testAws(), { now: SIMULATED_NOW, name: "node" });
    return [
      {
        device: simulatedAmdDevice(platform, TEST_MEASUREMENTS),
        endorsements: { sevSnp: amdEndorsements(amd, platform, { now: SIMULATED_NOW }) },
      },
      { device: simulatedAwsDevice(aws, TEST_MEASUREMENTS, { now: () => SIMULATED_NOW }), endorsements: {} },
    ];
  };

  async function saidBy(device: Device): Promise<NodeEvidence> {
    const source = createEvidenceSource({ domain, binding: keys, signingKey: key, device }, () => undefined);
    await source.renew(anchor);
    const said = source.newest();
    if (said === undefined) throw new TypeError("no evidence");
    return parseNodeEvidence(JSON.parse(JSON.stringify(nodeEvidenceToJson(said))));
  }

  async function options({ endorsements }: Machine) {
    const trustRoots = [amdTrustRoot(await testAmd()), awsTrustRoot(testAws())];
    return { endorsements, trustRoots, now: SIMULATED_NOW, policy };
  }

  it("is affirmed by what its worker says of itself", async () => {
    for (const machine of await machines()) {
      const node = await saidBy(machine.device);
      const { verdict, platform, simulated, failures } = await verifyNodeEvidence(domain, node, await options(machine));
      expect({ verdict, platform, simulated, failures }).to.deep.equal({
        verdict: "affirming",
        platform: machine.device.platform,
        simulated: true,
        failures: [],
      });
    }
  });

  it("is refused under other keys, another anchor or another platform's name", async () => {
    for (const machine of await machines()) {
      const node = await saidBy(machine.device);
      const changed: readonly (readonly [Partial<NodeEvidence>, string])[] = [
        [{ binding: { ...node.binding, sealingKey: word("07") } }, "SIGNATURE_INVALID"],
        [{ anchor: { ...node.anchor, blockNumber: 43n } }, "BINDING_MISMATCH"],
        [{ platform: "intel-tdx" }, "BINDING_MISMATCH"],
        [{ simulated: false }, "BINDING_MISMATCH"],
      ];
      for (const [change, code] of changed) {
        const result = await verifyNodeEvidence(domain, { ...node, ...change }, await options(machine));
        expect([result.verdict, result.failures[0]?.code]).to.deep.equal(["contraindicated", code]);
      }
    }
  });

  it("is what a committee member's verdict names: its platform's byte and workload, and no TCB status", async () => {
    for (const machine of await machines()) {
      const node = await saidBy(machine.device);
      const { claims } = await verifyNodeEvidence(domain, node, await options(machine));
      if (claims === null) throw new TypeError("no claims");
      const verdict: Verdict = {
        ...node.binding,
        platform: platformCode(claims.platform, claims.simulated) ?? 0,
        tcbStatus: tcbStatusCode(claims.tcb?.status),
        evaluationNumber: 0,
        workloadId: `0x${claims.workloadId}`,
        platformId: `0x${claims.platformId ?? ""}`,
        evidenceHash: `0x${claims.evidenceHash}`,
        policyVersion: 1,
        ...node.anchor,
        issuedAt: anchor.timestamp,
        expiresAt: Math.floor(claims.validUntil / 1000),
      };
      const amd = machine.device.platform === "amd-sev-snp";
      expect(verdict).to.include({ platform: amd ? 0x83 : 0x84, tcbStatus: 0 });
      expect(verdict.workloadId).to.equal(workloadIdOf(amd ? "amd-sev-snp" : "aws-nitro", TEST_MEASUREMENTS));
      const committee = { chainId: domain.chainId, verifyingContract: domain.verifyingContract };
      const signature = signVerdict(committee, verdict, key);
      expect(verdictSigner(committee, verdict, signature)).to.equal(keys.signingKey);
    }
  });
});
