/** Evidence that is accepted as it stands, one of each family and version, for changes that must all be refused. */
import { generateKeyPairSync, sign } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { verifyVector, parseManifest, type Vector } from "../../offchain/verifier/conformance.ts";
import type { VectorResult } from "../../offchain/verifier/conformance-kinds.ts";
import { verifyDeviceTokens } from "../../offchain/verifier/verify-token.ts";
import { formOf, type Form } from "./forms.ts";

/** The bytes of evidence and endorsements by role. */
export type Parts = Readonly<Record<string, Uint8Array>>;

/** What is changed, and who judges it. */
export interface Subject {
  readonly name: string;
  /** What vendor or device signed, by role; the trust root is not among them. */
  readonly parts: Parts;
  readonly forms: Readonly<Record<string, Form>>;
  /** Nothing is remembered from one call to the next. */
  readonly verify: (parts: Parts) => Promise<VectorResult>;
}

/** Name to the vector's id. */
const VECTORS: Readonly<Record<string, string>> = {
  "SGX v3": "intel-sgx-v3-b69ac41b-ev21-2026-08-11",
  "SGX v4": "syn-a-sgx-v4-valid-v4",
  "SGX v5": "syn-a-sgx-v5-valid-v5",
  "TDX v4": "intel-tdx-v4-f1c85033-ev19-2026-08-26",
  "TDX v5, TD 1.0": "syn-a-tdx-v5-td10-valid",
  "TDX v5, TD 1.5": "intel-tdx-v5-cf77a6e9-ev18-2026-03-31",
  "SEV-SNP v2, Milan": "sev-snp-v2-milan-vcek-120d77b2",
  "SEV-SNP v3, Milan, with CRL": "sev-snp-v3-milan-vcek-e75e8d4e-with-crl",
  "SEV-SNP v3, Genoa, with CRL": "sev-snp-v3-genoa-vcek-227a641d-with-crl",
  "SEV-SNP v5, Genoa": "sev-snp-v5-genoa-vcek-8fd94192",
  "SEV-SNP v5, Turin": "sev-snp-v5-turin-vcek-85da705e",
  "SEV-SNP v3, Milan, VLEK": "sev-snp-v3-milan-vlek-decdab94",
  Nitro: "aws-nitro-2024-11-30-69d51f98",
  "NVIDIA Hopper": "nvidia-hopper-000f65b0",
  "NVIDIA Blackwell": "nvidia-blackwell-5fec340f",
  "NVIDIA switch": "nvidia-ls10-352fc991",
  "NVIDIA manifest": "nvidia-rim-nv_gpu_driver_gh100_550.144.03",
  "Arm CCA, first profile": "arm-cca-0400873f",
  "Arm CCA, draft profile": "arm-cca-70a46f08",
};

/** The token of NVIDIA's service needs no vector: none of its keys is public. */
export async function loadSubjects(directory: string): Promise<readonly Subject[]> {
  const manifest = join(directory, "manifest.json");
  if (!existsSync(manifest)) throw new Error(`no ${manifest}: say where the vectors are with CLOISTER_VECTORS`);
  const vectors = parseManifest(JSON.parse(await readFile(manifest, "utf8")), Date.now());
  const subjects = Object.entries(VECTORS).map(([name, id]) => {
    const vector = vectors.find((candidate) => candidate.id === id);
    if (vector === undefined) throw new Error(`${manifest} has no vector ${id}`);
    return subjectOf(name, vector, directory);
  });
  return [...(await Promise.all(subjects)), tokenSubject()];
}

async function subjectOf(name: string, vector: Vector, directory: string): Promise<Subject> {
  const read = async (path: string): Promise<Uint8Array> => new Uint8Array(await readFile(join(directory, path)));
  const entries = Object.entries(vector.files).map(async ([role, path]) => [role, await read(path)] as const);
  const { trustRoot, ...parts } = Object.fromEntries(await Promise.all(entries)) as Record<string, Uint8Array>;
  const root = trustRoot === undefined ? {} : { trustRoot };
  const verify = async (given: Parts): Promise<VectorResult> => {
    const result = await verifyVector(vector, { ...given, ...root });
    if (result === undefined) throw new Error(`${vector.id} is of a kind that is not supported`);
    return result;
  };
  return { name, parts, forms: formsOf(parts), verify };
}

/** A token under a key of our own, as the service signs one. */
function tokenSubject(): Subject {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-384" });
  const now = Date.UTC(2026, 0, 15);
  const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const payload = {
    iss: "https://nras.attestation.nvidia.com",
    eat_nonce: "ab".repeat(32),
    iat: now / 1000 - 60,
    nbf: now / 1000 - 60,
    exp: now / 1000 + 3600,
    measres: "success",
    secboot: true,
    dbgstat: "disabled",
    "x-nvidia-gpu-attestation-report-signature-verified": true,
  };
  const signed = `${encode({ kid: "test", alg: "ES384" })}.${encode(payload)}`;
  const signature = sign("sha384", Buffer.from(signed), { key: privateKey, dsaEncoding: "ieee-p1363" });
  const parts = { token: new Uint8Array(Buffer.from(`${signed}.${signature.toString("base64url")}`)) };
  const keys = Buffer.from(JSON.stringify({ keys: [{ ...publicKey.export({ format: "jwk" }), kid: "test" }] }));
  const options = { keys, now, expectedNonce: Buffer.alloc(32, 0xab) };
  const verify = async ({ token = new Uint8Array() }: Parts): Promise<VectorResult> => ({
    ...(await verifyDeviceTokens({ token }, options)),
    claims: null,
  });
  return { name: "NVIDIA token, key of our own", parts, forms: formsOf(parts), verify };
}

function formsOf(parts: Parts): Readonly<Record<string, Form>> {
  return Object.fromEntries(Object.entries(parts).map(([role, bytes]) => [role, formOf(role, bytes)]));
}
