import { sha256 } from "#crypto";
import type { Hex } from "../encoding/bytes.ts";
import { toHex } from "../encoding/bytes.ts";
import { ModelError } from "../errors.ts";
import type { ManifestFile, ModelManifest } from "./manifest.ts";
import { canonicalManifest } from "./manifest.ts";
import { merkleRoot } from "./merkle.ts";

const CHUNK_BYTES = 65_536;

/** The content of a package's files, by path; the manifest itself is not among them. */
export type PackageFiles = ReadonlyMap<string, Uint8Array>;

declare const verified: unique symbol;

/** A package whose files, lengths, digests and root hold; only `verifyPackage` can make one. */
export interface ModelPackage {
  readonly manifest: ModelManifest;
  readonly files: PackageFiles;
  /** The `ModelId`. */
  readonly root: Hex;
  readonly [verified]: true;
}

/**
 * The root (32 bytes) over a manifest and its files; a file that is missing throws `MODEL_MISMATCH`.
 * @see docs/protocol.md section 7
 */
export function packageRoot(manifest: ModelManifest, files: PackageFiles): Hex {
  const chunks = manifest.files.flatMap((file) => chunksOf(fileOf(files, file)));
  return toHex(merkleRoot([canonicalManifest(manifest), ...chunks]));
}

/**
 * Checks every file's length and digest, the root that the manifest states and the one expected; the first that differs
 * throws `MODEL_MISMATCH`, as does a file that the manifest does not name.
 */
export function verifyPackage(manifest: ModelManifest, files: PackageFiles, expectedRoot?: Hex): ModelPackage {
  for (const file of manifest.files) checkFile(file, fileOf(files, file));
  if (files.size !== manifest.files.length) throw mismatch("the package has a file that the manifest does not name");
  const root = packageRoot(manifest, files);
  for (const stated of [manifest.root, expectedRoot]) {
    if (stated !== undefined && stated !== root) throw mismatch(`the package's root is ${root}, not ${stated}`);
  }
  return { manifest, files, root } as ModelPackage;
}

function checkFile(file: ManifestFile, content: Uint8Array): void {
  if (content.length !== file.bytes) throw mismatch(`${file.path} has ${content.length} bytes, not ${file.bytes}`);
  const digest = toHex(sha256(content));
  if (digest !== file.sha256) throw mismatch(`${file.path} has the digest ${digest}, not ${file.sha256}`);
}

function fileOf(files: PackageFiles, file: ManifestFile): Uint8Array {
  const content = files.get(file.path);
  if (content === undefined) throw mismatch(`${file.path} is missing`);
  return content;
}

function chunksOf(content: Uint8Array): Uint8Array[] {
  const count = Math.ceil(content.length / CHUNK_BYTES);
  return Array.from({ length: count }, (_, index) => content.subarray(index * CHUNK_BYTES, (index + 1) * CHUNK_BYTES));
}

function mismatch(message: string): ModelError {
  return new ModelError("MODEL_MISMATCH", message);
}
