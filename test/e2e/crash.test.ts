import { expect } from "chai";
import { join } from "node:path";
import { readEvents } from "../../offchain/chain/contracts.ts";
import { readEarnings } from "../../offchain/chain/escrow.ts";
import { parseList, type ListEntry } from "../../offchain/chain/packed.ts";
import { latestBlock } from "../../offchain/chain/provider.ts";
import { readNode, type NodeRecord } from "../../offchain/chain/registry.ts";
import { rpc } from "../../offchain/devnet/accounts.ts";
import { TOKEN, type Network } from "../../offchain/devnet/network.ts";
import { PRICE, startNode, waitActive, waitFor, type DevnetNode } from "../../offchain/devnet/nodes.ts";
import type { Service } from "../../offchain/devnet/processes.ts";
import { askDigit, createUser, heldOutDigits, openUserClient, type User } from "../../offchain/devnet/user.ts";
import type { Hex } from "../../offchain/encoding/bytes.ts";
import { fetchJson } from "../../offchain/http/fetch.ts";
import type { Digit } from "../../offchain/model/digits.ts";
import type { Receipt } from "../../offchain/receipt/receipt.ts";
import { channelId } from "../../offchain/receipt/voucher.ts";
import type { Resumed } from "../../offchain/client/resume.ts";
import { ENDORSEMENT_MIGRATIONS } from "../../offchain/store/endorsements.ts";
import { openStore } from "../../offchain/store/store.ts";
import { VERDICT_MIGRATIONS, verdicts, type SignedVerdict } from "../../offchain/store/verdicts.ts";
import { VOUCHER_MIGRATIONS, vouchers } from "../../offchain/store/vouchers.ts";
import { restartRelayer, startTestDevnet, stopTestDevnet } from "../support/devnet.ts";
import { refusal } from "../support/refusal.ts";

const WAIT_MS = 60_000;
const FUNDS = 10n ** 18n;
const LIMITS = { timeoutMs: 5000, maxBytes: 256 << 10 };

