import { expect } from "chai";
import { spawn, type ChildProcess } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import type { TestNetwork, TestNode } from "../../support/test-network.ts";
import { setMemberEndpoint } from "../../../offchain/chain/committee.ts";
import { isActive, readNode } from "../../../offchain/chain/registry.ts";
import { simulatedTrustRoot } from "../../../offchain/device/simulated/intel/vendor.ts";
import { toHex } from "../../../offchain/encoding/bytes.ts";
import { fetchJson } from "../../../offchain/http/fetch.ts";
import { readRelayerConfig } from "../../../offchain/relayer/config.ts";
import { VENDOR_ROOTS } from "../../../offchain/verifier/trust-roots.ts";
import { temporaryDirectory } from "../../support/directories.ts";
import { refusal } from "../../support/refusal.ts";
import { startTestNetwork } from "../../support/test-network.ts";

interface Running {
  readonly child: ChildProcess;
  readonly url: string;
  readonly ended: Promise<number | null>;
}

describe("relayer process", function () {
  this.timeout(180_000);

  const directory = temporaryDirectory();
  const children: ChildProcess[] = [];
  let network: TestNetwork;
  let node: TestNode;

  before(async () => {
    network = await startTestNetwork(directory);
    node = await network.startNode("intel-sgx", 1);
    network.members.forEach(({ privateKey }, index) => {
      const home = join(directory, `member${index}`);
      mkdirSync(home);
      writeFileSync(join(home, "key"), `${toHex(privateKey)}\n`);
      writeFileSync(join(home, "config.json"), JSON.stringify(configuration()));
    });
  });

  after(async () => {
    for (const child of children) child.kill("SIGKILL");
    await network.close();
  });

  const configuration = (): Record<string, unknown> => ({
    rpcUrl: network.local.url,
    chainId: "31337",
    deployments: "..",
    keyFile: "key",
    state: "state",
    endorsements: { pcs: network.pcs.url },
    trustRoots: [simulatedTrustRoot(network.vendor)],
    stepMs: 100,
    turnDelayMs: 500,
  });

  /** Starts the relayer of a member as its own process and tells the committee where it is. */
  async function start(index: number): Promise<Running> {
    const config = join(directory, `member${index}`, "config.json");
    const child = spawn(process.execPath, ["offchain/relayer/main.ts", "--config", config], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    children.push(child);
    const ended = new Promise<number | null>((resolve) => {
      child.once("exit", resolve);
    });
    for await (const line of createInterface(child.stdout)) {
      const { ready, url } = JSON.parse(line) as { ready: boolean; url: string };
      expect(ready).to.equal(true);
      await network.members[index]?.sender.send(setMemberEndpoint(network.contracts, url));
      return { child, url, ended };
    }
    throw new Error("the relayer ended before it was ready");
  }

  const waitFor = async (condition: () => Promise<boolean>): Promise<void> => {
    while (!(await condition())) await sleep(50);
  };
  const verdictStatus = async (url: string): Promise<number> =>
    (await fetchJson(`${url}/v1/verdicts/${node.nodeId}`, { timeoutMs: 2000, maxBytes: 1 << 16 })).status;

  it("loses no verdict to SIGKILL, signs nothing else after it, and ends on SIGTERM", async () => {
    const evidence = await node.refresh();
    const first = await start(0);
    await waitFor(async () => (await verdictStatus(first.url)) === 200);
    const signed = await fetchJson(`${first.url}/v1/verdicts/${node.nodeId}`, { timeoutMs: 2000, maxBytes: 1 << 16 });
    first.child.kill("SIGKILL");
    await first.ended;
    const [again, second] = await Promise.all([start(0), start(1)]);
    const kept = await fetchJson(`${again.url}/v1/verdicts/${node.nodeId}`, { timeoutMs: 2000, maxBytes: 1 << 16 });
    expect(kept.body).to.deep.equal(signed.body);
    await waitFor(() => isActive(network.contracts, node.nodeId));
    expect((await readNode(network.contracts, node.nodeId))?.signingKey).to.equal(evidence.binding.signingKey);
    again.child.kill("SIGTERM");
    second.child.kill("SIGINT");
    expect(await Promise.all([again.ended, second.ended])).to.deep.equal([0, 0]);
  });

  it("exits with 2 and a code when it is not told enough", async () => {
    const child = spawn(process.execPath, ["offchain/relayer/main.ts"], { stdio: ["ignore", "ignore", "pipe"] });
    const [lines, status] = await Promise.all([
      createInterface(child.stderr)[Symbol.asyncIterator]().next(),
      new Promise((resolve) => {
        child.once("exit", resolve);
      }),
    ]);
    expect(status).to.equal(2);
    expect(lines.value).to.match(/^CONFIG_MISSING: /);
  });

  describe("readRelayerConfig", () => {
    const NVIDIA_ROOT = {
      name: "SIMULATED root",
      spkiSha256: "ab".repeat(32),
      simulated: true,
      family: "nvidia",
      purpose: "evidence",
    } as const;
    const write = (change: Record<string, unknown>): string => {
      const path = join(directory, "member0", "changed.json");
      writeFileSync(path, JSON.stringify({ ...configuration(), ...change }));
      return path;
    };

    it("puts the environment before the file", () => {
      const config = readRelayerConfig(write({}), { CLOISTER_RPC_URL: "http://other", CLOISTER_LOG_LEVEL: "debug" });
      expect(config).to.deep.include({ rpcUrl: "http://other", logLevel: "debug", chainId: 31_337n, stepMs: 100 });
      expect(config.state).to.equal(join(directory, "member0", "state"));
    });

    it("trusts a root for its family and purpose alone", () => {
      expect(readRelayerConfig(write({ trustRoots: [NVIDIA_ROOT] }), {}).trustRoots).to.deep.equal([NVIDIA_ROOT]);
    });

    it("trusts the vendors, and no simulated one, where no root is named", () => {
      const config = readRelayerConfig(write({ trustRoots: undefined }), {});
      expect(config.trustRoots).to.deep.equal(VENDOR_ROOTS);
      expect(VENDOR_ROOTS.some(({ simulated }) => simulated)).to.equal(false);
    });

    const refused: readonly (readonly [string, Record<string, unknown>, string])[] = [
      ["an unknown member", { steps: 1 }, "CONFIG_INVALID"],
      ["a missing chain id", { chainId: undefined }, "CONFIG_INVALID"],
      ["a chain id as a number", { chainId: 1 }, "CONFIG_INVALID"],
      ["a port out of range", { port: 70_000 }, "CONFIG_INVALID"],
      ["a missing key file", { keyFile: "nowhere" }, "CONFIG_MISSING"],
      ["a key file without a key", { keyFile: "config.json" }, "CONFIG_INVALID"],
      ["a root for another purpose", { trustRoots: [{ ...NVIDIA_ROOT, purpose: "all" }] }, "CONFIG_INVALID"],
      ["a root of a family that nobody knows", { trustRoots: [{ ...NVIDIA_ROOT, family: "amd" }] }, "CONFIG_INVALID"],
      ["a root without a digest", { trustRoots: [{ name: "x", simulated: false }] }, "CONFIG_INVALID"],
    ];
    for (const [what, change, code] of refused) {
      it(`refuses ${what}`, async () => {
        expect(await refusal((async () => readRelayerConfig(write(change), {}))())).to.equal(code);
      });
    }
  });
});
