import { expect } from "chai";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { writeProfile } from "../../../offchain/client/profile.ts";
import { createPcsHandler } from "../../../offchain/device/simulated/intel/pcs-server.ts";
import { provisionPlatform } from "../../../offchain/device/simulated/intel/platform.ts";
import { simulatedDevice } from "../../../offchain/device/simulated/intel/quote.ts";
import { createSimulatedVendor, simulatedTrustRoot } from "../../../offchain/device/simulated/intel/vendor.ts";
import { VENDOR_SERVICES } from "../../../offchain/endorsements/services.ts";
import { DEFAULT_POLICY } from "../../../offchain/verifier/policy.ts";
import { cloister, type CliRun } from "../../support/cli.ts";
import { temporaryDirectory } from "../../support/directories.ts";
import { nitroChain, nitroDocument } from "../../support/nitro.ts";
import { TEST_MEASUREMENTS } from "../../support/simulated-intel.ts";
import { startVendorService, type TestService } from "../../support/vendor-service.ts";

describe("cloister endorsements", function () {
  this.timeout(120_000);
  const directory = temporaryDirectory();
  const path = (name: string): string => join(directory, name);
  let service: TestService;
  let root: string;

  before(async () => {
    service = await startVendorService();
    const vendor = createSimulatedVendor({ now: Date.now() });
    const platform = provisionPlatform(vendor, { tee: "intel-sgx", now: Date.now() });
    writeFileSync(path("quote.bin"), await simulatedDevice(platform, TEST_MEASUREMENTS).quote(new Uint8Array(64)));
    writeFileSync(path("document.cbor"), nitroDocument(nitroChain()));
    root = path("root.json");
    writeFileSync(root, JSON.stringify(simulatedTrustRoot(vendor)));
    const handle = createPcsHandler({ vendor: () => vendor, now: Date.now });
    service.answerWith((target) => {
      const { pathname, searchParams } = new URL(target, "http://service");
      return handle(pathname, searchParams);
    });
    for (const name of ["first", "second"]) profile(name);
  });

  after(async () => service.close());

  function profile(name: string): void {
    mkdirSync(path(name));
    writeProfile(join(path(name), "profile.json"), {
      name,
      rpcUrl: "http://127.0.0.1:9",
      deployments: path(name),
      endorsements: { ...VENDOR_SERVICES, pcs: service.url },
      trustRoots: [],
      policy: DEFAULT_POLICY,
      keyFile: path("key"),
      dataDir: join(path(name), "data"),
    });
  }

  const run = (name: string, ...args: readonly string[]): Promise<CliRun> =>
    cloister(["endorsements", ...args, "--json"], { cwd: directory, profile: join(path(name), "profile.json") });
  interface Told {
    readonly documents: readonly { readonly what: string; readonly holds: boolean; readonly validUntil: string }[];
    readonly needs: readonly { readonly what: string; readonly state: string; readonly required: boolean }[];
  }
  const told = ({ out }: CliRun): Told => JSON.parse(out) as Told;
  const verify = (...args: readonly string[]): Promise<CliRun> =>
    cloister(["evidence", "verify", path("quote.bin"), "--trust-root", root, ...args], { cwd: directory });

  it("says what is missing, gets and exports it, and says that it holds", async () => {
    expect(await run("first", "status")).to.include({ exit: 0 });
    const before = await run("first", "status", "--evidence", path("quote.bin"));
    expect(before.exit).to.equal(1);
    expect(told(before).needs.map(({ state, required }) => [state, required])).to.deep.equal(
      Array.from({ length: 4 }, () => ["missing", true]),
    );

    const exported = await run("first", "export", path("all.json"), "--evidence", path("quote.bin"));
    expect(exported.exit, exported.out).to.equal(0);
    const after = await run("first", "status", "--evidence", path("quote.bin"));
    expect(after.exit).to.equal(0);
    expect(told(after).needs.map(({ state }) => state)).to.deep.equal(Array.from({ length: 4 }, () => "held"));
    expect(
      told(after).documents.every(({ holds, validUntil }) => holds && Date.parse(validUntil) > Date.now()),
    ).to.equal(true);
    expect(service.requests).to.have.length(4);
  });

  it("carries everything to where no service is asked", async () => {
    service.forget();
    const imported = await run("second", "import", path("all.json"));
    expect(JSON.parse(imported.out)).to.deep.equal({ documents: 4 });
    expect((await run("second", "status", "--evidence", path("quote.bin"))).exit).to.equal(0);
    const again = await run("second", "export", path("again.json"));
    expect(again.exit).to.equal(0);
    expect(JSON.parse(readFileSync(path("again.json"), "utf8"))).to.deep.equal(
      JSON.parse(readFileSync(path("all.json"), "utf8")),
    );
    expect(service.requests).to.deep.equal([]);
  });

  it("verifies evidence with the exported file, and with what it fetches, but not without", async () => {
    expect((await verify("--endorsements", path("all.json"))).exit).to.equal(0);
    const profileFile = join(path("first"), "profile.json");
    expect((await verify("--fetch", "--profile", profileFile)).exit).to.equal(0);
    expect((await verify()).exit).to.equal(1);
  });

  it("writes and reads one file for each document in a directory", async () => {
    mkdirSync(path("parts"));
    expect((await run("first", "export", path("parts"))).exit).to.equal(0);
    expect(readdirSync(path("parts"))).to.have.length(4);
    expect((await verify("--endorsements", path("parts"))).exit).to.equal(0);
    expect(JSON.parse((await run("second", "import", path("parts"))).out)).to.deep.equal({ documents: 4 });
  });

  it("needs nothing for evidence that carries all", async () => {
    const { exit, out } = await run("first", "status", "--evidence", path("document.cbor"));
    expect([exit, told({ exit, out, err: "" }).needs]).to.deep.equal([0, []]);
  });

  it("shows people what holds and what is needed", async () => {
    const place = { cwd: directory, profile: join(path("first"), "profile.json") };
    const { out } = await cloister(["endorsements", "status", "--evidence", path("quote.bin")], place);
    expect(out).to.match(/^holds +pcs +SGX TCB info of the FMSPC 51ad00000001 +20\d\d-/m);
    expect(out).to.match(/^held +revocation list of Intel's root +http:/m);
  });

  it("takes nothing that is no export", async () => {
    const good = JSON.parse(readFileSync(path("all.json"), "utf8")) as {
      format: string;
      documents: Record<string, unknown>[];
    };
    const [document] = good.documents;
    const changes = [{ body: "§" }, { body: "" }, { fetchedAt: "soon" }, { url: 1 }, { chain: 1 }];
    const wrong = [{}, { ...good, format: "cloister-endorsements/2" }, { format: "cloister-endorsements/1" }, []];
    const documents = changes.map((change) => ({
      format: good.format,
      documents: [Object.assign({}, document, change)],
    }));
    for (const value of [...wrong, ...documents]) {
      writeFileSync(path("wrong.json"), JSON.stringify(value));
      const { exit, out } = await run("second", "import", path("wrong.json"));
      expect(exit, JSON.stringify(value).slice(0, 80)).to.equal(2);
      expect(out).to.contain("CONFIG_INVALID");
    }
    expect((await run("second", "import", path("none.json"))).exit).to.equal(2);
  });
});
