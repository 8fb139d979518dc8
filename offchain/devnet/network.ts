import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { openContracts, type Contracts } from "../chain/contracts.ts";
import { DEVNET, type DeployParameters } from "../chain/deploy-parameters.ts";
import { deploy } from "../chain/deploy.ts";
import { connectChain } from "../chain/provider.ts";
import { openSender, type Sender, type Sent } from "../chain/sender.ts";
import { takeSeat } from "../chain/committee.ts";
import { bondFor } from "../chain/stake.ts";
import { approve, mintTestTokens } from "../chain/token.ts";
import { randomBytes } from "#crypto";
import { toHex, type Hex } from "../encoding/bytes.ts";
import { loadPackage } from "../inference/package.ts";
import type { ModelPackage } from "../model/package.ts";
import { createAccount, type Account } from "./accounts.ts";
import { createLocks } from "../locks.ts";
import { lockFile } from "../store/lock.ts";
import { copyStore, openStore } from "../store/store.ts";
import { createChildren, type Run } from "./children.ts";
import { freePort, type Service } from "./processes.ts";
import { ROOT, startChain, startEndorsements, startRelayer, type RelayerPlace } from "./services.ts";
import { createVendors, type Vendors } from "./vendors.ts";
import { workloadsOf, type Workload } from "./workloads.ts";

/** Tokens with 18 decimals. */
export const TOKEN = 10n ** 18n;
const RELAYERS = 3;
const THRESHOLD = 2;
/** The chain mines at once, so asking often makes waiting short. */
export const POLLING_MS = 40;
const TTL_SECONDS = 3600;
const MAX_EVIDENCE_AGE_SECONDS = 30 * 60;
/** Bits of the accepted TCB statuses: UpToDate, SWHardeningNeeded, ConfigurationNeeded. */
const TCB_MASK = 0b1110;
/** AMD and AWS state no TCB status. */
const NO_STATUS_MASK = 0b1;

/** Everything that runs before the first node: chain, contracts, simulated vendor, relayers. */
export interface Network {
  readonly dir: string;
  readonly chain: Service;
  readonly contracts: Contracts;
  readonly deployments: string;
  readonly vendors: Vendors;
  readonly endorsements: Service;
  readonly relayers: readonly Service[];
  readonly relayerAccounts: readonly Account[];
  readonly guardian: Account;
  readonly model: ModelPackage;
  readonly modelDir: string;
  readonly workloads: readonly Workload[];
  /** Starts a service that `stop` ends; throws `ServiceError` `SERVICE_UNAVAILABLE` once the network is stopped. */
  readonly run: Run;
  /** Gives a program of this name an empty database in `<dir>/data/<name>`. */
  prepareStore(name: string): Promise<string>;
  account(name: string): Promise<Account>;
  sender(account: Account): Promise<Sender>;
  stop(): Promise<void>;
}

export interface NetworkOptions {
  /** Made empty first. */
  readonly dir: string;
  readonly onStep: (what: string, sent?: Sent) => void;
}

/** Starts a fresh network; everything that was started is stopped again where a step fails. */
export async function startNetwork(options: NetworkOptions): Promise<Network> {
  mkdirSync(options.dir, { recursive: true });
  const lock = lockFile(join(options.dir, "lock"));
  const children = createChildren();
  const stop = async (): Promise<void> => {
    await children.stop();
    lock.release();
  };
  try {
    for (const name of ["keys", "deployments", "data", "logs", "configs", "evidence"]) {
      rmSync(join(options.dir, name), { recursive: true, force: true });
      mkdirSync(join(options.dir, name));
    }
    return await start(options, children.run, stop);
  } catch (error) {
    await stop();
    throw error;
  }
}

async function start(options: NetworkOptions, run: Run, stop: () => Promise<void>): Promise<Network> {
  const { dir } = options;
  const logDir = join(dir, "logs");
  const deployments = join(dir, "deployments");
  const prepareStore = storeMaker(join(dir, "data"));
  const [chain, { vendors, endorsements }, { modelDir, model, workloads }] = await Promise.all([
    run(() => startChain(logDir)),
    startVendors(dir, logDir, run),
    readWorkloads(),
  ]);
  const account = (name: string): Promise<Account> => createAccount(name, join(dir, "keys"), chain.url);
  const [deployer, guardian] = [await account("deployer"), await account("guardian")];
  const places = await relayerPlaces(account);
  const contracts = await deployAll(options, { rpcUrl: chain.url, deployer, guardian, places, workloads });
  const sender = (of: Account): Promise<Sender> => openSender(contracts.chain, of);
  await bondRelayers(contracts, await sender(deployer), places);
  const shared = {
    dir,
    logDir,
    deployments,
    rpcUrl: chain.url,
    chainId: contracts.chain.chainId,
    endorsementsUrl: endorsements.url,
    trustRoots: vendors.trustRoots,
  };
  for (const { name } of places) await prepareStore(name);
  const relayers = await Promise.all(places.map((place) => run(() => startRelayer(shared, place))));
  const parts = { dir, chain, contracts, deployments, vendors, endorsements, relayers, guardian, model };
  return {
    ...parts,
    relayerAccounts: places.map(({ account: of }) => of),
    modelDir,
    workloads,
    run,
    prepareStore,
    account,
    sender,
    stop,
  };
}

