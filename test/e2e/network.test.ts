import { expect } from "chai";
import { readEarnings } from "../../offchain/chain/escrow.ts";
import { Revert } from "../../offchain/chain/failure.ts";
import { attacksOn, refusalOf, type Attack } from "../../offchain/devnet/attacks.ts";
import { TOKEN, type Network } from "../../offchain/devnet/network.ts";
import { PRICE, startNode, waitActive, waitFor, type DevnetNode } from "../../offchain/devnet/nodes.ts";
import { withdrawThawed } from "../../offchain/devnet/story.ts";
import {
  askDigits,
  balanceOf,
  createUser,
  DEVNET_POLICY,
  heldOutDigits,
  USER_FUNDS,
  type Answered,
  type User,
} from "../../offchain/devnet/user.ts";
import { checkEvidenceFile } from "../../offchain/client/check.ts";
import { evidenceFileToJson, parseEvidenceFile } from "../../offchain/client/evidence-file.ts";
import { startTestDevnet, stopTestDevnet } from "../support/devnet.ts";
import { describeCommandLine } from "./command-line.ts";

const PLATFORMS = ["intel-sgx", "intel-tdx", "amd-sev-snp", "aws-nitro"] as const;
const DIGITS = 12;
const DUE_EACH = (PRICE * BigInt(DIGITS)) / BigInt(PLATFORMS.length);
const WAIT_MS = 60_000;

/** `InferenceEscrow.SettlementRefusal.NothingDue`. */
const NOTHING_DUE = 4;

/** Who tries what, and the one code that must refuse it. */
const REFUSALS: readonly (readonly [id: string, code: string])[] = [
  ["flipped-byte", "SIGNATURE_INVALID (quote-signature)"],
  ["old-quote-for-new-keys", "BINDING_MISMATCH (binding)"],
  ["debug-enclave", "POLICY (debug)"],
  ["unknown-measurement", "POLICY (reference-values)"],
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
  let user: User;
  let answers: readonly Answered[];

  before(async () => {
    network = await startTestDevnet();
    const start = (platform: (typeof PLATFORMS)[number]) => startNode(network, platform, `worker-${platform}`);
    const [first, ...others] = PLATFORMS;
    nodes = [await start(first), ...(await Promise.all(others.map(start)))];
  });

  after(async () => {
    await user?.client.close();
    await stopTestDevnet(network);
  });

  it("attests a node of each platform, and the user verifies all", async () => {
    for (const node of nodes) await waitActive(network, node, WAIT_MS);
    user = await createUser(network, "user");
    for (const { nodeId, tee } of nodes) {
      const verified = await user.client.verify(nodeId);
      expect(verified.result).to.deep.include({ verdict: "affirming", simulated: true });
      expect(verified.nodeEvidence.platform).to.equal(tee);
    }
  });

  it("answers twelve digits, each under a receipt that an evidence file proves offline", async () => {
    await user.client.deposit(nodes.map(({ nodeId }) => ({ nodeId, amount: TOKEN })));
    answers = await askDigits(user, network, nodes, heldOutDigits(network).slice(0, DIGITS));
    expect(answers).to.have.length(DIGITS);
    expect(answers.filter(({ digit, guess }) => digit.label === guess).length).to.be.at.least(11);
    for (const { answer } of answers) {
      const file = parseEvidenceFile(JSON.parse(JSON.stringify(evidenceFileToJson(answer.evidenceFile))));
      const checked = await checkEvidenceFile(file, { trustRoots: network.vendors.trustRoots, policy: DEVNET_POLICY });
      expect(checked.holds).to.equal(true);
    }
  });

  it("settles what was answered and pays the rest back, to the wei", async () => {
    const settled = async (): Promise<boolean> => {
      const channels = await Promise.all(nodes.map(({ nodeId }) => user.client.channel(nodeId)));
      return channels.every(({ spent }) => spent === DUE_EACH);
    };
    await waitFor(settled, WAIT_MS, "the workers did not settle");
    for (const { nodeId } of nodes) await user.client.closeChannel(nodeId);
    await withdrawThawed(user, nodes);
    expect(await balanceOf(network, user)).to.equal(USER_FUNDS - BigInt(PLATFORMS.length) * DUE_EACH);
    for (const { nodeId, operator } of nodes) {
      expect(await readEarnings(network.contracts, operator.address)).to.equal(DUE_EACH);
      expect(await user.client.channel(nodeId)).to.deep.include({ deposit: DUE_EACH, spent: DUE_EACH });
    }
  });

  describeCommandLine({ network: () => network, nodes: () => nodes });

  describe("attacks", () => {
    let attacks: ReadonlyMap<string, Attack>;

    before(async () => {
      const list = await attacksOn(network, { nodes, user, answers, evidenceFile: "" });
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
