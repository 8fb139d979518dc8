import { expect } from "chai";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { simulatedTrustRoot } from "../../../offchain/device/simulated/intel/vendor.ts";
import type { Check } from "../../../offchain/evidence/scheme.ts";
import { cloister, cloisterProcess, type CliRun } from "../../support/cli.ts";
import { temporaryDirectory } from "../../support/directories.ts";
import { testEvidenceJson } from "../../support/evidence-file.ts";
import { testVendor } from "../../support/simulated-intel.ts";

type Json = Record<string, unknown>;

/** What a check prints under --json. */
interface Found {
  readonly holds: boolean;
  readonly simulated: boolean;
  readonly checks: readonly Check[];
}

describe("cloister check", () => {
  const directory = temporaryDirectory();
  const place = { cwd: directory };
  const path = (name: string): string => join(directory, name);
  const write = (name: string, json: unknown): string => {
    writeFileSync(path(name), JSON.stringify(json));
    return path(name);
  };
  const found = ({ out }: CliRun): Found => JSON.parse(out) as Found;
  const failed = (run: CliRun): readonly string[] =>
    found(run)
      .checks.filter(({ id, outcome }) => outcome !== "pass" && !id.startsWith("hardware/") && id !== "settlement")
      .map(({ id }) => id);
  let genuine: Json;
  let root: string;

  before(async () => {
    const vendor = testVendor();
    genuine = await testEvidenceJson(vendor);
    root = write("root.json", simulatedTrustRoot(vendor));
  });

  const checkOf = (json: unknown, ...more: string[]): Promise<CliRun> =>
    cloister(["check", write("file.json", json), "--trust-root", root, "--json", ...more], place);

  describe("of a genuine file", () => {
    it("holds, says SIMULATED first and labels every check", async () => {
      const run = await cloisterProcess(["check", write("genuine.json", genuine), "--trust-root", root], place);
      const [first = "", second = "", ...lines] = run.out.trimEnd().split("\n");
      expect(run.exit).to.equal(0);
      expect(run.err).to.equal("");
      expect(first).to.match(/^SIMULATED /);
      expect(second).to.match(/^HOLDS /);
      expect(lines.every((line) => /^(?:PASS|SKIP) {2}\S+ .*\[.+\]$/.test(line))).to.equal(true);
      expect(lines.filter((line) => line.includes(" settlement ")).join()).to.match(/^SKIP/);
    });

    it("gives the same as one JSON document", async () => {
      const run = await checkOf(genuine);
      expect(run.exit).to.equal(0);
      expect(found(run)).to.include({ holds: true, simulated: true });
      expect(failed(run)).to.deep.equal([]);
    });

    it("is refused without the simulated vendor's root", async () => {
      const run = await cloister(["check", write("file.json", genuine), "--json"], place);
      expect(run.exit).to.equal(1);
      expect(failed(run)).to.deep.equal(["appraisal", "simulated-label"]);
      expect(found(run).simulated).to.equal(false);
    });

    it("is refused by a policy that does not allow simulated evidence, whatever roots are given", async () => {
      const policy = write("policy.json", { allowSimulated: false });
      expect((await checkOf(genuine, "--policy", policy)).exit).to.equal(1);
    });

    it("is refused at a time when its endorsements have expired", async () => {
      const run = await checkOf(genuine, "--now", "2029-01-01T00:00:00Z");
      expect(run.exit).to.equal(1);
      expect(failed(run)).to.deep.equal(["appraisal", "simulated-label"]);
    });

    it("does not hold without the data, because a required check was not made", async () => {
      const { request } = genuine as { request: Json };
      const run = await checkOf({ ...genuine, request: { salt: request["salt"] } });
      expect(run.exit).to.equal(1);
      expect(failed(run)).to.deep.equal(["input"]);
    });
  });

  describe("of a changed file", () => {
    /** Every signed or committed member, and the checks that must notice the change. */
    const CHANGES: Readonly<Record<string, readonly string[]>> = {
      simulated: ["simulated-label"],
      "chain.chainId": ["appraisal", "binding", "voucher", "receipt"],
      "chain.nodeRegistry": ["appraisal", "binding"],
      "chain.inferenceEscrow": ["voucher", "receipt"],
      "nodeEvidence.evidence": ["appraisal", "simulated-label", "receipt"],
      "nodeEvidence.binding.nodeId": ["appraisal", "binding", "channel", "receipt"],
      "nodeEvidence.binding.operator": ["appraisal", "binding"],
      "nodeEvidence.binding.signingKey": ["appraisal", "binding", "receipt"],
      "nodeEvidence.binding.sealingKey": ["appraisal", "binding"],
      "nodeEvidence.binding.gpuEvidenceHash": ["appraisal", "binding"],
      "nodeEvidence.binding.configHash": ["appraisal", "binding"],
      "nodeEvidence.anchor.blockNumber": ["appraisal", "binding"],
      "nodeEvidence.anchor.blockHash": ["appraisal", "binding"],
      "nodeEvidence.possession": ["appraisal", "binding"],
      "endorsements.tcbInfo": ["appraisal", "simulated-label"],
      "endorsements.qeIdentity": ["appraisal", "simulated-label"],
      "voucher.channelId": ["voucher", "channel", "receipt"],
      "voucher.sequence": ["voucher", "receipt"],
      "voucher.amount": ["voucher"],
      "voucher.keyEpoch": ["voucher", "receipt"],
      "voucher.modelId": ["voucher", "receipt"],
      "voucher.requestCommitment": ["voucher", "receipt"],
      voucherSignature: ["voucher"],
      payer: ["voucher", "channel"],
      "receipt.channelId": ["receipt"],
      "receipt.sequence": ["receipt"],
      "receipt.amount": ["receipt"],
      "receipt.nodeId": ["receipt"],
      "receipt.keyEpoch": ["receipt"],
      "receipt.modelId": ["receipt"],
      "receipt.requestCommitment": ["receipt", "input"],
      "receipt.responseCommitment": ["receipt", "output"],
      "receipt.rawCommitment": ["receipt"],
      "receipt.evidenceHash": ["receipt"],
      "receipt.units": ["receipt"],
      "receipt.privacySpent": ["receipt"],
      receiptSignature: ["receipt"],
      "request.salt": ["input"],
      "request.tensors.0.data": ["input"],
      "request.tensors.0.name": ["input"],
      "response.salt": ["output"],
      "response.tensors.0.data": ["output"],
      "response.tensors.0.name": ["output"],
    };

    for (const [member, expected] of Object.entries(CHANGES)) {
      it(`refuses another ${member}`, async () => {
        const run = await checkOf(changed(genuine, member));
        expect(run.exit).to.equal(1);
        expect(failed(run)).to.deep.equal(expected);
      });
    }

    it("prints FAIL with the label of the check", async () => {
      const run = await cloister(
        ["check", write("file.json", changed(genuine, "receiptSignature")), "--trust-root", root],
        place,
      );
      expect(run.exit).to.equal(1);
      expect(run.out).to.match(/^DOES NOT HOLD/m);
      expect(run.out).to.match(/^FAIL {2}receipt /m);
    });
  });

  describe("of what is no evidence file", () => {
    const unreadable: readonly (readonly [string, () => unknown])[] = [
      ["another schema", () => ({ ...genuine, schema: "cloister-evidence-file/2" })],
      ["a missing receipt", () => ({ ...genuine, receipt: undefined })],
      ["a time without a zone", () => ({ ...genuine, checkedAt: "2027-01-15 12:00" })],
      ["a list", () => [genuine]],
    ];
    for (const [what, json] of unreadable) {
      it(`calls ${what} unreadable`, async () => {
        const run = await checkOf(json());
        expect(run.exit).to.equal(2);
        expect(JSON.parse(run.out)).to.have.nested.property("error.code", "CONFIG_INVALID");
      });
    }

    it("calls a missing file unreadable", async () => {
      const run = await cloister(["check", path("nothing.json")], place);
      expect(run).to.include({ exit: 2, out: "" });
      expect(run.err).to.match(/^CONFIG_MISSING: .*\nnext: .*\n$/);
    });
  });
});

/** A copy with one member changed as little as its kind allows. */
function changed(json: Json, member: string): Json {
  const copy = structuredClone(json);
  const names = member.split(".");
  const last = names.pop() ?? "";
  let inside = copy;
  for (const name of names) inside = inside[name] as Json;
  inside[last] = other(inside[last]);
  return copy;
}

function other(value: unknown): unknown {
  if (typeof value === "number") return value + 1;
  if (typeof value === "boolean") return !value;
  const text = String(value);
  if (/^\d+$/.test(text)) return String(BigInt(text) + 1n);
  if (text.startsWith("0x")) return flipped(text);
  // Inside the signed part of a document of Intel's: its text stays JSON.
  return text.includes("issueDate") ? text.replace(/("issueDate":"20)\d\d/, "$120") : `${text}x`;
}

/** One bit in the middle of the hex, which in a quote is inside its signed body. */
function flipped(hex: string): string {
  const middle = hex.length > 2_000 ? 400 : hex.length >> 1;
  const digit = (Number.parseInt(hex[middle] ?? "0", 16) ^ 1).toString(16);
  return hex.slice(0, middle) + digit + hex.slice(middle + 1);
}
