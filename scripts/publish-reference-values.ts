/** Publishes workload ids through the timelock; run it again after the delay: `npm run publish-reference-values -- --help`. */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { openContracts } from "../offchain/chain/contracts.ts";
import { readDeployment } from "../offchain/chain/deployment.ts";
import { parseWorkload, publishWorkloads } from "../offchain/chain/publish-workloads.ts";
import { connectChain } from "../offchain/chain/provider.ts";
import { openSender } from "../offchain/chain/sender.ts";
import { parseHex, toHex } from "../offchain/encoding/bytes.ts";
import { CloisterError, ConfigError } from "../offchain/errors.ts";

const HELP = `npm run publish-reference-values -- --rpc URL --key FILE --workload ID:PLATFORM [--workload ...]

  --rpc URL               JSON-RPC endpoint of the chain
  --deployments DIR       where <chainId>.json is; deployments/ where not given
  --key FILE              file with the proposer's and executor's private key, 0x-hex
  --workload ID:PLATFORM  a workload id of \`cloister measure\` and its platform: a byte, or a name such as aws-nitro or,
                          for simulated machines, simulated-aws-nitro; with ":gpu" behind it the workload is accepted
                          only together with the evidence of a GPU
  --attempt NAME          another name publishes workloads again that were removed

Exit 0: published. Exit 3: proposed, run it again when the delay is over.
`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      rpc: { type: "string" },
      deployments: { type: "string", default: "deployments" },
      key: { type: "string" },
      workload: { type: "string", multiple: true, default: [] },
      attempt: { type: "string", default: "1" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return void process.stdout.write(HELP);
  const workloads = values.workload.map(parseWorkload);
  if (workloads.length === 0) throw new ConfigError("CONFIG_MISSING", "--workload is missing");
  const chain = await connectChain(required(values.rpc, "--rpc"));
  const contracts = openContracts(chain, readDeployment(values.deployments, chain.chainId));
  const sender = await openSender(chain, { privateKey: toHex(readKey(required(values.key, "--key"))) });
  const publication = await publishWorkloads(contracts, sender, { workloads, attempt: values.attempt });
  chain.close();
  if (publication.state === "published") {
    process.stdout.write(`published, ${publication.added} of ${workloads.length} were new\n`);
    return;
  }
  const until = new Date(Number(publication.until) * 1000).toISOString();
  process.stdout.write(`proposed; it can be executed after ${until}: run the same command then\n`);
  process.exitCode = 3;
}

function readKey(path: string): Uint8Array {
  const key = parseHex(readFileSync(path, "utf8").trim(), 32);
  if (key === undefined) throw new ConfigError("CONFIG_INVALID", `${path} does not hold a 32-byte key in 0x-hex`);
  return key;
}

function required(value: string | undefined, name: string): string {
  if (value === undefined) throw new ConfigError("CONFIG_MISSING", `${name} is missing`, { next: "Add --help." });
  return value;
}

await main().catch((error: unknown) => {
  const code = error instanceof CloisterError ? `${error.code}: ` : "";
  process.stderr.write(`${code}${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = error instanceof ConfigError || !(error instanceof CloisterError) ? 2 : 1;
});
