/** The worker process: `node offchain/worker/main.ts --config FILE`. Keys are born here and end with the process. */
import { join } from "node:path";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { openContracts, type Contracts } from "../chain/contracts.ts";
import { readDeployment } from "../chain/deployment.ts";
import { connectChain } from "../chain/provider.ts";
import { openSender } from "../chain/sender.ts";
import type { Device } from "../device/device.ts";
import type { Gpu } from "../device/gpu.ts";
import { measureWorker } from "../device/simulated/measure.ts";
import { nvidiaDeviceFromJson } from "../device/simulated/nvidia/device-file.ts";
import { simulatedNvidiaDevice } from "../device/simulated/nvidia/report.ts";
import { openSimulated } from "../device/simulated/open.ts";
import { toHex, type Hex } from "../encoding/bytes.ts";
import { ConfigError } from "../errors.ts";
import { listen } from "../http/server.ts";
import { loadPackage } from "../inference/package.ts";
import { openModel, type Model } from "../inference/session.ts";
import { createLog, type Log } from "../log.ts";
import { openStore, tieStore } from "../store/store.ts";
import { VOUCHER_MIGRATIONS, vouchers } from "../store/vouchers.ts";
import { createChainWatch, type ChainWatch } from "./chain-watch.ts";
import { configHash, measuredConfiguration, readKeyFile, readWorkerConfig, type WorkerConfig } from "./config.ts";
import { createEvidenceSource, type EvidenceSource } from "./evidence-source.ts";
import { workerApp } from "./http.ts";
import { createInferenceService, type AttestedEpoch } from "./inference-service.ts";
import { createEnclaveKeys, type EnclaveKeys } from "./keys.ts";
import { settleOnce, type SettleParts } from "./settle.ts";

const STEP_MS = 1000;
const ROOT = join(import.meta.dirname, "..", "..");
const ENTRY = "offchain/worker/main.ts";

async function openDevice(config: WorkerConfig): Promise<Device> {
  const { kind, platformFile } = config.device;
  const configuration = { ...measuredConfiguration(config.models) };
  const measurements = await measureWorker({ root: ROOT, entry: ENTRY, configuration });
  return openSimulated(kind, readFileSync(platformFile, "utf8"), measurements);
}

function openGpu({ device }: WorkerConfig): Gpu | undefined {
  if (device.gpu === undefined) return undefined;
  return simulatedNvidiaDevice(nvidiaDeviceFromJson(readFileSync(device.gpu.platformFile, "utf8")));
}

async function openModels(config: WorkerConfig): Promise<ReadonlyMap<Hex, Model>> {
  const models = new Map<Hex, Model>();
  for (const { path, root } of config.models) models.set(root, await openModel(await loadPackage(path, root)));
  return models;
}

async function openChain(config: WorkerConfig): Promise<Contracts> {
  const chain = await connectChain(config.rpcUrl);
  return openContracts(chain, readDeployment(config.deployments, chain.chainId));
}

async function evidenceOf(
  config: WorkerConfig,
  contracts: Contracts,
  keys: EnclaveKeys,
  attested: () => AttestedEpoch | undefined,
): Promise<EvidenceSource> {
  const parts = {
    domain: { chainId: contracts.chain.chainId, verifyingContract: contracts.addresses.NodeRegistry },
    binding: {
      nodeId: config.nodeId,
      operator: config.operator,
      signingKey: keys.signingAddress,
      sealingKey: toHex(keys.sealingKey.publicKey),
      configHash: configHash(measuredConfiguration(config.models)),
    },
    signingKey: keys.signingKey,
    device: await openDevice(config),
    gpu: openGpu(config),
  };
  return createEvidenceSource(parts, attested);
}

/** Settles at its pace and at once when asked to stop; a failed round is told and tried again. */
async function settleRound(parts: SettleParts, log: Log): Promise<void> {
  try {
    const settled = await settleOnce(parts);
    if (settled !== undefined) log.info({ ...settled, gasUsed: settled.gasUsed.toString() }, "settled");
  } catch (error) {
    log.warn({ err: error }, "settling failed, will try again");
  }
}

async function stepLoop(
  watch: ChainWatch,
  settle: () => Promise<void>,
  options: { signal: AbortSignal; everyMs: number; log: Log },
): Promise<void> {
  let settledAt = performance.now();
  while (!options.signal.aborted) {
    await watch.step().catch((error: unknown) => options.log.warn({ err: error }, "a step failed"));
    if (performance.now() - settledAt >= options.everyMs) {
      await settle();
      settledAt = performance.now();
    }
    await sleep(STEP_MS, undefined, { signal: options.signal }).catch(() => undefined);
  }
}

async function run(config: WorkerConfig, signal: AbortSignal): Promise<void> {
  const log = createLog(config.name);
  const [contracts, models, keys, store] = await Promise.all([
    openChain(config),
    openModels(config),
    createEnclaveKeys(),
    openStore({ dir: config.dataDir }, VOUCHER_MIGRATIONS),
  ]);
  await tieStore(store, `${contracts.chain.chainId}/${contracts.addresses.InferenceEscrow}/${config.nodeId}`);
  const book = vouchers(store);
  const sender = await openSender(contracts.chain, { privateKey: readKeyFile(config.settlementKeyFile) });
  const onRefused = (channel: Hex): void => log.warn({ channel }, "the escrow would refuse to settle a channel");
  const settle = (): Promise<void> =>
    settleRound({ contracts, sender, nodeId: config.nodeId, vouchers: book, onRefused }, log);
  // What an earlier process earned is settled while its key is still the current one.
  await settle();
  const evidence = await evidenceOf(config, contracts, keys, () => watch.view().attested);
  const watch = createChainWatch({ ...config, contracts, keys, evidence, models: [...models.keys()], log });
  const served = new Map([...models].map(([root, model]) => [root, { model, price: () => watch.price(root) }]));
  const infer = createInferenceService({
    nodeId: config.nodeId,
    escrow: { chainId: contracts.chain.chainId, verifyingContract: contracts.addresses.InferenceEscrow },
    keys,
    attested: () => watch.view().attested,
    models: served,
    channelOf: watch.channelOf,
    vouchers: book,
    onRefusal: (code) => log.info({ code }, "refused a request"),
  });
  const server = await listen(
    workerApp({
      name: config.name,
      evidence,
      ready: () => watch.view().attested !== undefined,
      manifests: [...models.values()].map(({ manifest }) => manifest),
      infer,
      responseTo: (requestHash) => book.responseTo(requestHash),
      onError: (error, path) => log.info({ code: (error as { code?: unknown }).code, path }, "refused"),
    }),
    { host: config.host, port: config.port },
  );
  process.stdout.write(`${JSON.stringify({ ready: true, url: server.url, simulated: true })}\n`);
  await stepLoop(watch, settle, { signal, everyMs: config.settleEverySeconds * 1000, log });
  await server.close();
  await settle();
  await store.close();
  for (const model of models.values()) await model.close();
  contracts.chain.close();
}

const stop = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) process.on(name, () => stop.abort());
const { values } = parseArgs({ options: { config: { type: "string" } } });
try {
  if (values.config === undefined) throw new ConfigError("CONFIG_MISSING", "--config FILE is missing");
  await run(readWorkerConfig(values.config), stop.signal);
} catch (error) {
  createLog("worker").fatal({ err: error }, "the worker cannot run");
  process.exitCode = error instanceof ConfigError ? 2 : 3;
}
