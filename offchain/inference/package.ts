import { open, readFile, realpath } from "node:fs/promises";
import { join, sep } from "node:path";
import type { Hex } from "../encoding/bytes.ts";
import { ModelError } from "../errors.ts";
import type { ManifestFile } from "../model/manifest.ts";
import { MANIFEST_FILE, parseManifest } from "../model/manifest.ts";
import type { ModelPackage } from "../model/package.ts";
import { verifyPackage } from "../model/package.ts";

const MAX_MANIFEST_BYTES = 1_048_576;

/**
 * Reads a package from a directory and verifies every length, every digest and the root; throws `MODEL_MALFORMED` for the
 * manifest and `MODEL_MISMATCH` for the rest. Files that the manifest does not name are not read.
 */
export async function loadPackage(dir: string, expectedRoot?: Hex): Promise<ModelPackage> {
  const manifest = parseManifest(await readManifest(dir));
  const files = new Map<string, Uint8Array>();
  for (const file of manifest.files) files.set(file.path, await readNamed(dir, file));
  return verifyPackage(manifest, files, expectedRoot);
}

async function readManifest(dir: string): Promise<Uint8Array> {
  try {
    const bytes = await readFile(join(dir, MANIFEST_FILE));
    if (bytes.length <= MAX_MANIFEST_BYTES) return bytes;
  } catch (cause) {
    throw new ModelError("MODEL_MALFORMED", `${join(dir, MANIFEST_FILE)} cannot be read`, { cause });
  }
  throw new ModelError("MODEL_MALFORMED", `${join(dir, MANIFEST_FILE)} is too large`);
}

async function readNamed(dir: string, file: ManifestFile): Promise<Uint8Array> {
  const handle = await openInside(dir, file.path);
  try {
    // The length is compared before anything is read, so that a wrong file cannot fill the memory.
    const stat = await handle.stat();
    if (!stat.isFile() || stat.size !== file.bytes)
      throw new ModelError("MODEL_MISMATCH", `${file.path} is no file of ${file.bytes} bytes`);
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}

async function openInside(dir: string, path: string): ReturnType<typeof open> {
  const [root, real] = await Promise.all([realpath(dir), realpath(join(dir, path))]).catch((cause: unknown) => {
    throw new ModelError("MODEL_MISMATCH", `${path} is missing`, { cause });
  });
  if (!real.startsWith(root + sep)) throw new ModelError("MODEL_MISMATCH", `${path} leads out of the package`);
  return open(real, "r");
}
