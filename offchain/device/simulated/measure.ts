/** Measures a worker as a simulated machine does before it starts it; docs/simulated.md has the recipe. */
import { readFile } from "node:fs/promises";
import { posix } from "node:path";
import { keccak256, sha256, sha384 } from "#crypto";
import { concat, parseHex, toHex, utf8 } from "../../encoding/bytes.ts";
import type { Hex } from "../../encoding/bytes.ts";
import { canonicalJson } from "../../encoding/json.ts";
import type { Json } from "../../encoding/json.ts";
import { ConfigError } from "../../errors.ts";

/** What evidence says of a worker: 32 bytes for the two of SGX, 48 bytes for those of TDX, SEV-SNP and Nitro Enclaves. */
export interface WorkerMeasurements {
  readonly mrenclave: Hex;
  readonly mrsigner: Hex;
  readonly mrtd: Hex;
  readonly mrconfigid: Hex;
  readonly mrowner: Hex;
  readonly mrownerconfig: Hex;
  readonly rtmr0: Hex;
  readonly rtmr1: Hex;
  readonly rtmr2: Hex;
  readonly rtmr3: Hex;
  /** Of SEV-SNP. */
  readonly measurement: Hex;
  /** Of Nitro Enclaves: the image, what it starts with, the application. */
  readonly pcr0: Hex;
  readonly pcr1: Hex;
  readonly pcr2: Hex;
}

/** One file of a program, by its path from the root with forward slashes. */
export interface SourceFile {
  readonly path: string;
  /** Without 0x. */
  readonly sha384: string;
}

export interface Program {
  /** The directory of `package.json` and `package-lock.json`. */
  readonly root: string;
  /** The path of the first file from the root, such as `offchain/worker/main.ts`. */
  readonly entry: string;
}

