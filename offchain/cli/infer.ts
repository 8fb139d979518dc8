import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { randomInt } from "node:crypto";
import { dirname, join, resolve } from "node:path";
import type { Command } from "commander";
import { checkEvidenceFile, type FileCheck } from "../client/check.ts";
import { openClient, type Client, type ClientAnswer } from "../client/client.ts";
import type { ListedNode } from "../client/nodes.ts";
import { evidenceFileToJson, type EvidenceFile } from "../client/evidence-file.ts";
import { clientOptions } from "../client/profile.ts";
import { parseHex, toHex, type Hex } from "../encoding/bytes.ts";
import { prettyJson } from "../encoding/json.ts";
import type { Tensor } from "../encoding/tensor.ts";
import { ConfigError } from "../errors.ts";
import { loadPackage } from "../inference/package.ts";
import { digitTensor, parseDigits } from "../model/digits.ts";
import { integerArgument } from "./arguments.ts";
import { classesOf, knownManifest } from "./answer.ts";
import { shortCheckLines, SIMULATED_LINE } from "./checks.ts";
import { readFileJson } from "./files.ts";
import { profileOf, tokenOf, type NetworkOptions } from "./network.ts";
import { selectNode } from "./node-select.ts";
import type { Report, Session } from "./session.ts";
import { pairLines } from "./table.ts";
import { parseInputs, tensorToJson } from "./tensor-json.ts";
import { networkVerb, NODE_ARGUMENT } from "./verb.ts";

interface Options extends NetworkOptions {
  readonly node: string;
  readonly digit?: number;
  readonly input?: string;
  readonly model?: string;
  readonly out?: string;
}

/** What is asked, and of which model where the question itself says it. */
interface Question {
  readonly inputs: readonly Tensor[];
  readonly modelId?: Hex;
}

/** Adds `infer`. */
export function addInfer(program: Command, session: Session): void {
  networkVerb(program, "infer", {
    description: "verify a node, send it one sealed request, check the answer and keep the evidence",
    example: "cloister infer --node 1 --digit 7",
  })
    .requiredOption("--node <node>", NODE_ARGUMENT)
    .option("--digit <n>", "draw a held-out image of this digit", integerArgument(0, 9))
    .option("--input <file>", "an inference request, Open Inference Protocol v2 JSON")
    .option("--model <id>", "the model's id; where not given, the digits' or the only one that the node offers")
    .option("--out <file>", "where the evidence file goes")
    .action(async (options: Options) => session.conclude(await infer(options, session)));
}

async function infer(options: Options, session: Session): Promise<Report> {
  const question = await questionOf(options, session);
  const profile = profileOf(options, session.environment);
  const settings = clientOptions(profile);
  session.progress("opening the client's store, which takes some seconds the first time");
  const client = await openClient(settings);
  try {
    const node = selectNode(await client.nodes(), options.node);
    const modelId = modelOf(options, question, node);
    await assertFunded(client, node.nodeId);
    await takeUp(client, node.nodeId, session);
    session.progress(`verifying node ${node.nodeId}`);
    await client.verify(node.nodeId);
    session.progress("asking");
    const started = performance.now();
    const answer = await client.infer(node.nodeId, modelId, question.inputs);
    const ms = Math.round(performance.now() - started);
    const path = writeEvidence(answer, resolve(options.out ?? evidencePath(profile.dataDir, answer)));
    const checked = await checkEvidenceFile(answer.evidenceFile, settings);
    const manifest = await knownManifest(session.environment.root, modelId);
    const classes = classesOf(answer.outputs, manifest?.labels ?? []);
    const price = priceOf(node, modelId, answer);
    const { amount } = await tokenOf(client.contracts);
    return report({ answer, checked, classes, drawn: options.digit, ms, path, price, priceText: amount(price) });
  } finally {
    await client.close();
  }
}

/** The node would refuse a voucher that nothing stands behind; here the next step is known. */
async function assertFunded(client: Client, nodeId: Hex): Promise<void> {
  const { deposit, spent } = await client.channel(nodeId);
  if (deposit > spent) return;
  throw new ConfigError("CONFIG_MISSING", `there is no money in a channel with node ${nodeId}`, {
    next: `Run "cloister channel open --node ${nodeId.slice(0, 10)} --amount 1" first.`,
  });
}

