import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { DcapEndorsements } from "../../offchain/evidence/dcap/endorsements.ts";
import type { TrustRoot } from "../../offchain/evidence/scheme.ts";
import { endorsementsFor, issueCollateral } from "../../offchain/device/simulated/intel/collateral.ts";
import { provisionPlatform } from "../../offchain/device/simulated/intel/platform.ts";
import { simulatedDevice } from "../../offchain/device/simulated/intel/quote.ts";
import { createSimulatedVendor, simulatedTrustRoot } from "../../offchain/device/simulated/intel/vendor.ts";
import { toHex, type Hex } from "../../offchain/encoding/bytes.ts";
import { parseManifest } from "../../offchain/verifier/conformance.ts";
import { INTEL_ROOT } from "../../offchain/verifier/trust-roots.ts";

/** Evidence to measure with, and that of another platform under the same authorities. */
export interface Subject {
  readonly name: string;
  readonly quote: Uint8Array;
  readonly otherQuote: Uint8Array;
  readonly endorsements: DcapEndorsements;
  readonly trustRoot: TrustRoot;
  /** The root's certificate in DER; undefined for Intel's own. */
  readonly rootCertificate: Uint8Array | undefined;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** Real evidence by the ids of its vectors, each with another platform's of the same PCK authority. */
const VECTORS = [
  ["SGX v3", "intel-sgx-v3-b69ac41b-ev21-2026-08-11", "intel-sgx-v3-ba71c6bc-ev21-2026-08-11"],
  ["TDX v4", "intel-tdx-v4-f1c85033-ev19-2026-08-26", "intel-tdx-v4-3ab56d67-ev19-2026-08-26"],
  ["TDX v5", "intel-tdx-v5-cf77a6e9-ev18-2026-03-31", "intel-tdx-v4-509f50f8-ev18-2026-03-31"],
] as const;

/** Real evidence where the shared vectors are (`CLOISTER_VECTORS`), simulated evidence otherwise. */
export async function loadSubjects(): Promise<{ readonly real: boolean; readonly subjects: readonly Subject[] }> {
  const directory = resolve(process.env["CLOISTER_VECTORS"] ?? "../shared/vectors");
  const real = existsSync(join(directory, "manifest.json"));
  return { real, subjects: real ? await realSubjects(directory) : await simulatedSubjects() };
}

async function realSubjects(directory: string): Promise<readonly Subject[]> {
  const read = async (path: string): Promise<Uint8Array> => new Uint8Array(await readFile(join(directory, path)));
  const manifest = parseManifest(JSON.parse(await readFile(join(directory, "manifest.json"), "utf8")), 0);
  const vectorOf = (id: string) => {
    const vector = manifest.find((candidate) => candidate.id === id);
    if (vector === undefined) throw new Error(`${directory} has no vector ${id}`);
    return vector;
  };
  return Promise.all(
    VECTORS.map(async ([name, id, otherId]): Promise<Subject> => {
      const { files, now } = vectorOf(id);
      const { quote = "", ...rest } = files;
      const parts = await Promise.all(Object.entries(rest).map(async ([role, path]) => [role, await read(path)]));
      return {
        name,
        quote: await read(quote),
        otherQuote: await read(vectorOf(otherId).files["quote"] ?? ""),
        endorsements: Object.fromEntries(parts) as DcapEndorsements,
        trustRoot: INTEL_ROOT,
        rootCertificate: undefined,
        now,
      };
    }),
  );
}

async function simulatedSubjects(): Promise<readonly Subject[]> {
  const now = Date.now();
  const vendor = createSimulatedVendor({ now });
  const filled = (length: number): Hex => toHex(new Uint8Array(length).fill(1));
  const [short, long] = [filled(32), filled(48)];
  const registers = { mrtd: long, rtmr0: long, rtmr1: long, rtmr2: long, rtmr3: long };
  const configuration = { mrconfigid: long, mrowner: long, mrownerconfig: long };
  const measurements = { mrenclave: short, mrsigner: short, ...registers, ...configuration };
  const quoteOf = (platform: ReturnType<typeof provisionPlatform>): Promise<Uint8Array> =>
    simulatedDevice(platform, measurements).quote(new Uint8Array(64));
  return Promise.all(
    (["intel-sgx", "intel-tdx"] as const).map(async (tee): Promise<Subject> => {
      const platform = provisionPlatform(vendor, { tee, now, name: "measured" });
      return {
        name: tee === "intel-sgx" ? "simulated SGX v3" : "simulated TDX v4",
        quote: await quoteOf(platform),
        otherQuote: await quoteOf(provisionPlatform(vendor, { tee, now, name: "another" })),
        endorsements: endorsementsFor(issueCollateral(vendor, { now }), platform),
        trustRoot: simulatedTrustRoot(vendor),
        rootCertificate: Buffer.from(vendor.certificates.root.slice(2), "hex"),
        now,
      };
    }),
  );
}
