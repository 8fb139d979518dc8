import type { NewWorkload, PlatformPolicy } from "./reference-values.ts";
import { toHex, type Hex } from "../encoding/bytes.ts";
import { JsonFields } from "../encoding/fields.ts";
import { ConfigError } from "../errors.ts";

/** Everything that a deployment decides; durations are seconds, amounts the token's smallest unit. */
export interface DeployParameters {
  /** An existing ERC-20 token; null deploys the test token, on development networks only. */
  readonly token: Hex | null;
  /** Who proposes to the timelock and executes what has waited; an executor of zero lets anybody execute. */
  readonly proposers: readonly Hex[];
  readonly executors: readonly Hex[];
  /** May only remove, pause or lower. */
  readonly guardian: Hex;
  /** May only deny. */
  readonly community: Hex;
  readonly timelockDelay: number;
  readonly stakeThaw: number;
  /** Hundredths of a per cent. */
  readonly slashCapBps: number;
  readonly additionDelay: number;
  readonly minStake: bigint;
  readonly keyOverlap: number;
  readonly memberBond: bigint;
  readonly threshold: number;
  readonly channelThaw: number;
  /** How long a committee's verdict can be challenged, and a node with a new key waits; zero for no challenges. */
  readonly challengeWindow: number;
  /** What a challenger lays down. */
  readonly challengeBond: bigint;
  /** Time for the evidence of a challenged verdict, and after it for the decision. */
  readonly responseTime: number;
  /** How many members decide. */
  readonly appealSize: number;
  readonly members: readonly { readonly account: Hex; readonly endpoint: string }[];
  readonly platforms: readonly (PlatformPolicy & { readonly platform: number })[];
  readonly workloads: readonly NewWorkload[];
}

type Preset = Omit<DeployParameters, "token" | "proposers" | "executors" | "guardian" | "community">;

const HOUR = 3600;
const DAY = 24 * HOUR;
const TOKEN = 10n ** 18n;

/** What a public network gets where its parameters say nothing else. */
export const PRODUCTION: Preset = {
  timelockDelay: 2 * DAY,
  stakeThaw: 21 * DAY,
  slashCapBps: 5000,
  additionDelay: 2 * DAY,
  minStake: 1000n * TOKEN,
  keyOverlap: DAY,
  memberBond: 10_000n * TOKEN,
  threshold: 2,
  channelThaw: 3 * DAY,
  // Silence counts against the signers, and relayers do not answer challenges by themselves yet.
  challengeWindow: 0,
  challengeBond: 1000n * TOKEN,
  responseTime: DAY / 2,
  appealSize: 3,
  members: [],
  platforms: [],
  workloads: [],
};

/** Short waits, so that a development network can be tried out in one sitting. */
export const DEVNET: Preset = {
  ...PRODUCTION,
  timelockDelay: 0,
  stakeThaw: 60,
  additionDelay: 0,
  keyOverlap: 10 * 60,
  channelThaw: 2,
  responseTime: 20,
  appealSize: 1,
};

const NAMES = new Set([...Object.keys(PRODUCTION), "token", "proposers", "executors", "guardian", "community"]);
const MAX_SECONDS = 0xffff_ffff;

const invalid = (message: string): ConfigError => new ConfigError("CONFIG_INVALID", message);

/** Reads parameters from their JSON value over a preset; throws ConfigError `CONFIG_INVALID` for what is missing, wrong or unknown. */
export function parseDeployParameters(json: unknown, preset: Preset): DeployParameters {
  const fields = new JsonFields(json, "parameters", invalid);
  const unknown = fields.names().filter((name) => !NAMES.has(name));
  if (unknown.length > 0) throw invalid(`parameters has no ${unknown.join(", ")}`);
  const seconds = (name: NumberName): number => (fields.has(name) ? fields.uint(name, MAX_SECONDS) : preset[name]);
  const amount = (name: AmountName): bigint => (fields.has(name) ? fields.decimal(name) : preset[name]);
  return {
    token: fields.value("token") === null ? null : address(fields, "token"),
    proposers: addresses(fields, "proposers"),
    executors: addresses(fields, "executors"),
    guardian: address(fields, "guardian"),
    community: address(fields, "community"),
    timelockDelay: seconds("timelockDelay"),
    stakeThaw: seconds("stakeThaw"),
    slashCapBps: seconds("slashCapBps"),
    additionDelay: seconds("additionDelay"),
    minStake: amount("minStake"),
    keyOverlap: seconds("keyOverlap"),
    memberBond: amount("memberBond"),
    threshold: seconds("threshold"),
    channelThaw: seconds("channelThaw"),
    challengeWindow: seconds("challengeWindow"),
    challengeBond: amount("challengeBond"),
    responseTime: seconds("responseTime"),
    appealSize: seconds("appealSize"),
    members: fields.has("members") ? fields.fieldsList("members").map(member) : preset.members,
    platforms: fields.has("platforms") ? fields.fieldsList("platforms").map(platform) : preset.platforms,
    workloads: fields.has("workloads") ? fields.fieldsList("workloads").map(workload) : preset.workloads,
  };
}

type AmountName = { [K in keyof Preset]: Preset[K] extends bigint ? K : never }[keyof Preset];
type NumberName = { [K in keyof Preset]: Preset[K] extends number ? K : never }[keyof Preset];

function member(fields: JsonFields): DeployParameters["members"][number] {
  return { account: address(fields, "account"), endpoint: fields.text("endpoint") };
}

function platform(fields: JsonFields): DeployParameters["platforms"][number] {
  return {
    platform: fields.uint("platform", 255),
    tcbStatusMask: fields.uint("tcbStatusMask", 0xffff),
    minEvaluationNumber: fields.uint("minEvaluationNumber", MAX_SECONDS),
    ttl: fields.uint("ttl", MAX_SECONDS),
    maxEvidenceAge: fields.uint("maxEvidenceAge", MAX_SECONDS),
    accepted: fields.boolean("accepted"),
  };
}

function workload(fields: JsonFields): DeployParameters["workloads"][number] {
  const workloadId = toHex(fields.hex("workloadId", { prefix: true, length: 32 }));
  const requiresGpu = fields.has("requiresGpu") && fields.boolean("requiresGpu");
  return { workloadId, platform: fields.uint("platform", 255), requiresGpu };
}

function address(fields: JsonFields, name: string): Hex {
  return toHex(fields.hex(name, { prefix: true, length: 20 }));
}

function addresses(fields: JsonFields, name: string): readonly Hex[] {
  const list = fields
    .list(name)
    .map((item) => address(new JsonFields({ item }, `parameters.${name}`, invalid), "item"));
  if (list.length === 0) throw invalid(`parameters.${name} is empty`);
  return list;
}