/** Answers that an earlier run left open are fetched first: their promises count as owed. */
async function takeUp(client: Client, nodeId: Hex, session: Session): Promise<void> {
  for (const { sequence, outcome } of await client.resume(nodeId)) {
    session.progress(`request ${sequence}, which an earlier run left open, was ${outcome}`);
  }
}

async function questionOf({ digit, input }: Options, { environment }: Session): Promise<Question> {
  if ((digit === undefined) === (input === undefined)) {
    throw new ConfigError("CONFIG_INVALID", "give one of --digit N and --input FILE");
  }
  if (input !== undefined) return { inputs: parseInputs(readFileJson(input)) };
  const directory = join(environment.root, "models", "digits");
  const { root } = await loadPackage(directory);
  const all = parseDigits(new Uint8Array(readFileSync(join(directory, "holdout.bin"))));
  const those = all.filter(({ label }) => label === digit);
  const drawn = those[randomInt(those.length)];
  if (drawn === undefined) throw new ConfigError("CONFIG_INVALID", `there is no held-out image of ${digit}`);
  return { inputs: [digitTensor([drawn.pixels])], modelId: root };
}

function modelOf({ model }: Options, question: Question, { nodeId, offers }: ListedNode): Hex {
  const named = model === undefined ? undefined : parseHex(model, 32);
  if (model !== undefined && named === undefined) {
    throw new ConfigError("CONFIG_INVALID", `${model} is no model id: 32 bytes of 0x-hex`);
  }
  const only = offers.length === 1 ? offers[0]?.modelId : undefined;
  const modelId = named === undefined ? (question.modelId ?? only) : toHex(named);
  if (modelId !== undefined && offers.some((offer) => offer.modelId === modelId)) return modelId;
  throw new ConfigError("CONFIG_INVALID", `node ${nodeId} does not offer ${modelId ?? "one model only"}`, {
    next: "Choose a model with --model, see `cloister nodes show`.",
  });
}

function priceOf({ offers }: ListedNode, modelId: Hex, { answer }: ClientAnswer): bigint {
  const offer = offers.find((candidate) => candidate.modelId === modelId);
  return (offer?.pricePerUnit ?? 0n) * answer.receipt.units;
}

function evidencePath(dataDir: string, { voucher }: ClientAnswer): string {
  return join(dataDir, "evidence", `${voucher.channelId.slice(2, 10)}-${voucher.sequence}.json`);
}

function writeEvidence({ evidenceFile }: { readonly evidenceFile: EvidenceFile }, path: string): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${prettyJson(evidenceFileToJson(evidenceFile))}\n`, { mode: 0o600 });
  return path;
}

interface Told {
  readonly answer: ClientAnswer;
  readonly checked: FileCheck;
  readonly classes: ReturnType<typeof classesOf>;
  readonly drawn: number | undefined;
  readonly ms: number;
  readonly path: string;
  readonly price: bigint;
  readonly priceText: string;
}

function report({ answer, checked, classes, drawn, ms, path, price, priceText }: Told): Report {
  const { holds, simulated, checks } = checked;
  const outputs = answer.outputs.map(tensorToJson);
  const said = classes.map(({ label, share }) => `${label} (${(100 * share).toFixed(1)} %)`).join(", ");
  const shown = said === "" ? JSON.stringify(outputs) : said;
  return {
    exit: holds ? 0 : 1,
    json: {
      holds,
      simulated,
      nodeId: answer.node.nodeId,
      classes,
      drawn,
      outputs,
      price,
      ms,
      checks,
      evidenceFile: path,
    },
    lines: [
      ...(simulated ? [SIMULATED_LINE] : []),
      ...shortCheckLines(checks),
      "",
      ...pairLines({
        answer: shown,
        ...(drawn === undefined ? {} : { drawn: String(drawn) }),
        price: priceText,
        time: `${ms} ms`,
        evidence: path,
      }),
      `next: cloister check ${path}`,
    ],
  };
}
