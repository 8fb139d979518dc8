import { expect } from "chai";
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createSigningKey, signingAddress } from "#crypto";
import type { Contracts } from "../../../offchain/chain/contracts.ts";
import { DEVNET } from "../../../offchain/chain/deploy-parameters.ts";
import { listNodes } from "../../../offchain/chain/registry.ts";
import { openSender, type Sender } from "../../../offchain/chain/sender.ts";
import { mintTestTokens, readBalance } from "../../../offchain/chain/token.ts";
import { writeProfile } from "../../../offchain/client/profile.ts";
import { createSimulatedVendor, vendorToJson } from "../../../offchain/device/simulated/intel/vendor.ts";
import { toHex, type Hex } from "../../../offchain/encoding/bytes.ts";
import { VENDOR_SERVICES } from "../../../offchain/endorsements/services.ts";
import { DEFAULT_POLICY } from "../../../offchain/verifier/policy.ts";
import { nvidiaDeviceFromJson } from "../../../offchain/device/simulated/nvidia/device-file.ts";
import { createNvidiaVendor, nvidiaVendorToJson } from "../../../offchain/device/simulated/nvidia/vendor.ts";
import { parseWorkerConfig } from "../../../offchain/worker/config.ts";
import { cloister, cloisterProcess, REPOSITORY, type CliRun } from "../../support/cli.ts";
import { deployLocally } from "../../support/deployments.ts";
import { temporaryDirectory } from "../../support/directories.ts";
import { testCommittee } from "../../support/local-attestation.ts";
import { startLocalChain, type LocalChain } from "../../support/local-chain.ts";

const TOKEN = 10n ** 18n;
const FUNDS = 5_000n * TOKEN;
/** A port of the reserved ones, where no worker listens. */
const ENDPOINT = "http://127.0.0.1:1";
const STAKE_THAW_SECONDS = 3;
const RICH = "0x21e19e0c9bab2400000";

