/** Deploys Cloister to a chain, or goes on where an earlier run stopped: `npm run deploy -- --help`. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { SenderKey } from "../offchain/chain/sender.ts";
import type { Hex } from "../offchain/encoding/bytes.ts";
import { deploy } from "../offchain/chain/deploy.ts";
import { DEVNET, parseDeployParameters, PRODUCTION } from "../offchain/chain/deploy-parameters.ts";
import { connectChain } from "../offchain/chain/provider.ts";
import { openSender } from "../offchain/chain/sender.ts";
import { prettyJson } from "../offchain/encoding/json.ts";
import { CloisterError, ConfigError } from "../offchain/errors.ts";

const HELP = `npm run deploy -- --rpc URL --parameters FILE (--key FILE | --account ADDRESS) [--out DIR] [--devnet]

  --rpc URL         JSON-RPC endpoint of the chain
  --parameters FILE JSON, see deployments/README.md
  --key FILE        file with the deployer's private key, 32 bytes as hex
  --account ADDRESS account that the RPC itself holds, instead of --key
  --out DIR         where <chainId>.json is written; deployments/ where not given
  --devnet          short delays and a test token; refused on main networks, implied on chain 31337
`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      rpc: { type: "string" },
      parameters: { type: "string" },
      key: { type: "string" },
      account: { type: "string" },
      out: { type: "string", default: "deployments" },
      devnet: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return void process.stdout.write(HELP);
  const chain = await connectChain(required(values.rpc, "--rpc"));
  const devnet = values.devnet || chain.chainId === 31_337n;
  const json: unknown = JSON.parse(readFileSync(required(values.parameters, "--parameters"), "utf8"));
  const deployment = await deploy({
    chain,
    sender: await openSender(chain, keyOf(values)),
    parameters: parseDeployParameters(json, devnet ? DEVNET : PRODUCTION),
    artifacts: "artifacts",
    file: join(values.out, `${chain.chainId}.json`),
    commit: execFileSync("git", ["rev-parse", "HEAD"], { encoding: "utf8" }).trim(),
    devnet,
    onStep: (name, sent) => process.stderr.write(`${sent ? `${sent.gasUsed} gas` : "done before"}  ${name}\n`),
  });
  process.stdout.write(`${prettyJson(deployment)}\n`);
  chain.close();
}

function keyOf({ key, account }: { key?: string | undefined; account?: string | undefined }): SenderKey {
  if (account !== undefined) return { account: account as Hex };
  return { privateKey: readFileSync(required(key, "--key or --account"), "utf8").trim() as Hex };
}

function required(value: string | undefined, name: string): string {
  if (value === undefined) throw new ConfigError("CONFIG_MISSING", `${name} is missing`, { next: "See --help." });
  return value;
}

await main().catch((error: unknown) => {
  const { code, message, next } = error as Partial<CloisterError> & Error;
  process.stderr.write(`${code ?? "FAILED"}: ${message}${next ? `\n${next}` : ""}\n`);
  process.exit(error instanceof ConfigError ? 2 : error instanceof CloisterError ? 3 : 1);
});