async function startVendors(
  dir: string,
  logDir: string,
  run: Run,
): Promise<{ readonly vendors: Vendors; readonly endorsements: Service }> {
  const vendors = await createVendors(dir, Date.now());
  return { vendors, endorsements: await run(() => startEndorsements(vendors.files, logDir)) };
}

/** The model that every node serves, and what workers that serve it measure. */
async function readWorkloads(): Promise<Pick<Network, "modelDir" | "model" | "workloads">> {
  const modelDir = join(ROOT, "models", "digits");
  const model = await loadPackage(modelDir);
  return { modelDir, model, workloads: await workloadsOf(ROOT, [model.root]) };
}

/** Makes one empty database at once, beside everything else that starts, and copies it for each program. */
function storeMaker(dataDir: string): (name: string) => Promise<string> {
  const template = join(dataDir, "template");
  const made = openStore({ dir: template }, []).then((store) => store.close());
  // A failure is the caller's who waits for it, not of the process.
  made.catch(() => undefined);
  const locks = createLocks();
  return (name) =>
    locks.run(template, async () => {
      await made;
      await copyStore(template, join(dataDir, name));
      return join(dataDir, name);
    });
}

async function relayerPlaces(account: (name: string) => Promise<Account>): Promise<readonly RelayerPlace[]> {
  const places: RelayerPlace[] = [];
  for (let index = 1; index <= RELAYERS; index += 1) {
    const name = `relayer-${index}`;
    places.push({ name, account: await account(name), port: await freePort() });
  }
  return places;
}

interface DeployParts {
  readonly rpcUrl: string;
  readonly deployer: Account;
  readonly guardian: Account;
  readonly places: readonly RelayerPlace[];
  readonly workloads: readonly Workload[];
}

async function deployAll(options: NetworkOptions, parts: DeployParts): Promise<Contracts> {
  const chain = await connectChain(parts.rpcUrl, { pollingMs: POLLING_MS });
  const deployment = await deploy({
    chain,
    sender: await openSender(chain, parts.deployer),
    parameters: parametersOf(parts),
    artifacts: join(ROOT, "artifacts"),
    file: join(options.dir, "deployments", `${chain.chainId}.json`),
    commit: commitOf(),
    devnet: true,
    onStep: options.onStep,
  });
  return openContracts(chain, deployment);
}

/** Short waits, simulated platforms only, the committee's members and this clone's worker. */
function parametersOf({ deployer, guardian, places, workloads }: DeployParts): DeployParameters {
  const policy = {
    minEvaluationNumber: 0,
    ttl: TTL_SECONDS,
    maxEvidenceAge: MAX_EVIDENCE_AGE_SECONDS,
    accepted: true,
  };
  return {
    ...DEVNET,
    token: null,
    proposers: [deployer.address],
    executors: [deployer.address],
    guardian: guardian.address,
    community: guardian.address,
    threshold: THRESHOLD,
    members: places.map(({ account, port }) => ({ account: account.address, endpoint: `http://127.0.0.1:${port}` })),
    platforms: workloads.map(({ tee, platformCode }) => ({
      ...policy,
      tcbStatusMask: tee.startsWith("intel-") ? TCB_MASK : NO_STATUS_MASK,
      platform: platformCode,
    })),
    workloads: workloads.map(({ workloadId, platformCode }) => ({ workloadId, platform: platformCode })),
  };
}

async function bondRelayers(contracts: Contracts, funder: Sender, places: readonly RelayerPlace[]): Promise<void> {
  const bond = DEVNET.memberBond;
  await funder.send(mintTestTokens(contracts, funder.address, bond * BigInt(places.length)));
  await funder.send(approve(contracts, "NodeStake", bond * BigInt(places.length)));
  for (const { account } of places) {
    await funder.send(bondFor(contracts, account.address, bond));
    await funder.send(takeSeat(contracts, account.address));
  }
}

/** A salt or name of 32 random bytes. */
export function randomId(): Hex {
  return toHex(randomBytes(32));
}

function commitOf(): string {
  try {
    return execFileSync("git", ["rev-parse", "HEAD"], {
      cwd: ROOT,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
  } catch {
    return "unknown";
  }
}
