import { expect } from "chai";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readEarnings } from "../../offchain/chain/escrow.ts";
import { readProfile, writeProfile } from "../../offchain/client/profile.ts";
import { tensorToJson } from "../../offchain/cli/tensor-json.ts";
import { TOKEN, type Network } from "../../offchain/devnet/network.ts";
import { PRICE, waitFor, type DevnetNode } from "../../offchain/devnet/nodes.ts";
import { writeProfiles } from "../../offchain/devnet/profiles.ts";
import { heldOutDigits } from "../../offchain/devnet/user.ts";
import { fetchJson } from "../../offchain/http/fetch.ts";
import { digitTensor } from "../../offchain/model/digits.ts";
import { cloister, cloisterProcess, REPOSITORY, type CliRun } from "../support/cli.ts";
import { temporaryDirectory } from "../support/directories.ts";

const WAIT_MS = 60_000;
const LIMITS = { timeoutMs: 5000, maxBytes: 256 << 10 };
/** How many answers the suite pays for. */
const ANSWERS = 2n;

/** What a network's suite lends: both are there when the tests run. */
interface Running {
  readonly network: () => Network;
  readonly nodes: () => readonly DevnetNode[];
}

/** Adds the tests of a user's and an operator's whole way on a network that runs, by the command line alone. */
export function describeCommandLine({ network, nodes }: Running): void {
  describe("by the command line", () => {
    const directory = temporaryDirectory();
    const file = (name: string): string => join(directory, name);
    const json = ({ out }: CliRun): Record<string, unknown> => JSON.parse(out) as Record<string, unknown>;
    let profile: string;
    let node: DevnetNode;

    const user = (...args: string[]): Promise<CliRun> => cloister(args, { cwd: directory, profile, root: REPOSITORY });
    /** As somebody who has no network, as those have to whom an evidence file is handed on. */
    const stranger = (...args: string[]): Promise<CliRun> => cloister(args, { cwd: directory });

    before(async () => {
      await writeProfiles(network());
      profile = join(network().dir, "profile.json");
    });

    it("lists the nodes, shows one and finds it ready", async () => {
      const listed = json(await user("nodes", "list", "--json"))["nodes"] as Record<string, unknown>[];
      expect(listed.map(({ nodeId }) => nodeId)).to.have.members(nodes().map(({ nodeId }) => nodeId));
      for (const one of listed) {
        const { tee = "", gpu } = nodes().find(({ nodeId }) => nodeId === one["nodeId"]) ?? {};
        const tcbStatusName = tee.startsWith("intel-") ? "UpToDate" : "none";
        const platformName = `SIMULATED ${tee}`;
        expect(one).to.deep.include({ active: true, simulated: true, tcbStatusName, platformName });
        expect(one["devices"]).to.deep.equal(gpu === true ? ["nvidia-gpu"] : []);
      }
      const first = nodes().find(({ nodeId }) => nodeId === listed[0]?.["nodeId"]);
      if (first === undefined) throw new RangeError("the first node of the list is not of this network");
      node = first;
      expect(json(await user("nodes", "show", "1", "--json"))).to.include({ nodeId: node.nodeId, status: "active" });
      const status = await user("node", "status", "1", "--json");
      expect(status.exit).to.equal(0);
      expect(json(status)).to.have.nested.include({ "health.ready": true, "offers[0].pricePerUnit": String(PRICE) });
    });

    it("opens a channel and gets an answer that holds, for a person", async () => {
      expect((await user("channel", "open", "--node", "1", "--amount", "1")).exit).to.equal(0);
      const run = await cloisterProcess(["infer", "--node", "1", "--digit", "7", "--out", file("seven.json")], {
        cwd: directory,
        profile,
      });
      expect(run.exit).to.equal(0);
      expect(run.out)
        .to.match(/^SIMULATED /)
        .and.to.match(/^answer +\d \(\d+\.\d %\)$/m);
      expect(run.out)
        .to.match(/^drawn +7$/m)
        .and.to.not.match(/^FAIL/m);
      expect(run.err).to.match(/\.\.\.\n$/);
    });

    it("gets an answer to a request of its own, for a machine", async () => {
      const inputs = heldOutDigits(network())
        .slice(0, 1)
        .map(({ pixels }) => tensorToJson(digitTensor([pixels])));
      writeFileSync(file("request.json"), JSON.stringify({ inputs }));
      const args = [
        "--node",
        node.nodeId.slice(0, 10),
        "--input",
        file("request.json"),
        "--out",
        file("evidence.json"),
      ];
      const run = await user("infer", ...args, "--json");
      expect(run.exit).to.equal(0);
      const answer = json(run);
      expect(answer).to.include({ holds: true, simulated: true, nodeId: node.nodeId, price: String(PRICE) });
      expect(answer).to.have.nested.property("classes[0].label").that.matches(/^\d$/);
      expect(answer).to.have.nested.property("outputs[0].data").that.has.length(10);
      expect(answer["evidenceFile"]).to.equal(file("evidence.json"));
    });

    it("gives evidence that a stranger with the simulated root accepts offline, and one without it refuses", async () => {
      const root = join(network().dir, "simulated-root.json");
      for (const name of ["seven.json", "evidence.json"]) {
        const checked = await stranger("check", file(name), "--trust-root", root, "--json");
        expect([checked.exit, json(checked)["holds"]]).to.deep.equal([0, true]);
        const refused = await stranger("check", file(name), "--json");
        expect([refused.exit, json(refused)["holds"]]).to.deep.equal([1, false]);
      }
    });

    it("verifies what the worker says of itself, for this registry and for no other", async () => {
      const { body } = await fetchJson(`${node.endpoint}/v1/evidence`, LIMITS);
      writeFileSync(file("node.json"), JSON.stringify(body));
      const { endorsements } = JSON.parse(readFileSync(file("evidence.json"), "utf8")) as { endorsements: unknown };
      writeFileSync(file("endorsements.json"), JSON.stringify(endorsements));
      const trust = [
        "--endorsements",
        file("endorsements.json"),
        "--trust-root",
        join(network().dir, "simulated-root.json"),
      ];
      const { addresses, chain } = network().contracts;
      const verify = (registry: string): Promise<CliRun> =>
        stranger(
          "evidence",
          "verify",
          file("node.json"),
          ...trust,
          "--registry",
          registry,
          "--chain-id",
          String(chain.chainId),
          "--json",
        );
      expect(json(await verify(addresses.NodeRegistry))).to.include({ verdict: "affirming", simulated: true });
      expect(json(await verify(addresses.InferenceEscrow))).to.include({ verdict: "contraindicated" });
    });

    it("explains the evidence of a node with a GPU, device by device", async () => {
      const composed = nodes().find(({ gpu }) => gpu);
      const { body } = await fetchJson(`${composed?.endpoint ?? ""}/v1/evidence`, LIMITS);
      writeFileSync(file("composed.json"), JSON.stringify(body));
      const trust = ["--trust-root", join(network().dir, "simulated-root.json")];
      const of = ["evidence", "verify", file("composed.json"), ...trust];
      const verified = await stranger(...of, "--fetch", "--profile", profile, "--json");
      expect([verified.exit, json(verified)["verdict"]]).to.deep.equal([0, "affirming"]);
      const explained = await stranger("evidence", "explain", file("composed.json"), ...trust, "--json");
      const reasons = json(explained)["reasons"] as { id: string; tier: string }[];
      expect([explained.exit, json(explained)["verdict"]]).to.deep.equal([1, "none"]);
      expect(reasons.map(({ id, tier }) => `${id} ${tier}`)).to.include("gpu0/reference-measurements none");
    });

    it("closes the channel, waits and takes all back that was not earned", async () => {
      const spent = String(ANSWERS * PRICE);
      const channel = async (): Promise<unknown> =>
        (json(await user("channel", "list", "--json"))["channels"] as unknown[])[0];
      const settled = async (): Promise<boolean> => ((await channel()) as { spent: string }).spent === spent;
      await waitFor(settled, WAIT_MS, "the worker did not settle");
      expect(await channel()).to.include({ nodeId: node.nodeId, deposit: String(TOKEN), withdrawableAt: 0 });
      const closed = await user("channel", "close", "1", "--wait", "--json");
      expect(closed.exit).to.equal(0);
      expect(json(closed)).to.include({ state: "withdrawn", withdrawn: String(TOKEN - ANSWERS * PRICE) });
    });

    it("pays the operator what was earned", async () => {
      const { keyFile, address } = node.operator;
      writeProfile(file("operator.json"), { ...readProfile(profile), keyFile });
      const earned = await readEarnings(network().contracts, address);
      const withdraw = ["node", "withdraw", "--profile", file("operator.json"), "--json"];
      const taken = await user(...withdraw);
      expect(taken.exit).to.equal(0);
      expect(json(taken)).to.have.nested.property("earnings.withdrawn", String(earned));
      expect(json(await user(...withdraw))).to.have.nested.property("earnings.withdrawn", "0");
    });
  });
}
