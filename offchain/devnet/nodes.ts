import { writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { keccak256, sha256 } from "#crypto";
import { registerModel, setOffer } from "../chain/models.ts";
import { isActive, readMinStake, register } from "../chain/registry.ts";
import type { Sender, Sent } from "../chain/sender.ts";
import { bond } from "../chain/stake.ts";
import { approve, mintTestTokens } from "../chain/token.ts";
import { provisionMachine } from "../device/simulated/machine.ts";
import type { SimulatedPlatform } from "../device/simulated/measure.ts";
import { nvidiaDeviceToJson } from "../device/simulated/nvidia/device-file.ts";
import { provisionNvidiaDevice } from "../device/simulated/nvidia/provision.ts";
import { concat, parseHex, toHex, type Hex } from "../encoding/bytes.ts";
import { prettyJson } from "../encoding/json.ts";
import { ServiceError } from "../errors.ts";
import { fetchBytes } from "../http/fetch.ts";
import { canonicalManifest } from "../model/manifest.ts";
import type { WorkerConfig } from "../worker/config.ts";
import type { Account } from "./accounts.ts";
import type { Network } from "./network.ts";
import { TOKEN, randomId } from "./network.ts";
import { ROOT } from "./services.ts";
import { freePort, readyLine, startService, type Service } from "./processes.ts";

/** Per image. */
export const PRICE = TOKEN / 1000n;

/** What each kind of node runs on. */
const KINDS = {
  "intel-sgx": { tee: "intel-sgx", gpu: false },
  "intel-tdx": { tee: "intel-tdx", gpu: false },
  "amd-sev-snp": { tee: "amd-sev-snp", gpu: false },
  "aws-nitro": { tee: "aws-nitro", gpu: false },
  "intel-tdx-gpu": { tee: "intel-tdx", gpu: true },
} as const satisfies Readonly<Record<string, { readonly tee: SimulatedPlatform; readonly gpu: boolean }>>;

/** A kind of node: its platform, and whether an NVIDIA GPU stands beside it. */
export type NodeKind = keyof typeof KINDS;

/** Every kind that the devnet runs, in the order in which they are registered. */
export const NODE_KINDS = Object.keys(KINDS) as readonly NodeKind[];

/** A node of the devnet: its operator, its worker process and how to start that again. */
export interface DevnetNode {
  readonly name: string;
  readonly kind: NodeKind;
  readonly tee: SimulatedPlatform;
  /** Whether a GPU stands beside its machine. */
  readonly gpu: boolean;
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

/** Starts a node of each kind at the same time, registered in the order of the kinds; none is attested yet. */
export async function startNodes(network: Network, kinds: readonly NodeKind[]): Promise<readonly DevnetNode[]> {
  const operators = await Promise.all(kinds.map((kind) => bondedOperator(network, `worker-${kind}`)));
  const starting: Promise<DevnetNode>[] = [];
  for (const [index, kind] of kinds.entries()) {
    const operator = operators[index];
    if (operator === undefined) throw new RangeError(`${kind} has no operator`);
    const place = await registerNode(network, operator);
    const started = startWorkerOf(network, { ...place, kind, name: `worker-${kind}` });
    // A failure is told to the caller, who waits for all of them below.
    started.catch(() => undefined);
    starting.push(started);
  }
  return Promise.all(starting);
}

/** Bonds an operator, registers a node, offers the model and starts the worker; it is not attested yet. */
export async function startNode(network: Network, kind: NodeKind, name: string): Promise<DevnetNode> {
  const place = await registerNode(network, await bondedOperator(network, name));
  return startWorkerOf(network, { ...place, kind, name });
}

/** A node as it is registered, with the port that its worker will serve. */
type Place = Pick<DevnetNode, "nodeId" | "operator" | "endpoint" | "registered"> & { readonly port: number };

interface Operator {
  readonly account: Account;
  readonly sender: Sender;
}

async function bondedOperator(network: Network, name: string): Promise<Operator> {
  const { contracts } = network;
  const account = await network.account(`${name}-operator`);
  const sender = await network.sender(account);
  const minStake = await readMinStake(contracts);
  await sender.send(mintTestTokens(contracts, account.address, minStake));
  await sender.send(approve(contracts, "NodeStake", minStake));
  await sender.send(bond(contracts, minStake));
  return { account, sender };
}

async function registerNode({ contracts, model }: Network, { account, sender }: Operator): Promise<Place> {
  const salt = randomId();
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const registered = await sender.send(register(contracts, salt, endpoint));
  const nodeId = nodeIdOf(account.address, salt);
  await sender.send(setOffer(contracts, nodeId, { modelId: model.root, pricePerUnit: PRICE }));
  return { nodeId, operator: account, endpoint, registered, port };
}

/** Makes the machines of a node, writes its worker's configuration and starts it. */
async function startWorkerOf(
  network: Network,
  { port, ...node }: Place & Pick<DevnetNode, "kind" | "name">,
): Promise<DevnetNode> {
  const { dir } = network;
  const { kind, name } = node;
  const configFile = join(dir, "configs", `${name}.json`);
  const device = provisionDevice(network, kind, join(dir, "configs", name));
  writeFileSync(configFile, prettyJson(workerConfig(network, { ...node, port, device })));
  await network.prepareStore(name);
  const place = { name, configFile, logDir: join(dir, "logs") };
  let worker = await network.run(() => startWorker(place));
  return {
    ...node,
    ...KINDS[kind],
    configFile,
    worker: () => worker,
    restart: async () => {
      worker = await network.run(() => startWorker(place));
    },
  };
}

/** Has the vendors make the machine of a node, and its GPU; no two nodes share one. The member `device` of its configuration. */
function provisionDevice({ vendors }: Network, kind: NodeKind, path: string): WorkerConfig["device"] {
  const { tee, gpu } = KINDS[kind];
  const [now, name] = [Date.now(), basename(path)];
  const machine = provisionMachine(vendors.stateOf[tee], { platform: tee, now, name });
  const device = { kind: machine.kind, platformFile: writePrivate(`${path}-platform.json`, machine.json) };
  if (!gpu) return device;
  const json = nvidiaDeviceToJson(provisionNvidiaDevice(vendors.nvidia, { kind: "gpu", now, name }));
  return { ...device, gpu: { kind: "simulated-nvidia", platformFile: writePrivate(`${path}-gpu.json`, json) } };
}

function writePrivate(path: string, json: string): string {
  writeFileSync(path, json, { mode: 0o600 });
  return path;
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
  node: Pick<DevnetNode, "name" | "nodeId" | "operator"> & Pick<WorkerConfig, "port" | "device">,
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
