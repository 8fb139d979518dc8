import { expect } from "chai";
import { join } from "node:path";
import { createSigningKey } from "#crypto";
import { deny } from "../../../offchain/chain/reference-values.ts";
import { isActive, register } from "../../../offchain/chain/registry.ts";
import { eventsOf, openSender } from "../../../offchain/chain/sender.ts";
import { CLIENT_MIGRATIONS, openClient, type Client } from "../../../offchain/client/client.ts";
import { simulatedTrustRoot } from "../../../offchain/device/simulated/intel/vendor.ts";
import { toHex, type Hex } from "../../../offchain/encoding/bytes.ts";
import type { ErrorCode } from "../../../offchain/errors.ts";
import { createApp, listen, type Listening } from "../../../offchain/http/server.ts";
import { VENDOR_SERVICES } from "../../../offchain/endorsements/services.ts";
import { channels } from "../../../offchain/store/channels.ts";
import { copyStore, openStore } from "../../../offchain/store/store.ts";
import { DEFAULT_POLICY, type AppraisalPolicy } from "../../../offchain/verifier/policy.ts";
import { nodeEvidenceToJson } from "../../../offchain/verifier/node-evidence.ts";
import { createEnclaveKeys } from "../../../offchain/worker/keys.ts";
import { attestNode, type AttestedNode, type Attestation } from "../../support/attested-node.ts";
import { temporaryDirectory } from "../../support/directories.ts";
import { expectRefusal } from "../../support/expect-refusal.ts";
import { word } from "../../support/receipts.ts";
import { startTestNetwork, type TestNetwork } from "../../support/test-network.ts";
import { shades } from "../../support/worker.ts";

const POLICY: AppraisalPolicy = { ...DEFAULT_POLICY, allowSimulated: true };

describe("client on a chain", function () {
  this.timeout(120_000);

  const directory = temporaryDirectory();
  let network: TestNetwork;
  let server: Listening;
  let good: AttestedNode;
  let posts: number;
  /** What the nodes answer, by the hash of their evidence. */
  const evidences = new Map<string, object>();

  before(async () => {
    network = await startTestNetwork(directory);
    await (await openStore({ dir: join(directory, "template") }, [])).close();
    const app = createApp();
    app.get("/v1/evidence/:hash", (context) => context.json(evidences.get(context.req.param("hash")) ?? {}));
    app.post("*", (context) => {
      posts += 1;
      return context.body(null, 503);
    });
    server = await listen(app, { port: 0 });
    good = await attested({});
  });
  beforeEach(() => {
    posts = 0;
  });
  after(async () => {
    await server.close(0);
    await network.close();
  });

  /** A node that two members of the committee call good, whatever it is. */
  async function attested(lie: Pick<Attestation, "measurements" | "defects">): Promise<AttestedNode> {
    const node = await attestNode(network, { keys: await createEnclaveKeys(), endpoint: server.url, ...lie });
    evidences.set(node.evidenceHash, nodeEvidenceToJson(node.evidence));
    expect(await isActive(network.contracts, node.nodeId)).to.equal(true);
    return node;
  }

  async function withClient<T>(
    name: string,
    policy: AppraisalPolicy,
    work: (client: Client) => Promise<T>,
  ): Promise<T> {
    await copyStore(join(directory, "template"), join(directory, name));
    const client = await openClient({
      rpcUrl: network.local.url,
      deployments: directory,
      trustRoots: [simulatedTrustRoot(network.vendor)],
      policy,
      endorsements: { ...VENDOR_SERVICES, pcs: network.pcs.url },
      payerKey: toHex(createSigningKey()),
      store: { dir: join(directory, name) },
    });
    try {
      return await work(client);
    } finally {
      await client.close();
    }
  }

  /** Expects that neither verifying nor asking a node passes, and that nothing was promised or sent. */
  async function refused(code: ErrorCode, nodeId: Hex, policy = POLICY): Promise<void> {
    const name = `client-${toHex(createSigningKey()).slice(2, 10)}`;
    await withClient(name, policy, async (client) => {
      await expectRefusal(code, () => client.verify(nodeId));
      await expectRefusal(code, () => client.infer(nodeId, word(1), shades(0)));
    });
    const store = await openStore({ dir: join(directory, name) }, CLIENT_MIGRATIONS);
    expect([await channels(store).list(), await channels(store).openRequests(), posts]).to.deep.equal([[], [], 0]);
    await store.close();
  }

  it("verifies a node that is what the reference values accept", async () => {
    const { result, evidenceHash } = await withClient("good", POLICY, (client) => client.verify(good.nodeId));
    expect(result).to.deep.include({ verdict: "affirming", simulated: true });
    expect(evidenceHash).to.equal(good.evidenceHash);
  });

  it("sends nothing to a simulated node where its policy does not allow that", () =>
    refused("CHAIN_UNTRUSTED", good.nodeId, DEFAULT_POLICY));

  it("sends nothing to a node that the registry does not know", () => refused("CONFIG_INVALID", word(9)));

  it("sends nothing to a node that is not attested", async () => {
    const { contracts } = network;
    const sent = await good.operator.send(register(contracts, word(7), server.url));
    await refused("EVIDENCE_STALE", eventsOf(contracts, sent)[0]?.args["nodeId"] as Hex);
  });

  describe("where two members of the committee lie", () => {
    const lies: readonly (readonly [string, Pick<Attestation, "measurements" | "defects">])[] = [
      ["about an enclave in debug mode", { defects: { debug: true } }],
      ["about a program that nobody published", { measurements: { mrenclave: word(0x66) } }],
    ];
    for (const [what, lie] of lies) {
      it(`${what}, it sends nothing`, async () => {
        await refused("CHAIN_UNTRUSTED", (await attested(lie)).nodeId);
      });
    }

    it("about a machine that the community denies, it sends nothing", async () => {
      const { contracts, local } = network;
      const node = await attested({});
      const { result } = await withClient("before", POLICY, (client) => client.verify(node.nodeId));
      const community = await openSender(local.chain, { account: local.accounts[2] ?? "0x" });
      await community.send(deny(contracts, `0x${result.claims?.platformId ?? ""}`, "https://example.org/stolen"));
      expect(await isActive(contracts, node.nodeId)).to.equal(true);
      await refused("CHAIN_UNTRUSTED", node.nodeId);
    });

    it("about quotes that nobody signed, it sends nothing", async () => {
      await refused("SIGNATURE_INVALID", (await attested({ defects: { forgedSignature: true } })).nodeId);
    });
  });
});
