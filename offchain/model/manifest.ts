import type { Hex } from "../encoding/bytes.ts";
import { utf8 } from "../encoding/bytes.ts";
import type { Json } from "../encoding/json.ts";
import { canonicalJson } from "../encoding/json.ts";
import type { Field } from "../encoding/members.ts";
import { hexField, integerField, listField, parseJson, parseMembers, textField } from "../encoding/members.ts";
import type { Datatype } from "../encoding/tensor.ts";
import { isDatatype, MAX_RANK, MAX_TENSORS } from "../encoding/tensor.ts";
import { ModelError } from "../errors.ts";
import type { PrivacyPolicy } from "./privacy-policy.ts";
import { parsePrivacyPolicy } from "./privacy-policy.ts";

/** The format of the manifest that this code reads and writes. */
export const MANIFEST_SCHEMA = "cloister-model/1";

/** The name of the manifest inside a package. */
export const MANIFEST_FILE = "manifest.json";

/** A file of the package, apart from the manifest itself. */
export interface ManifestFile {
  /** Relative to the package, `/` between parts. */
  readonly path: string;
  readonly bytes: number;
  readonly sha256: Hex;
}

/** An input or output of the graph; -1 in `shape` stands for the batch and may only come first. */
export interface TensorSpec {
  readonly name: string;
  readonly datatype: Datatype;
  readonly shape: readonly number[];
}

/** The settings under which the package's answers are reproducible. */
export interface RuntimeSpec {
  readonly engine: "onnxruntime";
  readonly version: string;
  readonly executionProvider: "cpu";
  readonly intraOpThreads: number;
  readonly graphOptimization: GraphOptimization;
}

export type GraphOptimization = "disabled" | "basic" | "extended" | "all";

/** What one request may cost. */
export interface ModelLimits {
  /** The sum of the input tensors' bytes. */
  readonly maxRequestBytes: number;
  readonly maxBatch: number;
  /** Milliseconds for one request; a run cannot be interrupted from inside, so the process that hosts it enforces this. */
  readonly timeoutMs: number;
}

/** How well the model does, as its maker states it. */
export interface Evaluation {
  /** What the held-out set is, for people. */
  readonly heldOut: string;
  /** The digest of the held-out set's file. */
  readonly heldOutSha256: Hex;
  readonly samples: number;
  readonly correct: number;
  /** `correct / samples`. */
  readonly accuracy: number;
  /** The seed of the training that made the model. */
  readonly seed: number;
}

/** `manifest.json` of a model package. @see docs/models.md */
export interface ModelManifest {
  readonly schema: typeof MANIFEST_SCHEMA;
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly files: readonly ManifestFile[];
  /** The path of the ONNX graph; one of `files`. */
  readonly graph: string;
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  readonly runtime: RuntimeSpec;
  readonly limits: ModelLimits;
  /** The noise that answers must get; who cannot add it must not run the model. */
  readonly privacy: PrivacyPolicy | null;
  /** The meaning of each class of a classifier, in order. */
  readonly labels?: readonly string[];
  readonly evaluation?: Evaluation;
  /** The package's root; a statement that `verifyPackage` checks, and no part of the bytes under the root. */
  readonly root?: Hex;
}

const NAME = /^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$/;
const VERSION = /^(?:0|[1-9]\d{0,8})(?:\.(?:0|[1-9]\d{0,8})){2}$/;
const PATH_PART = /^[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,126}[A-Za-z0-9_-])?$/;
const MAX_BYTES = 2 ** 40;
const MAX_FILES = 4096;
const MAX_TEXT = 4096;

/**
 * Reads a manifest strictly: an unknown, missing or ill-typed member throws `MODEL_MALFORMED`.
 * @see docs/protocol.md section 7
 */
export function parseManifest(bytes: Uint8Array): ModelManifest {
  const json = parseJson(bytes, "the manifest", malformed);
  const optional = Object.fromEntries(
    Object.entries(OPTIONAL_FIELDS).filter(([name]) => typeof json === "object" && json !== null && name in json),
  );
  const manifest = parseMembers(json, { ...FIELDS, ...optional }, "manifest", malformed) as ModelManifest;
  const paths = manifest.files.map((file) => file.path);
  checkPaths(paths);
  checkNames(manifest.inputs, "inputs");
  checkNames(manifest.outputs, "outputs");
  if (!paths.includes(manifest.graph)) throw malformed("manifest.graph is none of its files");
  return manifest;
}