const ZERO_48 = new Uint8Array(48);
/** Static and dynamic imports, and files opened beside the module; matching too much only measures more. */
const REFERENCES = [
  /\bfrom\s*["']([^"']+)["']/g,
  /\bimport\s*["']([^"']+)["']/g,
  /\bimport\s*\(\s*["']([^"']+)["']/g,
  /\bnew URL\(\s*["']([^"']+)["']\s*,\s*import\.meta\.url/g,
];
const UNFOLLOWED = /\bimport\s*\(\s*[^"'\s]/;

/**
 * Measures a program, its lock file and its configuration; throws ConfigError `CONFIG_MISSING` where a file cannot be read and
 * `CONFIG_INVALID` where an import leaves the root or cannot be followed.
 */
export async function measureWorker(worker: Program & { readonly configuration: Json }): Promise<WorkerMeasurements> {
  const sources = await programSources(worker);
  const list = sources.map(({ path, sha384 }) => `${sha384}  ${path}\n`).join("");
  const lockFile = await readFrom(worker.root, "package-lock.json");
  const mrtd = sha384(utf8("cloister/simulated/measurement/v1"));
  const rtmr0 = extend(sha384(utf8(normalPath(worker.entry))));
  const rtmr1 = extend(sha384(lockFile));
  const rtmr2 = extend(sha384(utf8(list)));
  const rtmr3 = extend(sha384(utf8(canonicalJson(worker.configuration))));
  const zero = toHex(ZERO_48);
  const pcr1 = extend(sha384(mrtd, rtmr1));
  const pcr2 = extend(sha384(rtmr0, rtmr2, rtmr3));
  return {
    mrenclave: toHex(sha256(mrtd, rtmr0, rtmr1, rtmr2, rtmr3)),
    mrsigner: toHex(sha256(utf8("SIMULATED Cloister enclave signer"))),
    mrtd: toHex(mrtd),
    mrconfigid: zero,
    mrowner: zero,
    mrownerconfig: zero,
    rtmr0: toHex(rtmr0),
    rtmr1: toHex(rtmr1),
    rtmr2: toHex(rtmr2),
    rtmr3: toHex(rtmr3),
    measurement: toHex(sha384(mrtd, rtmr0, rtmr1, rtmr2, rtmr3)),
    pcr0: toHex(extend(sha384(pcr1, pcr2))),
    pcr1: toHex(pcr1),
    pcr2: toHex(pcr2),
  };
}

/** Platforms whose machines can be simulated as nodes. */
export const SIMULATED_PLATFORMS = ["intel-sgx", "intel-tdx", "amd-sev-snp", "aws-nitro"] as const;

export type SimulatedPlatform = (typeof SIMULATED_PLATFORMS)[number];

/** The platform's number and the measurements that identify code on it, in order. @see docs/protocol.md section 1 */
const WORKLOADS: Readonly<Record<SimulatedPlatform, readonly [number, ...(keyof WorkerMeasurements)[]]>> = {
  "intel-sgx": [1, "mrenclave"],
  "intel-tdx": [2, "mrtd", "mrconfigid", "mrowner", "mrownerconfig", "rtmr0", "rtmr1", "rtmr2", "rtmr3"],
  "amd-sev-snp": [3, "measurement"],
  "aws-nitro": [4, "pcr0", "pcr1", "pcr2"],
};

/** The workload id under which the chain knows measured code on a platform. */
export function workloadIdOf(platform: SimulatedPlatform, measurements: WorkerMeasurements): Hex {
  const [prefix, ...names] = WORKLOADS[platform];
  const measured = names.map((name) => parseHex(measurements[name]) ?? new Uint8Array(0));
  return toHex(keccak256(Uint8Array.of(prefix), concat(...measured)));
}

/** The workload ids of measured code on every platform. */
export function workloadIds(measurements: WorkerMeasurements): Readonly<Record<SimulatedPlatform, Hex>> {
  const of = (platform: SimulatedPlatform): Hex => workloadIdOf(platform, measurements);
  return {
    "intel-sgx": of("intel-sgx"),
    "intel-tdx": of("intel-tdx"),
    "amd-sev-snp": of("amd-sev-snp"),
    "aws-nitro": of("aws-nitro"),
  };
}

/** The files that a program consists of, in ascending order of their paths: the entry and everything it imports from the root. */
export async function programSources(program: Program): Promise<readonly SourceFile[]> {
  const aliases = await importAliases(program.root);
  const found = new Map<string, string>();
  const waiting = [normalPath(program.entry)];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (found.has(path)) continue;
    const bytes = await readFrom(program.root, path);
    found.set(path, toHex(sha384(bytes)).slice(2));
    waiting.push(...referencesOf(path, bytes, aliases));
  }
  const paths = [...found.keys()].sort((a, b) => (a < b ? -1 : 1));
  return paths.map((path) => ({ path, sha384: found.get(path) ?? "" }));
}

/**
 * A register that starts at zero, extended once; PCRs are extended in the same way.
 * @see Intel TDX Module Base Architecture Specification, section 12.2.2, RTMR; AWS Nitro Enclaves, PCRs
 */
function extend(digest: Uint8Array): Uint8Array {
  return sha384(ZERO_48, digest);
}

function referencesOf(path: string, bytes: Uint8Array, aliases: ReadonlyMap<string, string>): string[] {
  if (!/\.[cm]?[jt]s$/.test(path)) return [];
  const text = new TextDecoder().decode(bytes);
  if (UNFOLLOWED.test(text)) throw invalid(`${path} has an import whose target is not written out`);
  const specifiers = REFERENCES.flatMap((pattern) => [...text.matchAll(pattern)].map((match) => match[1] ?? ""));
  return specifiers.flatMap((specifier) => {
    const alias = aliases.get(specifier);
    if (alias !== undefined) return [normalPath(alias)];
    if (specifier.startsWith("#")) throw invalid(`${path} imports ${specifier}, which package.json does not name`);
    return specifier.startsWith(".") ? [normalPath(posix.join(posix.dirname(path), specifier))] : [];
  });
}

/** The `imports` of package.json; of conditions the default. */
async function importAliases(root: string): Promise<ReadonlyMap<string, string>> {
  const text = new TextDecoder().decode(await readFrom(root, "package.json"));
  const { imports = {} } = JSON.parse(text) as { imports?: Record<string, string | { default: string }> };
  return new Map(
    Object.entries(imports).map(([name, target]) => [name, typeof target === "string" ? target : target.default]),
  );
}

function normalPath(path: string): string {
  const normal = posix.normalize(path);
  if (normal.startsWith("../") || posix.isAbsolute(normal)) throw invalid(`${path} leaves the root`);
  return normal;
}

async function readFrom(root: string, path: string): Promise<Uint8Array> {
  try {
    return await readFile(posix.join(root.replaceAll("\\", "/"), path));
  } catch (cause) {
    throw new ConfigError("CONFIG_MISSING", `${path} cannot be read, so the worker cannot be measured`, { cause });
  }
}

function invalid(message: string): ConfigError {
  return new ConfigError("CONFIG_INVALID", message);
}
