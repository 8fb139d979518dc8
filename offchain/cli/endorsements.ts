import type { Command } from "commander";
import { existsSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { documentsToJson, parseDocuments } from "../endorsements/document-file.ts";
import type { KeptDocument } from "../endorsements/documents.ts";
import type { EndorsementSource, Need } from "../endorsements/source.ts";
import { prettyJson } from "../encoding/json.ts";
import { ConfigError } from "../errors.ts";
import type { Endorsements } from "../verifier/family.ts";
import { onHolder, type HolderOptions } from "./endorsement-store.ts";
import { readEvidence, type GivenEvidence } from "./evidence-input.ts";
import { readFileJson } from "./files.ts";
import type { Report, Session } from "./session.ts";
import { tableLines } from "./table.ts";
import { networkVerb } from "./verb.ts";

interface Options extends HolderOptions {
  readonly evidence?: string;
}

const EVIDENCE = "what to look at: evidence, or the JSON of a worker's GET /v1/evidence";
const RELAYER = "a relayer's configuration: its endorsements are meant, and it must not run meanwhile";

/** Adds `endorsements status`, `export` and `import`. */
export function addEndorsements(program: Command, session: Session): void {
  const endorsements = program.command("endorsements").description("vendors' signed material that is kept");
  networkVerb(endorsements, "status", {
    description: "what is kept, until when it holds, and what evidence needs",
    example: "cloister endorsements status --evidence node.json",
  })
    .option("--evidence <file>", EVIDENCE)
    .option("--relayer <file>", RELAYER)
    .action(async (options: Options) => session.conclude(await status(options, session)));
  networkVerb(endorsements, "export", {
    description: "write what is kept, or what evidence needs, to one file for where no service is asked",
    example: "cloister endorsements export endorsements.json --evidence node.json",
  })
    .argument("<path>", "the file to write, or a directory for one file for each document")
    .option("--evidence <file>", `${EVIDENCE}; what is missing is asked for`)
    .option("--relayer <file>", RELAYER)
    .action(async (path: string, options: Options) => session.conclude(await exportTo(path, options, session)));
  networkVerb(endorsements, "import", {
    description: "keep what another program exported",
    example: "cloister endorsements import endorsements.json --relayer relayer.json",
  })
    .argument("<path>", "what `endorsements export` wrote")
    .option("--relayer <file>", RELAYER)
    .action(async (path: string, options: Options) => session.conclude(await importFrom(path, options, session)));
}

async function status(options: Options, session: Session): Promise<Report> {
  const given = options.evidence === undefined ? undefined : readEvidence(options.evidence);
  return onHolder(options, session, async ({ store, source }) => {
    const now = Date.now();
    const documents = (await store.list()).map((document) => standingOf(document, now));
    const needs = given === undefined ? undefined : await needsOf(given, source);
    const lacks = (needs ?? []).filter(({ required, state }) => required && state !== "held");
    return {
      exit: lacks.length === 0 ? 0 : 1,
      json: { documents, ...(needs && { needs: needs.map(needToJson) }) },
      lines: [...documentLines(documents), ...(needs === undefined ? [] : needLines(needs))],
    };
  });
}

async function exportTo(path: string, options: Options, session: Session): Promise<Report> {
  const given = options.evidence === undefined ? undefined : readEvidence(options.evidence);
  return onHolder(options, session, async ({ store, source }) => {
    if (given !== undefined) await forEach(given, (evidence, own) => source.endorsementsFor(evidence, own));
    const wanted = given && new Set((await needsOf(given, source)).map(({ key }) => key));
    const documents = (await store.list()).filter(({ url }) => wanted === undefined || wanted.has(url));
    const files = write(path, documents);
    return {
      exit: 0,
      json: { files, documents: documents.length },
      lines: [`${documents.length} documents in ${path}`],
    };
  });
}

async function importFrom(path: string, options: Options, session: Session): Promise<Report> {
  const documents = filesAt(path).flatMap((file) => parseDocuments(readFileJson(file)));
  return onHolder(options, session, async ({ store }) => {
    for (const document of documents) {
      const before = await store.get(document.url);
      if (before === undefined || before.fetchedAt <= document.fetchedAt) await store.put(document);
    }
    return { exit: 0, json: { documents: documents.length }, lines: [`${documents.length} documents from ${path}`] };
  });
}

/** Everything that evidence, and each device beside it, needs. */
async function needsOf(given: GivenEvidence, source: EndorsementSource): Promise<readonly Need[]> {
  return (await forEach(given, (evidence, own) => source.needsOf(evidence, own))).flat();
}

async function forEach<T>(
  { evidence, devices }: GivenEvidence,
  work: (evidence: Uint8Array, given: Endorsements) => Promise<T>,
): Promise<readonly T[]> {
  const found = [await work(evidence, {})];
  for (const device of devices) found.push(await work(device.evidence, { nvidia: { certChain: device.certChain } }));
  return found;
}

function write(path: string, documents: readonly KeptDocument[]): readonly string[] {
  const isDirectory = existsSync(path) && statSync(path).isDirectory();
  const files = isDirectory
    ? documents.map((document, index) => [join(path, `endorsement-${index + 1}.json`), [document]] as const)
    : ([[path, documents]] as const);
  for (const [file, content] of files) writeFileSync(file, `${prettyJson(documentsToJson(content))}\n`);
  return files.map(([file]) => file);
}

function filesAt(path: string): readonly string[] {
  if (!existsSync(path)) throw new ConfigError("CONFIG_MISSING", `${path} cannot be read`);
  if (!statSync(path).isDirectory()) return [path];
  const names = readdirSync(path).filter((name) => name.endsWith(".json"));
  return names.sort().map((name) => join(path, name));
}

interface Standing extends Pick<KeptDocument, "service" | "what" | "url"> {
  readonly fetchedAt: string;
  readonly validUntil: string;
  readonly holds: boolean;
}

function standingOf({ service, what, url, fetchedAt, validUntil }: KeptDocument, now: number): Standing {
  const times = { fetchedAt: new Date(fetchedAt).toISOString(), validUntil: new Date(validUntil).toISOString() };
  return { service, what, url, ...times, holds: now < validUntil };
}

function documentLines(documents: readonly Standing[]): readonly string[] {
  if (documents.length === 0) return ["nothing is kept"];
  const rows = documents.map(({ service, what, validUntil, holds }) => [
    holds ? "holds" : "EXPIRED",
    service,
    what,
    validUntil,
  ]);
  return tableLines(["", "service", "kept", "valid until"], rows);
}

function needToJson({ key: _key, validUntil, ...need }: Need): Readonly<Record<string, unknown>> {
  return { ...need, ...(validUntil === undefined ? {} : { validUntil: new Date(validUntil).toISOString() }) };
}

function needLines(needs: readonly Need[]): readonly string[] {
  if (needs.length === 0) return ["", "the evidence needs nothing of any service"];
  const rows = needs.map(({ state, what, required, url }) => [
    state === "held" ? "held" : state.toUpperCase(),
    what,
    required ? "" : "may be absent",
    url ?? "comes with the evidence",
  ]);
  return ["", ...tableLines(["", "needed", "", "asked for at"], rows)];
}
