import type { Command } from "commander";
import { readProfile } from "../client/profile.ts";
import { endorsementsOfNode } from "../endorsements/node.ts";
import { VENDOR_SERVICES } from "../endorsements/services.ts";
import { createEndorsementSource } from "../endorsements/source.ts";
import { ConfigError, EvidenceError } from "../errors.ts";
import { fetchBytes } from "../http/fetch.ts";
import type { NodeEndorsements } from "../verifier/family.ts";
import type { Policy } from "../verifier/policy-layers.ts";
import type { AttestationResult } from "../verifier/result.ts";
import { partsOf } from "../verifier/ear.ts";
import { trustworthinessOf } from "../verifier/trustworthiness.ts";
import { addressArgument, chainIdArgument, collected, timeArgument } from "./arguments.ts";
import { checkLines, SIMULATED_LINE } from "./checks.ts";
import { addExplain } from "./explain.ts";
import { addInspect } from "./inspect.ts";
import { signedReport, tokenReport } from "./ear.ts";
import { readEvidence, type GivenEvidence } from "./evidence-input.ts";
import type { Report, Session } from "./session.ts";
import { readTrust, type TrustOptions } from "./trust.ts";
import { verb } from "./verb.ts";
import { domainOf, givenEndorsements, isAcceptable, verifyGiven, type RegistryOptions } from "./verification.ts";

interface Options extends TrustOptions, RegistryOptions {
  readonly endorsements?: string;
  readonly fetch?: boolean;
  readonly profile?: string;
  /** Milliseconds since 1970. */
  readonly now?: number;
  /** Milliseconds since 1970. */
  readonly madeAt?: number;
  readonly ear?: boolean;
  readonly key?: string;
  readonly signEar?: string;
}

/** Adds `evidence verify`, `inspect` and `explain`. */
export function addEvidence(program: Command, session: Session): void {
  const evidence = program.command("evidence").description("hardware evidence by itself");
  verb(evidence, "verify", {
    description: "verify and appraise raw evidence, or what a worker says of itself; the format is found by itself",
    example: "cloister evidence verify quote.bin --endorsements collateral/ --now 2026-02-11T09:25:52Z",
  })
    .argument("<file>", "evidence, raw or in hex or base64, or the JSON of a worker's GET /v1/evidence")
    .option("--endorsements <path>", "directory or file with the vendor's signed material")
    .option("--fetch", "ask the vendors' services for what is not given")
    .option("--profile <file>", "the network whose services to ask with --fetch; the vendors' own where not given")
    .option("--policy <file>", "appraisal policy, JSON; the default policy where not given")
    .option("--trust-root <file>", "a root to trust beside the vendors', JSON or certificate; repeatable", collected)
    .option("--now <time>", "the time to verify at, ISO 8601; the clock's where not given", timeArgument)
    .option("--made-at <time>", "when the evidence was made, for a policy's maximumEvidenceAge, ISO 8601", timeArgument)
    .option("--registry <address>", "the NodeRegistry that a worker's keys must be bound for", addressArgument)
    .option("--chain-id <id>", "the registry's chain", chainIdArgument)
    .option("--sign-ear <file>", "print the result as an EAR token, signed with this private key on P-256 or P-384")
    .option("--ear", "the file is an EAR token: verify it with --key")
    .option("--key <file>", "the public key of the verifier that signed the token, PEM or JWK")
    .action(async (file: string, options: Options) => session.conclude(await verifyAny(file, options, session)));
  addInspect(evidence, session);
  addExplain(evidence, session);
}

async function verifyAny(file: string, options: Options, session: Session): Promise<Report> {
  const { ear = false, key, now = Date.now(), signEar } = options;
  if (ear !== (key !== undefined) || (ear && signEar !== undefined)) {
    throw new ConfigError("CONFIG_INVALID", "--ear and --key go together, and not with --sign-ear");
  }
  if (key !== undefined) return tokenReport(file, key, now);
  const { result, policy } = await verifyFile(file, { ...options, now });
  const exit = isAcceptable(result) ? 0 : 1;
  if (signEar !== undefined) return signedReport(result, { policy, now, keyFile: signEar, session, exit });
  const trustworthiness = partsOf(result).map(({ label, ...part }) => [label, trustworthinessOf(part)]);
  const json = { ...result, trustworthiness: Object.fromEntries(trustworthiness) as unknown };
  return { exit, json, lines: resultLines(result) };
}

/** Verifies the evidence in a file. */
async function verifyFile(file: string, options: Options): Promise<{ result: AttestationResult; policy: Policy }> {
  const given = readEvidence(file);
  const domain = domainOf(options);
  const { madeAt, now = Date.now() } = options;
  const trust = readTrust(options);
  const endorsements = await fetchedOf(given, options, now);
  const verification = { ...trust, now, endorsements, ...(madeAt === undefined ? {} : { evidenceTime: madeAt }) };
  return { result: await verifyGiven(given, domain, verification), policy: trust.policy };
}

/** What is given and, with `--fetch`, what the vendors' services say beside it; none for evidence that cannot be parsed. */
async function fetchedOf(
  { evidence, devices }: GivenEvidence,
  options: Options,
  now: number,
): Promise<NodeEndorsements> {
  const own = await givenEndorsements(options.endorsements, { evidence, devices }, now);
  if (options.fetch !== true) return own;
  const services = options.profile === undefined ? VENDOR_SERVICES : readProfile(options.profile).endorsements;
  const source = createEndorsementSource({ services, fetch: fetchBytes, now: () => now });
  try {
    return await endorsementsOfNode({ evidence, devices }, (of, given = own) => source.endorsementsFor(of, given));
  } catch (error) {
    if (error instanceof EvidenceError) return own;
    throw error;
  }
}

function resultLines(result: AttestationResult): readonly string[] {
  const { claims, failures, platform, simulated, verdict } = result;
  const tcb = claims?.tcb === undefined ? "" : `, TCB ${claims.tcb.status}`;
  return [
    ...(simulated ? [SIMULATED_LINE] : []),
    `${verdict}  ${platform ?? "unknown format"}${tcb}`,
    ...checkLines(result.checks),
    ...failures.map(({ code, id, detail }) => `${verdict} because of ${id}, ${code}: ${detail}`),
  ];
}
