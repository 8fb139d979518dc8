/** The relayer's process: `node offchain/relayer/main.ts --config FILE`. */
import { parseArgs } from "node:util";
import type { RelayerConfig } from "./config.ts";
import { connectChain } from "../chain/provider.ts";
import { openContracts } from "../chain/contracts.ts";
import { readDeployment } from "../chain/deployment.ts";
import { openSender } from "../chain/sender.ts";
import { parseHex } from "../encoding/bytes.ts";
import { createEndorsementSource } from "../endorsements/source.ts";
import { CloisterError, ConfigError } from "../errors.ts";
import { fetchBytes, fetchJson } from "../http/fetch.ts";
import { listen } from "../http/server.ts";
import { createLog, type Log } from "../log.ts";
import { ENDORSEMENT_MIGRATIONS, endorsementDocuments } from "../store/endorsements.ts";
import { openStore, tieStore } from "../store/store.ts";
import { VERDICT_MIGRATIONS, verdicts } from "../store/verdicts.ts";
import { ChainVerifier } from "../x509/chain.ts";
import { readRelayerConfig } from "./config.ts";
import type { RelayerContext } from "./context.ts";
import { createRelayer, runRelayer } from "./relayer.ts";
import { relayerApp } from "./serve.ts";

const ANSWER_LIMITS = { timeoutMs: 5000, maxBytes: 1 << 20 };

async function main(config: RelayerConfig, log: Log, signal: AbortSignal): Promise<void> {
  const chain = await connectChain(config.rpcUrl, { chainId: config.chainId });
  const contracts = openContracts(chain, readDeployment(config.deployments, config.chainId));
  const store = await openStore({ dir: config.state }, [...VERDICT_MIGRATIONS, ...ENDORSEMENT_MIGRATIONS]);
  try {
    const endorsements = createEndorsementSource({
      services: config.endorsements,
      fetch: fetchBytes,
      store: endorsementDocuments(store),
      signal,
    });
    await tieStore(store, `${config.chainId}:${contracts.addresses.VerifierCommittee}`);
    const context: RelayerContext = {
      contracts,
      sender: await openSender(chain, { privateKey: config.privateKey }),
      privateKey: parseHex(config.privateKey, 32) ?? new Uint8Array(0),
      verdicts: verdicts(store),
      trustRoots: config.trustRoots,
      chains: new ChainVerifier(),
      endorsementsOf: (evidence, given) => endorsements.endorsementsFor(evidence, given),
      fetchJson: (url) => fetchJson(url, { ...ANSWER_LIMITS, signal }),
      now: Date.now,
      turnDelayMs: config.turnDelayMs,
      log,
    };
    await serveAndRun(context, config, signal);
  } finally {
    await store.close();
    chain.close();
  }
}

async function serveAndRun(context: RelayerContext, config: RelayerConfig, signal: AbortSignal): Promise<void> {
  const { log } = context;
  const relayer = createRelayer(context);
  const server = await listen(relayerApp(relayer, context.verdicts, log), { host: config.host, port: config.port });
  try {
    process.stdout.write(`${JSON.stringify({ ready: true, url: server.url })}\n`);
    const onFailure = (error: unknown): void => log.warn({ code: codeOf(error), err: error }, "step failed");
    await runRelayer(relayer, { stepMs: config.stepMs, signal, onFailure });
  } finally {
    await server.close();
  }
}

function readConfig(): RelayerConfig {
  const { values } = parseArgs({ options: { config: { type: "string" } } });
  if (values.config === undefined) {
    throw new ConfigError("CONFIG_MISSING", "--config is missing", { next: "Give the path of the configuration." });
  }
  return readRelayerConfig(values.config, process.env);
}

function codeOf(error: unknown): string {
  return error instanceof CloisterError ? error.code : "FAULT";
}

const stop = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => stop.abort());
try {
  const config = readConfig();
  const log = createLog("relayer", config.logLevel);
  await main(config, log, stop.signal);
} catch (error) {
  const { message, next } = error as Partial<CloisterError> & Error;
  process.stderr.write(`${codeOf(error)}: ${message}${next === undefined ? "" : `\n${next}`}\n`);
  process.exitCode = error instanceof ConfigError ? 2 : error instanceof CloisterError ? 3 : 1;
}