describe("crashes", function () {
  this.timeout(180_000);

  let network: Network;

  before(async () => {
    network = await startTestDevnet();
  });

  after(() => stopTestDevnet(network));

  const recordOf = async (nodeId: Hex): Promise<NodeRecord> => {
    const record = await readNode(network.contracts, nodeId);
    if (record === undefined) throw new RangeError(`the registry knows no node ${nodeId}`);
    return record;
  };
  const waitEpoch = (nodeId: Hex, epoch: number): Promise<void> =>
    waitFor(async () => (await recordOf(nodeId)).keyEpoch === epoch, WAIT_MS, `epoch ${epoch} was not attested`);
  const events = async (contract: "InferenceEscrow" | "NodeRegistry", name: string, first: Hex) => {
    const { blockNumber: to } = await latestBlock(network.contracts.chain);
    return readEvents(network.contracts, contract, name, { from: 0n, to, indexed: [first] });
  };

  describe("a worker that is killed between requests of a series", () => {
    let node: DevnetNode;
    let user: User;
    let channel: Hex;
    let digits: readonly Digit[];
    let resumed: readonly Resumed[];
    /** Every receipt that the client has checked, with what it was charged for. */
    const checked: Receipt[] = [];

    const ask = async (): Promise<void> => {
      const digit = digits[checked.length];
      if (digit === undefined) throw new RangeError("there are no digits left");
      const { answer } = await askDigit(user, network, node, digit);
      checked.push(answer.answer.receipt);
    };
    const fund = (wei: bigint): Promise<unknown> =>
      rpc(network.chain.url, "hardhat_setBalance", [node.operator.address, `0x${wei.toString(16)}`]);
    const settlements = async (): Promise<readonly ListEntry[]> => {
      const packed = await events("InferenceEscrow", "SettledPacked", node.nodeId);
      return packed.flatMap(({ args }) => parseList(args["settled"] as Hex));
    };
    const waitSpent = (): Promise<void> => {
      const due = PRICE * BigInt(checked.length);
      const spent = async (): Promise<boolean> => (await user.client.channel(node.nodeId)).spent === due;
      return waitFor(spent, WAIT_MS, "the worker did not settle");
    };

    before(async () => {
      digits = heldOutDigits(network);
      node = await startNode(network, "intel-sgx", "worker-a");
      user = await createUser(network, "user-a");
      channel = channelId(user.account.address, node.nodeId);
      await waitActive(network, node, WAIT_MS);
      await user.client.deposit([{ nodeId: node.nodeId, amount: TOKEN }]);
    });

    after(() => user?.client.close());

    it("breaks the request that is under way and no answer before it", async () => {
      // An operator without native currency cannot settle: everything stays owed until it is funded again.
      await fund(0n);
      const series = (async () => {
        while (checked.length < digits.length) await ask();
      })();
      let end: string | undefined;
      const ended = refusal(series).then((code) => {
        end = code;
      });
      await waitFor(async () => checked.length >= 4 || end !== undefined, WAIT_MS, "the series did not start");
      expect(end).to.equal(undefined);
      await node.worker().kill();
      await ended;
      expect(end).to.equal("SERVICE_UNAVAILABLE");
      expect((await user.client.channel(node.nodeId)).spent).to.equal(0n);
    });

    it("leaves an open request that a new client process resumes or counts as lost", async () => {
      const sequence = BigInt(checked.length) + 1n;
      await user.client.close();
      user = { ...user, client: await openUserClient(network, "user-a", user) };
      await node.restart();
      resumed = await user.client.resume(node.nodeId);
      expect(resumed.map((one) => one.sequence)).to.deep.equal([sequence]);
      for (const one of resumed) {
        expect(one.outcome).to.be.oneOf(["answered", "lost"]);
        if (one.outcome === "answered") checked.push(one.receipt);
      }
      expect(await user.client.resume(node.nodeId)).to.deep.equal([]);
    });

    it("gets new keys attested, under which it settles what the old ones earned", async () => {
      await waitEpoch(node.nodeId, 2);
      await waitActive(network, node, WAIT_MS);
      expect(await settlements()).to.deep.equal([]);
      await fund(FUNDS);
      await waitSpent();
      const [settled, ...others] = await settlements();
      expect(others).to.deep.equal([]);
      expect(settled).to.deep.equal({ payer: user.account.address, amount: PRICE * BigInt(checked.length) });
      expect(checked.every(({ keyEpoch }) => keyEpoch === 1)).to.equal(true);
    });

    it("answers again once the client has verified the new epoch", async () => {
      for (let more = 0; more < 3; more += 1) await ask();
      expect(checked.slice(-3).map(({ keyEpoch }) => keyEpoch)).to.deep.equal([2, 2, 2]);
      expect((await user.client.verify(node.nodeId)).keyEpoch).to.equal(2);
      await waitSpent();
    });

    it("pays for each answer once", async () => {
      const settled = await settlements();
      const paid = settled.reduce((sum, { amount }) => sum + amount, 0n);
      const { spent } = await user.client.channel(node.nodeId);
      expect(paid).to.equal(PRICE * BigInt(checked.length));
      expect([spent, await readEarnings(network.contracts, node.operator.address)]).to.deep.equal([paid, paid]);
    });

    it("has the voucher and the receipt of every answer on its disk, and of nothing else", async () => {
      await node.worker().stop();
      const store = await openStore({ dir: join(network.dir, "data", node.name) }, VOUCHER_MIGRATIONS);
      try {
        const book = vouchers(store);
        for (const receipt of checked) {
          const kept = await book.get(channel, receipt.sequence);
          expect(kept?.receipt).to.deep.equal(receipt);
          expect(kept?.voucher.requestCommitment).to.equal(receipt.requestCommitment);
          expect(kept?.settledBy).to.not.equal(null);
        }
        const [{ count }] = (await store.query("SELECT count(*) FROM vouchers")) as readonly [{ count: bigint }];
        expect(count).to.equal(BigInt(checked.length));
      } finally {
        await store.close();
      }
    });
  });

  describe("relayers that are killed", () => {
    const NAMES = ["relayer-1", "relayer-2", "relayer-3"] as const;
    const running = new Map<string, Service>();
    let node: DevnetNode;
    let first: Hex;
    let shown: unknown;

    before(() => {
      network.relayers.forEach((relayer) => running.set(relayer.name, relayer));
    });

    const relayer = (name: (typeof NAMES)[number]): Service => {
      const found = running.get(name);
      if (found === undefined) throw new RangeError(`there is no ${name}`);
      return found;
    };
    const revive = async (name: (typeof NAMES)[number]): Promise<void> => {
      running.set(name, await restartRelayer(network, name));
    };
    const verdictOf = (name: (typeof NAMES)[number]) =>
      fetchJson(`${relayer(name).url}/v1/verdicts/${node.nodeId}`, LIMITS);
    const verdictKey = async (name: (typeof NAMES)[number]): Promise<unknown> =>
      ((await verdictOf(name)).body as { verdict?: { signingKey?: unknown } }).verdict?.signingKey;
    const steppedOnce = async (name: (typeof NAMES)[number]): Promise<boolean> => {
      const { body } = await fetchJson(`${relayer(name).url}/v1/status`, LIMITS);
      return (body as { lastBlock: string | null }).lastBlock !== null;
    };

    it("leave two of three, whose verdict makes a new node active", async () => {
      await relayer("relayer-1").kill();
      node = await startNode(network, "intel-tdx", "worker-b");
      await waitActive(network, node, WAIT_MS);
      const { keyEpoch, evidenceHash } = await recordOf(node.nodeId);
      expect(keyEpoch).to.equal(1);
      first = evidenceHash;
    });

    it("sign nothing that was decided while they were dead", async () => {
      await revive("relayer-1");
      await waitFor(() => steppedOnce("relayer-1"), WAIT_MS, "the relayer does not step");
      expect((await verdictOf("relayer-1")).status).to.equal(404);
    });

    it("show the same verdict as before when they are killed after signing it", async () => {
      const { signingKey } = await recordOf(node.nodeId);
      await Promise.all([relayer("relayer-2").kill(), relayer("relayer-3").kill()]);
      await node.worker().kill();
      await node.restart();
      const signed = async (): Promise<boolean> =>
        ![undefined, signingKey].includes((await verdictKey("relayer-1")) as Hex | undefined);
      await waitFor(signed, WAIT_MS, "the relayer did not sign");
      shown = (await verdictOf("relayer-1")).body;
      await relayer("relayer-1").kill();
      await revive("relayer-1");
      await waitFor(() => steppedOnce("relayer-1"), WAIT_MS, "the relayer does not step");
      expect((await verdictOf("relayer-1")).body).to.deep.equal(shown);
      expect(await recordOf(node.nodeId)).to.deep.include({ signingKey, keyEpoch: 1 });
    });

    it("bring the verdict with the second one that comes back", async () => {
      await revive("relayer-2");
      await waitEpoch(node.nodeId, 2);
      const { verdict } = shown as { verdict: Record<string, unknown> };
      const { signingKey, evidenceHash } = await recordOf(node.nodeId);
      expect(verdict).to.deep.include({ signingKey, evidenceHash });
    });

    it("have each signed one verdict for one evidence, all the same", async () => {
      const attested = (await events("NodeRegistry", "NodeAttested", node.nodeId)).length;
      expect(attested).to.equal(2);
      for (const name of ["relayer-1", "relayer-2"] as const) await relayer(name).stop();
      const signed = await Promise.all(NAMES.map((name) => signedBy(network, name)));
      const digests = Map.groupBy(signed.flat(), ({ evidenceHash }) => evidenceHash);
      for (const same of digests.values()) {
        expect(new Set(same.map(({ digest }) => digest)).size).to.equal(1);
        expect(new Set(same.map(({ signer }) => signer)).size).to.equal(same.length);
      }
      const { evidenceHash } = await recordOf(node.nodeId);
      expect(digests.get(evidenceHash)).to.have.length(2);
      expect(signed[0]?.map((one) => one.evidenceHash)).to.not.include(first);
      const kept = signed[0]?.find((one) => one.evidenceHash === evidenceHash);
      expect(kept?.signature).to.equal((shown as { signature: string }).signature);
    });
  });
});

/** What a stopped relayer has on its disk. */
async function signedBy(network: Network, name: string): Promise<readonly SignedVerdict[]> {
  const store = await openStore({ dir: join(network.dir, "data", name) }, [
    ...VERDICT_MIGRATIONS,
    ...ENDORSEMENT_MIGRATIONS,
  ]);
  try {
    const rows = await store.query<{ hash: Hex }>("SELECT evidence_hash AS hash FROM verdicts");
    const found = await Promise.all(rows.map(({ hash }) => verdicts(store).get(hash)));
    return found.filter((one) => one !== undefined);
  } finally {
    await store.close();
  }
}
