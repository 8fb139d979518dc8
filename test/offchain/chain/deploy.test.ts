import { expect } from "chai";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Hex } from "../../../offchain/encoding/bytes.ts";
import type { DeployContext } from "../../../offchain/chain/deploy.ts";
import type { LocalChain } from "../../support/local-chain.ts";
import { openContracts, view } from "../../../offchain/chain/contracts.ts";
import { deploy } from "../../../offchain/chain/deploy.ts";
import { DEVNET, parseDeployParameters, PRODUCTION } from "../../../offchain/chain/deploy-parameters.ts";
import { CONTRACT_NAMES, readDeployment } from "../../../offchain/chain/deployment.ts";
import { revertName } from "../../../offchain/chain/failure.ts";
import { execute, readProposalTime, schedule } from "../../../offchain/chain/governance.ts";
import { addWorkload, deny, readPlatformPolicy, readWorkload } from "../../../offchain/chain/reference-values.ts";
import { openSender } from "../../../offchain/chain/sender.ts";
import { localContext } from "../../support/deployments.ts";
import { temporaryDirectory } from "../../support/directories.ts";
import { startLocalChain } from "../../support/local-chain.ts";
import { refusal } from "../../support/refusal.ts";

const POLICY = { tcbStatusMask: 2, minEvaluationNumber: 17, ttl: 86_400, maxEvidenceAge: 1800, accepted: true };
const WORKLOAD: Hex = `0x${"77".repeat(32)}`;
const COMMITTEE: Hex = `0x${"c0".repeat(20)}`;
const CHANGE = {
  members: [{ account: COMMITTEE, endpoint: "http://127.0.0.1:1" }],
  platforms: [{ platform: 0x81, ...POLICY }],
  workloads: [{ workloadId: WORKLOAD, platform: 0x81 }],
};

class Crash extends Error {}

/** A deployment that dies at its step number `at`: just before sending it, or after it was mined and before it is recorded. */
function dying(context: DeployContext, at: number, when: "before" | "after"): DeployContext {
  let step = 0;
  return {
    ...context,
    sender: {
      ...context.sender,
      send: async (call, options) => {
        step += 1;
        if (step === at && when === "before") throw new Crash();
        const sent = await context.sender.send(call, options);
        if (step === at) throw new Crash();
        return sent;
      },
    },
  };
}

