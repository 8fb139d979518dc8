import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { writeProfile } from "../client/profile.ts";
import { mintTestTokens } from "../chain/token.ts";
import { prettyJson } from "../encoding/json.ts";
import type { Account } from "./accounts.ts";
import { TOKEN, type Network } from "./network.ts";
import { servicesAt } from "./services.ts";
import { DEVNET_POLICY } from "./user.ts";

const FUNDS = 5_000n * TOKEN;

/** Writes what the command line needs to use this network: a funded user's profile, a funded operator's, and the simulated roots. */
export async function writeProfiles(network: Network): Promise<void> {
  await writeFunded(network, "cli-user", "profile.json");
  await writeFunded(network, "cli-operator", "operator.json");
  writeFileSync(join(network.dir, "simulated-root.json"), `${prettyJson(network.vendors.trustRoots)}\n`);
}

async function writeFunded(network: Network, name: string, file: string): Promise<Account> {
  const account = await network.account(name);
  const sender = await network.sender(account);
  await sender.send(mintTestTokens(network.contracts, account.address, FUNDS));
  // Where `clientOptions` of the profile looks for it; making a database takes seconds, copying one does not.
  await network.prepareStore(join(name, "client"));
  writeProfile(join(network.dir, file), {
    name: "devnet",
    rpcUrl: network.chain.url,
    deployments: network.deployments,
    endorsements: servicesAt(network.endorsements.url),
    trustRoots: network.vendors.trustRoots,
    policy: DEVNET_POLICY,
    keyFile: account.keyFile,
    dataDir: join(network.dir, "data", name),
  });
  return account;
}
