import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { keccak256, sha256 } from "#crypto";
import { registerModel, setOffer } from "../chain/models.ts";
import { isActive, register } from "../chain/registry.ts";
import type { Sent } from "../chain/sender.ts";
import { readMinStake } from "../chain/registry.ts";
import { bond } from "../chain/stake.ts";
import { approve, mintTestTokens } from "../chain/token.ts";
import { provisionMachine, type Machine } from "../device/simulated/machine.ts";
import type { SimulatedPlatform } from "../device/simulated/measure.ts";
import { concat, parseHex, toHex, type Hex } from "../encoding/bytes.ts";
import { prettyJson } from "../encoding/json.ts";
import { ServiceError } from "../errors.ts";
import { fetchBytes } from "../http/fetch.ts";
import { canonicalManifest } from "../model/manifest.ts";
import type { Account } from "./accounts.ts";
import type { Network } from "./network.ts";
import { TOKEN, randomId } from "./network.ts";
import { ROOT } from "./services.ts";
import { freePort, readyLine, startService, type Service } from "./processes.ts";

/** Per image. */
export const PRICE = TOKEN / 1000n;

/** A node of the devnet: its operator, its worker process and how to start that again. */
export interface DevnetNode {
  readonly name: string;
  readonly tee: SimulatedPlatform;
  readonly nodeId: Hex;
  readonly operator: Account;
  readonly configFile: string;
  readonly endpoint: string;
  readonly registered: Sent;
  readonly worker: () => Service;
  /** Starts the worker anew, after it was stopped or killed. */
  restart(): Promise<void>;
}

const START_MS = 60_000;
const LIMITS = { timeoutMs: 5000, maxBytes: 1 << 10 };
const ZERO: Hex = `0x${"00".repeat(32)}`;

/** Publishes the model in the registry; its owner suggests the price. */
export async function publishModel(network: Network, owner: Account): Promise<Sent> {
  const { model, contracts } = network;
  const terms = {
    pricePerUnit: PRICE,
    manifestHash: toHex(sha256(canonicalManifest(model.manifest))),
    privacyPolicyHash: ZERO,
    keyReleasePolicyHash: ZERO,
    uri: `cloister:${model.manifest.name}`,
  };
  return (await network.sender(owner)).send(registerModel(contracts, model.root, terms));
}

/** Bonds an operator, registers a node, offers the model and starts the worker; it is not attested yet. */
export async function startNode(network: Network, tee: SimulatedPlatform, name: string): Promise<DevnetNode> {
  const { contracts, dir } = network;
  const operator = await network.account(`${name}-operator`);
  const sender = await network.sender(operator);
  const minStake = await readMinStake(contracts);
  await sender.send(mintTestTokens(contracts, operator.address, minStake));
  await sender.send(approve(contracts, "NodeStake", minStake));
  await sender.send(bond(contracts, minStake));
  const salt = randomId();
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const registered = await sender.send(register(contracts, salt, endpoint));
  const nodeId = nodeIdOf(operator.address, salt);
  await sender.send(setOffer(contracts, nodeId, { modelId: network.model.root, pricePerUnit: PRICE }));
  const platformFile = join(dir, "configs", `${name}-platform.json`);
  const { kind, json } = provisionMachine(network.vendors.stateOf[tee], { platform: tee, now: Date.now(), name });
  writeFileSync(platformFile, json, { mode: 0o600 });
  const configFile = join(dir, "configs", `${name}.json`);
  writeFileSync(
    configFile,
    prettyJson(workerConfig(network, { name, nodeId, operator, port, device: { kind, platformFile } })),
  );
  await network.prepareStore(name);
  const place = { name, configFile, logDir: join(dir, "logs") };
  let worker = await network.run(() => startWorker(place));
  return {
    name,
    tee,
    nodeId,
    operator,
    configFile,
    endpoint,
    registered,
    worker: () => worker,
    restart: async () => {
      worker = await network.run(() => startWorker(place));
    },
  };
}

/**
 * Waits until the registry calls a node active under the keys of its worker, and the worker has seen that: before, it knows no epoch
 * and opens no request. Throws `ServiceError` `SERVICE_UNAVAILABLE` when it takes longer.
 */
export async function waitActive(
  network: Network,
  { nodeId, endpoint }: Pick<DevnetNode, "nodeId" | "endpoint">,
  timeoutMs: number,
): Promise<void> {
  const ready = async (): Promise<boolean> =>
    (await isActive(network.contracts, nodeId)) &&
    (await fetchBytes(`${endpoint}/v2/health/ready`, LIMITS)).status === 200;
  await waitFor(ready, timeoutMs, `node ${nodeId} did not become active`);
}

/** Asks every 200 ms until something holds; throws `ServiceError` `SERVICE_UNAVAILABLE` when it takes longer. */
export async function waitFor(holds: () => Promise<boolean>, timeoutMs: number, otherwise: string): Promise<void> {
  const end = performance.now() + timeoutMs;
  while (!(await holds())) {
    if (performance.now() > end) throw new ServiceError("SERVICE_UNAVAILABLE", `${otherwise} in ${timeoutMs} ms`);
    await new Promise((resolve) => {
      setTimeout(resolve, 200);
    });
  }
}

function startWorker(place: {
  readonly name: string;
  readonly configFile: string;
  readonly logDir: string;
}): Promise<Service> {
  return startService({
    name: place.name,
    args: [join(ROOT, "offchain", "worker", "main.ts"), "--config", place.configFile],
    logDir: place.logDir,
    timeoutMs: START_MS,
    ready: readyLine,
  });
}

function workerConfig(
  network: Network,
  node: {
    readonly name: string;
    readonly nodeId: Hex;
    readonly operator: Account;
    readonly port: number;
    readonly device: { readonly kind: Machine["kind"]; readonly platformFile: string };
  },
): Record<string, unknown> {
  return {
    name: node.name,
    nodeId: node.nodeId,
    operator: node.operator.address,
    rpcUrl: network.chain.url,
    deployments: network.deployments,
    models: [{ path: network.modelDir, root: network.model.root }],
    dataDir: join(network.dir, "data", node.name),
    host: "127.0.0.1",
    port: node.port,
    device: node.device,
    settlementKeyFile: node.operator.keyFile,
    settleEverySeconds: 3,
    evidenceMaxAgeSeconds: 300,
  };
}

function nodeIdOf(operator: Hex, salt: Hex): Hex {
  const bytes = (hex: Hex): Uint8Array => parseHex(hex) ?? new Uint8Array(0);
  return toHex(keccak256(concat(new Uint8Array(12), bytes(operator), bytes(salt))));
}