/** The bytes of the first leaf: the manifest as canonical JSON without its root. */
export function canonicalManifest(manifest: ModelManifest): Uint8Array {
  const { root: _root, ...rest } = manifest;
  return utf8(canonicalJson(rest as unknown as Json));
}

const text = textField(MAX_TEXT);
const filled: Field<string> = (value) => text(value) || undefined;
const version = matching(VERSION);

const file: Field<ManifestFile> = (value) =>
  parseMembers(
    value,
    { path: filled, bytes: positive(MAX_BYTES), sha256: hexField(32) },
    "manifest.files[]",
    malformed,
  );

const dimension: Field<number> = (value) => (value === -1 ? -1 : positive(Number.MAX_SAFE_INTEGER)(value));

/** Only the first dimension may be free. */
const shape: Field<readonly number[]> = (value) => {
  const dimensions = listField(MAX_RANK, dimension)(value);
  return dimensions !== undefined && dimensions.lastIndexOf(-1) <= 0 ? dimensions : undefined;
};

const spec: Field<TensorSpec> = (value) =>
  parseMembers(
    value,
    { name: filled, datatype: (name) => (isDatatype(name) ? name : undefined), shape },
    "manifest tensor",
    malformed,
  );

const runtime: Field<RuntimeSpec> = (value) =>
  parseMembers(
    value,
    {
      engine: oneOf("onnxruntime"),
      version,
      executionProvider: oneOf("cpu"),
      intraOpThreads: positive(256),
      graphOptimization: oneOf("disabled", "basic", "extended", "all"),
    },
    "manifest.runtime",
    malformed,
  );

const limits: Field<ModelLimits> = (value) =>
  parseMembers(
    value,
    { maxRequestBytes: positive(MAX_BYTES), maxBatch: positive(2 ** 20), timeoutMs: positive(3_600_000) },
    "manifest.limits",
    malformed,
  );

const evaluation: Field<Evaluation> = (value) => {
  const stated = parseMembers(
    value,
    {
      heldOut: filled,
      heldOutSha256: hexField(32),
      samples: positive(Number.MAX_SAFE_INTEGER),
      correct: integerField(Number.MAX_SAFE_INTEGER),
      accuracy: (number: unknown) => (typeof number === "number" ? number : undefined),
      seed: integerField(2 ** 32 - 1),
    },
    "manifest.evaluation",
    malformed,
  );
  return stated.correct <= stated.samples && stated.accuracy === stated.correct / stated.samples ? stated : undefined;
};

const FIELDS = {
  schema: oneOf(MANIFEST_SCHEMA),
  name: matching(NAME),
  version,
  description: filled,
  files: listField(MAX_FILES, file),
  graph: filled,
  inputs: listField(MAX_TENSORS, spec),
  outputs: listField(MAX_TENSORS, spec),
  runtime,
  limits,
  privacy: (value: unknown) => (value === null ? null : parsePrivacyPolicy(value)),
};

const OPTIONAL_FIELDS = { labels: listField(MAX_FILES, filled), evaluation, root: hexField(32) };

function checkPaths(paths: readonly string[]): void {
  const unsafe = paths.find((path) => path.length > 255 || !path.split("/").every((part) => PATH_PART.test(part)));
  if (unsafe !== undefined) throw malformed(`the path ${JSON.stringify(unsafe)} is not allowed in a package`);
  // Two names that differ in case only are one file on some systems, and one of them could be the manifest.
  const folded = [MANIFEST_FILE, ...paths].map((path) => path.toLowerCase());
  if (new Set(folded).size !== folded.length) throw malformed("a path stands twice in the manifest's files");
}

function checkNames(specs: readonly TensorSpec[], member: string): void {
  if (specs.length === 0) throw malformed(`manifest.${member} is empty`);
  if (new Set(specs.map((spec) => spec.name)).size !== specs.length)
    throw malformed(`manifest.${member} has a name twice`);
}

function positive(max: number): Field<number> {
  return (value) => integerField(max)(value) || undefined;
}

function matching(pattern: RegExp): Field<string> {
  return (value) => (typeof value === "string" && pattern.test(value) ? value : undefined);
}

function oneOf<const T extends string | null>(...values: readonly T[]): Field<T> {
  return (value) => values.find((candidate) => candidate === value);
}

function malformed(message: string): ModelError {
  return new ModelError("MODEL_MALFORMED", message);
}
