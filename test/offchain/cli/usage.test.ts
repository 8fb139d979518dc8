import { expect } from "chai";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { cloister, cloisterProcess, REPOSITORY } from "../../support/cli.ts";
import { temporaryDirectory } from "../../support/directories.ts";

const VERBS = [
  "devnet",
  "nodes list",
  "nodes show",
  "node register",
  "node run",
  "node status",
  "node endpoint",
  "node exit",
  "node unbond",
  "node withdraw",
  "relayer run",
  "model pack",
  "model register",
  "model list",
  "channel open",
  "channel list",
  "channel close",
  "channel reopen",
  "infer",
  "check",
  "evidence verify",
  "measure",
];

describe("cloister", () => {
  const directory = temporaryDirectory();
  const place = { cwd: directory };

  it("alone says what can be done next", async () => {
    const run = await cloisterProcess([], place);
    expect(run).to.include({ exit: 0, err: "" });
    expect(run.out).to.include("cloister devnet");
    const json = JSON.parse((await cloister(["--json"], place)).out) as { next: unknown[] };
    expect(json.next).to.not.be.empty;
  });

  describe("every verb", () => {
    for (const verb of VERBS) {
      it(`${verb} has help with an example and --json`, async () => {
        const run = await cloister([...verb.split(" "), "--help"], place);
        expect(run).to.include({ exit: 0, err: "" });
        expect(run.out).to.include(`$ cloister ${verb}`);
        expect(run.out).to.include("--json");
      });
    }

    it("stands in docs/cli.md", () => {
      const docs = readFileSync(join(REPOSITORY, "docs", "cli.md"), "utf8");
      expect(VERBS.filter((verb) => !docs.includes(`cloister ${verb}`))).to.deep.equal([]);
    });
  });

  describe("of wrong usage", () => {
    const wrong: readonly (readonly string[])[] = [
      ["nothing"],
      ["nodes"],
      ["nodes", "delete"],
      ["nodes", "list", "--colour"],
      ["nodes", "show"],
      ["nodes", "show", "1", "2"],
      ["channel", "open", "--node", "1"],
      ["channel", "open", "--amount", "1"],
      ["infer", "--digit", "7"],
      ["infer", "--node", "1"],
      ["infer", "--node", "1", "--digit", "10"],
      ["infer", "--node", "1", "--digit", "seven"],
      ["infer", "--node", "1", "--digit", "7", "--input", "file.json"],
      ["check"],
      ["check", "file.json", "--now", "yesterday"],
      ["evidence", "verify"],
      ["evidence", "verify", "node.json", "--registry", "0x11"],
      ["evidence", "verify", "node.json", "--chain-id", "one"],
      ["channel", "reopen"],
      ["node", "endpoint", "1"],
      ["node", "endpoint", "1", "ftp://127.0.0.1"],
      ["node", "endpoint", "1", "http://127.0.0.1:8081/"],
      ["node", "withdraw", "1"],
      ["node", "run"],
      ["relayer", "run"],
      ["model", "pack", ".", "--name", "x"],
      ["measure", "--model", "0x11"],
    ];
    for (const args of wrong) {
      it(`ends with 2 and a coded error for "${args.join(" ")}"`, async () => {
        const run = await cloister(args, place);
        expect(run).to.include({ exit: 2, out: "" });
        expect(run.err).to.match(/^(?:CONFIG_INVALID|CONFIG_MISSING|MODEL_MALFORMED): .+\nnext: .+\n$/m);
      });
    }

    it("prints the error as the one JSON document", async () => {
      const run = await cloisterProcess(["nodes", "delete", "--json"], place);
      const { error } = JSON.parse(run.out) as { error: Record<string, string> };
      expect(run).to.include({ exit: 2, err: "" });
      expect(Object.keys(error)).to.deep.equal(["code", "message", "next"]);
      expect(error["code"]).to.equal("CONFIG_INVALID");
    });

    it("ends a program that cannot start with that program's own code", async () => {
      const run = await cloisterProcess(["node", "run", "--config", join(directory, "none.json")], place);
      expect(run.exit).to.equal(2);
    });
  });

  it("measures this clone's worker, the same for each order of the models", async () => {
    const models = [`0x${"11".repeat(32)}`, `0x${"22".repeat(32)}`] as const;
    const at = { cwd: directory, root: REPOSITORY };
    const measure = async (...args: string[]): Promise<Record<string, unknown>> =>
      JSON.parse((await cloister(["measure", "--json", ...args], at)).out) as Record<string, unknown>;
    const one = await measure("--model", models[0], "--model", models[1]);
    expect(one["workloadIds"]).to.have.all.keys("intel-sgx", "intel-tdx", "amd-sev-snp", "aws-nitro");
    expect(await measure("--model", models[1], "--model", models[0])).to.deep.equal(one);
    expect(await measure("--model", models[0])).to.not.deep.equal(one);
  });
});