describe("cloister on a network", () => {
  const directory = temporaryDirectory();
  const committee = testCommittee();
  const file = (name: string): string => join(directory, name);
  let local: LocalChain;
  let contracts: Contracts;
  let governor: Sender;
  let operatorAddress: Hex;
  let modelId: unknown;

  const as =
    (profile: string) =>
    (...args: string[]): Promise<CliRun> =>
      cloister(args, { cwd: directory, profile: file(profile), root: REPOSITORY });
  const user = as("user.json");
  const operator = as("operator.json");
  const json = ({ out }: CliRun): Record<string, unknown> => JSON.parse(out) as Record<string, unknown>;

  async function fundedProfile(name: string): Promise<Hex> {
    const key = createSigningKey();
    const address: Hex = toHex(signingAddress(key));
    writeFileSync(file(`${name}.key`), toHex(key), { mode: 0o600 });
    await local.request("hardhat_setBalance", address, RICH);
    await governor.send(mintTestTokens(contracts, address, FUNDS));
    writeProfile(file(`${name}.json`), {
      name: "test",
      rpcUrl: local.url,
      deployments: directory,
      endorsements: VENDOR_SERVICES,
      trustRoots: [],
      policy: DEFAULT_POLICY,
      keyFile: file(`${name}.key`),
      dataDir: file(`${name}-data`),
    });
    return address;
  }

  before(async () => {
    local = await startLocalChain();
    contracts = await deployLocally(local, directory, {
      ...committee.parameters,
      stakeThaw: STAKE_THAW_SECONDS,
      responseTime: 1,
    });
    governor = await openSender(local.chain, { account: local.accounts[0] ?? "0x" });
    await committee.bond(contracts, governor);
    await fundedProfile("user");
    operatorAddress = await fundedProfile("operator");
    writeFileSync(file("vendor.json"), vendorToJson(createSimulatedVendor({ now: Date.now() })), { mode: 0o600 });
  });

  after(() => local.close());

  it("lists nothing where nothing is registered", async () => {
    expect(json(await user("nodes", "list", "--json"))).to.deep.equal({ nodes: [] });
    expect(json(await user("model", "list", "--json"))).to.deep.equal({ models: [] });
    expect((await user("nodes", "list")).exit).to.equal(0);
  });

  describe("model", () => {
    const fields = ["--name", "tested", "--release", "1.0.0", "--description", "A model of the tests"];
    it("packs an ONNX file into a directory", async () => {
      const run = await operator(
        "model",
        "pack",
        "models/digits/model.onnx",
        "--out",
        file("model"),
        ...fields,
        "--json",
      );
      expect(run.exit).to.equal(0);
      ({ modelId } = json(run));
      expect(modelId).to.match(/^0x[0-9a-f]{64}$/);
      expect(existsSync(join(file("model"), "manifest.json"))).to.equal(true);
    });

    it("gives the same root for the same directory, and refuses what holds no graph", async () => {
      cpSync(file("model"), file("again"), { recursive: true });
      expect(json(await operator("model", "pack", file("again"), ...fields, "--json"))["modelId"]).to.equal(modelId);
      writeFileSync(file("broken.onnx"), "no graph");
      const run = await operator("model", "pack", file("broken.onnx"), "--out", file("broken"), ...fields, "--json");
      expect(run.exit).to.equal(2);
      expect(json(run)).to.have.nested.property("error.code", "MODEL_MALFORMED");
    });

    it("refuses an ONNX file without --out", async () => {
      expect((await operator("model", "pack", "models/digits/model.onnx", ...fields)).exit).to.equal(2);
    });

    it("registers it once, whatever is repeated", async () => {
      const args = ["model", "register", file("model"), "--price", "0.25", "--json"];
      expect(json(await operator(...args))).to.include({ modelId, already: false });
      expect(json(await operator(...args))).to.include({ modelId, already: true });
      const { models } = json(await user("model", "list", "--json")) as { models: { entry: unknown }[] };
      expect(models).to.have.lengthOf(1);
      expect(models[0]).to.have.nested.property("entry.terms.pricePerUnit", String(TOKEN / 4n));
    });

    it("refuses a package with a changed file", async () => {
      cpSync(file("model"), file("changed"), { recursive: true });
      const graph = readFileSync(join(file("changed"), "model.onnx"));
      graph[100] = (graph[100] ?? 0) ^ 1;
      writeFileSync(join(file("changed"), "model.onnx"), graph);
      const run = await operator("model", "register", file("changed"), "--price", "1", "--json");
      expect(run.exit).to.equal(1);
      expect(json(run)).to.have.nested.property("error.code", "MODEL_MISMATCH");
    });
  });

  describe("node", () => {
    const place = (endpoint = ENDPOINT): string[] => ["--endpoint", endpoint, "--vendor", file("vendor.json")];
    let nodeId: string;

    it("registers with bond and offer and writes the worker's configuration", async () => {
      writeFileSync(file("nvidia.json"), nvidiaVendorToJson(createNvidiaVendor({ now: Date.now() })));
      const gpu = ["--gpu-vendor", file("nvidia.json")];
      const run = await operator("node", "register", ...place(), ...gpu, "--model", file("model"), "--json");
      expect(run.exit).to.equal(0);
      const registered = json(run) as { nodeId: string; config: string };
      ({ nodeId } = registered);
      const config = parseWorkerConfig(JSON.parse(readFileSync(registered.config, "utf8")));
      expect(config).to.include({ nodeId, host: "127.0.0.1", port: 1, rpcUrl: local.url });
      expect(existsSync(config.device.platformFile)).to.equal(true);
      expect(nvidiaDeviceFromJson(readFileSync(config.device.gpu?.platformFile ?? "", "utf8")).kind).to.equal("gpu");
    });

    it("does nothing twice when it is repeated", async () => {
      const before = await local.chain.provider.getBlockNumber();
      const run = await operator("node", "register", ...place(), "--model", file("model"), "--json");
      expect(json(run)["nodeId"]).to.equal(nodeId);
      expect(await local.chain.provider.getBlockNumber()).to.equal(before);
    });

    const refused: Readonly<Record<string, () => string[]>> = {
      "no machine to run on": () => ["--endpoint", ENDPOINT],
      "an endpoint that is no URL": () => place("127.0.0.1:80"),
      "an endpoint with a path": () => place("http://127.0.0.1/worker"),
      "an endpoint with a slash at its end": () => place("http://127.0.0.1:8081/"),
      "two GPU files": () => [...place(), "--gpu-file", file("nvidia.json"), "--gpu-vendor", file("nvidia.json")],
      "a GPU file that is none": () => [...place(), "--gpu-file", file("nvidia.json")],
      "another TEE": () => [...place(), "--tee", "amd-sev-snp"],
      "a salt of the wrong length": () => [...place(), "--salt", "0x11"],
      "a price that is no amount": () => [...place(), "--price", "1e-3"],
    };
    for (const [what, args] of Object.entries(refused)) {
      it(`refuses ${what}`, async () => {
        const run = await operator("node", "register", ...args(), "--model", file("model"), "--json");
        expect(run.exit).to.equal(2);
        expect(json(run)).to.have.nested.property("error.code", "CONFIG_INVALID");
      });
    }

    it("is listed and shown by number and by the beginning of its id", async () => {
      const { nodes } = json(await user("nodes", "list", "--json")) as { nodes: Record<string, unknown>[] };
      expect(nodes).to.have.lengthOf(1);
      expect(nodes[0]).to.include({ number: 1, nodeId, active: false, status: "registered" });
      for (const name of ["1", nodeId.slice(0, 10), nodeId]) {
        expect(json(await user("nodes", "show", name, "--json"))["nodeId"]).to.equal(nodeId);
      }
      expect((await user("nodes", "show", "2")).exit).to.equal(2);
    });

    it("has the status 1 while the registry does not accept it, and takes no deposit", async () => {
      expect((await operator("node", "status", "1")).exit).to.equal(1);
      const run = await user("channel", "open", "--node", "1", "--amount", "1", "--json");
      expect(run.exit).to.equal(1);
      expect(json(run)).to.have.nested.property("error.code", "TX_REVERTED");
    });

    it("has the status 3 when it is active and its endpoint does not answer", async () => {
      const [record] = await listNodes(contracts);
      if (record === undefined) throw new Error("no node");
      await committee.attest(contracts, governor, record);
      const run = await operator("node", "status", "1", "--json");
      expect(run.exit).to.equal(3);
      expect(json(run)).to.include({ active: true, simulated: true, platformName: "SIMULATED intel-tdx" });
      expect(json(run)).to.have.nested.property("health.answers", false);
    });
  });

  describe("channel", () => {
    const untouched = (deposit: bigint): unknown => ({
      deposit: String(deposit),
      spent: "0",
      withdrawableAt: 0,
      listCap: "0",
    });

    it("opens, tops up and lists", async () => {
      const opened = await user("channel", "open", "--node", "1", "--amount", "1.5", "--json");
      expect(opened.exit).to.equal(0);
      await user("channel", "open", "--node", "1", "--amount", "0.5");
      const { channels } = json(await user("channel", "list", "--json")) as { channels: Record<string, unknown>[] };
      expect(channels).to.have.lengthOf(1);
      expect(channels[0]).to.include({ number: 1, deposit: String(2n * TOKEN), spent: "0", withdrawableAt: 0 });
      expect((await user("channel", "list")).out).to.match(/^1 .* 2 \S+ .* open$/m);
    });

    for (const amount of ["0", "-1", "1e18", "0.0000000000000000001", "100000000000000000000000000000"]) {
      it(`refuses an amount of ${amount}`, async () => {
        const run = await user("channel", "open", "--node", "1", `--amount=${amount}`, "--json");
        expect([run.exit, json(run)]).to.have.nested.property("[1].error.code", "CONFIG_INVALID");
      });
    }

    it("refuses more than the user has, with the token's own error", async () => {
      const run = await user("channel", "open", "--node", "1", "--amount", "1000000");
      expect(run.exit).to.equal(1);
      expect(run.err).to.match(/^TX_REVERTED: .*ERC20InsufficientBalance/m);
    });

    it("is reopened with all that was in it, once, whatever is repeated", async () => {
      await user("channel", "close", "1");
      const reopened = json(await user("channel", "reopen", "1", "--json"));
      expect(reopened).to.deep.include({ already: false, channel: untouched(2n * TOKEN) });
      expect(json(await user("channel", "reopen", "1", "--json"))).to.include({ already: true });
    });

    it("closes, waits for the thaw and takes everything back", async () => {
      const closing = await user("channel", "close", "1", "--json");
      expect([closing.exit, json(closing)["state"]]).to.deep.equal([0, "closing"]);
      const closed = await user("channel", "close", "1", "--wait", "--json");
      expect(closed.exit).to.equal(0);
      expect(json(closed)).to.include({ state: "withdrawn", withdrawn: String(2n * TOKEN) });
      expect((await user("channel", "close", "1")).exit).to.equal(2);
      const empty = await user("channel", "reopen", "1", "--json");
      expect([empty.exit, json(empty)]).to.have.nested.property("[1].error.code", "CONFIG_INVALID");
    });

    it("is missing for infer, which says how to open one", async () => {
      const run = await user("infer", "--node", "1", "--digit", "7", "--model", String(modelId), "--json");
      expect(run.exit).to.equal(2);
      expect(json(run)).to.have.nested.property("error.code", "CONFIG_MISSING");
      expect(json(run)).to.have.nested.property("error.next").that.includes("channel open");
    });
  });

  describe("node endpoint", () => {
    it("is changed by the operator alone, once, whatever is repeated", async () => {
      const args = ["node", "endpoint", "1", "http://127.0.0.1:2", "--json"];
      const run = await user(...args);
      expect([run.exit, json(run)]).to.have.nested.property("[1].error.code", "TX_REVERTED");
      expect(json(await operator(...args))).to.include({ endpoint: "http://127.0.0.1:2", already: false });
      expect(json(await operator(...args))).to.include({ endpoint: "http://127.0.0.1:2", already: true });
      expect(json(await user("nodes", "show", "1", "--json"))).to.include({ endpoint: "http://127.0.0.1:2" });
    });
  });

  describe("node unbond", () => {
    it("keeps what a live node needs", async () => {
      const run = await operator("node", "unbond", "--json");
      expect([run.exit, json(run)]).to.have.nested.property("[1].error.code", "CONFIG_INVALID");
      expect(json(run)).to.have.nested.property("error.next").that.includes("node exit");
    });

    for (const amount of ["0", "1e3", "-1"]) {
      it(`refuses an amount of ${amount}`, async () => {
        const run = await operator("node", "unbond", `--amount=${amount}`, "--json");
        expect([run.exit, json(run)]).to.have.nested.property("[1].error.code", "CONFIG_INVALID");
      });
    }

    it("refuses more than is bonded, with the contract's own error", async () => {
      const run = await operator("node", "unbond", "--amount", "1000000");
      expect(run.exit).to.equal(1);
      expect(run.err).to.match(/^TX_REVERTED: .*NodeStakeInsufficientBond/m);
    });
  });

  describe("node withdraw", () => {
    it("does nothing where there is nothing to take", async () => {
      const before = await local.chain.provider.getBlockNumber();
      const run = await operator("node", "withdraw", "--json");
      expect(run.exit).to.equal(0);
      expect(json(run)).to.deep.include({ earnings: { withdrawn: "0" }, bond: { withdrawn: "0" } });
      expect(await local.chain.provider.getBlockNumber()).to.equal(before);
    });
  });

  describe("node exit", () => {
    it("is the operator's alone", async () => {
      const run = await user("node", "exit", "1", "--json");
      expect(run.exit).to.equal(1);
      expect(json(run)).to.have.nested.property("error.code", "TX_REVERTED");
      expect((await operator("node", "exit", "1")).exit).to.equal(0);
      expect(json(await user("nodes", "show", "1", "--json"))).to.include({ active: false, status: "exited" });
    });

    it("gives the whole bond back: unbond, wait for the thaw, withdraw", async () => {
      const whole = String(DEVNET.minStake);
      const unbonding = json(await operator("node", "unbond", "--json"));
      expect(unbonding).to.include({ amount: whole, needed: "0" });
      expect(unbonding).to.have.nested.include({ "stake.bonded": "0", "stake.unbonding": whole });
      const again = json(await operator("node", "unbond", "--json"));
      expect(again).to.include({ amount: "0" });
      expect(again["stake"]).to.deep.equal(unbonding["stake"]);
      const taken = await operator("node", "withdraw", "--wait", "--json");
      expect(taken.exit).to.equal(0);
      expect(json(taken)).to.have.nested.include({ "bond.withdrawn": whole, "stake.unbonding": "0" });
      expect(await readBalance(contracts, operatorAddress)).to.equal(FUNDS);
    });
  });

  describe("profiles", () => {
    it("finds the devnet's profile under the working directory", async () => {
      const near = join(file("elsewhere"), ".cloister", "devnet");
      mkdirSync(near, { recursive: true });
      writeFileSync(join(near, "profile.json"), readFileSync(file("user.json")));
      const run = await cloister(["nodes", "list", "--json"], { cwd: file("elsewhere") });
      expect([run.exit, json(run)]).to.have.nested.property("[1].error.code", "CONFIG_MISSING");
      cpSync(file("31337.json"), join(near, "31337.json"));
      expect((await cloister(["nodes", "list"], { cwd: file("elsewhere") })).exit).to.equal(0);
    });

    it("are needed: without one the next step is told", async () => {
      const run = await cloister(["nodes", "list"], { cwd: directory });
      expect(run.exit).to.equal(2);
      expect(run.err).to.match(/^CONFIG_MISSING: .*\nnext: .*npm start.*--profile/);
    });

    it("of a chain that does not answer end with 3", async () => {
      const profile = JSON.parse(readFileSync(file("user.json"), "utf8")) as Record<string, unknown>;
      writeFileSync(file("away.json"), JSON.stringify({ ...profile, rpcUrl: "http://127.0.0.1:1" }));
      const run = await cloisterProcess(["nodes", "list", "--json", "--profile", file("away.json")], {
        cwd: directory,
      });
      expect([run.exit, json(run)]).to.have.nested.property("[1].error.code", "RPC_UNAVAILABLE");
      expect(run.exit).to.equal(3);
    });
  });
});
