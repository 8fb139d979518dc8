import { copyFileSync, mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { sha256 } from "#crypto";
import { listModels, readModel, registerModel } from "../chain/models.ts";
import { toHex, type Hex } from "../encoding/bytes.ts";
import { ConfigError } from "../errors.ts";
import { packModel } from "../inference/pack.ts";
import { loadPackage } from "../inference/package.ts";
import { canonicalManifest } from "../model/manifest.ts";
import type { ModelPackage } from "../model/package.ts";
import { parseAmount } from "./amount.ts";
import { collected } from "./arguments.ts";
import { onNetwork, senderOf, type Network, type NetworkOptions } from "./network.ts";
import type { Report, Session } from "./session.ts";
import { pairLines, tableLines } from "./table.ts";
import { networkVerb, verb } from "./verb.ts";

interface PackOptions {
  readonly name: string;
  readonly release: string;
  readonly description: string;
  readonly labels?: string;
  readonly file?: readonly string[];
  readonly out?: string;
}

interface RegisterOptions extends NetworkOptions {
  readonly price: string;
  readonly uri?: string;
}

const GRAPH = "model.onnx";
const ZERO: Hex = `0x${"00".repeat(32)}`;

/** Adds `model pack`, `model register` and `model list`. */
export function addModel(program: Command, session: Session): void {
  const model = program.command("model").description("model packages and the registry of models");
  verb(model, "pack", {
    description: "make a package with manifest and Merkle root out of an ONNX graph",
    example: 'cloister model pack digits.onnx --out models/mine --name mine --release 1.0.0 --description "My model"',
  })
    .argument("<path>", `directory with ${GRAPH}, or an ONNX file together with --out`)
    .requiredOption("--name <name>", "lower-case letters, digits and dashes")
    .requiredOption("--release <x.y.z>", "the model's version")
    .requiredOption("--description <text>", "one sentence")
    .option("--labels <names>", "the meaning of each class, in order, separated by commas")
    .option("--file <path>", "a further file of the directory that belongs to the package; repeatable", collected)
    .option("--out <directory>", "where the package of an ONNX file goes")
    .action(async (path: string, options: PackOptions) => session.conclude(await pack(path, options)));
  networkVerb(model, "register", {
    description: "publish a package's root in the registry; the sender becomes its owner",
    example: "cloister model register models/mine --price 0.001",
  })
    .argument("<directory>", "a model package")
    .requiredOption("--price <tokens>", "suggested price of one inference, whole tokens with decimals")
    .option("--uri <uri>", "where the manifest can be had")
    .action(async (directory: string, options: RegisterOptions) => {
      const pkg = await loadPackage(directory);
      session.conclude(await onNetwork(options, session, (network) => register(network, pkg, options)));
    });
  networkVerb(model, "list", { description: "every registered model", example: "cloister model list" }).action(
    async (options: NetworkOptions) => session.conclude(await onNetwork(options, session, list)),
  );
}

async function pack(path: string, options: PackOptions): Promise<Report> {
  const { name, release, description, labels, file } = options;
  const directory = packageDirectory(path, options.out);
  const { root, manifest } = await packModel(directory, {
    name,
    version: release,
    description,
    ...(labels === undefined ? {} : { labels: labels.split(",") }),
    ...(file === undefined ? {} : { files: file }),
  });
  return {
    exit: 0,
    json: { modelId: root, directory, manifest },
    lines: [
      ...pairLines({ model: root, package: directory, files: manifest.files.map(({ path }) => path).join(", ") }),
      `next: cloister model register ${directory} --price TOKENS`,
    ],
  };
}

/** The directory to pack; an ONNX file is copied into the one given by --out first. */
function packageDirectory(path: string, out: string | undefined): string {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.isDirectory() === true && out === undefined) return path;
  if (found?.isFile() !== true || out === undefined) {
    throw new ConfigError("CONFIG_INVALID", `${path} is no directory, nor an ONNX file together with --out`);
  }
  mkdirSync(out, { recursive: true });
  copyFileSync(path, join(out, GRAPH));
  return out;
}

async function register(network: Network, pkg: ModelPackage, options: RegisterOptions): Promise<Report> {
  const { root, manifest } = pkg;
  const sender = await senderOf(network);
  const known = await readModel(network.contracts, root);
  if (known !== undefined && known.owner === sender.address) return registered(root, { already: true });
  const terms = {
    pricePerUnit: parseAmount(options.price, network.decimals),
    manifestHash: toHex(sha256(canonicalManifest(manifest))),
    privacyPolicyHash: ZERO,
    keyReleasePolicyHash: ZERO,
    uri: options.uri ?? `cloister:${manifest.name}`,
  };
  const { transaction } = await sender.send(registerModel(network.contracts, root, terms));
  return registered(root, { already: false, transaction });
}

function registered(modelId: Hex, what: { readonly already: boolean; readonly transaction?: Hex }): Report {
  const { already, transaction } = what;
  const line = already ? `model ${modelId} is registered as yours` : `registered model ${modelId} in ${transaction}`;
  return { exit: 0, json: { modelId, ...what }, lines: [line] };
}

async function list(network: Network): Promise<Report> {
  const ids = await listModels(network.contracts);
  const models = await Promise.all(
    ids.map(async (modelId) => ({ modelId, entry: await readModel(network.contracts, modelId) })),
  );
  const rows = models.map(({ modelId, entry }) => [
    modelId,
    entry?.owner ?? "",
    entry === undefined ? "" : network.amount(entry.terms.pricePerUnit),
    entry?.retired === true ? "retired" : "",
    entry?.terms.uri ?? "",
  ]);
  const head = ["model", "owner", "suggested price", "", "manifest"];
  const lines = rows.length === 0 ? [`no model is registered on ${network.profile.name}`] : tableLines(head, rows);
  return { exit: 0, json: { models }, lines };
}
