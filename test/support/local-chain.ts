import { network } from "hardhat";
import type { Hex } from "../../offchain/encoding/bytes.ts";
import type { Chain } from "../../offchain/chain/provider.ts";
import { connectChain } from "../../offchain/chain/provider.ts";

/** A development chain that answers on loopback, and a connection to it. */
export interface LocalChain {
  readonly url: string;
  readonly chain: Chain;
  /** Accounts that the chain holds the keys of. */
  readonly accounts: readonly Hex[];
  /** Asks the chain directly, for what only development chains can do. */
  request(method: string, ...params: unknown[]): Promise<unknown>;
  close(): Promise<void>;
}

/** Starts a fresh chain with id 31337; close it after use. */
export async function startLocalChain(): Promise<LocalChain> {
  const server = await network.createServer("node", "127.0.0.1");
  const { address, port } = await server.listen();
  const url = `http://${address}:${port}`;
  const chain = await connectChain(url, { pollingMs: 20 });
  const request = (method: string, ...params: unknown[]): Promise<unknown> => chain.provider.send(method, params);
  const accounts = (await request("eth_accounts")) as Hex[];
  return {
    url,
    chain,
    accounts: accounts.map((account) => account.toLowerCase() as Hex),
    request,
    close: async () => {
      chain.close();
      await server.close();
    },
  };
}
