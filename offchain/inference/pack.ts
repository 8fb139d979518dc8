import { sha256 } from "#crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { toHex, utf8 } from "../encoding/bytes.ts";
import { prettyJson } from "../encoding/json.ts";
import { ModelError } from "../errors.ts";
import type { Evaluation, ManifestFile, ModelLimits, ModelManifest, RuntimeSpec } from "../model/manifest.ts";
import { MANIFEST_FILE, MANIFEST_SCHEMA, parseManifest } from "../model/manifest.ts";
import type { ModelPackage, PackageFiles } from "../model/package.ts";
import { packageRoot, verifyPackage } from "../model/package.ts";
import { defaultRuntime, openGraph } from "./graph.ts";

/** What the maker of a package says of it; the rest of the manifest is found out. */
export interface PackFields {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  /** Default `model.onnx`. */
  readonly graph?: string;
  /** Further files of the directory that belong to the package. */
  readonly files?: readonly string[];
  /** Default: 1 MiB, 64, 10 seconds. */
  readonly limits?: ModelLimits;
  readonly labels?: readonly string[];
  readonly evaluation?: Evaluation;
  /** Default: the installed runtime on one thread. */
  readonly runtime?: RuntimeSpec;
}

const DEFAULT_LIMITS: ModelLimits = { maxRequestBytes: 1_048_576, maxBatch: 64, timeoutMs: 10_000 };

/**
 * Makes a directory a package: opens the graph to find its inputs and outputs, takes length and digest of each file and
 * writes `manifest.json` with the root; throws `ModelError` where a file is missing or the manifest would not be valid.
 */
export async function packModel(dir: string, fields: PackFields): Promise<ModelPackage> {
  const { graph = "model.onnx" } = fields;
  const files = new Map<string, Uint8Array>();
  for (const path of [graph, ...(fields.files ?? [])]) files.set(path, await readMember(dir, path));
  const runtime = fields.runtime ?? (await defaultRuntime());
  const { session, inputs, outputs } = await openGraph(files, graph, runtime);
  await session.release();
  const { name, version, description, limits = DEFAULT_LIMITS, labels, evaluation } = fields;
  const manifest = checked({
    schema: MANIFEST_SCHEMA,
    name,
    version,
    description,
    files: entriesOf(files),
    graph,
    inputs,
    outputs,
    runtime,
    limits,
    privacy: null,
    ...(labels === undefined ? {} : { labels }),
    ...(evaluation === undefined ? {} : { evaluation }),
  });
  const stated = { ...manifest, root: packageRoot(manifest, files) };
  await writeFile(join(dir, MANIFEST_FILE), `${prettyJson(stated)}\n`);
  return verifyPackage(stated, files);
}

/** Paths and all else go through the parser before anything is written. */
function checked(manifest: ModelManifest): ModelManifest {
  return parseManifest(utf8(prettyJson(manifest)));
}

function entriesOf(files: PackageFiles): ManifestFile[] {
  return [...files].map(([path, content]) => ({ path, bytes: content.length, sha256: toHex(sha256(content)) }));
}

async function readMember(dir: string, path: string): Promise<Uint8Array> {
  try {
    return await readFile(join(dir, path));
  } catch (cause) {
    throw new ModelError("MODEL_MISMATCH", `${path} cannot be read`, { cause });
  }
}
