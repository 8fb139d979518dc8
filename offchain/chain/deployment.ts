import { readFileSync } from "node:fs";
import { join } from "node:path";
import { toHex, type Hex } from "../encoding/bytes.ts";
import { JsonFields } from "../encoding/fields.ts";
import { ConfigError } from "../errors.ts";

/** The contracts of a deployment, in the order in which they are deployed. */
export const CONTRACT_NAMES = [
  "TimelockController",
  "AccessManager",
  "NodeStake",
  "ReferenceValues",
  "NodeRegistry",
  "VerifierCommittee",
  "VerdictChallenges",
  "ModelRegistry",
  "InferenceEscrow",
] as const;

export type DeployedName = (typeof CONTRACT_NAMES)[number];

/** One deployed contract. */
export interface DeployedContract {
  readonly address: Hex;
  readonly block: bigint;
  readonly transaction: Hex;
  /** Constructor arguments in order: addresses, decimal integers, or lists of them. */
  readonly arguments: readonly unknown[];
  /** keccak256 of the code at the address. */
  readonly codeHash: Hex;
}

/** A finished deployment, as `deployments/<chainId>.json` says it; see `deployments/README.md`. */
export interface Deployment {
  readonly chainId: bigint;
  /** The ERC-20 token of bonds and channels. */
  readonly token: Hex;
  readonly contracts: Readonly<Record<DeployedName, DeployedContract>>;
  readonly deployer: Hex;
  /** The repository's commit, and the compiler that made the code. */
  readonly commit: string;
  readonly compiler: string;
}

const invalid = (message: string): ConfigError =>
  new ConfigError("CONFIG_INVALID", message, { next: "Run the deployment again, or take the published file." });

/** Reads a deployment from its JSON value; throws ConfigError `CONFIG_INVALID` where it is unfinished or malformed. */
export function parseDeployment(json: unknown): Deployment {
  const fields = new JsonFields(json, "deployment", invalid);
  if (fields.uint("format", 1) !== 1) throw invalid("the deployment is in another format");
  if (!fields.boolean("complete")) throw invalid("the deployment was not finished");
  const contracts = fields.fields("contracts");
  return {
    chainId: fields.decimal("chainId"),
    token: hexOf(fields, "token", 20),
    contracts: Object.fromEntries(
      CONTRACT_NAMES.map((name) => [name, parseContract(contracts.fields(name))]),
    ) as unknown as Deployment["contracts"],
    deployer: hexOf(fields, "deployer", 20),
    commit: fields.text("commit"),
    compiler: fields.text("compiler"),
  };
}

/** Reads one contract's entry; throws ConfigError `CONFIG_INVALID`. */
export function parseContract(fields: JsonFields): DeployedContract {
  return {
    address: hexOf(fields, "address", 20),
    block: fields.decimal("block"),
    transaction: hexOf(fields, "transaction", 32),
    arguments: fields.list("arguments"),
    codeHash: hexOf(fields, "codeHash", 32),
  };
}

/** Reads `<directory>/<chainId>.json`; throws ConfigError `CONFIG_MISSING` or `CONFIG_INVALID`. */
export function readDeployment(directory: string, chainId: bigint): Deployment {
  const path = join(directory, `${chainId}.json`);
  const deployment = parseDeployment(readJson(path));
  if (deployment.chainId !== chainId) throw invalid(`${path} is of chain ${deployment.chainId}`);
  return deployment;
}

function readJson(path: string): unknown {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    throw new ConfigError("CONFIG_MISSING", `${path} cannot be read`, { cause, next: "Deploy to this chain first." });
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ConfigError("CONFIG_INVALID", `${path} is not JSON`, { cause });
  }
}

function hexOf(fields: JsonFields, name: string, length: number): Hex {
  return toHex(fields.hex(name, { prefix: true, length }));
}
