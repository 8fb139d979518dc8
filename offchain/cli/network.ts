import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { openContracts, view, type Contracts } from "../chain/contracts.ts";
import { readDeployment } from "../chain/deployment.ts";
import { connectChain } from "../chain/provider.ts";
import { openSender, type Sender } from "../chain/sender.ts";
import { readProfile, readProfileKey, type Profile } from "../client/profile.ts";
import { ConfigError } from "../errors.ts";
import { formatAmount } from "./amount.ts";
import type { Environment, Session } from "./session.ts";

/** The options of every verb that talks to a network. */
export interface NetworkOptions {
  readonly profile?: string;
}

/** A network that a verb works on, with the token's unit. */
export interface Network extends TokenUnit {
  readonly profile: Profile;
  readonly contracts: Contracts;
}

/** The token's unit. */
export interface TokenUnit {
  readonly decimals: number;
  /** An amount in whole tokens with the token's symbol. */
  readonly amount: (units: bigint) => string;
}

const NEAR = join(".cloister", "devnet", "profile.json");

/** The profile that is named by option or environment, or the devnet's near at hand; undefined where there is none. */
export function findProfile(options: NetworkOptions, environment: Environment): string | undefined {
  const named = options.profile ?? environment.profile;
  if (named !== undefined) return resolve(environment.cwd, named);
  return [environment.cwd, environment.root].map((dir) => join(dir, NEAR)).find((path) => existsSync(path));
}

/** Reads the profile at hand; throws `ConfigError` `CONFIG_MISSING` where there is none. */
export function profileOf(options: NetworkOptions, environment: Environment): Profile {
  const path = findProfile(options, environment);
  if (path !== undefined) return readProfile(path);
  throw new ConfigError("CONFIG_MISSING", "no network is known here", {
    next: "Start a network with `npm start` or give --profile FILE.",
  });
}

/** Connects, does the work and disconnects, whatever came of it. */
export async function onNetwork<T>(
  options: NetworkOptions,
  session: Session,
  work: (network: Network) => Promise<T>,
): Promise<T> {
  const profile = profileOf(options, session.environment);
  const chain = await connectChain(profile.rpcUrl);
  try {
    const contracts = openContracts(chain, readDeployment(profile.deployments, chain.chainId));
    return await work({ profile, contracts, ...(await tokenOf(contracts)) });
  } finally {
    chain.close();
  }
}

/** Reads the unit of the network's token. */
export async function tokenOf(contracts: Contracts): Promise<TokenUnit> {
  const [decimals, symbol] = await Promise.all([
    view<number>(contracts, "Token", "decimals"),
    view<string>(contracts, "Token", "symbol"),
  ]);
  return { decimals, amount: (units) => `${formatAmount(units, decimals)} ${symbol}` };
}

/** Who sends transactions: the key of the profile. */
export function senderOf({ profile, contracts }: Network): Promise<Sender> {
  return openSender(contracts.chain, { privateKey: readProfileKey(profile) });
}
