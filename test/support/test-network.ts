import { pino } from "pino";
import { createSigningKey, keccak256, signDigest, signingAddress } from "#crypto";
import type { Contracts } from "../../offchain/chain/contracts.ts";
import type { Sender } from "../../offchain/chain/sender.ts";
import type { PlatformFile } from "../../offchain/device/simulated/intel/platform-file.ts";
import type { QuoteDefects } from "../../offchain/device/simulated/intel/quote.ts";
import type { SimulatedVendor } from "../../offchain/device/simulated/intel/vendor.ts";
import type { WorkerMeasurements } from "../../offchain/device/simulated/measure.ts";
import type { Hex } from "../../offchain/encoding/bytes.ts";
import type { Listening } from "../../offchain/http/server.ts";
import type { Log } from "../../offchain/log.ts";
import type { NodeBinding } from "../../offchain/verifier/binding.ts";
import type { NodeEvidence } from "../../offchain/verifier/node-evidence.ts";
import type { LocalChain } from "./local-chain.ts";
import { latestBlock, type Block } from "../../offchain/chain/provider.ts";
import { register } from "../../offchain/chain/registry.ts";
import { eventsOf, openSender } from "../../offchain/chain/sender.ts";
import { takeSeat } from "../../offchain/chain/committee.ts";
import { bond } from "../../offchain/chain/stake.ts";
import { approve, mintTestTokens } from "../../offchain/chain/token.ts";
import { createPcsHandler } from "../../offchain/device/simulated/intel/pcs-server.ts";
import { provisionPlatform } from "../../offchain/device/simulated/intel/platform.ts";
import { simulatedDevice } from "../../offchain/device/simulated/intel/quote.ts";
import { createSimulatedVendor } from "../../offchain/device/simulated/intel/vendor.ts";
import { concat, parseHex, toHex } from "../../offchain/encoding/bytes.ts";
import { createApp, listen } from "../../offchain/http/server.ts";
import { bindingDigest, deviceNonceOf, gpuEvidenceHashOf, reportDataOf } from "../../offchain/verifier/binding.ts";
import { nodeEvidenceToJson } from "../../offchain/verifier/node-evidence.ts";
import { deployLocally } from "./deployments.ts";
import { startLocalChain } from "./local-chain.ts";
import { TEST_MEASUREMENTS } from "./simulated-intel.ts";

const BOND = 10n ** 18n;
const POLICY = { tcbStatusMask: 0b10, minEvaluationNumber: 1, ttl: 3600, maxEvidenceAge: 1800, accepted: true };

/** A committee member with funds and bond. */
export interface TestMember {
  readonly privateKey: Uint8Array;
  readonly sender: Sender;
}

/** A registered node whose evidence the test decides. */
export interface TestNode {
  readonly nodeId: Hex;
  readonly operator: Sender;
  /** The enclave's signing key of the evidence that was made last. */
  signingKey(): Uint8Array;
  /** Makes evidence for new keys or for the current ones, with defects, and serves it. */
  refresh(change?: {
    readonly newKeys?: boolean;
    readonly defects?: QuoteDefects;
    readonly measurements?: Partial<WorkerMeasurements>;
    readonly binding?: Partial<NodeBinding>;
    readonly anchor?: NodeEvidence["anchor"];
    /** Makes the evidence of devices over their nonce; the binding names it unless it is changed itself. */
    readonly devices?: (nonce: Uint8Array) => Promise<NodeEvidence["devices"]>;
  }): Promise<NodeEvidence>;
  /** Serves anything else. */
  serve(answer: object): void;
}

/** A local chain with a committee of three, of which two must agree, and a simulated vendor with its service. */
export interface TestNetwork {
  readonly local: LocalChain;
  readonly contracts: Contracts;
  readonly members: readonly TestMember[];
  readonly vendor: SimulatedVendor;
  readonly pcs: Listening;
  startNode(tee: PlatformFile["tee"], salt: number): Promise<TestNode>;
  close(): Promise<void>;
}

/** The workload id that measurements give. @see docs/protocol.md section 1 */
export function workloadIdOf(tee: PlatformFile["tee"], measured: WorkerMeasurements): Hex {
  const bytes = (hex: Hex): Uint8Array => parseHex(hex) ?? new Uint8Array(0);
  if (tee === "intel-sgx") return toHex(keccak256(Uint8Array.of(1), bytes(measured.mrenclave)));
  const { mrtd, mrconfigid, mrowner, mrownerconfig, rtmr0, rtmr1, rtmr2, rtmr3 } = measured;
  const body = [mrtd, mrconfigid, mrowner, mrownerconfig, rtmr0, rtmr1, rtmr2, rtmr3].map(bytes);
  return toHex(keccak256(Uint8Array.of(2), concat(...body)));
}

/** A log that keeps what is written, for tests to read. */
export function recordingLog(): { readonly log: Log; readonly lines: Record<string, unknown>[] } {
  const lines: Record<string, unknown>[] = [];
  const log = pino(
    { level: "debug" },
    { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) },
  );
  return { log, lines };
}

