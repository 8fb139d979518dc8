import { expect } from "chai";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { provisionPlatform } from "../../../offchain/device/simulated/intel/platform.ts";
import { simulatedDevice } from "../../../offchain/device/simulated/intel/quote.ts";
import { simulatedTrustRoot } from "../../../offchain/device/simulated/intel/vendor.ts";
import { toHex } from "../../../offchain/encoding/bytes.ts";
import { nodeEvidenceToJson } from "../../../offchain/verifier/node-evidence.ts";
import type { AttestationResult } from "../../../offchain/verifier/result.ts";
import { cloister, cloisterProcess, type CliRun } from "../../support/cli.ts";
import { temporaryDirectory } from "../../support/directories.ts";
import { testEvidenceFile } from "../../support/evidence-file.ts";
import { nitroChain, nitroDocument } from "../../support/nitro.ts";
import { NOW as PKI_NOW } from "../../support/pki.ts";
import { word } from "../../support/receipts.ts";
import { SIMULATED_NOW, TEST_MEASUREMENTS, testEndorsements, testVendor } from "../../support/simulated-intel.ts";
import { describeVectors, VECTORS } from "../../support/vectors.ts";

const NOW = new Date(SIMULATED_NOW).toISOString();

describe("cloister evidence verify", () => {
  const directory = temporaryDirectory();
  const place = { cwd: directory };
  const path = (name: string): string => join(directory, name);
  const write = (name: string, content: Uint8Array | string): string => {
    writeFileSync(path(name), content);
    return path(name);
  };
  const result = ({ out }: CliRun): AttestationResult => JSON.parse(out) as AttestationResult;
  let quote: Uint8Array;
  let root: string;
  let rootPem: string;
  let collateral: string;

  before(async () => {
    const vendor = testVendor();
    const platform = provisionPlatform(vendor, { tee: "intel-tdx", now: SIMULATED_NOW, name: "machine" });
    quote = await simulatedDevice(platform, TEST_MEASUREMENTS).quote(new Uint8Array(64).fill(9));
    root = write("root.json", JSON.stringify(simulatedTrustRoot(vendor)));
    rootPem = write("root.der", Buffer.from(vendor.certificates.root.slice(2), "hex"));
    write("quote.bin", quote);
    collateral = path("collateral");
    mkdirSync(collateral);
    for (const [name, part] of Object.entries(testEndorsements(vendor, platform))) {
      writeFileSync(join(collateral, name), part as Uint8Array);
    }
  });

  const verify = (file: string, ...more: string[]): Promise<CliRun> =>
    cloister(["evidence", "verify", file, "--now", NOW, "--json", ...more], place);
  const verifyTrusted = (file: string, ...more: string[]): Promise<CliRun> =>
    verify(file, "--endorsements", collateral, "--trust-root", root, ...more);

  it("affirms evidence of a simulated vendor whose root is given, and says SIMULATED first", async () => {
    const args = ["evidence", "verify", path("quote.bin"), "--endorsements", collateral];
    const run = await cloisterProcess([...args, "--trust-root", root, "--now", NOW], place);
    expect(run).to.include({ exit: 0, err: "" });
    expect(run.out).to.match(/^SIMULATED .*\naffirming {2}intel-tdx, TCB UpToDate\n/);
    expect(run.out).to.match(/^PASS {2}quote-signature .*\[.*\]$/m);
  });

  it("prints the attestation result as one JSON document", async () => {
    const args = ["evidence", "verify", path("quote.bin"), "--endorsements", collateral, "--json"];
    const run = await cloisterProcess([...args, "--trust-root", root, "--now", NOW], place);
    expect(run).to.include({ exit: 0, err: "" });
    expect(Object.keys(result(run))).to.have.members([
      "verdict",
      "simulated",
      "platform",
      "claims",
      "checks",
      "failures",
      "trustworthiness",
    ]);
    expect(result(run)).to.include({ verdict: "affirming", simulated: true, platform: "intel-tdx" });
    expect(result(run).claims?.measurements["mrtd"]).to.equal(TEST_MEASUREMENTS.mrtd.slice(2));
  });

  it("affirms an AWS Nitro attestation document without any endorsement", async () => {
    const chain = nitroChain();
    const document = write("document.cbor", nitroDocument(chain));
    const aws = write("aws.der", chain.cabundle[0]!);
    const now = new Date(PKI_NOW).toISOString();
    const args = ["evidence", "verify", document, "--now", now, "--json"];
    const run = await cloister([...args, "--trust-root", aws], place);
    expect(run).to.include({ exit: 0, err: "" });
    expect(result(run)).to.include({ verdict: "affirming", simulated: true, platform: "aws-nitro" });
    const others = [chain.trustRoot, { ...chain.trustRoot, spkiSha256: "00".repeat(32) }];
    const list = write("roots.json", JSON.stringify(others.toReversed()));
    expect((await cloister([...args, "--trust-root", list], place)).exit).to.equal(0);
    const broken = await cloister([...args, "--trust-root", write("broken.json", "[1]")], place);
    expect([broken.exit, (JSON.parse(broken.out) as { error: { code: string } }).error.code]).to.deep.equal([
      2,
      "CONFIG_INVALID",
    ]);
    const untrusted = await cloister(args, place);
    expect(untrusted.exit).to.equal(1);
    expect(result(untrusted).failures[0]).to.include({ id: "document-chain", code: "CHAIN_UNTRUSTED" });
  });

  describe("of one quote in several forms", () => {
    const forms: Readonly<Record<string, () => string>> = {
      "hex with 0x": () => toHex(quote),
      "upper-case hex in lines": () => Buffer.from(quote).toString("hex").toUpperCase().replaceAll(/.{64}/g, "$&\n"),
      base64: () => Buffer.from(quote).toString("base64"),
      "base64 in lines": () => `${Buffer.from(quote).toString("base64").replaceAll(/.{76}/g, "$&\n")}\n`,
      base64url: () => Buffer.from(quote).toString("base64url"),
    };
    for (const [name, form] of Object.entries(forms)) {
      it(`reads ${name}`, async () => {
        const run = await verifyTrusted(write("quote.txt", form()));
        expect([run.exit, result(run).verdict]).to.deep.equal([0, "affirming"]);
      });
    }
  });

  describe("refuses", () => {
    it("a simulated vendor whose root was not given", async () => {
      const args = ["evidence", "verify", path("quote.bin"), "--endorsements", collateral, "--now", NOW, "--json"];
      const run = await cloisterProcess(args, place);
      expect([run.exit, result(run).verdict, result(run).simulated]).to.deep.equal([1, "contraindicated", false]);
      expect(result(run).failures.map(({ code }) => code)).to.include("CHAIN_UNTRUSTED");
    });

    it("one flipped byte anywhere in the quote", async () => {
      for (const offset of [0, 4, 47, 60, 300, 600, quote.length - 700]) {
        const broken = Uint8Array.from(quote, (byte, index) => (index === offset ? byte ^ 0xff : byte));
        const run = await verifyTrusted(write("broken.bin", broken));
        expect([offset, run.exit, result(run).verdict]).to.deep.equal([offset, 1, "contraindicated"]);
      }
    });

    it("a quote that was cut off, and bytes of no known format", async () => {
      for (const bytes of [quote.subarray(0, 700), new Uint8Array(64).fill(0xee)]) {
        const run = await verifyTrusted(write("broken.bin", bytes));
        expect([run.exit, result(run).verdict, result(run).platform]).to.deep.equal([1, "contraindicated", null]);
      }
    });

    it("evidence without its endorsements: the required checks were not made", async () => {
      const run = await verify(path("quote.bin"), "--trust-root", root);
      expect([run.exit, result(run).verdict]).to.deep.equal([1, "none"]);
      expect(result(run).failures.map(({ code }) => code)).to.include("NOT_CHECKED");
    });

    it("evidence whose endorsements lack one part", async () => {
      const fewer = path("fewer");
      mkdirSync(fewer);
      for (const name of ["tcbInfo", "tcbSigningChain", "pckCrl", "pckCrlIssuerChain", "rootCaCrl"]) {
        writeFileSync(join(fewer, name), readFileSync(join(collateral, name)));
      }
      const run = await verify(path("quote.bin"), "--endorsements", fewer, "--trust-root", root);
      expect([run.exit, result(run).verdict]).to.deep.equal([1, "none"]);
      rmSync(fewer, { recursive: true });
    });

    it("evidence that the policy does not accept", async () => {
      const policy = write("policy.json", JSON.stringify({ allowSimulated: true, platforms: ["intel-sgx"] }));
      const run = await verifyTrusted(path("quote.bin"), "--policy", policy);
      expect([run.exit, result(run).verdict]).to.deep.equal([1, "contraindicated"]);
      expect(result(run).failures.map(({ id }) => id)).to.deep.equal(["platform"]);
    });

    it("evidence when its endorsements have expired", async () => {
      const run = await verifyTrusted(path("quote.bin"), "--now", "2029-01-01T00:00:00Z");
      expect([run.exit, result(run).verdict]).to.deep.equal([1, "none"]);
    });
  });

  it("takes a root certificate for a simulated vendor's", async () => {
    const run = await verify(path("quote.bin"), "--endorsements", collateral, "--trust-root", rootPem);
    expect([run.exit, result(run).simulated]).to.deep.equal([0, true]);
  });

  describe("of what a worker says of itself", () => {
    let nodeJson: Record<string, unknown>;
    let domain: readonly string[];

    const outcomes = (run: CliRun): Readonly<Record<string, string>> =>
      Object.fromEntries(result(run).checks.map(({ id, outcome }) => [id, outcome]));
    const verifyNode = (json: unknown, ...more: string[]): Promise<CliRun> =>
      verifyTrusted(write("node.json", JSON.stringify(json)), ...more);

    before(async () => {
      const { nodeEvidence, chain } = await testEvidenceFile(testVendor());
      nodeJson = nodeEvidenceToJson(nodeEvidence);
      domain = ["--registry", chain.nodeRegistry, "--chain-id", String(chain.chainId)];
    });

    it("verifies the evidence inside, and says that the binding was not checked", async () => {
      const run = await verifyNode(nodeJson);
      expect([run.exit, result(run).verdict]).to.deep.equal([0, "affirming"]);
      expect(outcomes(run)).to.include({ binding: "none", anchor: "none", "quote-signature": "pass" });
    });

    it("verifies the whole against a registry", async () => {
      const run = await verifyNode(nodeJson, ...domain);
      expect([run.exit, result(run).verdict]).to.deep.equal([0, "affirming"]);
      const expected = { possession: "pass", "declared-platform": "pass", "report-data": "pass", anchor: "none" };
      expect(outcomes(run)).to.include(expected).and.not.have.property("binding");
    });

    it("prints every check as a line", async () => {
      const args = ["evidence", "verify", write("node.json", JSON.stringify(nodeJson)), "--endorsements", collateral];
      const run = await cloister([...args, "--trust-root", root, "--now", NOW], place);
      expect(run.out).to.match(/^SKIP {2}binding .*$/m);
    });

    const refused: Readonly<Record<string, readonly [codes: readonly string[], run: () => Promise<CliRun>]>> = {
      "another registry": [
        ["SIGNATURE_INVALID", "BINDING_MISMATCH"],
        () => verifyNode(nodeJson, "--registry", `0x${"11".repeat(20)}`, "--chain-id", domain[3] ?? ""),
      ],
      "another chain": [
        ["SIGNATURE_INVALID", "BINDING_MISMATCH"],
        () => verifyNode(nodeJson, "--registry", domain[1] ?? "", "--chain-id", "1"),
      ],
      "another anchor": [
        ["BINDING_MISMATCH"],
        () => verifyNode({ ...nodeJson, anchor: { blockNumber: "1235", blockHash: word(0xbb) } }, ...domain),
      ],
      "another platform than it says": [
        ["BINDING_MISMATCH"],
        () => verifyNode({ ...nodeJson, platform: "intel-sgx" }, ...domain),
      ],
    };
    for (const [what, [codes, run]] of Object.entries(refused)) {
      it(`refuses ${what}`, async () => {
        const done = await run();
        expect([done.exit, result(done).verdict]).to.deep.equal([1, "contraindicated"]);
        expect(result(done).failures.map(({ code }) => code)).to.deep.equal(codes);
      });
    }

    it("cannot be read without one of its members", async () => {
      const { possession: _, ...rest } = nodeJson;
      expect((await verifyNode(rest)).exit).to.equal(2);
    });

    it("is asked for where a registry is named", async () => {
      expect((await verifyTrusted(path("quote.bin"), ...domain)).exit).to.equal(2);
      expect((await verifyNode(nodeJson, ...domain.slice(0, 2))).exit).to.equal(2);
    });
  });

  describe("calls unreadable", () => {
    const cases: Readonly<Record<string, () => readonly string[]>> = {
      "a missing file": () => [path("nothing.bin")],
      "an empty file": () => [write("empty.bin", "")],
      "a directory in place of the file": () => [collateral],
      "missing endorsements": () => [path("quote.bin"), "--endorsements", path("nowhere")],
      "a JSON object that is no node evidence": () => [write("other.json", '{"schema":"other/1"}')],
      "endorsements that are none": () => [path("quote.bin"), "--endorsements", root],
      "a policy with an unknown member": () => [
        path("quote.bin"),
        "--policy",
        write("policy.json", '{"allowEverything":true}'),
      ],
      "a policy that is no JSON": () => [path("quote.bin"), "--policy", write("policy.json", "{")],
      "a trust root that is none": () => [path("quote.bin"), "--trust-root", path("quote.bin")],
    };
    for (const [what, args] of Object.entries(cases)) {
      it(what, async () => {
        const [file = "", ...more] = args();
        const run = await verify(file, ...more);
        expect(run.exit).to.equal(2);
        expect(JSON.parse(run.out))
          .to.have.nested.property("error.code")
          .that.matches(/^CONFIG_/);
      });
    }
  });
});

const QUOTES = [
  ["Intel SGX v3", "intel-sgx", "dcap/Phala-Network__dcap-qvl/quote-v3-sgx-f8b81014b6e4.bin", "2025-07-04T10:28:44Z"],
  ["Intel TDX v4", "intel-tdx", "dcap/google__go-tdx-guest/quote-v4-tdx10-00b2526ab190.bin", "2026-02-11T09:25:52Z"],
] as const;
const COLLATERAL = "dcap/collateral";

describeVectors(
  "cloister evidence verify on published quotes",
  [COLLATERAL, ...QUOTES.map(([, , file]) => file)],
  () => {
    for (const [name, platform, file, now] of QUOTES) {
      it(`accepts ${name} under the vendor's root`, async () => {
        const args = ["evidence", "verify", file, "--endorsements", COLLATERAL, "--now", now, "--json"];
        const run = await cloisterProcess(args, { cwd: VECTORS });
        const result = JSON.parse(run.out) as AttestationResult;
        expect(run.exit).to.equal(0);
        expect(result).to.include({ platform, simulated: false });
        expect(["affirming", "warning"]).to.include(result.verdict);
      });
    }
  },
);
