import { join, resolve } from "node:path";
import type { Command } from "commander";
import { keccak256, sha256 } from "#crypto";
import { readModel, readOffer, setOffer } from "../chain/models.ts";
import { readMinStake, readNode, register } from "../chain/registry.ts";
import type { Sender } from "../chain/sender.ts";
import { bond, readStake } from "../chain/stake.ts";
import { approve } from "../chain/token.ts";
import { concat, parseHex, toHex, utf8, type Hex } from "../encoding/bytes.ts";
import { ConfigError } from "../errors.ts";
import { loadPackage } from "../inference/package.ts";
import type { ModelPackage } from "../model/package.ts";
import { parseAmount } from "./amount.ts";
import { collected } from "./arguments.ts";
import { onNetwork, senderOf, type Network, type NetworkOptions } from "./network.ts";
import { liveNodes } from "./node-select.ts";
import type { Report, Session } from "./session.ts";
import { networkVerb } from "./verb.ts";
import { checkPlace, writeWorkerConfig, type PlaceOptions } from "./worker-config.ts";

interface Options extends NetworkOptions, PlaceOptions {
  readonly model: readonly string[];
  readonly price?: string;
  readonly stake?: string;
  readonly salt?: string;
}

/** A model to offer and at what price. */
interface Offering {
  readonly path: string;
  readonly pkg: ModelPackage;
  readonly pricePerUnit: bigint;
}

/** Adds `node register`. */
export function addNodeRegister(node: Command, session: Session): void {
  networkVerb(node, "register", {
    description: "bond what is missing, register a node, offer models and write its worker's configuration",
    example:
      "cloister node register --endpoint http://127.0.0.1:8081 --model models/digits --vendor .cloister/devnet/vendor.json --profile .cloister/devnet/operator.json",
  })
    .requiredOption("--endpoint <url>", "where the worker will be reached")
    .requiredOption("--model <directory>", "a package to offer; repeatable", collected)
    .option("--price <tokens>", "price of one inference; where not given, what each model's owner suggests")
    .option("--stake <tokens>", "what to bond; where not given, what is missing of the least bond")
    .option("--salt <hex>", "32 bytes that make the node's id; where not given, they follow from the endpoint")
    .option("--platform-file <file>", "the simulated machine that the worker runs on")
    .option("--vendor <file>", "the simulated vendor that provisions a machine, where there is no platform file")
    .option("--tee <tee>", "the platform of a machine that is provisioned; the vendor's first where not given")
    .option("--gpu-file <file>", "the simulated GPU beside the machine")
    .option("--gpu-vendor <file>", "the simulated NVIDIA that provisions a GPU, where there is no GPU file")
    .option("--out <file>", "where the worker's configuration goes")
    .action(async (options: Options) => {
      checkPlace(options);
      session.conclude(await onNetwork(options, session, (network) => registerNode(network, options, session)));
    });
}

/** Every step is left out that is done, so that the same command can be run again after a failure. */
async function registerNode(network: Network, options: Options, session: Session): Promise<Report> {
  const { contracts, profile } = network;
  const salt = saltOf(options);
  const offerings = await offeringsOf(network, options);
  const sender = await senderOf(network);
  const nodeId = nodeIdOf(sender.address, salt);
  const known = await readNode(contracts, nodeId);
  await bondMissing(network, options, { sender, session, registered: known !== undefined });
  if (known === undefined) {
    session.progress(`registering node ${nodeId}`);
    await sender.send(register(contracts, salt, options.endpoint));
  }
  for (const { pkg, pricePerUnit } of offerings) {
    if ((await readOffer(contracts, nodeId, pkg.root)) === pricePerUnit) continue;
    session.progress(`offering ${pkg.manifest.name} for ${network.amount(pricePerUnit)}`);
    await sender.send(setOffer(contracts, nodeId, { modelId: pkg.root, pricePerUnit }));
  }
  const models = offerings.map(({ path, pkg }) => ({ path, root: pkg.root }));
  const out = resolve(options.out ?? join(profile.dataDir, "nodes", nodeId.slice(2, 10), "worker.json"));
  writeWorkerConfig(out, options, { profile, nodeId, operator: sender.address, models });
  return {
    exit: 0,
    json: { nodeId, operator: sender.address, salt, config: out, offers: offerings.map(offerJson) },
    lines: [
      `node ${nodeId} of ${sender.address} is registered at ${options.endpoint}`,
      ...offerings.map((offering) => `offers ${offering.pkg.root} for ${network.amount(offering.pricePerUnit)}`),
      `next: cloister node run --config ${out}`,
    ],
  };
}

const offerJson = ({ pkg, pricePerUnit }: Offering): Readonly<Record<string, unknown>> => ({
  modelId: pkg.root,
  pricePerUnit,
});

async function offeringsOf({ contracts, decimals }: Network, { model, price }: Options): Promise<readonly Offering[]> {
  const asked = price === undefined ? undefined : parseAmount(price, decimals);
  return Promise.all(
    model.map(async (path) => {
      const pkg = await loadPackage(path);
      const entry = await readModel(contracts, pkg.root);
      if (entry !== undefined) {
        return { path: resolve(path), pkg, pricePerUnit: asked ?? entry.terms.pricePerUnit };
      }
      throw new ConfigError("CONFIG_INVALID", `the registry knows no model ${pkg.root}`, {
        next: `Run "cloister model register ${path} --price TOKENS" first.`,
      });
    }),
  );
}

interface BondParts {
  readonly sender: Sender;
  readonly session: Session;
  readonly registered: boolean;
}

/** Each live node needs the least bond; what is bonded already counts. */
async function bondMissing(
  network: Network,
  { stake }: Options,
  { sender, session, registered }: BondParts,
): Promise<void> {
  const { contracts, decimals } = network;
  const [minStake, live, { bonded }] = await Promise.all([
    readMinStake(contracts),
    liveNodes(contracts, sender.address),
    readStake(contracts, sender.address),
  ]);
  const needed = minStake * (live + (registered ? 0n : 1n));
  const missing = needed > bonded ? needed - bonded : 0n;
  const amount = stake === undefined || registered ? missing : parseAmount(stake, decimals);
  if (amount < missing) {
    throw new ConfigError("CONFIG_INVALID", `${network.amount(missing)} are missing of the least bond`);
  }
  if (amount === 0n) return;
  session.progress(`bonding ${network.amount(amount)}`);
  await sender.send(approve(contracts, "NodeStake", amount));
  await sender.send(bond(contracts, amount));
}

function saltOf({ salt, endpoint }: Options): Hex {
  if (salt === undefined) return toHex(sha256(utf8(`cloister/node/${endpoint}`)));
  const bytes = parseHex(salt, 32);
  if (bytes === undefined) throw new ConfigError("CONFIG_INVALID", "--salt is not 32 bytes of 0x-hex");
  return toHex(bytes);
}

/** `keccak256(abi.encode(operator, salt))`. @see docs/protocol.md section 1 */
function nodeIdOf(operator: Hex, salt: Hex): Hex {
  const bytes = (hex: Hex): Uint8Array => parseHex(hex) ?? new Uint8Array(0);
  return toHex(keccak256(concat(new Uint8Array(12), bytes(operator), bytes(salt))));
}
