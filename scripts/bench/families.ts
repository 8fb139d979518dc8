/** Verification of the families beside DCAP, whose vendors' authorities sign with P-384 or RSA: CPU milliseconds by state of memory. */
import { generateKeyPairSync, sign, verify as verifySignature } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { parseDocument } from "../../offchain/evidence/nitro/document.ts";
import { parseManifest, type Vector } from "../../offchain/verifier/conformance.ts";
import type { Endorsements } from "../../offchain/verifier/family.ts";
import { DEFAULT_POLICY } from "../../offchain/verifier/policy.ts";
import { VENDOR_ROOTS } from "../../offchain/verifier/trust-roots.ts";
import { verifyEvidence } from "../../offchain/verifier/verify.ts";
import { ChainVerifier } from "../../offchain/x509/chain.ts";
import { parsePem } from "../../offchain/x509/pem.ts";
import type { Figure } from "../figures/report.ts";
import { figureOf, roundTo } from "../figures/report.ts";
import { cpuTimes, type Case } from "./clock.ts";

const BUDGET_MS = 20_000;

/** Evidence with its endorsements, and what to verify before so that its vendor's authorities are remembered. */
interface FamilySubject {
  readonly name: string;
  readonly evidence: Uint8Array;
  readonly endorsements: Endorsements;
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly remember: (chains: ChainVerifier) => Promise<unknown>;
  /** The most milliseconds with the vendor's authorities remembered, and with everything but the evidence remembered. */
  readonly targets: { readonly authorities: number; readonly all?: number };
}

type Files = Readonly<Record<string, Uint8Array>>;
type Build = (name: string, given: Given, other: Given) => FamilySubject;

interface Given {
  readonly files: Files;
  readonly now: number;
}

/** Name, vector, another vector of the same authorities (its own where none is needed), and how to verify. */
const SUBJECTS: readonly (readonly [string, string, string, Build])[] = [
  ["SEV-SNP v3, Milan", "sev-snp-v3-milan-vcek-e75e8d4e-with-crl", "sev-snp-v3-milan-vcek-14fd2b6e", sevSnp],
  ["SEV-SNP v5, Turin", "sev-snp-v5-turin-vcek-85da705e", "sev-snp-v5-turin-vcek-85da705e", sevSnp],
  ["Nitro document", "aws-nitro-2024-11-30-69d51f98", "aws-nitro-2024-11-30-69d51f98", nitro],
  ["NVIDIA Hopper report", "nvidia-hopper-000f65b0", "nvidia-hopper-000f65b0", nvidia],
  ["NVIDIA Blackwell report", "nvidia-blackwell-5fec340f", "nvidia-blackwell-5fec340f", nvidia],
];

/** Every figure of the families; none, with a notice, where there are no vectors. */
export async function benchFamilies(notice: (text: string) => void): Promise<readonly Figure[]> {
  const subjects = await loadFamilies();
  if (subjects.length === 0) notice("no shared vectors (CLOISTER_VECTORS): AMD, AWS and NVIDIA are not measured\n");
  const cases = [...(await Promise.all(subjects.map(casesOf))).flat(), floor()];
  const times = await cpuTimes(
    cases.map(({ subject }) => subject),
    subjects.length === 0 ? 0 : BUDGET_MS,
  );
  return cases.map(({ subject: { name }, target }) =>
    figureOf({ what: name, value: roundTo(times.get(name) ?? Number.NaN, 3), unit: "ms CPU" }, { target }),
  );
}

/** What every one of these families needs at least once, and what says how fast the machine is now. */
function floor(): { subject: Case; target: undefined } {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-384" });
  const message = new Uint8Array(700);
  const signature = sign("sha384", message, privateKey);
  const prepare = () => () => verifySignature("sha384", message, publicKey, signature);
  return { subject: { name: "one P-384 verification of OpenSSL, alone", prepare }, target: undefined };
}

