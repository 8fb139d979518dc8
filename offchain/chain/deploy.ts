import { Interface } from "ethers";
import type { Hex } from "../encoding/bytes.ts";
import type { ContractName } from "./abi.ts";
import type { Contracts } from "./contracts.ts";
import type { DeployParameters } from "./deploy-parameters.ts";
import type { Chain } from "./provider.ts";
import type { Sender, Sent } from "./sender.ts";
import { prettyJson } from "../encoding/json.ts";
import { ChainError, ConfigError } from "../errors.ts";
import { codeHash, creationCode, isCodeOf, readArtifact } from "./artifacts.ts";
import { readState, writeState, type DeployState } from "./deploy-file.ts";
import { constructorArguments, wiringSteps } from "./deploy-plan.ts";
import { verifyHandover } from "./deploy-check.ts";
import { createdAddress, findCreation } from "./creation.ts";
import {
  CONTRACT_NAMES,
  parseDeployment,
  type DeployedContract,
  type DeployedName,
  type Deployment,
} from "./deployment.ts";
import { onChain } from "./failure.ts";

/** What a deployment works with. */
export interface DeployContext {
  readonly chain: Chain;
  readonly sender: Sender;
  readonly parameters: DeployParameters;
  /** Hardhat's `artifacts/`. */
  readonly artifacts: string;
  /** The file that holds the state, `deployments/<chainId>.json`. */
  readonly file: string;
  /** The repository's commit. */
  readonly commit: string;
  /** Says that this is a development network: only there the test token is made. */
  readonly devnet: boolean;
  /** Told of every step that is done: `sent` is undefined where it was found done. */
  readonly onStep?: (name: string, sent: Sent | undefined) => void;
}

/** A deployment under way: the state in memory is what the file holds. */
interface Session extends DeployContext {
  readonly state: () => DeployState;
  readonly save: (change: Partial<DeployState>) => void;
}

/** Networks with money of value, where `devnet` is refused. */
const MAIN_CHAIN_IDS: ReadonlySet<bigint> = new Set([
  1n,
  10n,
  56n,
  100n,
  137n,
  324n,
  8453n,
  42_161n,
  43_114n,
  59_144n,
  534_352n,
]);

/**
 * Deploys everything, or goes on where an earlier run stopped, and verifies the result: the code of every contract, who
 * may do what, and that the deployer may do nothing any more. Throws ConfigError where the file belongs to another
 * deployment or the parameters do not fit, and ChainError where the chain refuses.
 */
export async function deploy(context: DeployContext): Promise<Deployment> {
  refuseUnfit(context);
  const session = openSession(context, await startingState(context));
  if (context.parameters.token === null) session.save({ token: await deployContract(session, "TestToken", []) });
  for (const name of CONTRACT_NAMES) await deployContract(session, name, argumentsOf(session, name));
  const contracts = contractsOf(session);
  if (!session.state().complete) await wire(session, contracts);
  await verifyHandover(contracts, context.parameters, context.sender.address);
  if (!session.state().complete) session.save({ complete: true });
  return parseDeployment(JSON.parse(prettyJson(session.state())));
}

function refuseUnfit({ chain, devnet, parameters }: DeployContext): void {
  if (devnet && MAIN_CHAIN_IDS.has(chain.chainId)) {
    throw new ConfigError("CONFIG_INVALID", `chain ${chain.chainId} is no development network`);
  }
  if (parameters.token === null && !devnet) {
    throw new ConfigError("CONFIG_MISSING", "the token is missing: the test token is for development networks only");
  }
}

function openSession(context: DeployContext, start: DeployState): Session {
  let state = start;
  return {
    ...context,
    state: () => state,
    save: (change) => {
      state = { ...state, ...change };
      writeState(context.file, state);
    },
  };
}

