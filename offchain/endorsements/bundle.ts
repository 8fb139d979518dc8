import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { parseJson } from "../encoding/members.ts";
import { ConfigError } from "../errors.ts";
import { parseQuote } from "../evidence/dcap/quote.ts";
import { parseDeviceReport } from "../evidence/nvidia/report.ts";
import { detect } from "../verifier/detect.ts";
import type { Endorsements, FamilyName } from "../verifier/family.ts";
import { loadCca } from "./arm-cca.ts";
import { classify, unlessCoded } from "./classify.ts";
import { looksLikeDocuments, parseDocuments } from "./document-file.ts";
import { selectDeviceChain } from "./select-device-chain.ts";
import { selectDeviceReferences } from "./select-device-references.ts";
import { selectEndorsements } from "./select.ts";
import { loadSevSnp } from "./sev-snp.ts";

/** What endorsements are looked for. */
export interface EndorsementsFor {
  /** Raw evidence; what it needs is read from it, unverified. */
  readonly evidence: Uint8Array;
  /** What came with the evidence. */
  readonly given?: Endorsements;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** Chooses one family's endorsements among files; undefined where none is one. */
type Loader = (files: readonly Uint8Array[], wanted: EndorsementsFor) => Promise<Endorsements | undefined>;

const LOADERS: Readonly<Record<FamilyName, Loader>> = {
  dcap: loadDcap,
  sevSnp: loadSevSnp,
  nitro: needsNone,
  nvidia: loadNvidia,
  cca: loadCca,
};

const MAX_FILES = 4096;
const MAX_FILE_BYTES = 8 << 20;

/**
 * Reads endorsements for evidence from a file (one endorsement or a JSON of several) or from every file of a directory,
 * recognised by content; of several, those that fit the evidence, are valid and newest are chosen.
 * Throws `ConfigError` where nothing can be read, `EvidenceError` where the evidence cannot be parsed.
 */
export async function loadEndorsements(path: string, wanted: EndorsementsFor): Promise<Endorsements> {
  const { family } = detect(wanted.evidence);
  const files = await Promise.all((await filesOf(path)).map((file) => readSmall(file)));
  const given = files.filter((bytes) => bytes !== undefined).flatMap((bytes) => partsIn(bytes));
  const endorsements = await LOADERS[family](given, wanted);
  if (endorsements === undefined) throw new ConfigError("CONFIG_INVALID", `no endorsements found in ${path}`);
  return endorsements;
}

/** The documents, with the chains beside them, in a file that `endorsements export` wrote; any other file as it is. */
function partsIn(bytes: Uint8Array): readonly Uint8Array[] {
  const json = bytes[0] === "{".charCodeAt(0) ? unlessCoded(() => parseJson(bytes, "the file", notJson)) : undefined;
  if (!looksLikeDocuments(json)) return [bytes];
  return parseDocuments(json).flatMap(({ body, chain }) => (chain === undefined ? [body] : [body, chain]));
}

function notJson(message: string): ConfigError {
  return new ConfigError("CONFIG_INVALID", message);
}

async function loadDcap(
  files: readonly Uint8Array[],
  { evidence, now }: EndorsementsFor,
): Promise<Endorsements | undefined> {
  const candidates = files.flatMap((bytes) => classify(bytes));
  if (candidates.length === 0) return undefined;
  return { dcap: await selectEndorsements(candidates, parseQuote(evidence), now) };
}

/** Evidence that carries its whole chain and that no revocation list speaks of. */
function needsNone(): Promise<Endorsements> {
  return Promise.resolve({});
}

async function loadNvidia(
  files: readonly Uint8Array[],
  { evidence, given }: EndorsementsFor,
): Promise<Endorsements | undefined> {
  const report = parseDeviceReport(evidence);
  const certChain = given?.nvidia?.certChain ?? (await selectDeviceChain(files, report));
  return certChain === undefined ? undefined : { nvidia: { certChain, ...selectDeviceReferences(files, report) } };
}

async function filesOf(path: string): Promise<readonly string[]> {
  try {
    if (!(await stat(path)).isDirectory()) return [path];
    const entries = await readdir(path, { withFileTypes: true });
    if (entries.length > MAX_FILES) throw new ConfigError("CONFIG_INVALID", `${path} has ${entries.length} files`);
    const names = entries.filter((entry) => entry.isFile()).map(({ name }) => name);
    return names.sort().map((name) => join(path, name));
  } catch (cause) {
    if (cause instanceof ConfigError) throw cause;
    throw new ConfigError("CONFIG_MISSING", `endorsements cannot be read from ${path}`, { cause });
  }
}

/** A file's bytes; undefined where it is too large to be an endorsement. */
async function readSmall(path: string): Promise<Uint8Array | undefined> {
  return (await stat(path)).size > MAX_FILE_BYTES ? undefined : new Uint8Array(await readFile(path));
}