async function casesOf(subject: FamilySubject): Promise<readonly { subject: Case; target: number | undefined }[]> {
  const { verdict, failures } = await verify(subject, new ChainVerifier());
  if (verdict !== "affirming" && verdict !== "warning") {
    throw new Error(`${subject.name} does not verify: ${failures.map(({ detail }) => detail).join("; ")}`);
  }
  const known = new ChainVerifier();
  await verify(subject, known);
  const withAuthorities = async (): Promise<ChainVerifier> => {
    const chains = new ChainVerifier();
    await subject.remember(chains);
    return chains;
  };
  const state = (name: string, chainsOf: () => ChainVerifier | Promise<ChainVerifier>, target?: number) => ({
    subject: {
      name: `${subject.name}, ${name}`,
      prepare: async () => {
        const chains = await chainsOf();
        return () => verify(subject, chains);
      },
    },
    target,
  });
  return [
    state("nothing remembered", () => new ChainVerifier()),
    state("vendor's authorities remembered", withAuthorities, subject.targets.authorities),
    state("known platform renews", () => known, subject.targets.all),
  ];
}

function verify({ evidence, endorsements, now }: FamilySubject, chains: ChainVerifier) {
  return verifyEvidence(evidence, { endorsements, trustRoots: VENDOR_ROOTS, now, policy: DEFAULT_POLICY, chains });
}

function sevSnp(name: string, { files, now }: Given, other: Given): FamilySubject {
  const { report: evidence = new Uint8Array(), ...parts } = files;
  const { vek: _vek, ...authorities } = parts;
  const { report: otherReport = new Uint8Array(), ...otherParts } = other.files;
  const subject = { name, evidence, endorsements: { sevSnp: parts }, now, targets: { authorities: 2, all: 0.6 } };
  const another = { evidence: otherReport, endorsements: { sevSnp: { ...otherParts, ...authorities } }, now };
  const remember = async (chains: ChainVerifier): Promise<unknown> => {
    if (other.files !== files) return verify({ ...subject, ...another, remember }, chains);
    const [ask = new Uint8Array(), ark = new Uint8Array()] = [parts["ask"], parts["ark"]];
    return rememberChain(chains, [...parsePem(ask, "CERTIFICATE"), ...parsePem(ark, "CERTIFICATE")], now);
  };
  return { ...subject, remember };
}

/** The root, the region and the zone; the instance and its enclave are new. */
function nitro(name: string, { files: { document = new Uint8Array() }, now }: Given): FamilySubject {
  const authorities = parseDocument(document).cabundle.slice(0, -1).toReversed();
  const remember = (chains: ChainVerifier): Promise<unknown> => rememberChain(chains, authorities, now);
  return { name, evidence: document, endorsements: {}, now, remember, targets: { authorities: 3 } };
}

/** The root, the chip family and the provisioner; the device's boot code and firmware are new. */
function nvidia(name: string, { files, now }: Given): FamilySubject {
  const { report: evidence = new Uint8Array(), certChain = new Uint8Array() } = files;
  const authorities = parsePem(certChain, "CERTIFICATE").slice(2);
  const remember = (chains: ChainVerifier): Promise<unknown> => rememberChain(chains, authorities, now);
  return { name, evidence, endorsements: { nvidia: { certChain } }, now, remember, targets: { authorities: 3.5 } };
}

function rememberChain(chains: ChainVerifier, ders: readonly Uint8Array[], now: number): Promise<unknown> {
  const certificates = chains.parseDer(ders);
  const algorithm = certificates[0]?.algorithm ?? "ecdsa-p384-sha384";
  return chains.verify(certificates, { roots: VENDOR_ROOTS, now, algorithm, maxLength: ders.length });
}

async function loadFamilies(): Promise<readonly FamilySubject[]> {
  const directory = resolve(process.env["CLOISTER_VECTORS"] ?? "../shared/vectors");
  const path = join(directory, "manifest.json");
  if (!existsSync(path)) return [];
  const manifest = parseManifest(JSON.parse(await readFile(path, "utf8")), Date.now());
  const given = async (id: string): Promise<Given> => {
    const vector = manifest.find((candidate) => candidate.id === id);
    if (vector === undefined) throw new Error(`${path} has no vector ${id}`);
    return { files: await filesOf(vector, directory), now: vector.now };
  };
  return Promise.all(
    SUBJECTS.map(async ([name, id, otherId, build]) => {
      const own = await given(id);
      return build(name, own, id === otherId ? own : await given(otherId));
    }),
  );
}

async function filesOf({ files }: Vector, directory: string): Promise<Files> {
  const { trustRoot: _root, ...parts } = files;
  const entries = Object.entries(parts).map(async ([role, path]) => {
    return [role, new Uint8Array(await readFile(join(directory, path)))] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}
