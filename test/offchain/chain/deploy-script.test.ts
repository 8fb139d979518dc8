import { expect } from "chai";
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { LocalChain } from "../../support/local-chain.ts";
import { readDeployment } from "../../../offchain/chain/deployment.ts";
import { prettyJson } from "../../../offchain/encoding/json.ts";
import { localParameters } from "../../support/deployments.ts";
import { temporaryDirectory } from "../../support/directories.ts";
import { startLocalChain } from "../../support/local-chain.ts";

interface Run {
  readonly status: number | null;
  /** What was told of each step. */
  readonly steps: readonly string[];
}

describe("scripts/deploy", function () {
  this.timeout(180_000);

  const directory = temporaryDirectory();
  let local: LocalChain;

  before(async () => {
    local = await startLocalChain();
    writeFileSync(join(directory, "parameters.json"), prettyJson(localParameters(local)));
  });

  after(() => local.close());

  /** Runs the script; `killAfter` kills it with SIGKILL when it has told that many steps. */
  async function run(killAfter = Number.POSITIVE_INFINITY, ...more: readonly string[]): Promise<Run> {
    const flags = { rpc: local.url, parameters: join(directory, "parameters.json"), out: directory };
    const args = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value]);
    const account = ["--account", local.accounts[0] ?? ""];
    const child = spawn(process.execPath, ["scripts/deploy.ts", ...args, ...account, ...more], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    const ended = new Promise<number | null>((resolve) => {
      child.once("exit", resolve);
    });
    const steps: string[] = [];
    for await (const line of createInterface(child.stderr)) {
      steps.push(line);
      if (steps.length === killAfter) child.kill("SIGKILL");
    }
    return { status: await ended, steps };
  }

  it("goes on after SIGKILL and ends with the whole network", async () => {
    const first = await run(5);
    expect(first.status).to.equal(null);
    expect(() => readDeployment(directory, 31_337n))
      .to.throw()
      .with.property("code", "CONFIG_INVALID");
    const second = await run();
    expect(second.status).to.equal(0);
    expect(second.steps.slice(0, 5).every((step) => step.startsWith("done before"))).to.equal(true);
    expect(readDeployment(directory, 31_337n).compiler).to.equal("solc 0.8.37");
  });

  it("says what is wrong and exits with 2", async () => {
    const { status, steps } = await run(undefined, "--parameters", "package.json");
    expect(status).to.equal(2);
    expect(steps[0]).to.match(/^CONFIG_INVALID: /);
  });
});
