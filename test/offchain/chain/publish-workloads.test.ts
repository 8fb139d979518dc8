import { expect } from "chai";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Contracts } from "../../../offchain/chain/contracts.ts";
import { parseWorkload, publishWorkloads } from "../../../offchain/chain/publish-workloads.ts";
import { readWorkload, removeWorkload, type NewWorkload } from "../../../offchain/chain/reference-values.ts";
import { openSender, type Sender } from "../../../offchain/chain/sender.ts";
import type { Hex } from "../../../offchain/encoding/bytes.ts";
import { deployLocally } from "../../support/deployments.ts";
import { codeOf, codeOfAsync } from "../../support/errors.ts";
import { startLocalChain, type LocalChain } from "../../support/local-chain.ts";

const DELAY = 60;
const WORKLOADS = [
  { workloadId: `0x${"a1".repeat(32)}`, platform: 0x81 },
  { workloadId: `0x${"b2".repeat(32)}`, platform: 0x82 },
] as const;

describe("chain/publish-workloads", () => {
  const directory = mkdtempSync(join(tmpdir(), "cloister-publish-"));
  let local: LocalChain;
  let contracts: Contracts;
  let governor: Sender;

  before(async function () {
    this.timeout(120_000);
    local = await startLocalChain();
    contracts = await deployLocally(local, directory, { timelockDelay: DELAY });
    governor = await openSender(local.chain, { account: local.accounts[0] ?? "0x" });
  });

  after(async () => {
    await local.close();
    rmSync(directory, { recursive: true, force: true });
  });

  const publish = (attempt = "1"): ReturnType<typeof publishWorkloads> =>
    publishWorkloads(contracts, governor, { workloads: WORKLOADS, attempt });
  const passDelay = async (): Promise<void> => {
    await local.request("evm_increaseTime", DELAY + 1);
    await local.request("evm_mine");
  };

  it("proposes, waits, and executes when the delay is over", async () => {
    const first = await publish();
    expect(first.state).to.equal("waiting");
    expect(await publish()).to.deep.equal(first);
    expect(await readWorkload(contracts, WORKLOADS[0].workloadId)).to.equal(undefined);
    await passDelay();
    expect(await publish()).to.deep.equal({ state: "published", added: 2 });
    expect((await readWorkload(contracts, WORKLOADS[1].workloadId))?.platform).to.equal(0x82);
  });

  it("does nothing for what is published", async () => {
    expect(await publish()).to.deep.equal({ state: "published", added: 0 });
  });

  it("publishes again what was removed, under another attempt only", async () => {
    const guardian = await openSender(local.chain, { account: local.accounts[1] ?? "0x" });
    for (const { workloadId } of WORKLOADS) await guardian.send(removeWorkload(contracts, workloadId));
    expect(await codeOfAsync(() => publish())).to.equal("CONFIG_INVALID");
    expect((await publish("2")).state).to.equal("waiting");
    await passDelay();
    expect(await publish("2")).to.deep.equal({ state: "published", added: 2 });
    expect((await readWorkload(contracts, WORKLOADS[0].workloadId))?.removed).to.equal(false);
  });

  it("reads a workload with its platform by byte or name, and nothing else", () => {
    const { workloadId } = WORKLOADS[0];
    const known: readonly (readonly [string, number])[] = [
      ["129", 0x81],
      ["intel-sgx", 1],
      ["simulated-intel-tdx", 0x82],
      ["simulated-amd-sev-snp", 0x83],
      ["aws-nitro", 4],
      ["simulated-aws-nitro", 0x84],
    ];
    for (const [named, platform] of known) {
      expect(parseWorkload(`${workloadId}:${named}`)).to.deep.equal({ workloadId, platform, requiresGpu: false });
      const withGpu = { workloadId, platform, requiresGpu: true };
      expect(parseWorkload(`${workloadId}:${named}:gpu`)).to.deep.equal(withGpu);
    }
    for (const named of [
      "",
      "256",
      "-1",
      "nvidia-gpu",
      "simulated-",
      "simulated-nvidia-gpu",
      "129:1",
      "129:gpu:gpu",
      "gpu",
    ]) {
      expect(
        codeOf(() => parseWorkload(`${workloadId}:${named}`)),
        named,
      ).to.equal("CONFIG_INVALID");
    }
    expect(codeOf(() => parseWorkload("0x12:129"))).to.equal("CONFIG_INVALID");
  });

  it("refuses a sender who may not propose, and what is no workload id", async () => {
    const stranger = await openSender(local.chain, { account: local.accounts[5] ?? "0x" });
    const workloads: readonly NewWorkload[] = [{ workloadId: `0x${"c3".repeat(32)}`, platform: 0x81 }];
    expect(await codeOfAsync(() => publishWorkloads(contracts, stranger, { workloads, attempt: "1" }))).to.equal(
      "TX_REVERTED",
    );
    const broken = [{ workloadId: "0x12" as Hex, platform: 0x81 }];
    expect(
      await codeOfAsync(() => publishWorkloads(contracts, governor, { workloads: broken, attempt: "1" })),
    ).to.equal("CONFIG_INVALID");
  });
});