export async function startTestNetwork(directory: string): Promise<TestNetwork> {
  const local = await startLocalChain();
  const keys = [createSigningKey(), createSigningKey(), createSigningKey()];
  const contracts = await deployLocally(local, directory, {
    minStake: BOND,
    memberBond: BOND,
    threshold: 2,
    members: keys.map((key) => ({ account: toHex(signingAddress(key)), endpoint: "http://127.0.0.1:1" })),
    platforms: [
      { platform: 0x81, ...POLICY },
      { platform: 0x82, ...POLICY },
    ],
    workloads: [
      { workloadId: workloadIdOf("intel-sgx", TEST_MEASUREMENTS), platform: 0x81 },
      { workloadId: workloadIdOf("intel-tdx", TEST_MEASUREMENTS), platform: 0x82 },
    ],
  });
  const vendor = createSimulatedVendor({ now: Date.now(), seed: new Uint8Array(32).fill(7) });
  const pcs = await servePcs(vendor);
  const members: TestMember[] = [];
  for (const privateKey of keys) members.push({ privateKey, sender: await fundedSender(local, contracts, privateKey) });
  for (const { sender } of members) await sender.send(takeSeat(contracts, sender.address));
  const operator = await fundedSender(local, contracts, createSigningKey());
  const nodes: Listening[] = [];
  return {
    local,
    contracts,
    members,
    vendor,
    pcs,
    startNode: async (tee, salt) => {
      const started = await startNode({ local, contracts, vendor, operator }, tee, salt);
      nodes.push(started.server);
      return started.node;
    },
    close: async () => {
      await Promise.all([pcs, ...nodes].map((server) => server.close(0)));
      await local.close();
    },
  };
}

async function servePcs(vendor: SimulatedVendor): Promise<Listening> {
  const handler = createPcsHandler({ vendor: () => vendor, now: Date.now });
  const app = createApp();
  app.get("*", (context) => {
    const url = new URL(context.req.url);
    const { status, headers, body } = handler(url.pathname, url.searchParams);
    return context.body(new Uint8Array(body), status, headers);
  });
  return listen(app, { port: 0 });
}

/** The sender of a key with native currency and a bond. */
export async function fundedSender(local: LocalChain, contracts: Contracts, key: Uint8Array): Promise<Sender> {
  const sender = await openSender(local.chain, { privateKey: toHex(key) });
  await local.request("hardhat_setBalance", sender.address, "0x56bc75e2d63100000");
  await sender.send(mintTestTokens(contracts, sender.address, 4n * BOND));
  await sender.send(approve(contracts, "NodeStake", 4n * BOND));
  await sender.send(bond(contracts, 4n * BOND));
  return sender;
}

async function startNode(
  network: {
    readonly local: LocalChain;
    readonly contracts: Contracts;
    readonly vendor: SimulatedVendor;
    readonly operator: Sender;
  },
  tee: PlatformFile["tee"],
  salt: number,
): Promise<{ readonly node: TestNode; readonly server: Listening }> {
  const { local, contracts, vendor, operator } = network;
  let answer: object = { error: { code: "SERVICE_UNAVAILABLE" } };
  const app = createApp();
  app.get("/v1/evidence", (context) => context.json(answer));
  const server = await listen(app, { port: 0 });
  const sent = await operator.send(register(contracts, toHex(new Uint8Array(32).fill(salt)), server.url));
  const nodeId = eventsOf(contracts, sent)[0]?.args["nodeId"] as Hex;
  const platform = provisionPlatform(vendor, { tee, now: Date.now(), name: `machine ${salt}` });
  const domain = { chainId: contracts.chain.chainId, verifyingContract: contracts.addresses.NodeRegistry };
  let keys = newKeys();
  const refresh: TestNode["refresh"] = async (change = {}) => {
    if (change.newKeys === true) keys = newKeys();
    const { blockNumber, blockHash } = change.anchor ?? (await laterBlock(local));
    const anchor = { blockNumber, blockHash };
    const bound = bindingOf(nodeId, operator.address, keys);
    const devices = (await change.devices?.(deviceNonceOf(domain, bound, anchor))) ?? [];
    const binding = { ...bound, gpuEvidenceHash: gpuEvidenceHashOf(devices), ...change.binding };
    const device = simulatedDevice(platform, { ...TEST_MEASUREMENTS, ...change.measurements }, change.defects);
    const evidence: NodeEvidence = {
      platform: tee,
      evidence: await device.quote(reportDataOf(domain, binding, anchor)),
      devices,
      binding,
      anchor,
      possession: toHex(signDigest(keys.signing, bindingDigest(domain, binding))),
      keyEpoch: null,
      simulated: true,
    };
    answer = nodeEvidenceToJson(evidence);
    return evidence;
  };
  return {
    server,
    node: { nodeId, operator, refresh, signingKey: () => keys.signing, serve: (other) => void (answer = other) },
  };
}

/** A block of a later second than all before: the registry takes nothing that is not newer than its record. */
async function laterBlock(local: LocalChain): Promise<Block> {
  await local.request("evm_increaseTime", 1);
  await local.request("evm_mine");
  return latestBlock(local.chain);
}

interface Keys {
  readonly signing: Uint8Array;
  readonly sealing: Hex;
}

function newKeys(): Keys {
  return { signing: createSigningKey(), sealing: toHex(createSigningKey()) };
}

function bindingOf(nodeId: Hex, operator: Hex, keys: Keys): NodeBinding {
  return {
    nodeId,
    operator,
    signingKey: toHex(signingAddress(keys.signing)),
    sealingKey: keys.sealing,
    gpuEvidenceHash: `0x${"00".repeat(32)}`,
    configHash: `0x${"cf".repeat(32)}`,
  };
}