/** The recorded state where it is of this deployment and still true, or a new one. */
async function startingState(context: DeployContext): Promise<DeployState> {
  const fresh: DeployState = {
    format: 1,
    complete: false,
    chainId: context.chain.chainId.toString(),
    deployer: context.sender.address,
    token: context.parameters.token,
    commit: context.commit,
    compiler: readArtifact(context.artifacts, "NodeRegistry").compiler,
    parameters: context.parameters,
    contracts: {},
    steps: [],
    pending: null,
  };
  const recorded = readState(context.file);
  if (recorded === undefined) return fresh;
  const codes = await Promise.all(
    Object.values(recorded.contracts).map(({ address }) => codeAt(context.chain, address)),
  );
  // A development chain starts again from nothing under the same id.
  if (context.devnet && codes.every((code) => code === "0x")) return fresh;
  for (const member of ["chainId", "deployer", "parameters"] as const) {
    if (prettyJson(recorded[member]) === prettyJson(fresh[member])) continue;
    throw new ConfigError("CONFIG_INVALID", `${context.file} is of a deployment with another ${member}`, {
      next: "Deploy with the recorded parameters and key, or move the file away to deploy anew.",
    });
  }
  Object.entries(recorded.contracts).forEach(([name, { codeHash: hash }], index) => {
    if (codeHash(codes[index] ?? "0x") === hash) return;
    throw new ConfigError("CONFIG_INVALID", `the code of ${name} on chain is not what ${context.file} recorded`);
  });
  return recorded;
}

async function deployContract(
  session: Session,
  name: DeployedName | "TestToken",
  values: readonly unknown[],
): Promise<Hex> {
  const known = session.state().contracts[name];
  if (known !== undefined) {
    session.onStep?.(name, undefined);
    return known.address;
  }
  const artifact = readArtifact(session.artifacts, name);
  const creation = creationCode(artifact, new Interface(artifact.abi).encodeDeploy([...values]));
  const found = await begunBefore(session, name, creation);
  const sent = found ?? (await create(session, name, creation));
  const code = await codeAt(session.chain, sent.address);
  if (!isCodeOf(artifact, code)) throw wrongCode(name, sent.address);
  const entry: DeployedContract = { ...sent, arguments: values, codeHash: codeHash(code) };
  session.save({ contracts: { ...session.state().contracts, [name]: entry }, pending: null });
  return sent.address;
}

/** A creation that went out before a crash and was not recorded. */
async function begunBefore(
  session: Session,
  name: string,
  creation: Hex,
): Promise<Pick<DeployedContract, "address" | "block" | "transaction"> | undefined> {
  const { pending, deployer } = session.state();
  if (pending === null || pending.name !== name) return undefined;
  const found = await findCreation(session.chain, { from: deployer, nonce: pending.nonce, data: creation });
  if (found !== undefined) session.onStep?.(name, undefined);
  return found;
}

async function create(
  session: Session,
  name: string,
  creation: Hex,
): Promise<Pick<DeployedContract, "address" | "block" | "transaction">> {
  const nonce = await session.sender.nextNonce();
  const address = createdAddress(session.sender.address, nonce);
  session.save({ pending: { name, address, nonce } });
  const sent = await session.sender.send({ to: null, data: creation, doing: `deploy ${name}` });
  if (sent.created !== address) throw wrongCode(name, address);
  session.onStep?.(name, sent);
  return { address, block: sent.blockNumber, transaction: sent.transaction };
}

async function wire(session: Session, contracts: Contracts): Promise<void> {
  for (const step of wiringSteps(contracts, session.parameters, session.sender.address)) {
    if (await step.isDone()) {
      session.onStep?.(step.name, undefined);
      continue;
    }
    const sent = await session.sender.send(step.call);
    const entry = { name: step.name, transaction: sent.transaction, block: sent.blockNumber };
    session.save({ steps: [...session.state().steps, entry] });
    session.onStep?.(step.name, sent);
  }
}

function argumentsOf(session: Session, name: DeployedName): readonly unknown[] {
  const { token, contracts, deployer } = session.state();
  const of = (other: DeployedName): Hex => {
    const address = contracts[other]?.address;
    if (address === undefined) throw new RangeError(`${name} needs ${other}, which is not deployed`);
    return address;
  };
  if (token === null) throw new RangeError("the token is not deployed");
  return constructorArguments(name, session.parameters, { deployer, token, of });
}

function contractsOf(session: Session): Contracts {
  const { contracts, token } = session.state();
  const addresses = Object.fromEntries(Object.entries(contracts).map(([name, { address }]) => [name, address]));
  return { chain: session.chain, addresses: { ...addresses, Token: token } as Record<ContractName, Hex> };
}

function codeAt(chain: Chain, address: Hex): Promise<string> {
  return onChain("eth_getCode", () => chain.provider.getCode(address));
}

function wrongCode(name: string, address: Hex): ChainError {
  return new ChainError("REORGED", `${name} is not at ${address}, where it was deployed`, {
    next: "Run the deployment again; use the deployer's key for nothing else meanwhile.",
  });
}
