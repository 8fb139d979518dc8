import { BrowserProvider, FetchRequest, JsonRpcProvider, Network, type JsonRpcApiProvider } from "ethers";
import type { Hex } from "../encoding/bytes.ts";
import { ChainError, ConfigError } from "../errors.ts";
import { onChain } from "./failure.ts";

/** Anything that answers JSON-RPC requests in process, such as a wallet or Hardhat's own network. @see EIP-1193 */
export interface RpcSource {
  request(request: { method: string; params?: unknown[] | Record<string, unknown> }): Promise<unknown>;
}

/** A connection to one chain; holds sockets and timers until closed. */
export interface Chain {
  readonly chainId: bigint;
  /** Opaque outside this room. */
  readonly provider: JsonRpcApiProvider;
  close(): void;
}

export interface ChainOptions {
  /** The chain that this must be. */
  readonly chainId?: bigint;
  /** How often a wait asks again; 250 ms where not given. */
  readonly pollingMs?: number;
  /** For one request; 15 s where not given. */
  readonly timeoutMs?: number;
}

/** A block as an anchor of freshness. */
export interface Block {
  readonly blockNumber: bigint;
  readonly blockHash: Hex;
  /** Seconds since 1970. */
  readonly timestamp: number;
}

/**
 * Connects to a chain by URL or in process. Throws ChainError `RPC_UNAVAILABLE` where nothing answers and ConfigError
 * `CONFIG_INVALID` where it is another chain than asked for.
 */
export async function connectChain(source: string | RpcSource, options: ChainOptions = {}): Promise<Chain> {
  const timeoutMs = options.timeoutMs ?? 15_000;
  const chainId = await onChain("eth_chainId", () => askChainId(source, timeoutMs));
  if (options.chainId !== undefined && options.chainId !== chainId) {
    throw new ConfigError("CONFIG_INVALID", `the RPC serves chain ${chainId}, not ${options.chainId}`, {
      next: "Set the RPC URL of the right chain.",
    });
  }
  const network = Network.from(chainId);
  const settings = { cacheTimeout: -1, pollingInterval: options.pollingMs ?? 250, staticNetwork: network };
  const provider =
    typeof source === "string"
      ? new JsonRpcProvider(requestTo(source, timeoutMs), network, settings)
      : new BrowserProvider({ request: (request) => source.request(request) }, network, settings);
  return { chainId, provider, close: () => provider.destroy() };
}

/** The newest block. */
export async function latestBlock(chain: Chain): Promise<Block> {
  return present(await findBlock(chain, "latest"), "the newest block");
}

/** A block by number; undefined where the chain does not have it (yet, or not any more after a reorganisation). */
export async function blockAt(chain: Chain, blockNumber: bigint): Promise<Block | undefined> {
  return findBlock(chain, Number(blockNumber));
}

async function findBlock(chain: Chain, tag: number | "latest"): Promise<Block | undefined> {
  const block = await onChain("eth_getBlockByNumber", () => chain.provider.getBlock(tag));
  if (block === null || block.hash === null) return undefined;
  return { blockNumber: BigInt(block.number), blockHash: block.hash as Hex, timestamp: block.timestamp };
}

function present<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new ChainError("RPC_UNAVAILABLE", `the RPC does not have ${what}`);
  return value;
}

function requestTo(url: string, timeoutMs: number): FetchRequest {
  const request = new FetchRequest(url);
  request.timeout = timeoutMs;
  request.setThrottleParams({ maxAttempts: 3 });
  return request;
}

async function askChainId(source: string | RpcSource, timeoutMs: number): Promise<bigint> {
  if (typeof source !== "string") return BigInt(String(await source.request({ method: "eth_chainId" })));
  const request = requestTo(source, timeoutMs);
  request.body = { jsonrpc: "2.0", id: 1, method: "eth_chainId", params: [] };
  const response = await request.send();
  response.assertOk();
  return BigInt((response.bodyJson as { result: string }).result);
}
