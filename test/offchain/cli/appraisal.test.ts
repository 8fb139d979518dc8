import { expect } from "chai";
import { generateKeyPairSync } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { provisionPlatform } from "../../../offchain/device/simulated/intel/platform.ts";
import { simulatedDevice } from "../../../offchain/device/simulated/intel/quote.ts";
import { simulatedTrustRoot } from "../../../offchain/device/simulated/intel/vendor.ts";
import { nodeEvidenceToJson } from "../../../offchain/verifier/node-evidence.ts";
import { cloister, type CliRun } from "../../support/cli.ts";
import { temporaryDirectory } from "../../support/directories.ts";
import { testEvidenceFile } from "../../support/evidence-file.ts";
import { samples } from "../../support/results.ts";
import { SIMULATED_NOW, TEST_MEASUREMENTS, testEndorsements, testVendor } from "../../support/simulated-intel.ts";

/** A JSON document whose members the tests name. */
type Loose = ReturnType<typeof JSON.parse>;

const DAY = 86_400_000;
const isoOf = (time: number): string => new Date(time).toISOString();
const NOW = isoOf(SIMULATED_NOW);

describe("the command line, on appraisal", () => {
  const directory = temporaryDirectory();
  const path = (name: string): string => join(directory, name);
  const write = (name: string, content: Uint8Array | string): string => {
    writeFileSync(path(name), content);
    return path(name);
  };
  const run = async (...args: string[]): Promise<{ exit: number; json: Loose; out: string }> => {
    const done: CliRun = await cloister([...args, "--json"], { cwd: directory });
    return { exit: done.exit, json: JSON.parse(done.out), out: done.out };
  };
  let quote: string;
  let root: string;
  let collateral: string;
  let later: string;

  before(async () => {
    const vendor = testVendor();
    const platform = provisionPlatform(vendor, { tee: "intel-tdx", now: SIMULATED_NOW, name: "machine" });
    quote = write("quote.bin", await simulatedDevice(platform, TEST_MEASUREMENTS).quote(new Uint8Array(64).fill(9)));
    root = write("root.json", JSON.stringify(simulatedTrustRoot(vendor)));
    const put = (name: string, parts: object): string => {
      mkdirSync(path(name));
      for (const [part, bytes] of Object.entries(parts)) writeFileSync(join(path(name), part), bytes as Uint8Array);
      return path(name);
    };
    collateral = put("collateral", testEndorsements(vendor, platform));
    later = put("later", testEndorsements(vendor, platform, { now: SIMULATED_NOW + 5 * DAY }));
  });

  describe("evidence inspect", () => {
    it("shows every field of each family, and says that nothing was verified", async () => {
      for (const { name, evidence } of await samples()) {
        const { exit, json } = await run("evidence", "inspect", write("evidence.bin", evidence));
        expect([exit, json.verified, json.platform, json.length]).to.deep.equal([0, false, name, evidence.length]);
        expect(Object.keys(json.fields).length).to.be.greaterThan(5);
        expect(JSON.stringify(json.fields)).to.not.include("undefined");
      }
      const { json } = await run("evidence", "inspect", quote);
      expect(json.fields.body.mrtd).to.equal(TEST_MEASUREMENTS.mrtd.slice(2));
      expect(json.fields.body.reportData).to.equal("09".repeat(64));
      expect(json.fields.certification.certificationData[0]).to.include.keys("subject", "notAfter", "serial");
    });

    it("says so to people in its first line, with one field a line", async () => {
      const { exit, out } = await cloister(["evidence", "inspect", quote], { cwd: directory });
      expect(exit).to.equal(0);
      expect(out).to.match(/^NOT VERIFIED .*\nintel-tdx {2}/);
      expect(out).to.match(/^body\.rtmr\[3\] {2}(?:a3)+$/m);
    });

    it("reads what a worker says of itself", async () => {
      const { nodeEvidence } = await testEvidenceFile(testVendor());
      const file = write("node.json", JSON.stringify(nodeEvidenceToJson(nodeEvidence)));
      const { exit, json } = await run("evidence", "inspect", file);
      expect([exit, json.platform]).to.deep.equal([0, "intel-tdx"]);
    });

    it("refuses what is no evidence", async () => {
      expect((await run("evidence", "inspect", write("bad.bin", new Uint8Array(64).fill(0xee)))).exit).to.equal(1);
      expect((await run("evidence", "inspect", write("bad.json", "{}"))).exit).to.equal(2);
    });
  });

  describe("evidence explain", () => {
    const explain = (...more: string[]): ReturnType<typeof run> =>
      run("evidence", "explain", quote, "--endorsements", collateral, "--trust-root", root, "--at", NOW, ...more);

    it("says of one judgement why it came out so, and how long each endorsement holds", async () => {
      const { exit, json } = await explain();
      expect([exit, json.verdict, json.reasons]).to.deep.equal([0, "affirming", []]);
      expect(
        json.endorsements.map(({ name, state }: { name: string; state: string }) => [name, state]).sort(),
      ).to.deep.equal([
        ["pckCrl", "valid"],
        ["pckCrlIssuerChain", "valid"],
        ["qeIdentity", "valid"],
        ["rootCaCrl", "valid"],
        ["tcbInfo", "valid"],
        ["tcbSigningChain", "valid"],
      ]);
    });

    it("names the endorsement by which yesterday's quote fails today", async () => {
      const { exit, json } = await explain("--at2", isoOf(SIMULATED_NOW + 60 * DAY));
      expect([exit, json.before.verdict, json.after.verdict]).to.deep.equal([1, "affirming", "none"]);
      const changes = json.changes.map(({ id, before, after, endorsements }: Loose) => [
        id,
        before?.outcome,
        after?.outcome,
        endorsements,
      ]);
      expect(changes).to.deep.include(["tcb-info", "pass", "fail", ["tcbInfo"]]);
      expect(changes).to.deep.include(["pck-revocation", "pass", "fail", ["pckCrl"]]);
      const reason = json.after.reasons.find(({ id }: { id: string }) => id === "tcb-info");
      expect([reason.code, reason.tier]).to.deep.equal(["ENDORSEMENT_EXPIRED", "none"]);
      const state = json.after.endorsements.find(({ name }: { name: string }) => name === "tcbInfo");
      expect(state.state).to.equal("expired");
    });

    it("finds that newer endorsements mend it", async () => {
      const then = isoOf(SIMULATED_NOW + 33 * DAY);
      const { exit, json } = await explain("--at", then, "--endorsements2", later);
      expect([exit, json.before.verdict, json.after.verdict]).to.deep.equal([0, "none", "affirming"]);
    });

    it("compares two files, and says what a policy has against one", async () => {
      const bytes = (await samples()).find(({ name }) => name === "intel-sgx")!.evidence;
      const policy = write("sgx.json", JSON.stringify({ allowSimulated: true, platforms: ["intel-tdx"] }));
      const { exit, json } = await run(
        "evidence",
        "explain",
        quote,
        write("sgx.bin", bytes),
        "--endorsements",
        collateral,
        "--trust-root",
        root,
        "--at",
        NOW,
        "--policy",
        policy,
      );
      expect([exit, json.before.verdict]).to.deep.equal([1, "affirming"]);
      expect(json.changes.map(({ id }: { id: string }) => id)).to.include("platform");
    });

    it("tells people as well", async () => {
      const args = ["evidence", "explain", quote, "--endorsements", collateral, "--trust-root", root, "--at", NOW];
      const { exit, out } = await cloister([...args, "--at2", isoOf(SIMULATED_NOW + 60 * DAY)], { cwd: directory });
      expect(exit).to.equal(1);
      expect(out).to.match(
        /^CHANGED {2}tcb-info \(decided by tcbInfo\)\n {2}before {2}pass: .*\n {2}after {3}fail: .*\n {2}tcbInfo is expired/m,
      );
    });
  });

  describe("evidence verify, with EAR", () => {
    const pair = generateKeyPairSync("ec", { namedCurve: "P-384" });
    const keyFile = (): string => write("key.pem", pair.privateKey.export({ type: "pkcs8", format: "pem" }).toString());
    const publicFile = (): string =>
      write("key.pub", pair.publicKey.export({ type: "spki", format: "pem" }).toString());
    const verify = (...more: string[]): ReturnType<typeof run> =>
      run("evidence", "verify", quote, "--endorsements", collateral, "--trust-root", root, "--now", NOW, ...more);

    it("signs a result, and verifies what was signed", async () => {
      const signed = await verify("--sign-ear", keyFile());
      expect([signed.exit, signed.json.ear.ear_status]).to.deep.equal([0, "affirming"]);
      const token = write("token.jwt", `${signed.json.token}\n`);
      const read = await run("evidence", "verify", token, "--ear", "--key", publicFile(), "--now", NOW);
      expect([read.exit, read.json.holds]).to.deep.equal([0, true]);
      expect(read.json.ear).to.deep.equal(signed.json.ear);
      const text = await cloister(["evidence", "verify", token, "--ear", "--key", publicFile(), "--now", NOW], {
        cwd: directory,
      });
      expect(text.out).to.match(
        /^affirming {2}said by cloister, .*\nintel-tdx {2}affirming {2}SIMULATED\n {2}instance-identity {2}-2 \(affirming\)/,
      );
    });

    it("prints the token alone", async () => {
      const args = ["evidence", "verify", quote, "--endorsements", collateral, "--trust-root", root, "--now", NOW];
      const { out } = await cloister([...args, "--sign-ear", keyFile()], { cwd: directory });
      expect(out).to.match(/^[\w-]+\.[\w-]+\.[\w-]+\n$/);
    });

    it("signs that evidence is refused, and exits as the verdict says", async () => {
      const signed = await verify(
        "--sign-ear",
        keyFile(),
        "--policy",
        write("none.json", '{"platforms":["aws-nitro"],"allowSimulated":true}'),
      );
      expect([signed.exit, signed.json.ear.ear_status]).to.deep.equal([1, "contraindicated"]);
      const token = write("refused.jwt", signed.json.token);
      const read = await run("evidence", "verify", token, "--ear", "--key", publicFile(), "--now", NOW);
      expect([read.exit, read.json.holds]).to.deep.equal([1, true]);
    });

    it("refuses a token that is late or of another verifier", async () => {
      const token = write("token.jwt", (await verify("--sign-ear", keyFile())).json.token);
      const late = await run(
        "evidence",
        "verify",
        token,
        "--ear",
        "--key",
        publicFile(),
        "--now",
        isoOf(SIMULATED_NOW + 400 * DAY),
      );
      expect([late.exit, late.json.holds, late.json.code]).to.deep.equal([1, false, "EVIDENCE_STALE"]);
      const other = generateKeyPairSync("ec", { namedCurve: "P-384" }).publicKey.export({
        type: "spki",
        format: "pem",
      });
      const foreign = await run(
        "evidence",
        "verify",
        token,
        "--ear",
        "--key",
        write("other.pub", other.toString()),
        "--now",
        NOW,
      );
      expect([foreign.exit, foreign.json.code]).to.deep.equal([1, "SIGNATURE_INVALID"]);
      const raw = await run("evidence", "verify", quote, "--ear", "--key", publicFile(), "--now", NOW);
      expect([raw.exit, raw.json.code]).to.deep.equal([1, "EVIDENCE_MALFORMED"]);
    });

    it("calls wrong usage what does not go together, and keys that are none", async () => {
      for (const more of [
        ["--ear"],
        ["--key", publicFile()],
        ["--ear", "--key", publicFile(), "--sign-ear", keyFile()],
        ["--sign-ear", publicFile()],
        ["--ear", "--key", keyFile()],
      ]) {
        const { exit, json } = await verify(...more);
        expect([more.join(" "), exit, json.error.code]).to.deep.equal([more.join(" "), 2, "CONFIG_INVALID"]);
      }
    });

    it("says the trustworthiness of the node in its own result", async () => {
      expect((await verify()).json.trustworthiness["intel-tdx"]).to.include({ hardware: -2, executables: 0 });
    });

    it("judges by the layers of a policy file", async () => {
      const policy = {
        layers: {
          vendor: { allowSimulated: true },
          community: { allowSimulated: true, deny: { platforms: ["intel-tdx"] } },
        },
      };
      const { exit, json } = await verify("--policy", write("layers.json", JSON.stringify(policy)));
      expect(exit).to.equal(1);
      expect(json.failures.map(({ id, layer }: Loose) => [id, layer])).to.deep.equal([["deny-list", "community"]]);
    });
  });

  describe("policy check", () => {
    it("warns of weak choices, and still accepts the policy", async () => {
      const policy = { measurements: [{ mrsigner: "ab".repeat(32) }], allowSimulated: true, allowDebug: true };
      const { exit, json } = await run("policy", "check", write("weak.json", JSON.stringify(policy)));
      const ids = json.warnings.map(({ id }: { id: string }) => id);
      expect(exit).to.equal(0);
      expect(ids).to.include.members(["signer-only", "simulated", "debug"]);
      expect(json.id).to.match(/^ni:\/\/\/sha-256;/);
      expect(json.policy).to.include({ allowDebug: true, endorsements: "required" });
    });

    it("refuses what is no policy, and says where", async () => {
      const { exit, json } = await run("policy", "check", write("bad.json", '{"deny":{"platforms":["x"]}}'));
      expect([exit, json.error.code]).to.deep.equal([2, "CONFIG_INVALID"]);
      expect(json.error.message).to.match(/^policy\.deny\.platforms\[0\] /);
      expect((await run("policy", "check", path("nothing.json"))).exit).to.equal(2);
    });
  });

  describe("policy diff", () => {
    const diff = (before: object, after: object): ReturnType<typeof run> =>
      run("policy", "diff", write("a.json", JSON.stringify(before)), write("b.json", JSON.stringify(after)));

    it("says what became stricter or looser, and what both together are", async () => {
      const { exit, json } = await diff({ platforms: ["intel-tdx"] }, { allowDebug: true, revocation: "required" });
      expect([exit, json.change]).to.deep.equal([0, "different"]);
      expect(json.changes.map(({ path: at, change }: Loose) => [at, change])).to.deep.equal([
        ["policy.revocation", "stricter"],
        ["policy.platforms", "looser"],
        ["policy.allowDebug", "looser"],
      ]);
      expect((await diff({}, { revocation: "required" })).json.change).to.equal("stricter");
      expect((await diff({}, {})).json).to.deep.equal({ change: "same", changes: [] });
    });

    it("refuses what is no policy", async () => expect((await diff({}, { x: 1 })).exit).to.equal(2));
  });
});
