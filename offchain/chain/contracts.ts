import { Contract, type EventLog, type Log as EthersLog } from "ethers";
import type { Hex } from "../encoding/bytes.ts";
import type { ContractName } from "./abi.ts";
import type { Deployment } from "./deployment.ts";
import type { Chain } from "./provider.ts";
import { ConfigError } from "../errors.ts";
import { INTERFACES, domainValue, domainValues } from "./codec.ts";
import { onChain } from "./failure.ts";

/** The deployed contracts of one network, ready to be read and called. */
export interface Contracts {
  readonly chain: Chain;
  readonly addresses: Readonly<Record<ContractName, Hex>>;
}

/** A transaction that is not sent yet: what to call, and with what. */
export interface Call {
  readonly to: Hex;
  readonly data: Hex;
  /** Such as `NodeRegistry.register`, for messages. */
  readonly doing: string;
}

/** An event in domain values, see `domainValue`. */
export interface ChainEvent {
  readonly contract: ContractName;
  readonly name: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly blockNumber: bigint;
  readonly transaction: Hex;
}

/** Ties a connection to a deployment; throws ConfigError `CONFIG_INVALID` where they are of different chains. */
export function openContracts(chain: Chain, deployment: Deployment): Contracts {
  if (chain.chainId !== deployment.chainId) {
    throw new ConfigError("CONFIG_INVALID", `the deployment is on chain ${deployment.chainId}, not ${chain.chainId}`);
  }
  const addresses = Object.fromEntries(
    Object.entries(deployment.contracts).map(([name, { address }]) => [name, address]),
  ) as Record<ContractName, Hex>;
  return { chain, addresses: { ...addresses, Token: deployment.token } };
}

/** Makes a call; throws ethers' own `TypeError` where the arguments do not fit, which is a fault of the program. */
export function callTo(contracts: Contracts, name: ContractName, method: string, args: readonly unknown[]): Call {
  const data = INTERFACES[name].encodeFunctionData(method, args) as Hex;
  return { to: contracts.addresses[name], data, doing: `${name}.${method}` };
}

/** Reads a view: its one result, or an object of its named results, in domain values. */
export async function view<T>(
  contracts: Contracts,
  name: ContractName,
  method: string,
  args: readonly unknown[] = [],
): Promise<T> {
  const face = INTERFACES[name];
  const fragment = face.getFunction(method);
  if (fragment === null) throw new RangeError(`${name} has no ${method}`);
  const contract = new Contract(contracts.addresses[name], face, contracts.chain.provider);
  const result = await onChain(`${name}.${method}`, () => contract.getFunction(method).staticCallResult(...args));
  const [only] = fragment.outputs;
  return (
    fragment.outputs.length === 1 && only !== undefined
      ? domainValue(only, result[0])
      : domainValues(fragment.outputs, result)
  ) as T;
}

/** Reads the events of one kind between two blocks, both included; `indexed` narrows by the first indexed members. */
export async function readEvents(
  contracts: Contracts,
  name: ContractName,
  event: string,
  range: { readonly from: bigint; readonly to: bigint; readonly indexed?: readonly (Hex | null)[] },
): Promise<readonly ChainEvent[]> {
  const contract = new Contract(contracts.addresses[name], INTERFACES[name], contracts.chain.provider);
  const filter = contract.getEvent(event)(...(range.indexed ?? []));
  const logs = await onChain(`${name}.${event}`, () =>
    contract.queryFilter(filter, Number(range.from), Number(range.to)),
  );
  return logs.flatMap((log) => eventOf(name, log));
}

/** Decodes the events of a deployment's contracts out of a receipt's logs; others are left out. */
export function decodeLogs(contracts: Contracts, logs: readonly EthersLog[]): readonly ChainEvent[] {
  const names = new Map(Object.entries(contracts.addresses).map(([name, at]) => [at, name as ContractName]));
  return logs.flatMap((log) => {
    const name = names.get(log.address.toLowerCase() as Hex);
    return name === undefined ? [] : eventOf(name, log);
  });
}

function eventOf(contract: ContractName, log: EthersLog | EventLog): readonly ChainEvent[] {
  const found = INTERFACES[contract].parseLog(log);
  if (found === null) return [];
  return [
    {
      contract,
      name: found.name,
      args: domainValues(found.fragment.inputs, found.args),
      blockNumber: BigInt(log.blockNumber),
      transaction: log.transactionHash as Hex,
    },
  ];
}
