import { expect } from "chai";
import { readEarnings } from "../../offchain/chain/escrow.ts";
import { Revert } from "../../offchain/chain/failure.ts";
import { attacksOn, refusalOf, type Attack } from "../../offchain/devnet/attacks.ts";
import { TOKEN, type Network } from "../../offchain/devnet/network.ts";
import { NODE_KINDS, PRICE, startNodes, waitActive, waitFor, type DevnetNode } from "../../offchain/devnet/nodes.ts";
import { sharesOf, withdrawThawed } from "../../offchain/devnet/books.ts";
import {
  askDigits,
  balanceOf,
  closeUsers,
  createUsers,
  DEVNET_POLICY,
  heldOutDigits,
  USER_FUNDS,
  userOf,
  type Answered,
  type Users,
} from "../../offchain/devnet/user.ts";
import { checkEvidenceFile } from "../../offchain/client/check.ts";
import { evidenceFileToJson, parseEvidenceFile } from "../../offchain/client/evidence-file.ts";
import { startTestDevnet, stopTestDevnet } from "../support/devnet.ts";
import { expectRefusal } from "../support/expect-refusal.ts";
import { describeCommandLine } from "./command-line.ts";

const DIGITS = 15;
const DUE_EACH = (PRICE * BigInt(DIGITS)) / BigInt(NODE_KINDS.length);
const WAIT_MS = 60_000;

/** What must be looked at of a GPU, by a user who asks for one. */
const DEVICE_CHECKS = [
  "gpu",
  "gpu-evidence-hash",
  "gpu0/nonce",
  "gpu0/report-signature",
  "gpu0/device-revocation",
  "gpu0/rim-revocation",
  "gpu0/reference-measurements",
  "gpu0/evidence-age",
  "gpu0/endorsement-age",
];

/** `InferenceEscrow.SettlementRefusal.NothingDue`. */
const NOTHING_DUE = 4;

/** Who tries what, and the one code that must refuse it. */
const REFUSALS: readonly (readonly [id: string, code: string])[] = [
  ["flipped-byte", "SIGNATURE_INVALID (quote-signature)"],
  ["old-quote-for-new-keys", "BINDING_MISMATCH (binding)"],
  ["debug-enclave", "POLICY (debug)"],
  ["unknown-measurement", "POLICY (reference-values)"],
  ["snp-debug-policy", "POLICY (debug)"],
  ["nitro-pcr0-zero", "POLICY (debug)"],
  ["gpu-of-another-node", "BINDING_MISMATCH (binding)"],
  ["gpu-other-firmware", "BINDING_MISMATCH (gpu0/reference-measurements)"],
  ["gpu-revoked", "CERTIFICATE_REVOKED (gpu0/device-revocation)"],
  ["gpu-left-out", "POLICY (gpu)"],
  ["receipt-by-another-key", "SIGNATURE_INVALID"],
  ["changed-answer", "OUTPUT_MISMATCH"],
  ["changed-on-the-way", "SEAL_INVALID"],
  ["voucher-for-another-input", "REQUEST_MISMATCH"],
  ["voucher-settled-twice", "InferenceEscrowSettlementRefused"],
  ["one-relayer-too-few", "VerifierCommitteeTooFewSignatures"],
];

describe("a whole network", function () {
  this.timeout(180_000);

  let network: Network;
  let nodes: readonly DevnetNode[];
  let users: Users;
  let answers: readonly Answered[];

  before(async () => {
    network = await startTestDevnet();
    nodes = await startNodes(network, NODE_KINDS);
  });

  after(async () => {
    if (users !== undefined) await closeUsers(users);
    await stopTestDevnet(network);
  });

  it("attests a node of each kind, and the users verify all, one by a policy that asks for a GPU", async () => {
    for (const node of nodes) await waitActive(network, node, WAIT_MS);
    users = await createUsers(network);
    for (const node of nodes) {
      const { result, nodeEvidence } = await userOf(users, node).client.verify(node.nodeId);
      expect(result, node.kind).to.deep.include({ verdict: "affirming", simulated: true });
      expect([nodeEvidence.platform, nodeEvidence.devices.length]).to.deep.equal([node.tee, node.gpu ? 1 : 0]);
      const passed = result.checks.filter(({ outcome }) => outcome === "pass").map(({ id }) => id);
      if (node.gpu) expect(passed).to.include.members(DEVICE_CHECKS);
    }
  });

  it("is refused where a user asks for a GPU and the node has none", async () => {
    const [node] = nodes;
    await expectRefusal("CHAIN_UNTRUSTED", () => users.gpuNode.client.verify(node?.nodeId ?? "0x"));
  });

  it("answers fifteen digits, each under a receipt that an evidence file proves offline", async () => {
    for (const { user, theirs } of sharesOf(users, nodes)) {
      await user.client.deposit(theirs.map(({ nodeId }) => ({ nodeId, amount: TOKEN })));
    }
    answers = await askDigits(users, network, nodes, heldOutDigits(network).slice(0, DIGITS));
    expect(answers).to.have.length(DIGITS);
    expect(answers.filter(({ digit, guess }) => digit.label === guess).length).to.be.at.least(13);
    for (const { answer } of answers) {
      const file = parseEvidenceFile(JSON.parse(JSON.stringify(evidenceFileToJson(answer.evidenceFile))));
      const checked = await checkEvidenceFile(file, { trustRoots: network.vendors.trustRoots, policy: DEVNET_POLICY });
      expect(checked.holds).to.equal(true);
    }
  });

  it("settles what was answered and pays the rest back, to the wei", async () => {
    const settled = async (): Promise<boolean> => {
      const channels = await Promise.all(nodes.map((node) => userOf(users, node).client.channel(node.nodeId)));
      return channels.every(({ spent }) => spent === DUE_EACH);
    };
    await waitFor(settled, WAIT_MS, "the workers did not settle");
    for (const { user, theirs } of sharesOf(users, nodes)) {
      for (const { nodeId } of theirs) await user.client.closeChannel(nodeId);
      await withdrawThawed(user, theirs);
      expect(await balanceOf(network, user)).to.equal(USER_FUNDS - BigInt(theirs.length) * DUE_EACH);
    }
    for (const node of nodes) {
      expect(await readEarnings(network.contracts, node.operator.address)).to.equal(DUE_EACH);
      expect(await userOf(users, node).client.channel(node.nodeId)).to.deep.include({
        deposit: DUE_EACH,
        spent: DUE_EACH,
      });
    }
  });

  describeCommandLine({ network: () => network, nodes: () => nodes });

  describe("attacks", () => {
    let attacks: ReadonlyMap<string, Attack>;

    before(async () => {
      const list = attacksOn(network, { nodes, users, answers, evidenceFile: "" });
      attacks = new Map(list.map((attack) => [attack.id, attack]));
    });

    const attackOf = (id: string): Attack => {
      const attack = attacks.get(id);
      if (attack === undefined) throw new RangeError(`there is no attack ${id}`);
      return attack;
    };

    it("are all in the table", () => {
      expect([...attacks.keys()]).to.deep.equal(REFUSALS.map(([id]) => id));
    });

    for (const [id, code] of REFUSALS) {
      it(`${id}: refused by ${code}`, async () => {
        expect(await refusalOf(attackOf(id))).to.equal(code);
      });
    }

    it("a second settlement is refused because nothing is due any more", async () => {
      const refused: unknown = await attackOf("voucher-settled-twice")
        .attempt()
        .catch(({ cause }) => cause);
      expect(refused).to.be.instanceOf(Revert);
      expect((refused as Revert).args["refusal"]).to.equal(NOTHING_DUE);
    });
  });
});
