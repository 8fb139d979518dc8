import { expect } from "chai";
import { keccak256 } from "#crypto";
import type { RelayerContext } from "../../../offchain/relayer/context.ts";
import type { Relayer } from "../../../offchain/relayer/relayer.ts";
import type { Hex } from "../../../offchain/encoding/bytes.ts";
import type { Listening } from "../../../offchain/http/server.ts";
import type { Store } from "../../../offchain/store/store.ts";
import type { TestMember, TestNetwork, TestNode } from "../../support/test-network.ts";
import { setMemberEndpoint, readMembers } from "../../../offchain/chain/committee.ts";
import { blockAt, latestBlock } from "../../../offchain/chain/provider.ts";
import { addWorkload, readWorkload, removeWorkload } from "../../../offchain/chain/reference-values.ts";
import { isActive, readNode } from "../../../offchain/chain/registry.ts";
import { openSender } from "../../../offchain/chain/sender.ts";
import { execute, schedule } from "../../../offchain/chain/governance.ts";
import { simulatedTrustRoot } from "../../../offchain/device/simulated/intel/vendor.ts";
import { toHex } from "../../../offchain/encoding/bytes.ts";
import { VENDOR_SERVICES } from "../../../offchain/endorsements/services.ts";
import { createEndorsementSource } from "../../../offchain/endorsements/source.ts";
import { fetchBytes, fetchJson } from "../../../offchain/http/fetch.ts";
import { listen } from "../../../offchain/http/server.ts";
import { turnOf } from "../../../offchain/relayer/peers.ts";
import { createRelayer } from "../../../offchain/relayer/relayer.ts";
import { relayerApp } from "../../../offchain/relayer/serve.ts";
import { openStore } from "../../../offchain/store/store.ts";
import { VERDICT_MIGRATIONS, verdicts } from "../../../offchain/store/verdicts.ts";
import { ChainVerifier } from "../../../offchain/x509/chain.ts";
import { temporaryDirectory } from "../../support/directories.ts";
import { TEST_MEASUREMENTS } from "../../support/simulated-intel.ts";
import { recordingLog, startTestNetwork, workloadIdOf } from "../../support/test-network.ts";

interface Running {
  readonly relayer: Relayer;
  readonly context: RelayerContext;
  readonly lines: Record<string, unknown>[];
  readonly server: Listening;
  readonly store: Store;
}

