import type { Command } from "commander";
import { readProfile } from "../client/profile.ts";
import type { Hex } from "../encoding/bytes.ts";
import { endorsementsOfNode } from "../endorsements/node.ts";
import { VENDOR_SERVICES } from "../endorsements/services.ts";
import { createEndorsementSource } from "../endorsements/source.ts";
import { ConfigError, EvidenceError } from "../errors.ts";
import type { Check } from "../evidence/scheme.ts";
import type { RegistryDomain } from "../verifier/binding.ts";
import { fetchBytes } from "../http/fetch.ts";
import type { NodeEndorsements } from "../verifier/family.ts";
import type { NodeEvidence } from "../verifier/node-evidence.ts";
import type { Policy } from "../verifier/policy-layers.ts";
import type { AttestationResult } from "../verifier/result.ts";
import { verifyNodeEvidence } from "../verifier/verify-node.ts";
import { partsOf } from "../verifier/ear.ts";
import { trustworthinessOf } from "../verifier/trustworthiness.ts";
import type { VerifyNodeOptions } from "../verifier/verify-devices.ts";
import { verifyEvidence } from "../verifier/verify.ts";
import { addressArgument, chainIdArgument, collected, timeArgument } from "./arguments.ts";
import { checkLines, SIMULATED_LINE } from "./checks.ts";
import { addExplain } from "./explain.ts";
import { addInspect } from "./inspect.ts";
import { signedReport, tokenReport } from "./ear.ts";
import { readEvidence, type GivenEvidence } from "./evidence-input.ts";
import type { Report, Session } from "./session.ts";
import { readTrust, type TrustOptions } from "./trust.ts";
import { verb } from "./verb.ts";
import { endorsementsOf, isAcceptable } from "./verification.ts";

interface Options extends TrustOptions {
  readonly endorsements?: string;
  readonly fetch?: boolean;
  readonly profile?: string;
  /** Milliseconds since 1970. */
  readonly now?: number;
  readonly registry?: Hex;
  readonly chainId?: bigint;
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
  const { evidence, nodeEvidence } = given;
  const domain = domainOf(options);
  if (nodeEvidence === undefined && domain !== undefined) {
    throw new ConfigError("CONFIG_INVALID", `${file} is raw evidence: nothing in it says what --registry would check`, {
      next: "Give the JSON of a worker's GET /v1/evidence, or leave --registry and --chain-id out.",
    });
  }
  const now = options.now ?? Date.now();
  const trust = readTrust(options);
  const verification = { ...trust, now, endorsements: await fetchedOf(given, options, now) };
  const result =
    nodeEvidence === undefined
      ? await verifyEvidence(evidence, verification)
      : await verifyOfNode(nodeEvidence, domain, verification);
  return { result, policy: trust.policy };
}

/** What is given and, with `--fetch`, what the vendors' services say beside it; none for evidence that cannot be parsed. */
async function fetchedOf(
  { evidence, devices }: GivenEvidence,
  options: Options,
  now: number,
): Promise<NodeEndorsements> {
  const own = await endorsementsOfNode({ evidence, devices }, (of, given) =>
    endorsementsOf(options.endorsements, { evidence: of, now, ...(given && { given }) }),
  );
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

function domainOf({ registry, chainId }: Options): RegistryDomain | undefined {
  if (registry === undefined && chainId === undefined) return undefined;
  if (registry !== undefined && chainId !== undefined) return { chainId, verifyingContract: registry };
  throw new ConfigError("CONFIG_INVALID", "--registry and --chain-id go together");
}

/** A file alone does not say which registry its keys are for, and never how old its anchor is: both are told as not checked. */
async function verifyOfNode(
  nodeEvidence: NodeEvidence,
  domain: RegistryDomain | undefined,
  verification: VerifyNodeOptions,
): Promise<AttestationResult> {
  const result =
    domain === undefined
      ? await verifyEvidence(nodeEvidence.evidence, verification)
      : await verifyNodeEvidence(domain, nodeEvidence, verification);
  const { blockNumber } = nodeEvidence.anchor;
  const unchecked = [
    ...(domain === undefined ? [notRequired("binding", "--registry and --chain-id say what to check it against")] : []),
    ...(domain === undefined && nodeEvidence.devices.length > 0
      ? [notRequired("devices", "--registry and --chain-id say what their nonces are made of")]
      : []),
    notRequired("anchor", `a chain is needed to look at block ${blockNumber}`),
  ];
  return { ...result, checks: [...unchecked, ...result.checks] };
}

function notRequired(id: string, why: string): Check {
  return {
    id,
    outcome: "none",
    detail: `not checked and not required: ${why}`,
    reference: "docs/protocol.md section 3",
  };
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