describe("chain/deploy", function () {
  this.timeout(180_000);

  const directory = temporaryDirectory();
  let local: LocalChain;

  before(async () => {
    local = await startLocalChain();
  });

  after(() => local.close());

  describe("deploy", () => {
    it("goes on where it died, whatever the step, and deploys nothing twice", async () => {
      const context = await localContext(local, join(directory, "crashes"), CHANGE);
      const alive: string[] = [];
      let crashes = 0;
      for (let finished = false; !finished;) {
        // Each run gets one step further: the first step of a run is done by then or done again.
        const run = dying(context, 1 + (crashes % 2), crashes % 3 === 0 ? "before" : "after");
        finished = await deploy({ ...run, onStep: (name, sent) => void (sent && alive.push(name)) }).then(
          () => true,
          (error: unknown) => {
            if (!(error instanceof Crash)) throw error;
            return false;
          },
        );
        crashes += 1;
      }
      expect(crashes).to.be.greaterThan(15);
      expect(new Set(alive).size).to.equal(alive.length);
      const deployment = readDeployment(join(directory, "crashes"), 31_337n);
      const count = await local.chain.provider.getTransactionCount(deployment.deployer);
      const recorded = JSON.parse(readFileSync(context.file, "utf8")) as { contracts: object; steps: unknown[] };
      const unrecorded = count - Object.keys(recorded.contracts).length - recorded.steps.length;
      expect(Object.keys(recorded.contracts)).to.deep.equal(["TestToken", ...CONTRACT_NAMES]);
      expect(new Set(Object.values(deployment.contracts).map(({ address }) => address)).size).to.equal(9);
      // Every creation was recorded; only wiring that was mined just before a crash has no line.
      expect(unrecorded).to.be.lessThan(crashes);
    });

    it("finds everything done when run again, and sends nothing", async () => {
      const context = await localContext(local, join(directory, "crashes"), CHANGE);
      const before = await local.chain.provider.getTransactionCount(context.sender.address);
      const again = await deploy(context);
      expect(await local.chain.provider.getTransactionCount(context.sender.address)).to.equal(before);
      expect(again).to.deep.equal(readDeployment(join(directory, "crashes"), 31_337n));
    });

    it("sets what the parameters say", async () => {
      const contracts = openContracts(local.chain, readDeployment(join(directory, "crashes"), 31_337n));
      expect(await readPlatformPolicy(contracts, 0x81)).to.deep.equal(POLICY);
      expect(await readPlatformPolicy(contracts, 1)).to.include({ accepted: false });
      expect(await readWorkload(contracts, WORKLOAD)).to.include({ version: 1, platform: 0x81, removed: false });
      expect(await view<bigint>(contracts, "VerifierCommittee", "threshold")).to.equal(2n);
      expect(await view<number>(contracts, "NodeStake", "thaw")).to.equal(DEVNET.stakeThaw);
    });

    it("leaves power with the timelock, and none with the deployer", async () => {
      const contracts = openContracts(local.chain, readDeployment(join(directory, "crashes"), 31_337n));
      const governor = await openSender(local.chain, { account: local.accounts[0] ?? "0x" });
      const community = await openSender(local.chain, { account: local.accounts[2] ?? "0x" });
      const call = addWorkload(contracts, { workloadId: `0x${"88".repeat(32)}`, platform: 0x81 });
      expect(revertName(await governor.send(call).catch((error: unknown) => error))).to.equal(
        "AccessManagedUnauthorized",
      );
      const salt: Hex = `0x${"01".repeat(32)}`;
      const proposal = { calls: [call], salt };
      await governor.send(schedule(contracts, proposal, 0n));
      await governor.send(execute(contracts, proposal));
      expect(await readProposalTime(contracts, proposal)).to.equal(1n);
      expect((await readWorkload(contracts, `0x${"88".repeat(32)}`))?.version).to.equal(2);
      await community.send(deny(contracts, WORKLOAD, "ipfs://why"));
      expect((await readWorkload(contracts, WORKLOAD))?.denied).to.equal(true);
    });

    it("refuses another deployment's file", async () => {
      const context = await localContext(local, join(directory, "crashes"), { ...CHANGE, threshold: 1 });
      expect(await refusal(deploy(context))).to.equal("CONFIG_INVALID");
    });

    it("refuses a file whose code is not what stands on chain", async () => {
      const context = await localContext(local, join(directory, "crashes"), CHANGE);
      const file = join(directory, "forged.json");
      const text = readFileSync(context.file, "utf8");
      const { codeHash } = readDeployment(join(directory, "crashes"), 31_337n).contracts.NodeStake;
      writeFileSync(file, text.replace(codeHash, `0x${"00".repeat(32)}`));
      expect(await refusal(deploy({ ...context, file }))).to.equal("CONFIG_INVALID");
    });

    it("starts anew on a development chain that was started anew", async () => {
      const fresh = await startLocalChain();
      const context = await localContext(fresh, join(directory, "crashes"), CHANGE);
      const deployment = await deploy(context);
      expect(await fresh.chain.provider.getCode(deployment.contracts.NodeRegistry.address)).to.not.equal("0x");
      await fresh.close();
    });

    it("makes a test token on development networks only", async () => {
      const context = await localContext(local, join(directory, "public"));
      expect(await refusal(deploy({ ...context, devnet: false }))).to.equal("CONFIG_MISSING");
      const main = { ...context, chain: { ...local.chain, chainId: 1n } };
      expect(await refusal(deploy(main))).to.equal("CONFIG_INVALID");
    });
  });

  describe("readDeployment", () => {
    it("refuses a missing, an unfinished and a malformed file", async () => {
      const read = async (text?: string): Promise<unknown> => {
        if (text !== undefined) writeFileSync(join(directory, "5.json"), text);
        return readDeployment(directory, 5n);
      };
      expect(await refusal(read())).to.equal("CONFIG_MISSING");
      expect(await refusal(read("{"))).to.equal("CONFIG_INVALID");
      expect(await refusal(read('{"format":1,"complete":false}'))).to.equal("CONFIG_INVALID");
      expect(await refusal(read('{"format":1,"complete":true,"chainId":"5","contracts":{}}'))).to.equal(
        "CONFIG_INVALID",
      );
    });
  });

  describe("parseDeployParameters", () => {
    const who = { proposers: [COMMITTEE], executors: [COMMITTEE], guardian: COMMITTEE, community: COMMITTEE };

    it("fills in the preset", () => {
      const parameters = parseDeployParameters({ ...who, token: COMMITTEE, minStake: "5" }, PRODUCTION);
      expect(parameters).to.deep.include({ stakeThaw: 21 * 86_400, timelockDelay: 172_800, minStake: 5n, members: [] });
    });

    const refused: readonly (readonly [string, object])[] = [
      ["an unknown member", { ...who, token: null, thaw: 1 }],
      ["no token", who],
      ["no proposer", { ...who, token: null, proposers: [] }],
      ["a wrong address", { ...who, token: "0x12" }],
      ["an amount as a number", { ...who, token: null, minStake: 5 }],
      ["a wrong platform", { ...who, token: null, platforms: [{ platform: 300, ...POLICY }] }],
    ];
    for (const [what, json] of refused) {
      it(`refuses ${what}`, async () => {
        expect(await refusal((async () => parseDeployParameters(json, DEVNET))())).to.equal("CONFIG_INVALID");
      });
    }
  });
});