describe("relayer", function () {
  this.timeout(180_000);

  const directory = temporaryDirectory();
  let network: TestNetwork;
  let running: readonly Running[];
  let node: TestNode;

  async function start(member: TestMember, change: Partial<RelayerContext> = {}): Promise<Running> {
    const store = await openStore({ memory: true }, VERDICT_MIGRATIONS);
    const { log, lines } = recordingLog();
    const context: RelayerContext = {
      contracts: network.contracts,
      sender: member.sender,
      privateKey: member.privateKey,
      verdicts: verdicts(store),
      trustRoots: [simulatedTrustRoot(network.vendor)],
      chains: new ChainVerifier(),
      endorsementsOf: (evidence) =>
        createEndorsementSource({
          services: { ...VENDOR_SERVICES, pcs: network.pcs.url },
          fetch: fetchBytes,
        }).endorsementsFor(evidence),
      fetchJson: (url) => fetchJson(url, { timeoutMs: 2000, maxBytes: 1 << 18 }),
      now: Date.now,
      turnDelayMs: 0,
      log,
      ...change,
    };
    const relayer = createRelayer(context);
    const server = await listen(relayerApp(relayer, context.verdicts, log), { port: 0 });
    await member.sender.send(setMemberEndpoint(network.contracts, server.url));
    return { relayer, context, lines, server, store };
  }

  const stepAll = async (some: readonly Running[] = running): Promise<void> => {
    for (const { relayer } of some) await relayer.step();
  };
  const record = async (): Promise<NonNullable<Awaited<ReturnType<typeof readNode>>>> => {
    const found = await readNode(network.contracts, node.nodeId);
    if (found === undefined) throw new Error("the node is gone");
    return found;
  };
  const transactions = async (): Promise<number> =>
    (await Promise.all(network.members.map(({ sender }) => sender.nextNonce()))).reduce((sum, count) => sum + count, 0);

  before(async () => {
    network = await startTestNetwork(directory);
    const all: Running[] = [];
    for (const member of network.members) all.push(await start(member));
    running = all;
    node = await network.startNode("intel-sgx", 1);
  });

  after(async () => {
    for (const { server, store } of running) {
      await server.close(0);
      await store.close();
    }
    await network.close();
  });

  it("waits while fewer members signed than are needed", async () => {
    await node.refresh();
    await running[0]?.relayer.step();
    expect((await record()).status).to.equal("registered");
    expect(await running[0]?.relayer.status()).to.deep.include({
      chainId: "31337",
      jobs: { waiting: 1, sent: 0, confirmed: 0, failed: 0 },
    });
  });

  it("records a node once enough members agree, in one transaction", async () => {
    const before = await transactions();
    await stepAll();
    expect(await record()).to.deep.include({ status: "active", keyEpoch: 1, platform: 0x81, tcbStatus: 1 });
    expect(await isActive(network.contracts, node.nodeId)).to.equal(true);
    expect(await transactions()).to.equal(before + 1);
  });

  it("does nothing more when everything is done", async () => {
    await stepAll();
    const before = await transactions();
    await stepAll();
    expect(await transactions()).to.equal(before);
    const jobs = await Promise.all(running.map(async ({ relayer }) => (await relayer.status()).jobs));
    expect(jobs.map(({ confirmed, waiting }) => [confirmed, waiting])).to.deep.equal([
      [1, 0],
      [1, 0],
      [0, 0],
    ]);
  });

  it("attests a TDX node by the same steps", async () => {
    const tdx = await network.startNode("intel-tdx", 2);
    await tdx.refresh();
    await stepAll();
    await stepAll();
    expect(await readNode(network.contracts, tdx.nodeId)).to.deep.include({ status: "active", platform: 0x82 });
  });

  it("attests new keys as a new epoch, and leaves fresh evidence for known keys alone", async () => {
    await node.refresh();
    await stepAll();
    await stepAll();
    const before = await record();
    const evidence = await node.refresh({ newKeys: true });
    await stepAll();
    await stepAll();
    expect(before.keyEpoch).to.equal(1);
    expect(await record()).to.deep.include({ keyEpoch: 2, signingKey: evidence.binding.signingKey });
  });

  it("renews before expiry under the same key", async () => {
    const before = await record();
    await network.local.request("evm_increaseTime", 3000);
    await network.local.request("evm_mine");
    await node.refresh();
    await stepAll();
    await stepAll();
    const after = await record();
    expect(after).to.deep.include({ keyEpoch: before.keyEpoch, signingKey: before.signingKey });
    expect(after.expiresAt).to.be.greaterThan(before.expiresAt);
  });

  describe("refuses, says why once, and signs nothing", () => {
    const OTHER: Hex = `0x${"ee".repeat(32)}`;
    const cases: readonly (readonly [string, Parameters<TestNode["refresh"]>[0], readonly [string, string]])[] = [
      ["a debug enclave", { defects: { debug: true } }, ["debug", "POLICY"]],
      ["a forged quote", { defects: { forgedSignature: true } }, ["quote-signature", "SIGNATURE_INVALID"]],
      ["an unknown measurement", { measurements: { mrenclave: OTHER } }, ["reference-values", "POLICY"]],
      ["a binding of another node", { binding: { nodeId: OTHER } }, ["binding", "BINDING_MISMATCH"]],
      [
        "keys that did not sign their binding",
        { binding: { signingKey: `0x${"12".repeat(20)}` } },
        ["binding", "SIGNATURE_INVALID"],
      ],
    ];
    for (const [what, change, [id, code]] of cases) {
      it(what, async () => {
        const [first] = running;
        const { keyEpoch } = await record();
        const evidence = await node.refresh({ newKeys: true, ...change });
        const before = first?.lines.length ?? 0;
        await stepAll();
        await stepAll();
        const refusals = first?.lines.slice(before).filter(({ msg }) => msg === "node refused") ?? [];
        expect(refusals).to.have.length(1);
        const failures = refusals[0]?.["failures"] as readonly { id: string; code: string }[];
        expect(failures.map((failure) => `${failure.id} ${failure.code}`)).to.include(`${id} ${code}`);
        expect(await first?.context.verdicts.get(toHex(keccak256(evidence.evidence)))).to.equal(undefined);
        expect((await record()).keyEpoch).to.equal(keyEpoch);
      });
    }

    it("evidence that is too old, or of no block of this chain", async () => {
      const [first] = running;
      const { keyEpoch } = await record();
      const head = await latestBlock(network.local.chain);
      const old = await blockAt(network.local.chain, head.blockNumber - 60n);
      await node.refresh({
        newKeys: true,
        anchor: { blockNumber: old?.blockNumber ?? 0n, blockHash: old?.blockHash ?? OTHER },
      });
      await stepAll();
      await node.refresh({ newKeys: true, anchor: { blockNumber: head.blockNumber, blockHash: OTHER } });
      const before = first?.lines.length ?? 0;
      await stepAll();
      expect(first?.lines.slice(before).find(({ msg }) => msg === "node not judged")).to.deep.include({
        code: "EVIDENCE_STALE",
      });
      expect((await record()).keyEpoch).to.equal(keyEpoch);
    });

    it("what is no node evidence", async () => {
      const [first] = running;
      node.serve({ hello: "world" });
      const before = first?.lines.length ?? 0;
      await stepAll();
      expect(first?.lines.slice(before).find(({ msg }) => msg === "node not judged")).to.deep.include({
        code: "EVIDENCE_MALFORMED",
      });
    });
  });

  it("tries again when endorsements are missing for a while", async () => {
    const [first] = running;
    if (first === undefined) throw new Error("no relayer");
    const evidence = await node.refresh({ newKeys: true });
    const hash = toHex(keccak256(evidence.evidence));
    const endorsementsOf = async (): Promise<object> => ({});
    const blind = createRelayer({ ...first.context, endorsementsOf });
    const before = first.lines.length;
    await blind.step();
    expect(first.lines.slice(before).find(({ msg }) => msg === "node not judged")).to.deep.include({
      code: "ENDORSEMENT_UNAVAILABLE",
    });
    expect(await first.context.verdicts.get(hash)).to.equal(undefined);
    await first.relayer.step();
    expect(await first.context.verdicts.get(hash)).to.not.equal(undefined);
    await stepAll();
    await stepAll();
    expect((await record()).keyEpoch).to.equal(3);
  });

  it("never signs a second verdict for the same evidence, even when policy moves on", async () => {
    const [first] = running;
    const { contracts, local } = network;
    const evidence = await node.refresh({ newKeys: true });
    const hash = toHex(keccak256(evidence.evidence));
    await first?.relayer.step();
    const signed = await first?.context.verdicts.get(hash);
    const workloadId = workloadIdOf("intel-sgx", TEST_MEASUREMENTS);
    const [governor = "0x", guardian = "0x"] = local.accounts;
    await (await openSender(local.chain, { account: guardian })).send(removeWorkload(contracts, workloadId));
    const proposal = { calls: [addWorkload(contracts, { workloadId, platform: 0x81 })], salt: hash };
    const proposer = await openSender(local.chain, { account: governor });
    await proposer.send(schedule(contracts, proposal, 0n));
    await proposer.send(execute(contracts, proposal));
    expect((await readWorkload(contracts, workloadId))?.version).to.be.greaterThan(2);
    await stepAll();
    await stepAll();
    expect(await first?.context.verdicts.get(hash)).to.deep.equal(signed);
    // The others signed under the new version: the two can never be put together, and fresh evidence is the way out.
    await node.refresh();
    await stepAll();
    await stepAll();
    expect((await record()).signingKey).to.equal(evidence.binding.signingKey);
  });

  it("leaves out members that answer with anything else than their signature of this verdict", async () => {
    const [first, second, third] = running;
    if (first === undefined || second === undefined || third === undefined) throw new Error("no relayers");
    await node.refresh({ newKeys: true });
    const forged = { signature: `0x${"11".repeat(65)}`, signer: first.context.sender.address };
    const liar = createRelayer({
      ...first.context,
      fetchJson: async (url) =>
        url.includes("/v1/evidence")
          ? first.context.fetchJson(url)
          : { status: 200, headers: {}, body: url.startsWith(second.server.url) ? forged : "nonsense" },
    });
    const before = await transactions();
    await second.relayer.step();
    await liar.step();
    expect(await transactions()).to.equal(before);
    await stepAll();
    await stepAll();
    expect(await isActive(network.contracts, node.nodeId)).to.equal(true);
  });

  it("leaves the transaction to the member whose turn it is, and takes over when that one is late", async () => {
    const { contracts } = network;
    const evidence = await node.refresh({ newKeys: true });
    const hash = toHex(keccak256(evidence.evidence));
    const members = await readMembers(contracts);
    const turns = members.map(({ account }) => turnOf(account, members, hash));
    expect(turns).to.have.members([0, 1, 2]);
    let now = Date.now();
    const patient = running.map(({ context }) => createRelayer({ ...context, turnDelayMs: 60_000, now: () => now }));
    const turnOfRelayer = (index: number): number =>
      turnOf(running[index]?.context.sender.address ?? "0x", members, hash);
    const late = patient.filter((_, index) => turnOfRelayer(index) > 0);
    for (const relayer of [...late, ...late]) await relayer.step();
    expect((await record()).signingKey).to.not.equal(evidence.binding.signingKey);
    now += 120_001;
    for (const relayer of late) await relayer.step();
    expect((await record()).signingKey).to.equal(evidence.binding.signingKey);
  });

  it("answers for its verdicts and its status over HTTP", async () => {
    const [first] = running;
    const get = async (path: string): Promise<{ status: number; body: unknown }> =>
      fetchJson(`${first?.server.url}${path}`, { timeoutMs: 2000, maxBytes: 1 << 16 });
    const found = await get(`/v1/verdicts/${node.nodeId}`);
    expect(found.status).to.equal(200);
    expect(found.body).to.have.all.keys("verdict", "signature", "signer");
    expect(await get(`/v1/verdicts/0x${"00".repeat(32)}`)).to.deep.include({ status: 404 });
    expect(await get("/v1/verdicts/zero")).to.deep.include({ status: 400 });
    expect((await get("/v1/status")).body).to.deep.include({ address: first?.context.sender.address });
  });
});
