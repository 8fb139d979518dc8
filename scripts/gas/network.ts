import { AbiCoder, concat as concatHex, Interface } from "ethers";
import { artifacts, network as hardhatNetwork } from "hardhat";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { keccak256, signingAddress } from "#crypto";
import type { Contracts } from "../../offchain/chain/contracts.ts";
import type { DeployParameters } from "../../offchain/chain/deploy-parameters.ts";
import type { RpcSource } from "../../offchain/chain/provider.ts";
import { openContracts } from "../../offchain/chain/contracts.ts";
import { deploy } from "../../offchain/chain/deploy.ts";
import { PRODUCTION } from "../../offchain/chain/deploy-parameters.ts";
import { connectChain } from "../../offchain/chain/provider.ts";
import { openSender } from "../../offchain/chain/sender.ts";
import { toHex, utf8, type Hex } from "../../offchain/encoding/bytes.ts";

/** A fixed key that signs and sends. */
export interface Party {
  readonly privateKey: Uint8Array;
  readonly address: Hex;
}

/** The whole system on a chain of its own inside this process, with a clock that only moves when told. */
export interface GasNetwork {
  readonly contracts: Contracts;
  /** In ascending order of their addresses, as verdicts need them. */
  readonly members: readonly Party[];
  readonly guardian: Party;
  /** Sends as `from` and gives the gas of the whole transaction; throws where it reverts. */
  send(from: Party, call: { readonly to: Hex; readonly data: Hex }): Promise<number>;
  /** Deploys a compiled contract with constructor arguments of these types; gives its address. */
  create(name: string, types: readonly string[], values: readonly unknown[]): Promise<Hex>;
  /** The time of the newest block, in seconds since 1970. */
  now(): number;
  /** Lets time pass before the next transaction. */
  wait(seconds: number): void;
  /** What `isActive` costs a contract that asks for the first time in its transaction. */
  askActive(nodeId: Hex): Promise<number>;
  close(): Promise<void>;
}

/** Intel TDX, see docs/protocol.md section 1. */
export const PLATFORM = 2;
export const MIN_EVALUATION_NUMBER = 17;
export const WORKLOAD_ID = word("workload");
export const DAY = 86_400;
/** With a window, so that the figures are those of a network on which verdicts are challenged. */
export const CHALLENGE_WINDOW = 3600;

const START = Date.UTC(2026, 0, 1);
const BLOCK_SECONDS = 12;
/** @see EIP-7825 */
const MAX_GAS = "0x1000000";
const READER = ["function ask(address registry, bytes32 nodeId) view returns (bool active, uint256 gas)"];

/** 32 bytes that are the same in every run. */
export function word(name: string): Hex {
  return toHex(keccak256(utf8(`cloister gas ${name}`)));
}

/** The party of a name, the same in every run. */
export function party(name: string): Party {
  const privateKey = keccak256(utf8(`cloister gas ${name}`));
  return { privateKey, address: toHex(signingAddress(privateKey)) };
}

/** Deploys everything with a committee of three and the durations of production. */
export async function openGasNetwork(): Promise<GasNetwork> {
  const connection = await hardhatNetwork.create({
    network: "default",
    override: { initialDate: new Date(START).toISOString() },
  });
  const { provider } = connection;
  let now = START / 1000;
  const source: RpcSource = {
    request: async ({ method, params }) => {
      if (method.startsWith("eth_send")) {
        now += BLOCK_SECONDS;
        await provider.request({ method: "evm_setNextBlockTimestamp", params: [now] });
      }
      return provider.request(params === undefined ? { method } : { method, params });
    },
  };
  const members = [party("member 1"), party("member 2"), party("member 3")].sort((a, b) =>
    a.address < b.address ? -1 : 1,
  );
  const guardian = party("guardian");
  const contracts = await deployAll(source, members, guardian);
  const sending = createSending(source);
  const reader = await create(guardian, sending, { name: "ActiveReader", types: [], values: [] });
  return {
    contracts,
    members,
    guardian,
    send: async (from, call) => (await sending(from, call)).gasUsed,
    create: (name, types, values) => create(guardian, sending, { name, types, values }),
    now: () => now,
    wait: (seconds) => void (now += seconds),
    askActive: async (nodeId) => {
      const face = new Interface(READER);
      const data = face.encodeFunctionData("ask", [contracts.addresses.NodeRegistry, nodeId]);
      const answer = await source.request({ method: "eth_call", params: [{ to: reader, data }, "latest"] });
      return Number(face.decodeFunctionResult("ask", String(answer))["gas"]);
    },
    close: async () => {
      contracts.chain.close();
      await connection.close();
    },
  };
}

async function deployAll(source: RpcSource, members: readonly Party[], guardian: Party): Promise<Contracts> {
  const chain = await connectChain(source, { pollingMs: 20 });
  const [governor] = (await source.request({ method: "eth_accounts" })) as [Hex];
  const parameters: DeployParameters = {
    ...PRODUCTION,
    challengeWindow: CHALLENGE_WINDOW,
    token: null,
    proposers: [governor],
    executors: [governor],
    guardian: guardian.address,
    community: party("community").address,
    members: members.map(({ address }) => ({ account: address, endpoint: "https://relayer.example.org" })),
    platforms: [
      {
        platform: PLATFORM,
        tcbStatusMask: 0b110,
        minEvaluationNumber: MIN_EVALUATION_NUMBER,
        ttl: DAY,
        maxEvidenceAge: 1800,
        accepted: true,
      },
    ],
    workloads: [{ workloadId: WORKLOAD_ID, platform: PLATFORM }],
  };
  const directory = await mkdtemp(join(tmpdir(), "cloister-gas-"));
  try {
    const sender = await openSender(chain, { account: governor });
    const file = join(directory, "deployment.json");
    const commit = "0".repeat(40);
    const made = await deploy({ chain, sender, parameters, artifacts: "artifacts", file, commit, devnet: true });
    return openContracts(chain, made);
  } finally {
    await rm(directory, { recursive: true });
  }
}

interface MinedReceipt {
  readonly gasUsed: number;
  readonly contractAddress: Hex | null;
}

type Sending = (from: Party, call: { readonly to?: Hex; readonly data: Hex }) => Promise<MinedReceipt>;

/** Sends without an estimate and without polling: the chain mines each transaction at once. */
function createSending(source: RpcSource): Sending {
  const ask = (method: string, ...params: unknown[]): Promise<unknown> => source.request({ method, params });
  const known = new Set<Hex>();
  return async ({ address }, { to, data }) => {
    if (!known.has(address)) {
      known.add(address);
      await ask("hardhat_impersonateAccount", address);
      await ask("hardhat_setBalance", address, "0x56bc75e2d63100000");
    }
    const transaction = { from: address, data, gas: MAX_GAS, ...(to === undefined ? {} : { to }) };
    const hash = await ask("eth_sendTransaction", transaction);
    const mined = (await ask("eth_getTransactionReceipt", hash)) as {
      readonly gasUsed: Hex;
      readonly contractAddress: Hex | null;
    };
    return { ...mined, gasUsed: Number(mined.gasUsed) };
  };
}

async function create(
  from: Party,
  sending: Sending,
  { name, types, values }: { name: string; types: readonly string[]; values: readonly unknown[] },
): Promise<Hex> {
  const { bytecode } = await artifacts.readArtifact(name);
  const data = concatHex([bytecode, AbiCoder.defaultAbiCoder().encode(types, values)]) as Hex;
  const { contractAddress } = await sending(from, { data });
  if (contractAddress === null) throw new Error(`${name} was not deployed`);
  return contractAddress;
}
