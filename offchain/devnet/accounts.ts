import { createSigningKey, signingAddress } from "#crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { toHex, type Hex } from "../encoding/bytes.ts";
import { ServiceError } from "../errors.ts";
import { fetchJson } from "../http/fetch.ts";

/** A key of the devnet; made anew at every start, worth nothing elsewhere. */
export interface Account {
  readonly privateKey: Hex;
  readonly address: Hex;
  /** Holds the private key in 0x-hex. */
  readonly keyFile: string;
}

const FUNDS = 1_000n * 10n ** 18n;

/** Makes a key, writes its file and gives it native currency by the development chain's own method. */
export async function createAccount(name: string, keysDir: string, rpcUrl: string): Promise<Account> {
  const key = createSigningKey();
  const account = {
    privateKey: toHex(key),
    address: toHex(signingAddress(key)),
    keyFile: join(keysDir, `${name}.key`),
  };
  mkdirSync(keysDir, { recursive: true, mode: 0o700 });
  writeFileSync(account.keyFile, `${account.privateKey}\n`, { mode: 0o600 });
  await rpc(rpcUrl, "hardhat_setBalance", [account.address, `0x${FUNDS.toString(16)}`]);
  return account;
}

/** Calls a method of a development chain; throws `ServiceError` where it does not answer or refuses. */
export async function rpc(rpcUrl: string, method: string, params: readonly unknown[]): Promise<unknown> {
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
  const answer = await fetchJson(rpcUrl, { method: "POST", body, timeoutMs: 10_000, maxBytes: 1 << 20 });
  const { result, error } = answer.body as { result?: unknown; error?: { message?: unknown } };
  if (error !== undefined) throw new ServiceError("SERVICE_REFUSED", `${method}: ${String(error.message)}`);
  return result;
}
